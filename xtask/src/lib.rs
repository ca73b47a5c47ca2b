//! The project's own commands (`cargo xtask …`) and the harness under them, which the tests of the whole
//! use too: every program started on loopback with its own tokens, databases, card readers and ports, and
//! ended again whatever happens.
//!
//! Light on purpose: this crate builds on a bare machine before anything is installed.

pub mod bench;
pub mod browser;
pub mod demo;
pub mod fault;
pub mod judge;
pub mod local;
pub mod manual;
pub mod port;
pub mod process;
pub mod report;
pub mod screens;
pub mod setup;
pub mod signals;
pub mod stack;
pub mod test;
pub mod text;
pub mod up;
pub mod window;
pub mod workspace;
