//! Events that are counted for the ministry.

use diesel::prelude::*;

diesel::table! {
    counted_event (application, event) {
        application -> Text,
        event -> Text,
        municipality -> Text,
        day -> Text,
        class -> Text,
        waited_s -> Nullable<BigInt>,
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = counted_event)]
pub struct CountedEventRow {
    pub application: String,
    pub event: String,
    pub municipality: String,
    /// `YYYY-MM-DD`
    pub day: String,
    pub class: String,
    pub waited_s: Option<i64>,
}
