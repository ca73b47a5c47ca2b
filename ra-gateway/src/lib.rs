//! The prefecture's reception server (受付サーバ).

pub mod adapter;
pub mod port;
