//! Records whose years are over.

use diesel::prelude::*;
use jiff::Timestamp;
use schema::ca::{disclosure::disclosure, officer::officer_act, stop::gateway_stop};

use super::{Database, convert};
use crate::port::{retention::*, store::*};

impl Retention for Database {
    fn ended_before(
        &self,
        records: Records,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Ended>, StoreError> {
        let (before, limit) = (before.as_microsecond(), i64::from(limit));
        let ended = |id: String, at: i64| -> QueryResult<Ended> {
            Ok(Ended {
                id,
                at: convert::time(at)?,
            })
        };
        let octets = |(id, at): (Vec<u8>, i64)| ended(hex::encode(id), at);
        self.read(|connection| match records {
            Records::Disclosures => disclosure::table
                .filter(disclosure::step.eq("delivered"))
                .filter(disclosure::changed_at.lt(before))
                .order((disclosure::changed_at, disclosure::id))
                .limit(limit)
                .select((disclosure::id, disclosure::changed_at))
                .load(connection)?
                .into_iter()
                .map(octets)
                .collect(),
            // One that waits in vain ended when it was last signed.
            Records::OfficerActs => officer_act::table
                .filter(officer_act::since.lt(before))
                .order((officer_act::since, officer_act::id))
                .limit(limit)
                .select((officer_act::id, officer_act::since))
                .load(connection)?
                .into_iter()
                .map(octets)
                .collect(),
            Records::Stops => gateway_stop::table
                .filter(gateway_stop::released_at.lt(before))
                .order((gateway_stop::released_at, gateway_stop::id))
                .limit(limit)
                .select((
                    gateway_stop::id,
                    gateway_stop::released_at.assume_not_null(),
                ))
                .load::<(String, i64)>(connection)?
                .into_iter()
                .map(|(id, at)| ended(id, at))
                .collect(),
        })
    }
    fn delete_ended(
        &self,
        records: Records,
        ended: &Ended,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let (id, at) = (ended.id.clone(), ended.at.as_microsecond());
        self.write("delete_ended", move |scope| {
            let octets = || hex::decode(&id).map_err(|_| convert::foreign("id"));
            let deleted = match records {
                Records::Disclosures => diesel::delete(
                    disclosure::table
                        .find(octets()?)
                        .filter(disclosure::step.eq("delivered"))
                        .filter(disclosure::changed_at.eq(at)),
                )
                .execute(scope.connection)?,
                Records::OfficerActs => diesel::delete(
                    officer_act::table
                        .find(octets()?)
                        .filter(officer_act::since.eq(at)),
                )
                .execute(scope.connection)?,
                Records::Stops => diesel::delete(
                    gateway_stop::table
                        .find(&id)
                        .filter(gateway_stop::released_at.eq(at)),
                )
                .execute(scope.connection)?,
            };
            if deleted == 0 {
                return Ok(false);
            }
            scope.audit(&audit)?;
            Ok(true)
        })
    }
}
