//! Records of the authority are deleted when their years are over, each with a row that says
//! by which rule.

use jiff::SignedDuration;
use pki_core::{calendar::JapaneseDay, kept_paper::RetentionRule};

use super::App;
use crate::port::{
    retention::{Ended, Records},
    store::StoreError,
};

/// Most records of one kind in one round.
const ROUND: u32 = 200;

/// Delete what is due; how many records that were.
pub fn delete_due(app: &App) -> Result<usize, StoreError> {
    let now = app.clock.now();
    let today = JapaneseDay::of(now);
    let mut deleted = 0;
    for records in Records::ALL {
        let Some(rule) = RetentionRule::of_record(records.name()) else {
            continue;
        };
        // No year is shorter; the rule itself counts days.
        let before = now - SignedDuration::from_hours(24 * 365 * i64::from(rule.years));
        for ended in app.store.ended_before(records, before, ROUND)? {
            let ended_on = JapaneseDay::of(ended.at);
            if rule.due_on(ended_on, None) > today {
                continue;
            }
            if app
                .store
                .delete_ended(records, &ended, row(app, now, records, &ended, rule))?
            {
                deleted += 1;
            }
        }
    }
    Ok(deleted)
}

fn row(
    app: &App,
    now: jiff::Timestamp,
    records: Records,
    ended: &Ended,
    rule: &RetentionRule,
) -> crate::port::store::AuditEntry {
    app.own_entry(
        now,
        "retention.delete",
        format!("{}:{}", records.name(), ended.id),
        serde_json::json!({
            "ended_on": JapaneseDay::of(ended.at).to_string(),
            "rule": rule.named(),
        }),
    )
}
