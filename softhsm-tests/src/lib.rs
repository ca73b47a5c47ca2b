//! What the tests of the whole share; the stack itself is `xtask::stack`.

pub mod judges;
pub mod login;
pub mod mtls;
pub mod officer;
pub mod pane;
pub mod power;
pub mod scene;
pub mod schemathesis;
pub mod tester;
