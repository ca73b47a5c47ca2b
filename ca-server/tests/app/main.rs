//! The use-cases over a real database, a token in software and a clock that is
//! moved.

mod audit;
mod brake;
mod delta;
mod disclose;
mod enrol;
mod issue;
mod judges;
mod lists;
mod mode;
mod partition;
mod register;
mod register_feed;
mod replace;
mod retention;
mod revoke;
mod revoke_online;
mod status_memory;
mod stop;
mod user_authentication;
