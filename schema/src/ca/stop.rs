//! Stops of gateways, and their release.

use diesel::prelude::*;

diesel::table! {
    gateway_stop (id) {
        id -> Text,
        gateway -> Text,
        serial -> Text,
        application -> Text,
        terminal -> Text,
        operator -> Text,
        tripped_at -> BigInt,
        told_at -> BigInt,
        release -> Nullable<Binary>,
        released_at -> Nullable<BigInt>,
    }
}

/// One stop.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = gateway_stop)]
pub struct GatewayStopRow {
    pub id: String,
    pub gateway: String,
    pub serial: String,
    pub application: String,
    pub terminal: String,
    pub operator: String,
    pub tripped_at: i64,
    pub told_at: i64,
    /// JSON, as the gateway is given it.
    pub release: Option<Vec<u8>>,
    pub released_at: Option<i64>,
}
