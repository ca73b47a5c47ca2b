//! Revocation lists: one of everything an issuer signed, and one for each
//! municipality; with each the delta of its number. The number is reserved in the
//! database before anything is signed; what is written is read back and checked
//! against the list before it.

mod bell;
mod make;
mod scopes;
mod standing;
mod turn;

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use pki_core::{
    certificate::{SignatureAlgorithm, name::NameFault, partition},
    revocation::crl::{
        ContinuationFault, CrlFault, CrlReadFault, DeltaFault, Frame, Scope, SuccessionFault,
        agree, belongs, loses_nothing,
    },
};

use self::{
    make::{Kept, Made, make},
    scopes::scopes,
    standing::{ListFile, Standing},
    turn::Turn,
};
use super::{App, Authority};
use crate::port::{
    signer::SignError,
    store::{CrlRecord, CrlScope, DeltaRecord, EndedScope, NewCrl, StoreError},
};

pub use bell::{Bell, run};
pub use scopes::{ListScope, all_scopes};

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
    /// The entries are not those of the list before and the new ones.
    #[error("the new list does not continue the one before it")]
    Continuation(#[from] ContinuationFault),
    /// A list can be made from the database alone.
    #[error("the list in place was changed since it was published")]
    Standing,
    #[error("an entry is to leave the list whose certificate has not ended")]
    NotEnded,
    #[error("a list cannot be read")]
    Read(#[source] io::Error),
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
        for scope in scopes {
            let name = (authority.name.clone(), scope.name());
            let all = !in_place.contains(&name);
            match publish_when_due(app, authority, &scope, all) {
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

fn publish_when_due(
    app: &App,
    authority: &Authority,
    scope: &ListScope,
    all: bool,
) -> Result<Option<Published>, PublishError> {
    let now = app.clock.now();
    let name = scope.name();
    let path = path(&app.crl.folder, &authority.name, &name);
    let latest = app.store.latest_crl(&authority.name, &name)?;
    let due = match &latest {
        None => true,
        Some(latest) => {
            all || !path.exists()
                || now.duration_since(latest.this_update) >= signed(app.crl.period)
                || app
                    .store
                    .changed(&authority.name, scope.partition(), latest.feed)?
        }
    };
    if !due {
        return Ok(None);
    }
    one(app, authority, scope, latest.as_ref(), now).map(Some)
}

/// A complete list, and beside it the delta of the same number: to the oldest list that
/// still holds, so that whoever has a valid list can use it. Both are signed and checked
/// before either is out.
fn one(
    app: &App,
    authority: &Authority,
    scope: &ListScope,
    before: Option<&CrlRecord>,
    now: Timestamp,
) -> Result<Published, PublishError> {
    let name = scope.name();
    let begun = Instant::now();
    // Lists say whole seconds; a second list within one second still follows the first.
    let this_update = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let next_update = this_update + signed(app.crl.validity);
    // RFC 5280 §3.3: an entry stays until one list after the certificate's end.
    let ended_before = before.map_or(Timestamp::UNIX_EPOCH, |list| list.this_update);
    let record = app.store.reserve_crl(NewCrl {
        issuer: authority.name.clone(),
        scope: name.clone(),
        node: app.node.clone(),
        this_update,
        next_update,
        ended_before,
    })?;
    let base = app
        .service_by(authority)
        .and_then(|service| service.profile.distribution_points());
    let (covers, freshest) = match (&scope.place, base) {
        (Some(place), Some(base)) => (
            Scope::Partition(authority.issuer.partition_distribution_point(base, place)?),
            authority.issuer.partition_freshest_point(base, place)?,
        ),
        _ => (Scope::Full, authority.issuer.full_freshest_point()),
    };
    let frame = Frame {
        issuer: &authority.issuer,
        algorithm: SignatureAlgorithm::usual_for(authority.issuer.public_key().kind()),
        scope: &covers,
        number: record.number,
        this_update,
        next_update,
        base: None,
        freshest: Some(&freshest),
    };
    let wanted = CrlScope {
        issuer: authority.name.clone(),
        partition: scope.partition(),
        ended_before,
        after: 0,
        up_to: record.feed,
    };
    let path = path(&app.crl.folder, &authority.name, &name);
    let (complete, standing) = complete(app, authority, &name, &frame, &wanted, &path)?;
    let delta = match app.store.delta_base(&authority.name, &name, now)? {
        Some(base) if base.number < record.number => {
            let wanted = CrlScope {
                after: base.feed,
                ..wanted
            };
            let added = standing
                .as_ref()
                .filter(|list| list.outline.number >= base.number);
            let delta = delta(
                app,
                authority,
                &Frame {
                    base: Some(base.number),
                    freshest: None,
                    ..frame
                },
                &wanted,
                &complete,
                added.map(|_| complete.added),
                delta_path(&app.crl.folder, &authority.name, &name),
            )?;
            Some((base.number, delta))
        }
        _ => None,
    };
    let (entries, octets) = (complete.entries, complete.list.outline.length);
    let in_delta = delta.as_ref().map_or(0, |(_, delta)| delta.entries);
    put(app, &record, complete, delta)?;
    warn_of_length(scope, octets);
    let labels = [
        ("issuer", record.issuer.clone()),
        ("scope", record.scope.clone()),
    ];
    metrics::gauge!("jitsuin_crl_seconds", &labels).set(begun.elapsed().as_secs_f64());
    metrics::gauge!("jitsuin_crl_number", &labels).set(record.number as f64);
    metrics::gauge!("jitsuin_crl_entries", &labels).set(entries as f64);
    metrics::gauge!("jitsuin_crl_next_update", &labels).set(record.next_update.as_second() as f64);
    metrics::gauge!("jitsuin_crl_octets", &labels).set(octets as f64);
    metrics::gauge!("jitsuin_crl_delta_entries", &labels).set(in_delta as f64);
    Ok(Published { record, path })
}

/// A part of a municipality's list that has grown long, and that new certificates would name, is
/// to be followed by a further one (`partition` of the municipality in `ca.toml`).
fn warn_of_length(scope: &ListScope, octets: u64) {
    if let Some(place) = &scope.place
        && octets > partition::LONG
    {
        tracing::warn!(
            partition = %place.list(), octets,
            "the list of this partition is long: give the municipality a further one"
        );
    }
}

/// The complete list, of the one in place where that is ours and was not changed, else from the
/// database alone; with the list in place that it continues.
fn complete(
    app: &App,
    authority: &Authority,
    scope: &str,
    frame: &Frame<'_>,
    wanted: &CrlScope,
    path: &Path,
) -> Result<(Made, Option<ListFile>), PublishError> {
    match Standing::find(app, authority, scope, path)? {
        Standing::Ours(list, of) => {
            let ended = EndedScope {
                issuer: wanted.issuer.clone(),
                partition: wanted.partition,
                ended: of.ended_before..wanted.ended_before,
                up_to: of.feed,
            };
            let kept = Kept::of(app, &list, &ended)?;
            let added = CrlScope {
                after: of.feed,
                ..wanted.clone()
            };
            match make(app, authority, frame, Some(&kept), &added, path.to_owned()) {
                Err(fault @ PublishError::Standing) => standing::set_aside(path, &fault)?,
                made => {
                    let made = made?;
                    made.list.outline.follows(&list.outline)?;
                    return Ok((made, Some(list)));
                }
            }
            make(app, authority, frame, None, wanted, path.to_owned()).map(|made| (made, None))
        }
        Standing::Unknown(list) => {
            let made = make(app, authority, frame, None, wanted, path.to_owned())?;
            made.list.outline.follows(&list.outline)?;
            let still_valid = |serial: &[u8]| match app.store.certificate(&authority.name, serial) {
                Ok(Some(stored)) => stored.not_after >= frame.this_update,
                // What cannot be looked up is taken for valid: better no list than a loss.
                _ => true,
            };
            loses_nothing(&mut made.list.entries(0), &mut list.entries(0), still_valid)?;
            Ok((made, None))
        }
        Standing::Nothing => {
            make(app, authority, frame, None, wanted, path.to_owned()).map(|made| (made, None))
        }
    }
}

/// The delta of a complete list's number. `added` is how many octets of the complete list's
/// entries are new since the list in place, which its holders have to find in the delta.
fn delta(
    app: &App,
    authority: &Authority,
    frame: &Frame<'_>,
    wanted: &CrlScope,
    complete: &Made,
    added: Option<u64>,
    path: PathBuf,
) -> Result<Made, PublishError> {
    let before = standing::read(&path)?;
    let made = make(app, authority, frame, None, wanted, path)?;
    let before_it = belongs(&complete.list.outline, &made.list.outline, added)?;
    agree(
        &mut complete.list.entries(before_it),
        &mut made.list.entries(0),
    )?;
    if let Some(before) = before {
        made.list.outline.follows(&before.outline)?;
    }
    Ok(made)
}

/// Say in the database that the list is out, its delta with it, and put both in their places.
fn put(
    app: &App,
    record: &CrlRecord,
    list: Made,
    delta: Option<(u64, Made)>,
) -> Result<(), PublishError> {
    let told = delta.as_ref().map(|(base, delta)| DeltaRecord {
        base: *base,
        sha256: delta.sha256,
        entries: delta.entries,
    });
    let entry = app.own_entry(
        app.clock.now(),
        "crl.publish",
        format!("crl:{}/{}#{}", record.issuer, record.scope, record.number),
        serde_json::json!({
            "entries": list.entries, "sha256": hex::encode(list.sha256),
            "delta": told.as_ref().map(|delta| serde_json::json!({
                "base": delta.base, "entries": delta.entries, "sha256": hex::encode(delta.sha256),
            })),
        }),
    );
    let newest = app.store.publish_crl(
        record,
        list.sha256,
        list.entries,
        told,
        app.clock.now(),
        entry,
    )?;
    // Where another node was faster with a newer one, theirs stands.
    if newest {
        let turn = Turn::take(&app.crl.folder)?;
        for made in [Some(list), delta.map(|(_, delta)| delta)]
            .into_iter()
            .flatten()
        {
            if turn.newer(record.number, made.place())? {
                made.move_in()?;
            }
        }
    }
    Ok(())
}

/// `{issuer}.crl` or `{issuer}/{partition}.crl` in the folder.
pub fn path(folder: &Path, issuer: &str, scope: &str) -> PathBuf {
    if scope.is_empty() {
        folder.join(format!("{issuer}.crl"))
    } else {
        folder.join(issuer).join(format!("{scope}.crl"))
    }
}

/// `{issuer}/delta.crl` or `{issuer}/{partition}/delta.crl` in the folder.
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
