//! How far status nodes have read the feeds.

use diesel::prelude::*;

diesel::table! {
    status_lease (node, issuer) {
        node -> Text,
        issuer -> Text,
        place -> BigInt,
        renewal -> BigInt,
        renewed_at -> BigInt,
    }
}

/// One node's place in one issuer's feed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = status_lease)]
pub struct StatusLeaseRow {
    pub node: String,
    pub issuer: String,
    pub place: i64,
    pub renewal: i64,
    pub renewed_at: i64,
}
