//! What the window PC and the kiosk have in common as local web servers: loopback
//! only, a secret for every start, answers of one form.

pub mod body;
pub mod command;
pub mod fence;
pub mod fields;
pub mod form;
pub mod problem;
pub mod serve;
pub mod upload;

pub use body::Body;
pub use fields::Fields;
pub use form::Form;
pub use problem::{Kind, Problem};
