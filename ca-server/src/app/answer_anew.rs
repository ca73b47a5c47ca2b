//! Answers that are asked for often are signed anew before they run out, so that nobody waits
//! for the token.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError, atomic::Ordering},
};

use super::{
    answer_ocsp::{self, StatusApp},
    status_memory::Slot,
};

/// More than this are not signed before somebody waits for them.
const WAITING: usize = 4096;

/// What is to be signed anew.
#[derive(Default)]
pub struct Anew {
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(String, Arc<Slot>)>,
    closed: bool,
}

impl Anew {
    /// The answer of that issuer will run out; asked for again, this does nothing.
    pub fn ask(&self, issuer: &str, slot: &Arc<Slot>) {
        if slot.anew.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.len() < WAITING {
            queue
                .waiting
                .push_back((issuer.to_owned(), Arc::clone(slot)));
            self.filled.notify_one();
        } else {
            slot.anew.store(false, Ordering::Relaxed);
        }
    }

    /// The next; `None` when the program ends.
    fn next(&self) -> Option<(String, Arc<Slot>)> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queue = self
            .filled
            .wait_while(queue, |queue| !queue.closed && queue.waiting.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        if queue.closed {
            return None;
        }
        queue.waiting.pop_front()
    }

    /// The program ends.
    pub fn close(&self) {
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.filled.notify_all();
    }
}

/// Sign anew for as long as the program runs.
pub fn run(app: &StatusApp) {
    while let Some((name, slot)) = app.anew.next() {
        if let Some(issuer) = app.issuer(&name) {
            answer_ocsp::sign_anew(app, issuer, &slot);
        }
        slot.anew.store(false, Ordering::Relaxed);
    }
}
