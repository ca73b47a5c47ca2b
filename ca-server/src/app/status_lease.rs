//! The lease under which a status node answers from memory
//! (`docs/adr/0013-answers-from-memory.md`).

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use pki_core::revocation::lease::Tenure;

use super::{answer_ocsp::StatusApp, publish_crl::Bell};
use crate::port::{clock::Stopwatch, status_lease::LeaseBook, store::StoreError};

/// How often it is renewed.
const RENEW: Duration = Duration::from_millis(250);

/// The lease of this node.
pub struct NodeLease {
    book: Arc<dyn LeaseBook>,
    stopwatch: Arc<dyn Stopwatch>,
    /// Tells this start of this node from all others.
    node: String,
    tenure: RwLock<Tenure>,
    closing: Bell,
}

impl NodeLease {
    /// None is taken yet; `run` is random.
    pub fn new(book: Arc<dyn LeaseBook>, stopwatch: Arc<dyn Stopwatch>, run: [u8; 16]) -> Self {
        Self {
            book,
            stopwatch,
            node: hex::encode(run),
            tenure: RwLock::default(),
            closing: Bell::default(),
        }
    }

    /// Whether this node may answer from memory now: asked with each answer.
    pub fn holds(&self, now: Timestamp) -> bool {
        let moment = self.stopwatch.moment(now);
        self.tenure.read().is_ok_and(|tenure| tenure.holds(moment))
    }

    /// The program ends.
    pub fn close(&self) {
        self.closing.close();
    }
}

/// Renew once: what the feeds tell is dropped from memory. On an error the lease goes on until it
/// runs out.
pub fn renew(app: &StatusApp, lease: &NodeLease) -> Result<(), StoreError> {
    let now = app.clock.now();
    let began = lease.stopwatch.moment(now);
    let continues = lease
        .tenure
        .read()
        .is_ok_and(|tenure| tenure.continues(began));
    if !continues {
        app.issuers.iter().for_each(|issuer| issuer.memory.forget());
    }
    let places: BTreeMap<String, u64> = app
        .issuers
        .iter()
        .map(|issuer| (issuer.name.clone(), issuer.memory.place()))
        .collect();
    let all_there = lease
        .book
        .renew(&lease.node, &places, now, &mut |name, news| {
            if let Some(issuer) = app.issuer(name) {
                issuer.memory.learn(&news);
            }
        })?;
    if let Ok(mut tenure) = lease.tenure.write() {
        tenure.renewed(began, all_there);
    }
    Ok(())
}

/// Renew for as long as the program runs, and give the lease up at its end.
pub fn run(app: &StatusApp, lease: &NodeLease) {
    let mut well = true;
    loop {
        let renewed = renew(app, lease);
        metrics::gauge!("jitsuin_ocsp_lease").set(if lease.holds(app.clock.now()) {
            1.0
        } else {
            0.0
        });
        match renewed {
            Ok(()) => well = true,
            Err(error) if well => {
                well = false;
                tracing::warn!(
                    error = %crate::causes(&error),
                    "the lease is not renewed: answers come from the database"
                );
            }
            Err(_) => {}
        }
        if !lease.closing.rest(RENEW) {
            break;
        }
    }
    if let Ok(mut tenure) = lease.tenure.write() {
        *tenure = Tenure::default();
    }
    if let Err(error) = lease.book.give_up(&lease.node) {
        tracing::debug!(error = %crate::causes(&error), "the lease was not given up");
    }
}
