//! A batch of register events, as a municipality's resident register system hands it over: one
//! file, whole or not at all.
//!
//! ```text
//! sequence,resident,kind,recorded_at,former
//! 1,R-0000123,moved-out,2026-11-22T10:15:00+09:00,
//! 2,R-0000456,merger,2026-11-23T00:00:00+09:00,13105/R-0000456
//! #end,2,5d41…
//! ```
//!
//! UTF-8 without quotes; lines end with LF or CRLF. The last line counts the events and gives the
//! SHA-256 (hex) of all bytes before it.

use jiff::{SignedDuration, Timestamp};

use super::register_event::{RegisterEvent, RegisterEventKind};
use crate::id::Sha256Digest;

/// Longest batch, in bytes.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most events in a batch.
pub const BATCH_EVENTS_MAX: usize = 100_000;
/// How far the register's clock may be ahead of this one.
pub const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

const HEADER: &str = "sequence,resident,kind,recorded_at,former";

/// Why a batch is not taken; nothing of it is. No value of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchFault {
    /// More than a batch may hold.
    #[error("longer than {BATCH_BYTES_MAX} bytes or {BATCH_EVENTS_MAX} events")]
    TooLong,
    /// Not UTF-8, or the first line is another one.
    #[error("not UTF-8 with the header {HEADER}")]
    Header,
    /// The last line is missing: perhaps the file is still being written.
    #[error("without its closing line #end,<count>,<SHA-256>")]
    Trailer,
    /// The closing line counts otherwise.
    #[error("the closing line counts another number of events")]
    Count,
    /// The bytes are not those that were closed.
    #[error("the SHA-256 in the closing line is another one")]
    Digest,
    /// A line that is no event.
    #[error("line {0} is no event")]
    Line(usize),
    /// A merger without the former number, or a former number without a merger.
    #[error("line {0}: a former number goes with a merger, and only with that")]
    Former(usize),
    /// An event that the register recorded in the future.
    #[error("line {0}: the register recorded it in the future")]
    Future(usize),
    /// The events do not count on from the last one.
    #[error("line {line}: event {expected} was to come")]
    Sequence {
        /// In the file, from 1.
        line: usize,
        /// The number that was due.
        expected: u64,
    },
}

impl BatchFault {
    /// Name in audit rows and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "batch-too-long",
            Self::Header => "batch-header",
            Self::Trailer => "batch-unclosed",
            Self::Count => "batch-count",
            Self::Digest => "batch-digest",
            Self::Line(_) => "batch-line",
            Self::Former(_) => "batch-former",
            Self::Future(_) => "batch-future",
            Self::Sequence { .. } => "batch-sequence",
        }
    }
}

/// Reads a batch. Its events count on from one another, and the first of them has the number
/// `first` where that is given. A batch without events is one too.
///
/// # Errors
/// [`BatchFault`]; then nothing of the batch counts.
pub fn parse(
    bytes: &[u8],
    first: Option<u64>,
    now: Timestamp,
) -> Result<Vec<RegisterEvent>, BatchFault> {
    if bytes.len() > BATCH_BYTES_MAX {
        return Err(BatchFault::TooLong);
    }
    let text = str::from_utf8(bytes).map_err(|_| BatchFault::Header)?;
    let mut lines = text.split_inclusive('\n').map(bare);
    if lines.next() != Some(HEADER) {
        return Err(BatchFault::Header);
    }
    let closed = closed(text)?;
    let events: Vec<&str> = text[..closed.at]
        .split_inclusive('\n')
        .skip(1)
        .map(bare)
        .collect();
    if events.len() > BATCH_EVENTS_MAX {
        return Err(BatchFault::TooLong);
    }
    if Sha256Digest::of(&bytes[..closed.at]) != closed.sha256 {
        return Err(BatchFault::Digest);
    }
    if events.len() != closed.count {
        return Err(BatchFault::Count);
    }
    let mut expected = first;
    let mut read = Vec::with_capacity(events.len());
    for (at, line) in events.into_iter().enumerate() {
        let number = at + 2;
        let event = event(line, number)?;
        let due = *expected.get_or_insert(event.sequence);
        if event.sequence != due {
            return Err(BatchFault::Sequence {
                line: number,
                expected: due,
            });
        }
        if event.recorded_at > now + AHEAD_MAX {
            return Err(BatchFault::Future(number));
        }
        expected = Some(due + 1);
        read.push(event);
    }
    Ok(read)
}

/// The closing line for a batch's bytes: header and events, each line ended.
#[must_use]
pub fn closing_line(bytes: &[u8]) -> String {
    let count = bytes
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        .saturating_sub(1);
    format!("#end,{count},{}\n", Sha256Digest::of(bytes))
}

struct Closed {
    /// Where the closing line begins.
    at: usize,
    count: usize,
    sha256: Sha256Digest,
}

fn closed(text: &str) -> Result<Closed, BatchFault> {
    let body = text.strip_suffix('\n').ok_or(BatchFault::Trailer)?;
    let at = body.rfind('\n').ok_or(BatchFault::Trailer)? + 1;
    let mut fields = bare(&text[at..]).split(',');
    let read = (|| {
        if fields.next()? != "#end" {
            return None;
        }
        let count = fields.next()?.parse().ok()?;
        let sha256 = fields.next()?.parse().ok()?;
        fields
            .next()
            .is_none()
            .then_some(Closed { at, count, sha256 })
    })();
    read.ok_or(BatchFault::Trailer)
}

fn bare(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

fn event(line: &str, number: usize) -> Result<RegisterEvent, BatchFault> {
    let fault = BatchFault::Line(number);
    let fields: Vec<&str> = line.split(',').collect();
    let [sequence, resident, kind, recorded_at, former] = fields[..] else {
        return Err(fault);
    };
    if !sequence.bytes().all(|b| b.is_ascii_digit()) {
        return Err(fault);
    }
    let kind: RegisterEventKind = kind.parse().map_err(|_| fault)?;
    let former = match former {
        "" => None,
        former => {
            let (municipality, resident) = former.split_once('/').ok_or(fault)?;
            Some((
                municipality.parse().map_err(|_| fault)?,
                resident.parse().map_err(|_| fault)?,
            ))
        }
    };
    if former.is_some() != (kind == RegisterEventKind::Merger) {
        return Err(BatchFault::Former(number));
    }
    Ok(RegisterEvent {
        sequence: sequence.parse().map_err(|_| fault)?,
        resident: resident.parse().map_err(|_| fault)?,
        kind,
        recorded_at: recorded_at.parse().map_err(|_| fault)?,
        former,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T00:00:00Z".parse().unwrap()
    }

    fn closed(body: &str) -> Vec<u8> {
        [body, &closing_line(body.as_bytes())].concat().into_bytes()
    }

    fn with(lines: &[&str]) -> Vec<u8> {
        let mut body = format!("{HEADER}\n");
        for line in lines {
            body.push_str(line);
            body.push('\n');
        }
        closed(&body)
    }

    const MOVED: &str = "7,R-0000123,moved-out,2026-11-22T10:15:00+09:00,";
    const MERGED: &str = "8,R-0000456,merger,2026-11-23T00:00:00+09:00,13105/R-9";

    #[test]
    fn a_batch_is_read_as_it_was_closed() {
        let events = parse(&with(&[MOVED, MERGED]), Some(7), now()).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].kind, RegisterEventKind::MovedOut);
        assert_eq!(events[0].recorded_at.to_string(), "2026-11-22T01:15:00Z");
        let (municipality, number) = events[1].former.as_ref().unwrap();
        assert_eq!(
            (municipality.to_string().as_str(), number.as_str()),
            ("13105", "R-9")
        );
        assert_eq!(parse(&with(&[]), Some(7), now()), Ok(vec![]));
        let windows = String::from_utf8(with(&[])).unwrap().replace('\n', "\r\n");
        let body = windows.split_once("#end").unwrap().0;
        assert_eq!(parse(&closed(body), Some(7), now()), Ok(vec![]));
    }

    #[test]
    fn a_batch_that_is_cut_changed_or_still_written_is_refused_whole() {
        let good = with(&[MOVED, MERGED]);
        for end in 0..good.len() {
            assert!(
                parse(&good[..end], Some(7), now()).is_err(),
                "cut after {end}"
            );
        }
        for at in 0..good.len() {
            let mut changed = good.clone();
            changed[at] ^= 1;
            assert!(parse(&changed, Some(7), now()).is_err(), "changed at {at}");
        }
        let more = [good.as_slice(), b"9,R-1,death,2026-11-22T10:15:00+09:00,\n"].concat();
        assert_eq!(parse(&more, Some(7), now()), Err(BatchFault::Trailer));
        let miscounted = String::from_utf8(good).unwrap().replace("#end,2", "#end,1");
        assert_eq!(
            parse(miscounted.as_bytes(), Some(7), now()),
            Err(BatchFault::Count)
        );
    }

    #[test]
    fn gaps_repeats_and_other_orders_are_seen() {
        let due = |line, expected| Err(BatchFault::Sequence { line, expected });
        assert_eq!(parse(&with(&[MOVED]), Some(6), now()), due(2, 6));
        assert_eq!(parse(&with(&[MOVED]), Some(8), now()), due(2, 8));
        assert_eq!(parse(&with(&[MOVED, MOVED]), Some(7), now()), due(3, 8));
        assert_eq!(parse(&with(&[MERGED, MOVED]), Some(7), now()), due(2, 7));
    }

    #[test]
    fn a_line_that_is_no_event_is_named() {
        for line in [
            "7,R-0000123,moved,2026-11-22T10:15:00+09:00,",
            "7,R 123,moved-out,2026-11-22T10:15:00+09:00,",
            "7,R-0000123,moved-out,2026-11-22,",
            "7,R-0000123,moved-out,2026-11-22T10:15:00+09:00",
            "7,R-0000123,moved-out,2026-11-22T10:15:00+09:00,,",
            "+7,R-0000123,moved-out,2026-11-22T10:15:00+09:00,",
            "7,R-0000123,merger,2026-11-22T10:15:00+09:00,R-9",
            "",
        ] {
            assert_eq!(
                parse(&with(&[line]), Some(7), now()),
                Err(BatchFault::Line(2)),
                "{line}"
            );
        }
        for line in [
            "7,R-0000123,merger,2026-11-22T10:15:00+09:00,",
            "7,R-0000123,death,2026-11-22T10:15:00+09:00,13105/R-9",
        ] {
            assert_eq!(
                parse(&with(&[line]), Some(7), now()),
                Err(BatchFault::Former(2)),
                "{line}"
            );
        }
        let tomorrow = "7,R-0000123,death,2026-11-24T10:15:00+09:00,";
        assert_eq!(
            parse(&with(&[tomorrow]), Some(7), now()),
            Err(BatchFault::Future(2))
        );
    }

    #[test]
    fn a_batch_has_limits() {
        let long = vec![b'x'; BATCH_BYTES_MAX + 1];
        assert_eq!(parse(&long, Some(1), now()), Err(BatchFault::TooLong));
        let many = with(&vec![""; BATCH_EVENTS_MAX + 1]);
        assert!(many.len() < BATCH_BYTES_MAX);
        assert_eq!(parse(&many, Some(1), now()), Err(BatchFault::TooLong));
    }

    #[test]
    fn a_batch_of_another_kind_is_none_even_when_it_is_closed() {
        let body = String::from_utf8(with(&[MOVED])).unwrap();
        let (body, _) = body.split_once("#end").unwrap();
        let other = closed(&body.replacen(HEADER, "sequence,resident", 1));
        assert_eq!(parse(&other, Some(7), now()), Err(BatchFault::Header));
    }
}
