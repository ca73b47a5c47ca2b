//! What a status node remembers of one issuer: what the record said of serials, and answers that
//! were signed. It may be used under a lease alone ([`super::status_lease`]).

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use bytes::Bytes;
use jiff::Timestamp;
use pki_core::{certificate::SignatureAlgorithm, revocation::ocsp::CertId};
use quick_cache::{Lifecycle, OptionsBuilder, Weighter, sync::Cache};

use crate::port::{
    status_lease::{Gone, News},
    store::Status,
};

/// Most forms of one CertID whose answers are kept: two hashes, with and without parameters.
const FORMS: usize = 4;
/// What a serial takes with its answers, and what stands around an entry, about, in bytes.
const SERIAL_BYTES: u64 = 4096;
const QUESTION_BYTES: u64 = 1600;

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The body of a POST.
    Posted,
    /// The path of a GET.
    Got,
}

/// A signed answer without nonce.
#[derive(Debug)]
pub struct Signed {
    /// OCSPResponse, DER.
    pub der: Bytes,
    pub this_update: Timestamp,
    pub next_update: Timestamp,
    /// From now on it is time for another.
    pub due_at: Timestamp,
    /// From now on it is not given from memory.
    pub ends_at: Timestamp,
    /// `good` or `revoked`, for the metric.
    pub label: &'static str,
    /// Part of its digest in hex: an entity tag.
    pub tag: Bytes,
}

/// Tells everybody who holds something of a serial that it was dropped.
#[derive(Debug)]
struct Life {
    epoch: u64,
    dropped: AtomicBool,
}

/// The answer to one form of a question, which is signed anew from time to time.
pub struct Slot {
    life: Arc<Life>,
    /// As the question named the certificate.
    pub certificate: CertId,
    pub algorithm: SignatureAlgorithm,
    signed: RwLock<Arc<Signed>>,
    /// Somebody is signing it anew.
    pub anew: AtomicBool,
}

impl Slot {
    /// What was signed last.
    pub fn signed(&self) -> Arc<Signed> {
        Arc::clone(&self.signed.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the record said of a serial.
pub struct Remembered {
    life: Arc<Life>,
    pub status: Status,
    slots: Mutex<Vec<Arc<Slot>>>,
}

impl Remembered {
    fn slots(&self) -> MutexGuard<'_, Vec<Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to that form of the question.
    pub fn slot(&self, certificate: &CertId, algorithm: SignatureAlgorithm) -> Option<Arc<Slot>> {
        let slots = self.slots();
        let found = slots
            .iter()
            .find(|slot| slot.algorithm == algorithm && slot.certificate == *certificate);
        found.map(Arc::clone)
    }

    /// Keep an answer that was signed from this status; `None` when there are too many forms.
    pub fn keep(
        &self,
        certificate: &CertId,
        algorithm: SignatureAlgorithm,
        signed: Signed,
    ) -> Option<Arc<Slot>> {
        let signed = Arc::new(signed);
        if let Some(slot) = self.slot(certificate, algorithm) {
            *slot.signed.write().unwrap_or_else(PoisonError::into_inner) = signed;
            return Some(slot);
        }
        let mut slots = self.slots();
        if slots.len() >= FORMS {
            return None;
        }
        let slot = Arc::new(Slot {
            life: Arc::clone(&self.life),
            certificate: certificate.clone(),
            algorithm,
            signed: RwLock::new(signed),
            anew: AtomicBool::new(false),
        });
        slots.push(Arc::clone(&slot));
        Some(slot)
    }
}

/// An evicted serial takes its answers with it: nobody would find them to drop them.
#[derive(Clone)]
struct Evict;

impl Lifecycle<Box<[u8]>, Arc<Remembered>> for Evict {
    type RequestState = ();
    fn on_evict(&self, (): &mut (), _: Box<[u8]>, evicted: Arc<Remembered>) {
        evicted.life.dropped.store(true, Ordering::SeqCst);
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Box<[u8]>, Arc<Remembered>> for Weight {
    fn weight(&self, _: &Box<[u8]>, _: &Arc<Remembered>) -> u64 {
        SERIAL_BYTES
    }
}

impl Weighter<Box<[u8]>, Arc<Slot>> for Weight {
    fn weight(&self, question: &Box<[u8]>, _: &Arc<Slot>) -> u64 {
        QUESTION_BYTES + question.len() as u64
    }
}

type Serials = Cache<Box<[u8]>, Arc<Remembered>, Weight, quick_cache::DefaultHashBuilder, Evict>;
type Questions = Cache<Box<[u8]>, Arc<Slot>, Weight>;

/// The memory of one issuer.
pub struct Memory {
    serials: Serials,
    posted: Questions,
    got: Questions,
    /// What was remembered in an earlier one is forgotten.
    epoch: AtomicU64,
    /// The place in the feed; whoever remembers or drops holds it.
    place: Mutex<u64>,
}

impl Memory {
    /// An empty one of about so many bytes at the most.
    ///
    /// # Panics
    /// Never: the options are whole.
    pub fn new(bytes: u64) -> Self {
        let options = |weight: u64, each: u64| {
            let items = usize::try_from(weight / each).unwrap_or(usize::MAX);
            OptionsBuilder::new()
                .estimated_items_capacity(items.max(1))
                .weight_capacity(weight)
                .build()
                .expect("both capacities are given")
        };
        let questions = || {
            Cache::with_options(
                options(bytes / 4, QUESTION_BYTES),
                Weight,
                quick_cache::DefaultHashBuilder::default(),
                quick_cache::sync::DefaultLifecycle::default(),
            )
        };
        Self {
            serials: Cache::with_options(
                options(bytes / 2, SERIAL_BYTES),
                Weight,
                quick_cache::DefaultHashBuilder::default(),
                Evict,
            ),
            posted: questions(),
            got: questions(),
            epoch: AtomicU64::new(0),
            place: Mutex::new(0),
        }
    }

    fn place_held(&self) -> MutexGuard<'_, u64> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lives(&self, life: &Life) -> bool {
        !life.dropped.load(Ordering::SeqCst) && life.epoch == self.epoch.load(Ordering::SeqCst)
    }

    fn questions(&self, way: Way) -> &Questions {
        match way {
            Way::Posted => &self.posted,
            Way::Got => &self.got,
        }
    }

    /// How far the feed was read. Ask before the database is read for what may be remembered.
    pub fn place(&self) -> u64 {
        *self.place_held()
    }

    /// The answer to a question that came in these very octets before.
    pub fn answered(&self, way: Way, question: &[u8]) -> Option<Arc<Slot>> {
        let slot = self.questions(way).get(question)?;
        self.lives(&slot.life).then_some(slot)
    }

    /// Find an answer by the octets of the question as well.
    pub fn also(&self, way: Way, question: &[u8], slot: Arc<Slot>) {
        self.questions(way).insert(question.into(), slot);
    }

    /// What the record said of a serial.
    pub fn find(&self, serial: &[u8]) -> Option<Arc<Remembered>> {
        let found = self.serials.get(serial)?;
        self.lives(&found.life).then_some(found)
    }

    /// Remember what the record said of a serial, read from the database after
    /// [`Memory::place`] was asked. Not when the feed was read meanwhile: it may have told that
    /// this is so no more. Unknown is not remembered: nothing tells when a serial becomes known.
    pub fn remember(&self, place: u64, serial: &[u8], status: &Status) -> Option<Arc<Remembered>> {
        if *status == Status::Unknown {
            return None;
        }
        let held = self.place_held();
        if *held != place {
            return None;
        }
        if let Some(found) = self.find(serial) {
            return Some(found);
        }
        self.drop_serial(serial);
        let remembered = Arc::new(Remembered {
            life: Arc::new(Life {
                epoch: self.epoch.load(Ordering::SeqCst),
                dropped: AtomicBool::new(false),
            }),
            status: status.clone(),
            slots: Mutex::default(),
        });
        self.serials.insert(serial.into(), Arc::clone(&remembered));
        Some(remembered)
    }

    fn drop_serial(&self, serial: &[u8]) {
        if let Some((_, dropped)) = self.serials.remove(serial) {
            dropped.life.dropped.store(true, Ordering::SeqCst);
        }
    }

    /// The feed was read: what it tells of is dropped.
    pub fn learn(&self, news: &News) {
        let mut place = self.place_held();
        match &news.gone {
            Gone::These(serials) => serials.iter().for_each(|serial| self.drop_serial(serial)),
            Gone::Any => self.empty(),
        }
        *place = news.place;
    }

    /// Forget everything.
    pub fn forget(&self) {
        let _place = self.place_held();
        self.empty();
    }

    fn empty(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.serials.clear();
        self.posted.clear();
        self.got.clear();
    }
}
