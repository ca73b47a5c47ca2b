//! The use-cases over a real database, a token in software and a clock that is
//! moved.

mod audit;
mod delta;
mod disclose;
mod issue;
mod lists;
mod register;
mod replace;
mod revoke;
mod revoke_online;
mod user_authentication;
