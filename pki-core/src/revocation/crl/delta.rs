//! A complete list and the delta of its number say the same (RFC 5280 §5.2.4).

use std::io::Read;

use super::entries::RawEntries;
use super::image::{CrlEntry, CrlReadFault};
use super::outline::CrlOutline;
use crate::certificate::serial::Serial;

/// Why a delta may not go out with a complete list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaFault {
    /// Issuer, key, distribution point, number or times differ, or one of them is of the wrong kind.
    #[error("delta and complete list do not belong together")]
    Scope,
    /// The delta says of a serial what the complete list does not say in that place.
    #[error("serial {0} is in the delta and not so at the end of the complete list")]
    Foreign(Serial),
    /// The complete list has new entries that the delta lacks.
    #[error("{0} octets of entries are new in the complete list and not in the delta")]
    Missing(u64),
    /// An entry cannot be read.
    #[error("an entry cannot be read")]
    Read(#[from] CrlReadFault),
}

/// Octets of the complete list's entries before those of its delta, for lists that belong
/// together: the same scope, number and times. Entries stand in the order in which they were
/// recorded, so a delta is the end of its complete list. `added` is how many octets of entries are
/// new since the list in place, if that list is no older than the delta's base: who holds it needs
/// them. (One that is older has run out: nobody adds to it.)
///
/// # Errors
/// What does not belong together.
pub fn belongs(
    complete: &CrlOutline,
    delta: &CrlOutline,
    added: Option<u64>,
) -> Result<u64, DeltaFault> {
    match (complete.base, delta.base) {
        (None, Some(base)) if base < delta.number => {}
        _ => return Err(DeltaFault::Scope),
    }
    if complete.issuer != delta.issuer
        || complete.authority_key_id != delta.authority_key_id
        || complete.distribution_point != delta.distribution_point
        || complete.number != delta.number
        || complete.this_update != delta.this_update
        || complete.next_update != delta.next_update
    {
        return Err(DeltaFault::Scope);
    }
    let octets = |list: &CrlOutline| list.entries.end - list.entries.start;
    if let Some(missing) = added.and_then(|added| added.checked_sub(octets(delta)))
        && missing > 0
    {
        return Err(DeltaFault::Missing(missing));
    }
    octets(complete)
        .checked_sub(octets(delta))
        .ok_or(DeltaFault::Scope)
}

/// Whether a delta's entries are the last ones of the complete list, which are read from where
/// [`belongs`] says.
///
/// # Errors
/// The first entry of the delta that is otherwise.
pub fn agree<C: Read, D: Read>(
    end_of_complete: &mut RawEntries<C>,
    delta: &mut RawEntries<D>,
) -> Result<(), DeltaFault> {
    while let Some(entry) = delta.next_entry()? {
        // Octets that are cut in the middle of an entry are no entry: not so, either.
        if !matches!(end_of_complete.next_entry(), Ok(Some(same)) if same == entry) {
            return Err(DeltaFault::Foreign(CrlEntry::decode(entry)?.serial));
        }
    }
    Ok(())
}
