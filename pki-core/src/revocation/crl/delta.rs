//! A complete list and the delta of its number say the same (RFC 5280 §5.2.4).

use std::collections::HashMap;

use super::image::{CrlEntry, CrlImage, CrlReadFault};
use crate::certificate::serial::Serial;

/// Why a delta may not go out with a complete list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaFault {
    /// Issuer, key, distribution point, number or times differ, or one of them is of the wrong kind.
    #[error("delta and complete list do not belong together")]
    Scope,
    /// The delta says of a serial what the complete list does not.
    #[error("serial {0} is in the delta and not so in the complete list")]
    Foreign(Serial),
    /// The complete list has a new entry that the delta lacks.
    #[error("serial {0} is new in the complete list and not in the delta")]
    Missing(Serial),
    /// An entry cannot be read.
    #[error("an entry cannot be read")]
    Read(#[from] CrlReadFault),
}

/// Whether `complete` and `delta` may be published together, in the place of `in_place`: the same
/// scope and number, each entry of the delta in the complete list, and each entry that is new
/// since the list in place in the delta, so that this list and the delta make the complete one.
pub fn agree(
    complete: &CrlImage<'_>,
    delta: &CrlImage<'_>,
    in_place: Option<&CrlImage<'_>>,
) -> Result<(), DeltaFault> {
    let base = match (complete.base, delta.base) {
        (None, Some(base)) if base < delta.number => base,
        _ => return Err(DeltaFault::Scope),
    };
    if complete.issuer != delta.issuer
        || complete.authority_key_id != delta.authority_key_id
        || complete.distribution_point != delta.distribution_point
        || complete.number != delta.number
        || complete.this_update != delta.this_update
        || complete.next_update != delta.next_update
    {
        return Err(DeltaFault::Scope);
    }
    let mut all = entries(complete)?;
    // A list in place that is older than the base has run out: nobody adds to it.
    if let Some(in_place) = in_place.filter(|list| list.number >= base) {
        let (known, changed) = (entries(in_place)?, entries(delta)?);
        let missing = all
            .keys()
            .find(|serial| !known.contains_key(*serial) && !changed.contains_key(*serial));
        if let Some(serial) = missing {
            return Err(DeltaFault::Missing(serial.clone()));
        }
    }
    for entry in delta.entries() {
        let entry = entry?;
        if all.remove(&entry.serial).as_ref() != Some(&entry) {
            return Err(DeltaFault::Foreign(entry.serial));
        }
    }
    Ok(())
}

fn entries(list: &CrlImage<'_>) -> Result<HashMap<Serial, CrlEntry>, CrlReadFault> {
    list.entries()
        .map(|entry| entry.map(|entry| (entry.serial.clone(), entry)))
        .collect()
}
