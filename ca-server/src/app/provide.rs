//! Who is given revocation information where access is registered (Arts 17, 18),
//! and the count of what was given to whom (Art 18 (5)).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use pki_core::{calendar::JapaneseDay, certificate::image::CertificateImage};

use super::{answer_ocsp::StatusApp, publish_crl::Bell};
use crate::port::{
    provision::{Provided, Provision, ProvisionBook},
    store::StoreError,
    verifier::Verifier,
};

/// How often the counts are written down.
const ENTER: Duration = Duration::from_secs(10);

/// Whether somebody is given anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// A registered, active verifier: its id.
    Welcome(String),
    /// Its certificate is of the right CA, and yet: it is suspended, out of its time, or no
    /// verifier's. For the log and the metric; the caller is not told which.
    Refused(&'static str),
}

/// Whether the holder of this certificate (SHA-256) is a verifier who may ask now. Looked up
/// afresh each time, so that a suspension holds from the next request on, on live
/// connections too.
pub fn admit(app: &StatusApp, sha256: &[u8; 32]) -> Result<Admission, StoreError> {
    let now = app.clock.now();
    let found = app.store.verifier_by_certificate(sha256)?;
    let (id, objection) = match &found {
        None => ("", Some("not-a-verifier")),
        Some(verifier) => (verifier.id.as_str(), objection(verifier, now)),
    };
    match objection {
        None => Ok(Admission::Welcome(id.to_owned())),
        Some(why) => {
            metrics::counter!("jitsuin_refused_callers_total").increment(1);
            if let Some(records) = &app.records {
                records.tally.count(now, id, Provided::Refused);
            }
            Ok(Admission::Refused(why))
        }
    }
}

fn objection(verifier: &Verifier, now: Timestamp) -> Option<&'static str> {
    if !verifier.active {
        Some("suspended")
    } else if !CertificateImage::decode(&verifier.certificate)
        .is_ok_and(|image| image.is_in_effect(now))
    {
        // The handshake looked at the dates once; a connection may outlive them.
        Some("certificate-not-valid")
    } else {
        None
    }
}

/// What a status node with registered access keeps count with.
pub struct Records {
    pub tally: Tally,
    book: Arc<dyn ProvisionBook>,
    /// Tells this start of this node from all others.
    run: String,
    closing: Bell,
}

impl Records {
    /// Nothing is counted yet; `run` is random.
    pub fn new(book: Arc<dyn ProvisionBook>, run: [u8; 16]) -> Self {
        Self {
            tally: Tally::default(),
            book,
            run: hex::encode(run),
            closing: Bell::default(),
        }
    }

    /// Write down what was counted since the last time. What cannot be written is kept for
    /// the next time.
    pub fn enter(&self, now: Timestamp) -> Result<(), StoreError> {
        let changed = self.tally.changed();
        if changed.is_empty() {
            return Ok(());
        }
        self.book.enter(&self.run, &changed)?;
        self.tally.written(&changed, JapaneseDay::of(now));
        Ok(())
    }

    /// Write down for as long as the program runs, and once more at its end.
    pub fn run(&self, clock: &dyn crate::port::clock::Clock) {
        loop {
            let goes_on = self.closing.rest(ENTER);
            if let Err(error) = self.enter(clock.now()) {
                tracing::warn!(error = %crate::causes(&error), "what was provided is not written down yet");
            }
            if !goes_on {
                return;
            }
        }
    }

    /// The program ends.
    pub fn close(&self) {
        self.closing.close();
    }
}

type Key = (JapaneseDay, String, Provided);

/// Totals of each day since the start, and whether the book has them.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<Key, Total>>);

#[derive(Default, Clone, Copy)]
struct Total {
    count: u64,
    written: u64,
}

impl Tally {
    /// Something was given to a verifier, or refused.
    pub fn count(&self, now: Timestamp, verifier: &str, kind: Provided) {
        let key = (JapaneseDay::of(now), verifier.to_owned(), kind);
        self.lock().entry(key).or_default().count += 1;
    }

    fn changed(&self) -> Vec<Provision> {
        self.lock()
            .iter()
            .filter(|(_, total)| total.count > total.written)
            .map(|((day, verifier, kind), total)| Provision {
                day: *day,
                verifier: verifier.clone(),
                kind: *kind,
                count: total.count,
            })
            .collect()
    }

    /// What the book has; days that are over and written are forgotten.
    fn written(&self, totals: &[Provision], today: JapaneseDay) {
        let mut all = self.lock();
        for total in totals {
            let key = (total.day, total.verifier.clone(), total.kind);
            if let Some(known) = all.get_mut(&key) {
                known.written = total.count;
            }
        }
        all.retain(|(day, ..), total| *day >= today || total.count > total.written);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Total>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A book that can be closed to writers.
    #[derive(Default)]
    struct Paper {
        entered: Mutex<BTreeMap<Key, u64>>,
        away: Mutex<bool>,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("away")]
    struct Away;

    impl ProvisionBook for Paper {
        fn enter(&self, _: &str, totals: &[Provision]) -> Result<(), StoreError> {
            if *self.away.lock().unwrap() {
                return Err(StoreError::away(Away));
            }
            for total in totals {
                let key = (total.day, total.verifier.clone(), total.kind);
                self.entered.lock().unwrap().insert(key, total.count);
            }
            Ok(())
        }
        fn totals(&self, _: JapaneseDay, _: JapaneseDay) -> Result<Vec<Provision>, StoreError> {
            Err(StoreError::away(Away))
        }
    }

    #[test]
    fn nothing_counted_is_lost_over_a_day_on_which_the_book_is_away() {
        let paper = Arc::new(Paper::default());
        let records = Records::new(paper.clone(), [1; 16]);
        // 23:59:59 and 00:00:00 in Japan.
        let evening: Timestamp = "2026-11-22T14:59:59Z".parse().unwrap();
        let midnight: Timestamp = "2026-11-22T15:00:00Z".parse().unwrap();
        records.tally.count(evening, "tax-1", Provided::List);
        records.enter(evening).unwrap();
        *paper.away.lock().unwrap() = true;
        records.tally.count(evening, "tax-1", Provided::List);
        assert!(records.enter(midnight).is_err());
        records.tally.count(midnight, "tax-1", Provided::List);
        *paper.away.lock().unwrap() = false;
        records.enter(midnight).unwrap();
        records.enter(midnight).unwrap();
        let day = |text: &str| text.parse::<JapaneseDay>().unwrap();
        let entered: Vec<_> = paper.entered.lock().unwrap().clone().into_iter().collect();
        let of = |text, count| ((day(text), "tax-1".to_owned(), Provided::List), count);
        assert_eq!(entered, [of("2026-11-22", 2), of("2026-11-23", 1)]);
        // The day that is over is forgotten, the present one goes on from its total.
        assert_eq!(records.tally.lock().len(), 1);
        records.tally.count(midnight, "tax-1", Provided::List);
        records.enter(midnight).unwrap();
        assert_eq!(
            paper.entered.lock().unwrap().last_key_value().unwrap().1,
            &2
        );
    }
}
