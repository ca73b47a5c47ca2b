//! What officers decide at the console. `sealed` is sealed.

use diesel::prelude::*;

diesel::table! {
    officer_act (id) {
        id -> Binary,
        deed -> Text,
        subject -> Text,
        state -> Text,
        proposer -> Text,
        first_signature -> Nullable<Binary>,
        second -> Nullable<Text>,
        second_signature -> Nullable<Binary>,
        sealed -> Binary,
        outcome -> Nullable<Text>,
        made_at -> BigInt,
        since -> BigInt,
    }
}

/// One act.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = officer_act)]
pub struct OfficerActRow {
    pub id: Vec<u8>,
    pub deed: String,
    pub subject: String,
    pub state: String,
    pub proposer: String,
    pub first_signature: Option<Vec<u8>>,
    pub second: Option<String>,
    pub second_signature: Option<Vec<u8>>,
    pub sealed: Vec<u8>,
    pub outcome: Option<String>,
    pub made_at: i64,
    pub since: i64,
}
