//! Revocation lists: one of everything an issuer signed, and one for each
//! municipality; with each the delta of its number. The number is reserved in the
//! database before anything is signed; what is written is read back and checked
//! against the list before it.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use pki_core::{
    certificate::{Serial, SignatureAlgorithm, distribution_point::Place, name::NameFault},
    revocation::{
        crl::{
            CrlFault, CrlImage, CrlReadFault, DeltaFault, Frame, Scope, SuccessionFault, agree,
            encode_entry, plan,
        },
        ground::ReasonCode,
    },
};
use sha2::{Digest, Sha256};

use super::{App, Authority};
use crate::port::{
    signer::SignError,
    store::{CrlRecord, CrlScope, DeltaRecord, NewCrl, StoreError},
};

/// Why a list was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    #[error("the token did not sign")]
    Sign(#[from] SignError),
    #[error("the list cannot be made")]
    Plan(#[from] CrlFault),
    #[error("a distribution point cannot be named")]
    Name(#[from] NameFault),
    /// What was made does not read back as what was meant.
    #[error("the new list does not read back")]
    ReadBack(#[from] CrlReadFault),
    #[error("the new list differs from what was to be in it")]
    Differs,
    #[error("the new list does not follow the one in place")]
    Succession(#[from] SuccessionFault),
    #[error("the new list and its delta do not say the same")]
    Delta(#[from] DeltaFault),
    #[error("a stored serial is malformed")]
    Serial,
    #[error("{} cannot be written", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// A list that is out.
#[derive(Clone, Debug)]
pub struct Published {
    pub record: CrlRecord,
    pub path: PathBuf,
}

/// Which lists this process has put in place itself. A list that is not among
/// them is published once whatever the database says: a crash between database
/// and folder leaves the folder behind.
pub type InPlace = HashSet<(String, String)>;

/// Publish every list of every issuer that is due: because something was
/// revoked, because its period has passed, or because its file is missing or
/// not of this process. One that fails does not keep back the others.
pub fn publish(app: &App, in_place: &mut InPlace) -> (Vec<Published>, Vec<PublishError>) {
    let mut published = Vec::new();
    let mut failed = Vec::new();
    for authority in app.authorities() {
        let scopes = match scopes(app, authority) {
            Ok(scopes) => scopes,
            Err(error) => {
                failed.push(error.into());
                continue;
            }
        };
        for (scope, place) in scopes {
            let name = (authority.name.clone(), scope.clone());
            let all = !in_place.contains(&name);
            match publish_when_due(app, authority, &scope, place, all) {
                Ok(Some(list)) => {
                    in_place.insert(name);
                    published.push(list);
                }
                Ok(None) => {}
                Err(error) => {
                    in_place.remove(&name);
                    let token = matches!(error, PublishError::Sign(_));
                    failed.push(error);
                    if token {
                        return (published, failed);
                    }
                }
            }
        }
    }
    (published, failed)
}

/// Every list that there has to be: issuer and scope.
pub fn all_scopes(app: &App) -> Result<Vec<(String, String)>, StoreError> {
    let mut all = Vec::new();
    for authority in app.authorities() {
        for (scope, _) in scopes(app, authority)? {
            all.push((authority.name.clone(), scope));
        }
    }
    Ok(all)
}

/// The full list, and for a CA of residents one for each municipality. That of a municipality which
/// was merged into another goes on until the last certificate that names it has ended and a list
/// has said so: verifiers find the list by the certificate.
fn scopes<'a>(
    app: &'a App,
    authority: &Authority,
) -> Result<Vec<(String, Option<&'a Place>)>, StoreError> {
    let mut scopes = vec![(String::new(), None)];
    if app.service_by(authority).is_some() {
        for place in &app.municipalities {
            let scope = place.code.to_string();
            if !app.mergers.is_former(place.code) || outlives(app, authority, &scope)? {
                scopes.push((scope, Some(place)));
            }
        }
    }
    Ok(scopes)
}

/// Whether a certificate of this municipality is still running, or ended after the newest list
/// was made (RFC 5280 §3.3: it stays on one list more).
fn outlives(app: &App, authority: &Authority, scope: &str) -> Result<bool, StoreError> {
    let Some(end) = app.store.last_end(&authority.name, scope)? else {
        return Ok(false);
    };
    let latest = app.store.latest_crl(&authority.name, scope)?;
    Ok(end >= app.clock.now() || latest.is_none_or(|list| list.this_update <= end))
}

fn publish_when_due(
    app: &App,
    authority: &Authority,
    scope: &str,
    place: Option<&Place>,
    all: bool,
) -> Result<Option<Published>, PublishError> {
    let now = app.clock.now();
    let path = path(&app.crl.folder, &authority.name, scope);
    let latest = app.store.latest_crl(&authority.name, scope)?;
    let due = match &latest {
        None => true,
        Some(latest) => {
            all || !path.exists()
                || now.duration_since(latest.this_update) >= signed(app.crl.period)
                || app
                    .store
                    .changed_scopes(&authority.name, latest.feed)?
                    .iter()
                    .any(|changed| changed == scope)
        }
    };
    if !due {
        return Ok(None);
    }
    one(app, authority, scope, place, latest.as_ref(), now).map(Some)
}

/// A complete list, and beside it the delta of the same number: to the oldest list that
/// still holds, so that whoever has a valid list can use it. Both are signed and checked
/// before either is out.
fn one(
    app: &App,
    authority: &Authority,
    scope: &str,
    place: Option<&Place>,
    before: Option<&CrlRecord>,
    now: Timestamp,
) -> Result<Published, PublishError> {
    // Lists say whole seconds; a second list within one second still follows the first.
    let this_update = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let next_update = this_update + signed(app.crl.validity);
    let record = app.store.reserve_crl(NewCrl {
        issuer: authority.name.clone(),
        scope: scope.to_owned(),
        node: app.node.clone(),
        this_update,
        next_update,
    })?;
    let base = app
        .service_by(authority)
        .and_then(|service| service.profile.distribution_points());
    let (covers, freshest) = match (place, base) {
        (Some(place), Some(base)) => (
            Scope::Partition(authority.issuer.partition_distribution_point(base, place)?),
            authority.issuer.partition_freshest_point(base, place)?,
        ),
        _ => (Scope::Full, authority.issuer.full_freshest_point()),
    };
    let complete = Frame {
        issuer: &authority.issuer,
        algorithm: SignatureAlgorithm::usual_for(authority.issuer.public_key().kind()),
        scope: &covers,
        number: record.number,
        this_update,
        next_update,
        base: None,
        freshest: Some(&freshest),
    };
    // RFC 5280 §3.3: an entry stays until one list after the certificate's end.
    let wanted = CrlScope {
        issuer: authority.name.clone(),
        municipality: (!scope.is_empty()).then(|| scope.to_owned()),
        ended_before: before.map_or(Timestamp::UNIX_EPOCH, |list| list.this_update),
        after: 0,
        up_to: record.feed,
    };
    let folder = &app.crl.folder;
    let list = make(
        app,
        authority,
        &complete,
        &wanted,
        path(folder, &authority.name, scope),
    )?;
    let in_place = in_place(&list.path)?;
    let image = CrlImage::decode(&list.der)?;
    let replaced = in_place.as_deref().map(CrlImage::decode).transpose()?;
    if let Some(replaced) = &replaced {
        follows(app, authority, &image, replaced, now)?;
    }

    let base = app.store.delta_base(&authority.name, scope, now)?;
    let delta = match base.filter(|base| base.number < record.number) {
        None => None,
        Some(base) => {
            let frame = Frame {
                base: Some(base.number),
                freshest: None,
                ..complete
            };
            let wanted = CrlScope {
                after: base.feed,
                ..wanted
            };
            let path = delta_path(folder, &authority.name, scope);
            let delta = make(app, authority, &frame, &wanted, path)?;
            let delta_image = CrlImage::decode(&delta.der)?;
            agree(&image, &delta_image, replaced.as_ref())?;
            if let Some(before) = self::in_place(&delta.path)? {
                follows(
                    app,
                    authority,
                    &delta_image,
                    &CrlImage::decode(&before)?,
                    now,
                )?;
            }
            Some((base.number, delta))
        }
    };
    put(app, &record, &list, delta.as_ref())?;
    Ok(Published {
        record,
        path: list.path,
    })
}

/// A list that is signed and not yet in its place.
struct Made {
    der: Vec<u8>,
    entries: u64,
    path: PathBuf,
}

impl Made {
    fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// Written and synced under a name of its own beside its place.
    fn write(&self, node: &str, number: u64) -> Result<PathBuf, PublishError> {
        let fault = |source| PublishError::Write {
            path: self.path.clone(),
            source,
        };
        fs::create_dir_all(self.folder()).map_err(fault)?;
        let beside = self.path.with_extension(format!("crl.{node}.{number}"));
        let written = File::create(&beside).and_then(|mut file| {
            file.write_all(&self.der)?;
            file.sync_all()
        });
        written.map_err(fault)?;
        Ok(beside)
    }

    fn move_in(&self, beside: &Path) -> Result<(), PublishError> {
        let moved = fs::rename(beside, &self.path)
            .and_then(|()| File::open(self.folder()))
            .and_then(|folder| folder.sync_all());
        moved.map_err(|source| PublishError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// Sign a list of these entries, and read it back as a verifier would.
fn make(
    app: &App,
    authority: &Authority,
    frame: &Frame<'_>,
    wanted: &CrlScope,
    path: PathBuf,
) -> Result<Made, PublishError> {
    let (entries, serials) = entries(app, wanted)?;
    let unsigned = plan(frame, &entries)?;
    let signature = app.signer.sign(
        &authority.key,
        unsigned.algorithm(),
        unsigned.bytes_to_sign(),
    )?;
    let der = unsigned.assemble(&signature, &authority.issuer)?;

    let image = CrlImage::decode(&der)?;
    image
        .verify_signature(authority.issuer.public_key())
        .map_err(CrlFault::from)?;
    let mut meant = serials.iter();
    for entry in image.entries() {
        if Some(&entry?.serial) != meant.next() {
            return Err(PublishError::Differs);
        }
    }
    if image.number != frame.number || image.base != frame.base || meant.next().is_some() {
        return Err(PublishError::Differs);
    }
    Ok(Made {
        entries: serials.len() as u64,
        der,
        path,
    })
}

/// The encoded entries and their serials, in the order of the list.
fn entries(app: &App, wanted: &CrlScope) -> Result<(Vec<Vec<u8>>, Vec<Serial>), PublishError> {
    let mut entries = Vec::new();
    let mut serials = Vec::new();
    let mut malformed = false;
    app.store.revocations(
        wanted,
        &mut |revoked| match Serial::from_octets(&revoked.serial) {
            Ok(serial) => {
                let reason = revoked.reason.and_then(ReasonCode::from_code);
                entries.push(encode_entry(&serial, revoked.revoked_at, reason, None));
                serials.push(serial);
            }
            Err(_) => malformed = true,
        },
    )?;
    if malformed {
        return Err(PublishError::Serial);
    }
    Ok((entries, serials))
}

/// The list in this place, where there is one that can be read.
fn in_place(path: &Path) -> Result<Option<Vec<u8>>, PublishError> {
    let Ok(bytes) = fs::read(path) else {
        return Ok(None);
    };
    let Err(fault) = CrlImage::decode(&bytes) else {
        return Ok(Some(bytes));
    };
    // A file that cannot be read serves nobody, and must not keep its scope without
    // a list: numbers are kept rising by the database. It is set aside for a look.
    tracing::error!(path = %path.display(), error = %fault, "the published list cannot be read; it is set aside");
    let aside = path.with_extension("crl.unreadable");
    fs::rename(path, &aside).map_err(|source| PublishError::Write {
        path: aside,
        source,
    })?;
    Ok(None)
}

/// Whether a list may take the place of the one there.
fn follows(
    app: &App,
    authority: &Authority,
    new: &CrlImage<'_>,
    before: &CrlImage<'_>,
    now: Timestamp,
) -> Result<(), PublishError> {
    let still_valid = |serial: &Serial| {
        match app.store.certificate(&authority.name, serial.as_octets()) {
            Ok(Some(stored)) => stored.not_after >= now,
            // What cannot be looked up is taken for valid: better no list than a loss.
            _ => true,
        }
    };
    Ok(new.follows(before, still_valid)?)
}

/// Say in the database that the list is out, its delta with it, and put both in their places.
fn put(
    app: &App,
    record: &CrlRecord,
    list: &Made,
    delta: Option<&(u64, Made)>,
) -> Result<(), PublishError> {
    let mut beside = vec![(list, list.write(&app.node, record.number)?)];
    if let Some((_, delta)) = delta {
        beside.push((delta, delta.write(&app.node, record.number)?));
    }
    let sha256 = list.sha256();
    let delta = delta.map(|(base, delta)| DeltaRecord {
        base: *base,
        sha256: delta.sha256(),
        entries: delta.entries,
    });
    let entry = app.own_entry(
        app.clock.now(),
        "crl.publish",
        format!("crl:{}/{}#{}", record.issuer, record.scope, record.number),
        serde_json::json!({
            "entries": list.entries, "sha256": hex::encode(sha256),
            "delta": delta.as_ref().map(|delta| serde_json::json!({
                "base": delta.base, "entries": delta.entries, "sha256": hex::encode(delta.sha256),
            })),
        }),
    );
    let remove = || {
        for (_, file) in &beside {
            let _ = fs::remove_file(file);
        }
    };
    let newest = app
        .store
        .publish_crl(record, sha256, list.entries, delta, app.clock.now(), entry)
        .inspect_err(|_| remove())?;
    if !newest {
        // Another node was faster with a newer one: theirs stands.
        remove();
        return Ok(());
    }
    for (made, file) in &beside {
        made.move_in(file)?;
    }
    metrics::gauge!("jitsuin_crl_number", "issuer" => record.issuer.clone(), "scope" => record.scope.clone())
        .set(record.number as f64);
    metrics::gauge!("jitsuin_crl_entries", "issuer" => record.issuer.clone(), "scope" => record.scope.clone())
        .set(list.entries as f64);
    Ok(())
}

/// `{issuer}.crl` or `{issuer}/{municipality}.crl` in the folder.
pub fn path(folder: &Path, issuer: &str, scope: &str) -> PathBuf {
    if scope.is_empty() {
        folder.join(format!("{issuer}.crl"))
    } else {
        folder.join(issuer).join(format!("{scope}.crl"))
    }
}

/// `{issuer}/delta.crl` or `{issuer}/{municipality}/delta.crl` in the folder.
pub fn delta_path(folder: &Path, issuer: &str, scope: &str) -> PathBuf {
    folder.join(issuer).join(scope).join("delta.crl")
}

/// Why a health check should worry about lists, if it should.
pub fn trouble(app: &App) -> Option<String> {
    let now = app.clock.now();
    for authority in app.authorities() {
        match app.store.latest_crl(&authority.name, "") {
            Ok(Some(list)) if list.next_update > now => {}
            Ok(Some(_)) => return Some(format!("the list of {} has run out", authority.name)),
            Ok(None) => return Some(format!("no list of {} was published yet", authority.name)),
            Err(error) => return Some(error.to_string()),
        }
    }
    None
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Wakes the publisher when there is something new for a list.
#[derive(Default)]
pub struct Bell {
    state: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Default, Clone, Copy)]
struct Rung {
    rung: bool,
    closed: bool,
}

impl Bell {
    /// Something was revoked or abandoned.
    pub fn ring(&self) {
        self.set(|state| state.rung = true);
    }

    /// The program ends.
    pub fn close(&self) {
        self.set(|state| state.closed = true);
    }

    fn set(&self, change: impl FnOnce(&mut Rung)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Wait for a ring at most so long; `None` when the program ends.
    fn wait(&self, at_most: Duration) -> Option<bool> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, at_most, |state| !state.rung && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let rung = std::mem::take(&mut state.rung);
        (!state.closed).then_some(rung)
    }

    /// Sleep without listening for rings; `false` when the program ends.
    pub fn rest(&self, time: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, time, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        !state.closed
    }
}

/// Publish for as long as the program runs: at once, after revocations within
/// the set time, and on schedule. Failures are tried again.
pub fn run(app: &App) {
    const LOOK: Duration = Duration::from_secs(5);
    const AGAIN: Duration = Duration::from_millis(500);
    const MINUTE: Duration = Duration::from_secs(60);
    let mut pause = Duration::ZERO;
    let mut in_place = InPlace::new();
    let mut summed = Instant::now();
    loop {
        match app.publisher.wait(pause) {
            None => return,
            // Half the allowed time gathers what else is revoked; the other half publishes.
            Some(true) if !app.publisher.rest(app.crl.after_revocation / 2) => return,
            Some(_) => {}
        }
        let (published, failed) = publish(app, &mut in_place);
        if let Err(error) = super::resume::sweep(app) {
            tracing::debug!(error = %crate::causes(&error), "the sweep waits for the database");
        }
        if summed.elapsed() >= MINUTE {
            summed = Instant::now();
            if let Err(error) = super::callers::sum_up(app) {
                tracing::warn!(error = %crate::causes(&error), "refusals wait to be summed up");
            }
        }
        for list in &published {
            tracing::info!(
                issuer = list.record.issuer,
                scope = list.record.scope,
                number = list.record.number,
                "published a revocation list"
            );
        }
        for error in &failed {
            tracing::warn!(error = %crate::causes(error), "a revocation list waits");
        }
        metrics::counter!("jitsuin_crl_failures_total").increment(failed.len() as u64);
        pause = if failed.is_empty() { LOOK } else { AGAIN };
    }
}
