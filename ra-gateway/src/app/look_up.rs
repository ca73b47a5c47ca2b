//! The resident register is asked; its answers are shown, not kept.

use pki_core::person::four_items::{Address, ItemFault, Name};
use schema::wire::v1::ra::{
    GoneResident, RegisterEntryMessage, RegisterLookupRequest, RegisterLookupResponse,
};

use super::{
    App,
    caller::Clerk,
    opening::residence,
    refusal::{Failure, ItemError, Refused, parse},
};
use crate::port::{RegisterEntry, RegisterQuery, Residence};

/// Most people in one answer.
const MOST: usize = 20;

/// Faults of items as errors of a request, with `prefix` before the field's name.
pub(super) fn item_errors(prefix: &str, faults: &[ItemFault]) -> Vec<ItemError> {
    faults
        .iter()
        .map(|fault| ItemError {
            pointer: format!("{prefix}/{}", fault.item.field()),
            detail: match fault.position {
                Some(position) => format!("{} (character {})", fault.reason, position + 1),
                None => fault.reason.to_string(),
            },
        })
        .collect()
}

pub(super) fn register_message(entry: RegisterEntry) -> RegisterEntryMessage {
    RegisterEntryMessage {
        resident: entry.resident.to_string(),
        name: entry.items.name().as_str().to_owned(),
        birth_date: entry.items.birth_date().code(),
        sex: entry.items.sex().code().to_owned(),
        address: entry.items.address().as_str().to_owned(),
    }
}

impl App {
    /// Residents of the clerk's municipality who match; by number, or by name and birth date.
    pub fn look_up(
        &self,
        clerk: &Clerk,
        request: &RegisterLookupRequest,
    ) -> Result<RegisterLookupResponse, Failure> {
        let now = self.clock.now();
        let outcome = (|| {
            let query = query(request)?;
            Ok(self.register.look_up(&clerk.municipality(), &query, MOST)?)
        })();
        let entries = self.audited(&clerk.entry("look-up"), now, outcome)?;
        // Who looked is recorded, whom they looked for is not: personal data stays out.
        self.store.audit(&clerk.entry("look-up"), now)?;
        let (here, gone): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| entry.residence == Residence::Resident);
        Ok(RegisterLookupResponse {
            entries: here.into_iter().map(register_message).collect(),
            gone: gone
                .into_iter()
                .map(|entry| GoneResident {
                    resident: entry.resident.to_string(),
                    name: entry.items.name().as_str().to_owned(),
                    residence: residence(entry.residence),
                })
                .collect(),
        })
    }
}

fn query(request: &RegisterLookupRequest) -> Result<RegisterQuery, Failure> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let mut query = RegisterQuery::default();
    if let Some(resident) = text(&request.resident) {
        query.resident = Some(parse("/resident", &resident)?);
    }
    if let Some(name) = text(&request.name) {
        query.name =
            Some(Name::parse(&name).map_err(|faults| Refused::items(item_errors("", &faults)))?);
    }
    if let Some(date) = text(&request.birth_date) {
        query.birth_date = Some(parse("/birth_date", &date)?);
    }
    if let Some(address) = text(&request.address) {
        query.address = Some(
            Address::parse(&address).map_err(|faults| Refused::items(item_errors("", &faults)))?,
        );
    }
    if query.resident.is_none() && (query.name.is_none() || query.birth_date.is_none()) {
        return Err(Refused::items(vec![ItemError {
            pointer: "".into(),
            detail: "give the resident's number, or name and birth date".into(),
        }])
        .into());
    }
    Ok(query)
}
