//! The real program on a SoftHSM token: killed at any moment, its token taken
//! away, its callers not what they should be.

mod callers;
mod kill;
mod status;
mod token_away;

use ca_server::testing::room::Room;

/// A room of its own for each test.
fn room() -> Room {
    Room::new(env!("CARGO_BIN_EXE_ca-server"), None)
}
