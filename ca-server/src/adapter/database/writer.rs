//! Group commit: waiting transactions are run together in one transaction of
//! the database and answered after the commit. What [`together`] can do for many at
//! once is done so, everything else behind a savepoint of its own.
//!
//! Every lane is a thread with a connection of its own and its own audit chain:
//! one for SQLite, a few for PostgreSQL. A lane takes what is waiting, never
//! waits for more, so an idle store answers a single transaction at once.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, mpsc},
    thread,
    time::{Duration, Instant},
};

use diesel::{
    QueryResult,
    connection::SimpleConnection,
    result::{DatabaseErrorKind, Error},
};
use schema::database::{AnyConnection, OpenError, connect};

use super::{
    chain::{AuditMac, Chain},
    register_event, together,
};
use crate::port::store::{AuditEntry, Completion, Reservation, StoreError};

/// At most this many transactions share one commit.
const BATCH: usize = 128;
/// More waiting transactions than this are refused with [`StoreError::Busy`].
const WAITING: usize = 4096;
/// A transaction that lost a race is run again this often.
const ATTEMPTS: u32 = 5;
/// After a failed connection the database is left alone for so long.
const RECONNECT: Duration = Duration::from_millis(250);

/// What a transaction sees: the connection, and the audit log as the only way
/// to say what it did.
pub struct Scope<'a> {
    pub connection: &'a mut AnyConnection,
    chain: &'a mut Chain,
}

impl Scope<'_> {
    /// Append a row to this lane's audit chain, in the same transaction.
    ///
    /// # Errors
    /// None now; the row is written at the end of the transaction.
    pub fn audit(&mut self, entry: &AuditEntry) -> QueryResult<()> {
        self.chain.append(entry);
        Ok(())
    }
}

/// A transaction that somebody waits for.
pub trait Wish: Send + 'static {
    type Answer: Send + 'static;
    /// Carry it out; may be called again after a rollback.
    fn alone(&mut self, scope: &mut Scope) -> QueryResult<Self::Answer>;
    /// What of it may be done together with others of its kind.
    fn job(&self) -> Job<'_> {
        Job::Other
    }
    /// The answer when it was.
    fn done_together() -> Option<Self::Answer> {
        None
    }
}

/// What [`together`] knows how to do for many at once.
#[derive(Clone, Copy)]
pub enum Job<'a> {
    Reserve(&'a Reservation, &'a AuditEntry),
    Complete(&'a Completion, &'a AuditEntry),
    /// By itself, behind a savepoint of its own.
    Other,
}

/// A transaction that is told by a function.
struct Told<F>(F);

impl<T: Send + 'static, F: FnMut(&mut Scope) -> QueryResult<T> + Send + 'static> Wish for Told<F> {
    type Answer = T;
    fn alone(&mut self, scope: &mut Scope) -> QueryResult<T> {
        (self.0)(scope)
    }
}

/// One waiting transaction.
trait Work: Send {
    fn name(&self) -> &'static str;
    /// Run within the savepoint; may be called again after a rollback.
    fn run(&mut self, scope: &mut Scope) -> QueryResult<()>;
    /// As [`Wish::job`].
    fn job(&self) -> Job<'_>;
    /// It was done together with others.
    fn done_together(&mut self);
    /// Tell the caller; `Ok` hands over the result of the last run.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Pending<W: Wish> {
    name: &'static str,
    wish: W,
    result: Option<W::Answer>,
    reply: mpsc::SyncSender<Result<W::Answer, StoreError>>,
}

impl<W: Wish> Work for Pending<W> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn run(&mut self, scope: &mut Scope) -> QueryResult<()> {
        self.result = Some(self.wish.alone(scope)?);
        Ok(())
    }
    fn job(&self) -> Job<'_> {
        self.wish.job()
    }
    fn done_together(&mut self) {
        self.result = W::done_together();
    }
    fn answer(mut self: Box<Self>, outcome: Result<(), StoreError>) {
        let answer = match (outcome, self.result.take()) {
            (Ok(()), Some(result)) => Ok(result),
            (Ok(()), None) => Err(StoreError::Unknown(None)),
            (Err(error), _) => Err(error),
        };
        // The caller may have gone; then nobody wants to know.
        let _ = self.reply.send(answer);
    }
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Box<dyn Work>>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The door for everything that writes.
pub struct Writer {
    shared: Arc<Shared>,
    lanes: Vec<thread::JoinHandle<()>>,
}

impl Writer {
    /// Start `lanes` writer threads. Their connections are made when there is
    /// something to write, so a database that is away stops nobody from starting.
    /// Fails when the machine gives no further thread; those begun have ended then.
    pub fn start(url: &str, node: &str, lanes: u32, mac: Arc<AuditMac>) -> io::Result<Self> {
        let mut writer = Self {
            shared: Arc::new(Shared::default()),
            lanes: Vec::new(),
        };
        for number in 0..lanes.max(1) {
            let lane = Lane {
                url: url.to_owned(),
                chain: Chain::new(format!("{node}/{number}"), Arc::clone(&mac)),
                connection: None,
                rest_until: None,
            };
            let shared = Arc::clone(&writer.shared);
            let thread = thread::Builder::new()
                .name(format!("writer-{number}"))
                .spawn(move || lane.serve(&shared))?;
            writer.lanes.push(thread);
        }
        Ok(writer)
    }

    /// Run a named transaction and wait until it is durable.
    ///
    /// `work` may run several times; only its last run takes effect. An `Err`
    /// from `work` undoes it and becomes [`StoreError::Broken`] unless the
    /// database itself is away or the transaction lost a race.
    pub fn run<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnMut(&mut Scope) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.carry_out(name, Told(work))
    }

    /// The same for a wish, which may be carried out together with others.
    pub fn carry_out<W: Wish>(&self, name: &'static str, wish: W) -> Result<W::Answer, StoreError> {
        let (reply, answer) = mpsc::sync_channel(1);
        {
            let mut queue = self.shared.lock();
            if queue.closed || queue.waiting.len() >= WAITING {
                return Err(StoreError::Busy);
            }
            queue.waiting.push_back(Box::new(Pending {
                name,
                wish,
                result: None,
                reply,
            }));
        }
        self.shared.filled.notify_one();
        // A lane that dies without an answer may have died in the commit.
        answer.recv().unwrap_or(Err(StoreError::Unknown(None)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.filled.notify_all();
        for lane in self.lanes.drain(..) {
            let _ = lane.join();
        }
    }
}

struct Lane {
    url: String,
    chain: Chain,
    connection: Option<AnyConnection>,
    rest_until: Option<Instant>,
}

/// How a batch ended when it did not commit.
enum Failure {
    /// Nothing was committed.
    NotDone(Error),
    /// Nothing was committed, and what was done together has to be done one by one.
    NotTogether(Error),
    /// The commit itself failed: it may have taken effect.
    Unknown(Error),
}

impl Lane {
    fn serve(mut self, shared: &Shared) {
        while let Some(batch) = Self::take(shared) {
            self.carry_out(batch);
        }
    }

    /// Wait for work and take what is there; `None` once closed and empty.
    fn take(shared: &Shared) -> Option<Vec<Box<dyn Work>>> {
        let mut queue = shared.lock();
        while queue.waiting.is_empty() {
            if queue.closed {
                return None;
            }
            queue = shared
                .filled
                .wait(queue)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        let count = queue.waiting.len().min(BATCH);
        let batch = queue.waiting.drain(..count).collect();
        if !queue.waiting.is_empty() {
            shared.filled.notify_one();
        }
        Some(batch)
    }

    fn carry_out(&mut self, mut batch: Vec<Box<dyn Work>>) {
        let started = Instant::now();
        metrics::histogram!("jitsuin_store_batch_size").record(batch.len() as f64);
        match self.attempt(&mut batch, true) {
            Ok(outcomes) => {
                for (work, outcome) in batch.into_iter().zip(outcomes) {
                    metrics::counter!("jitsuin_store_transactions_total", "name" => work.name())
                        .increment(1);
                    work.answer(outcome);
                }
            }
            // One that lost a race takes the batch back: each on its own then.
            Err(Failure::NotDone(error)) if lost_race(&error) => self.one_by_one(batch),
            Err(Failure::NotTogether(error)) => {
                if !lost_race(&error) {
                    tracing::warn!(%error, "transactions are carried out one by one");
                }
                self.one_by_one(batch);
            }
            Err(failure) => {
                tracing::warn!(error = failure.text(), "a batch of transactions failed");
                let error = failure.into_store_error();
                for work in batch {
                    work.answer(Err(error.clone()));
                }
            }
        }
        metrics::histogram!("jitsuin_store_batch_seconds").record(started.elapsed().as_secs_f64());
    }

    fn one_by_one(&mut self, batch: Vec<Box<dyn Work>>) {
        for work in batch {
            self.carry_out_alone(work);
        }
    }

    fn carry_out_alone(&mut self, work: Box<dyn Work>) {
        let mut batch = vec![work];
        for attempt in 1..=ATTEMPTS {
            match self.attempt(&mut batch, false) {
                Ok(outcomes) => {
                    for (work, outcome) in batch.into_iter().zip(outcomes) {
                        work.answer(outcome);
                    }
                    return;
                }
                Err(Failure::NotDone(error)) if lost_race(&error) && attempt < ATTEMPTS => {
                    thread::sleep(Duration::from_millis(u64::from(attempt) * 5));
                }
                Err(failure) => {
                    let error = failure.into_store_error();
                    for work in batch {
                        work.answer(Err(error.clone()));
                    }
                    return;
                }
            }
        }
    }

    /// One transaction of the database with all of the batch in it.
    fn attempt(
        &mut self,
        batch: &mut [Box<dyn Work>],
        together: bool,
    ) -> Result<Vec<Result<(), StoreError>>, Failure> {
        let mut connection = self.connected().map_err(Failure::NotDone)?;
        let result = Self::transact(&mut connection, &mut self.chain, batch, together);
        match &result {
            Ok(_) => self.connection = Some(connection),
            Err(failure) => {
                // A connection that cannot roll back is not used again.
                if !failure.connection_lost() && connection.batch_execute("ROLLBACK").is_ok() {
                    self.connection = Some(connection);
                }
                self.chain.forget();
            }
        }
        result
    }

    fn transact(
        connection: &mut AnyConnection,
        chain: &mut Chain,
        batch: &mut [Box<dyn Work>],
        together: bool,
    ) -> Result<Vec<Result<(), StoreError>>, Failure> {
        let completes = batch
            .iter()
            .any(|work| matches!(work.job(), Job::Complete(..)));
        let begin = match connection {
            AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
            AnyConnection::Postgres(_) if together && completes => register_event::BEGIN_COMPLETING,
            AnyConnection::Postgres(_) => "BEGIN",
        };
        connection.batch_execute(begin).map_err(Failure::NotDone)?;
        chain.begin(connection).map_err(Failure::NotDone)?;
        let mut done = vec![false; batch.len()];
        if together {
            let jobs: Vec<Job<'_>> = batch.iter().map(|work| work.job()).collect();
            let mut scope = Scope { connection, chain };
            done = together::carry_out(&mut scope, &jobs).map_err(|error| match error {
                error if away(&error) => Failure::NotDone(error),
                error => Failure::NotTogether(error),
            })?;
        }
        let mut outcomes = Vec::with_capacity(batch.len());
        for (work, done) in batch.iter_mut().zip(done) {
            if done {
                work.done_together();
                outcomes.push(Ok(()));
            } else {
                outcomes.push(Self::behind_savepoint(connection, chain, work.as_mut())?);
            }
        }
        chain.write(connection).map_err(Failure::NotDone)?;
        connection
            .batch_execute("COMMIT")
            .map_err(Failure::Unknown)?;
        Ok(outcomes)
    }

    /// One transaction of the batch, so that its failure takes no other with it.
    fn behind_savepoint(
        connection: &mut AnyConnection,
        chain: &mut Chain,
        work: &mut dyn Work,
    ) -> Result<Result<(), StoreError>, Failure> {
        connection
            .batch_execute("SAVEPOINT work")
            .map_err(Failure::NotDone)?;
        let mark = chain.mark();
        let mut scope = Scope { connection, chain };
        match work.run(&mut scope) {
            Ok(()) => {
                connection
                    .batch_execute("RELEASE SAVEPOINT work")
                    .map_err(Failure::NotDone)?;
                Ok(Ok(()))
            }
            Err(error) if lost_race(&error) || away(&error) => Err(Failure::NotDone(error)),
            Err(error) => {
                connection
                    .batch_execute("ROLLBACK TO SAVEPOINT work; RELEASE SAVEPOINT work")
                    .map_err(Failure::NotDone)?;
                chain.back_to(mark);
                tracing::error!(name = work.name(), %error, "a transaction was undone");
                Ok(Err(StoreError::broken(error)))
            }
        }
    }

    fn connected(&mut self) -> QueryResult<AnyConnection> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        if self.rest_until.is_some_and(|until| Instant::now() < until) {
            return Err(unreachable_database("the database was away a moment ago"));
        }
        match connect(&self.url).and_then(settled) {
            Ok(connection) => {
                self.rest_until = None;
                Ok(connection)
            }
            Err(error) => {
                self.rest_until = Some(Instant::now() + RECONNECT);
                tracing::warn!(error = %crate::causes(&error), "the database cannot be reached");
                Err(unreachable_database("the database cannot be reached"))
            }
        }
    }
}

impl Failure {
    fn text(&self) -> String {
        match self {
            Self::NotDone(error) | Self::NotTogether(error) => format!("not committed: {error}"),
            Self::Unknown(error) => format!("commit failed: {error}"),
        }
    }

    fn connection_lost(&self) -> bool {
        let (Self::NotDone(error) | Self::NotTogether(error) | Self::Unknown(error)) = self;
        away(error)
    }

    fn into_store_error(self) -> StoreError {
        match self {
            // Still not unique after all attempts: it never will be.
            Self::NotDone(error @ Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
                StoreError::broken(error)
            }
            Self::NotDone(error) | Self::NotTogether(error) => StoreError::away(error),
            Self::Unknown(error) => StoreError::unknown(error),
        }
    }
}

/// A lane's statements are few and all of them have their index. Prepared while its tables are
/// empty, one would keep the plan that suits empty tables; and its lists differ in length with
/// each batch, which is no reason to plan it anew.
fn settled(mut connection: AnyConnection) -> Result<AnyConnection, OpenError> {
    if let AnyConnection::Postgres(connection) = &mut connection {
        connection
            .batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
            .map_err(|error| OpenError::Unreachable(Box::new(error)))?;
    }
    Ok(connection)
}

fn unreachable_database(message: &str) -> Error {
    Error::DatabaseError(
        DatabaseErrorKind::ClosedConnection,
        Box::new(message.to_owned()),
    )
}

/// What a transaction answers that sees another one between its read and its write.
pub(super) fn race() -> Error {
    Error::DatabaseError(
        DatabaseErrorKind::SerializationFailure,
        Box::new("another transaction was first".to_owned()),
    )
}

/// Another transaction was first: run again and see its result.
fn lost_race(error: &Error) -> bool {
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure,
            _,
        ) => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            let message = information.message();
            message.contains("database is locked")
                || message.contains("deadlock detected")
                || message.contains("lock timeout")
        }
        _ => false,
    }
}

/// The connection or the database behind it is gone, or cannot write now.
pub(super) fn away(error: &Error) -> bool {
    match error {
        Error::BrokenTransactionManager => true,
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        ) => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            let message = information.message();
            [
                "server closed the connection",
                "terminating connection",
                "no connection to the server",
                "the database system is",
                "connection",
                "disk I/O error",
                "database or disk is full",
                "No space left",
                "unable to open database",
                "attempt to write a readonly database",
            ]
            .iter()
            .any(|sign| message.contains(sign))
        }
        _ => false,
    }
}
