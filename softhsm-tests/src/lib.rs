//! What the tests of the whole share; the stack itself is `xtask::stack`.

pub mod power;
