//! What the prefecture's officers do on the command line. Each is audited under the
//! name `officer`.

pub mod audit;
pub mod masters;
pub mod officer;
pub mod registration;

/// A command's failure, shown with its causes.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;
