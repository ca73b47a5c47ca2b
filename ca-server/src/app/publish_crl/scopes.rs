//! Which lists there have to be: the full one of every issuer, and for a CA of residents those of
//! the municipalities' parts.

use pki_core::certificate::{Partition, distribution_point::Place};

use crate::{
    app::{App, Authority},
    port::store::StoreError,
};

/// What one list covers.
pub struct ListScope {
    /// The municipality, with the part of its list that this is; `None` for the full list.
    pub place: Option<Place>,
}

impl ListScope {
    /// As in file names and the database: empty for the full list.
    pub fn name(&self) -> String {
        self.partition()
            .map_or_else(String::new, |partition| partition.to_string())
    }

    /// `None` for the full list.
    pub fn partition(&self) -> Option<Partition> {
        self.place.as_ref().map(Place::list)
    }
}

/// Every list that there has to be: issuer and scope.
pub fn all_scopes(app: &App) -> Result<Vec<(String, ListScope)>, StoreError> {
    let mut all = Vec::new();
    for authority in app.authorities() {
        for scope in scopes(app, authority)? {
            all.push((authority.name.clone(), scope));
        }
    }
    Ok(all)
}

/// The full list, and for a CA of residents those of each municipality: of the part that new
/// certificates name, and of every other one until the last certificate that names it has ended and
/// a list has said so, since verifiers find the list by the certificate. Other ones are those from
/// before a split, whatever the setting says now, and those of a municipality that was merged into
/// another.
pub(super) fn scopes(app: &App, authority: &Authority) -> Result<Vec<ListScope>, StoreError> {
    let mut scopes = vec![ListScope { place: None }];
    if app.service_by(authority).is_none() {
        return Ok(scopes);
    }
    for place in &app.municipalities {
        let named = app.store.newest_partition(&authority.name, place.code)?;
        let newest = named.map_or(place.partition, |named| named.max(place.partition));
        for number in newest.and_before() {
            let part = place.with_partition(number);
            let goes_on = number == place.partition && !app.mergers.is_former(place.code);
            if goes_on || outlives(app, authority, part.list())? {
                scopes.push(ListScope { place: Some(part) });
            }
        }
    }
    Ok(scopes)
}

/// Whether a certificate of this part is still running, or ended after the newest list was made
/// (RFC 5280 §3.3: it stays on one list more).
fn outlives(app: &App, authority: &Authority, part: Partition) -> Result<bool, StoreError> {
    let Some(end) = app.store.last_end(&authority.name, part)? else {
        return Ok(false);
    };
    let latest = app.store.latest_crl(&authority.name, &part.to_string())?;
    Ok(end >= app.clock.now() || latest.is_none_or(|list| list.this_update <= end))
}
