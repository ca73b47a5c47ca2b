//! The till: its book, the close of day, corrections, and the month's remittance.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line of the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillEntry {
    /// Receipt number: municipality, fiscal year, running number.
    pub number: String,
    pub application: String,
    /// Kind of application.
    pub kind: String,
    /// In yen; below zero for a counter-entry.
    pub amount_yen: i64,
    /// The entry that this one takes back.
    pub counter_of: Option<String>,
    pub operator: String,
    pub at: String,
    /// `YYYY-MM-DD`
    pub booked_on: String,
}

/// The sums of one kind of application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KindTotalMessage {
    pub kind: String,
    pub taken: u32,
    pub taken_yen: i64,
    pub taken_back: u32,
    /// Positive.
    pub taken_back_yen: i64,
}

/// How a day was closed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DayCloseMessage {
    pub closed_at: String,
    pub operator: String,
    pub counted_yen: i64,
    /// Counted less booked.
    pub difference_yen: i64,
    /// Why there is a difference.
    pub reason: Option<String>,
}

/// `GET /v1/till` (the day to be closed next) and `GET /v1/till/{day}`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillDay {
    /// `YYYY-MM-DD`
    pub day: String,
    /// Today in Japan.
    pub today: String,
    pub entries: Vec<TillEntry>,
    pub totals: Vec<KindTotalMessage>,
    pub booked_yen: i64,
    /// Absent while the day is open.
    pub close: Option<DayCloseMessage>,
    /// The first open day with entries, where there is one.
    pub oldest_open: Option<String>,
    /// Applications that were handed over and whose fee was taken back by an entry of this
    /// day: nothing was paid for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed_over_unpaid: Vec<String>,
}

/// `POST /v1/till-closes`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillCloseRequest {
    pub day: String,
    /// Cash beyond the float.
    pub counted_yen: i64,
    /// Needed where the cash is not what was booked: 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Then too: a second person's approval of `till-difference`, its reference being day,
    /// counted and booked yen, each after a space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// `POST /v1/fee-corrections`: takes an entry back, whole (反対仕訳).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeeCorrectionRequest {
    /// The entry's number.
    pub number: String,
    /// 1 to 200 characters.
    pub reason: String,
    /// A second person's approval of `fee-correction` for the entry's application, its
    /// reference being the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// 16 bytes, hex: a repeat answers with the same entry.
    pub idempotency_key: String,
}

/// `GET /v1/fees/{number}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeeView {
    pub entry: TillEntry,
    /// The entry that took it back.
    pub countered_by: Option<String>,
    /// Taken back, it makes the fee of its application due again before the hand-over.
    #[serde(default)]
    pub due_again: bool,
    /// Its application was handed over: the fee does not become due again.
    #[serde(default)]
    pub handed_over: bool,
}

/// `POST /v1/remittances`, by a supervisor: the month becomes final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemittanceRequest {
    /// `YYYY-MM`
    pub month: String,
}

/// One day of a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemittanceDay {
    pub day: String,
    pub lines: u64,
    pub booked_yen: i64,
    pub counted_yen: i64,
}

/// `GET /v1/remittances/{month}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemittanceView {
    pub municipality: String,
    /// `YYYY-MM`
    pub month: String,
    pub totals: Vec<KindTotalMessage>,
    pub lines: u64,
    pub booked_yen: i64,
    /// Closed days with entries.
    pub days: Vec<RemittanceDay>,
    /// Why it cannot be remitted now: `not-over`, `day-open`.
    pub blocked: Option<String>,
    pub remitted_at: Option<String>,
    pub remitted_by: Option<String>,
}

// --------------------------------------------------------------- statistics

/// A count of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassCount {
    /// Kind of application, or ground.
    pub class: String,
    pub count: u32,
}

/// Waiting time from receipt to hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitingMessage {
    pub count: u32,
    pub median_s: u32,
    /// Nine of ten waited no longer.
    pub p90_s: u32,
}

/// A month's report of one municipality; every class is named, with 0 too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonthStatistics {
    pub month: String,
    /// Of certificates for signing in the class begins with their kind: `user-authentication.first`.
    pub issued: Vec<ClassCount>,
    /// At the window; those of the register and the governor are counted by the authority.
    pub revoked: Vec<ClassCount>,
    pub fees: Vec<KindTotalMessage>,
    pub waiting: Option<WaitingMessage>,
}

/// `GET /v1/statistics/{month}`: that month and the eleven before it, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatisticsView {
    pub municipality: String,
    pub months: Vec<MonthStatistics>,
}
