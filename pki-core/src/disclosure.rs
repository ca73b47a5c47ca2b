//! 開示請求 and 訂正等の請求 (Arts 29 to 31, Rules 32 and 33): what is asked on paper, until when
//! the answer is owed, and what may be decided. The window takes the request in and hands the
//! answer over; the governor (Art 29), or the designated certification body where the
//! prefecture has delegated to one (Arts 34, 53), decides.

mod case;
mod request;

pub use case::{
    Addressee, Case, Decision, Event, Extension, Happening, Receipt, Refusal, Step, Term,
};
pub use request::{
    Correction, Delivery, Identification, Person, Proxy, RequestContent, RequestFault, Wish,
};

/// Art 30: days in which the answer is owed, the day of the request counted.
pub const DAYS: u16 = 30;
/// The longest that an answer may be put off beyond the thirty days. The law names a date
/// to be told and no limit; a date further away is taken for a slip of the pen.
pub const EXTENSION_DAYS_MAX: u16 = 180;
/// A request on paper that is entered later than this after its day is refused: its clock
/// would have run out before anybody saw it.
pub const ENTRY_DAYS_MAX: u16 = 14;

#[cfg(test)]
mod tests;
