//! When whoever had a certificate revoked may be told so: when no status node says good of it
//! from memory any more. What was revoked is recorded before and has its effect.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use pki_core::revocation::lease::{LEASE, Lease, Watch};
use tokio::sync::oneshot;

use crate::port::{clock::Stopwatch, status_lease::Standing, store::Store};

/// How often is looked while somebody waits.
const LOOK: Duration = Duration::from_millis(20);
/// A lease that nobody renewed for so long is deleted.
const FORGET: Duration = Duration::from_secs(60);

/// Looks at the leases for all who wait, in one thread that is there only while somebody does.
pub struct Acknowledger(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    stopwatch: Arc<dyn Stopwatch>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    watch: Watch,
    looking: bool,
}

struct Waiting {
    /// After the commit.
    since: Duration,
    /// The positions that every lease has to reach, once they were read.
    feeds: Option<BTreeMap<String, u64>>,
    tell: oneshot::Sender<()>,
}

/// Comes when it may be told.
#[must_use]
pub struct Acknowledgement(oneshot::Receiver<()>);

impl Acknowledgement {
    /// Wait in this thread, which must not be one of the event loop.
    pub fn wait(self) {
        if self.0.blocking_recv().is_err() {
            thread::sleep(LEASE);
        }
    }

    /// Wait without a thread; `Err` when nobody looks, and the caller has to let [`LEASE`] pass.
    pub async fn come(self) -> Result<(), Duration> {
        self.0.await.map_err(|_| LEASE)
    }
}

impl Acknowledger {
    /// Over these ports; nobody waits yet.
    pub fn new(store: Arc<dyn Store>, stopwatch: Arc<dyn Stopwatch>) -> Self {
        Self(Arc::new(Inner {
            store,
            stopwatch,
            state: Mutex::default(),
        }))
    }

    /// Something was revoked: called after the commit, by whoever waits for the answer before
    /// telling anybody. It comes after [`LEASE`] at the latest.
    pub fn revoked(&self) -> Acknowledgement {
        let (tell, told) = oneshot::channel();
        let mut state = self.0.lock();
        state.waiting.push(Waiting {
            since: self.0.stopwatch.elapsed(),
            feeds: None,
            tell,
        });
        if !state.looking {
            let inner = Arc::clone(&self.0);
            let started = thread::Builder::new()
                .name("acknowledge".to_owned())
                .spawn(move || inner.look());
            match started {
                Ok(_) => state.looking = true,
                // Who waits learns of it by the end of the channel.
                Err(_) => state.waiting.clear(),
            }
        }
        Acknowledgement(told)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Look until nobody waits.
    fn look(&self) {
        loop {
            let asked = self.stopwatch.elapsed();
            let standing = self.store.lease_standing();
            let read = self.stopwatch.elapsed();
            let mut dead = Vec::new();
            let nobody_waits;
            {
                let mut state = self.lock();
                match standing {
                    Ok(standing) => dead = state.seen(&standing, asked, read),
                    Err(error) => {
                        tracing::debug!(error = %crate::causes(&error), "the leases cannot be read");
                    }
                }
                state.let_go(asked);
                nobody_waits = state.waiting.is_empty();
                state.looking = !nobody_waits;
            }
            if !dead.is_empty()
                && let Err(error) = self.store.forget_leases(dead)
            {
                tracing::debug!(error = %crate::causes(&error), "dead leases are still there");
            }
            if nobody_waits {
                return;
            }
            thread::sleep(LOOK);
        }
    }
}

impl State {
    /// The leases as they were read between two moments. Answers which are to be deleted.
    fn seen(&mut self, standing: &Standing, asked: Duration, read: Duration) -> Vec<Lease> {
        self.watch.see(&standing.leases, read);
        for waiting in &mut self.waiting {
            // Who began to wait after the reading may have committed after it.
            if waiting.since <= asked && waiting.feeds.is_none() {
                waiting.feeds = Some(standing.feeds.clone());
            }
        }
        let watch = &self.watch;
        let settled = |waiting: &Waiting| {
            let feeds = waiting.feeds.as_ref();
            feeds.is_some_and(|feeds| watch.is_settled(&standing.leases, feeds, asked))
        };
        let (told, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(settled);
        self.waiting = waiting;
        tell(told, read);
        let leases = standing.leases.iter();
        leases
            .filter(|lease| self.watch.unchanged(lease, asked) >= FORGET)
            .cloned()
            .collect()
    }

    /// Whoever has waited for as long as a lease may be trusted waits no longer.
    fn let_go(&mut self, now: Duration) {
        let (told, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| now.saturating_sub(waiting.since) >= LEASE);
        self.waiting = waiting;
        tell(told, now);
    }
}

fn tell(waiting: Vec<Waiting>, now: Duration) {
    for waiting in waiting {
        let waited = now.saturating_sub(waiting.since);
        metrics::histogram!("jitsuin_acknowledge_seconds").record(waited.as_secs_f64());
        // Who asked may have gone; then nobody wants to know.
        let _ = waiting.tell.send(());
    }
}
