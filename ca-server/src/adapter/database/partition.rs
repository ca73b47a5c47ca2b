//! The parts of a municipality's list: which there are, and what changed in them. Each question is
//! one look into an index, however many certificates there are.

use diesel::{
    dsl::{exists, max},
    prelude::*,
    select,
};
use jiff::Timestamp;
use pki_core::{
    certificate::{Partition, PartitionNumber},
    person::municipality::MunicipalityCode,
};
use schema::{
    ca::tables::{certificate, issuer, revocation},
    database::AnyConnection,
};

use super::convert;

pub fn last_end(
    connection: &mut AnyConnection,
    issuer: &str,
    of: Partition,
) -> QueryResult<Option<Timestamp>> {
    certificate::table
        .filter(certificate::issuer.eq(issuer))
        .filter(certificate::municipality.eq(Some(of.municipality.to_string())))
        .filter(certificate::partition.eq(i32::from(of.number.get())))
        .select(max(certificate::not_after))
        .first::<Option<i64>>(connection)?
        .map(convert::time)
        .transpose()
}

pub fn newest(
    connection: &mut AnyConnection,
    issuer: &str,
    municipality: MunicipalityCode,
) -> QueryResult<Option<PartitionNumber>> {
    certificate::table
        .filter(certificate::issuer.eq(issuer))
        .filter(certificate::municipality.eq(Some(municipality.to_string())))
        .select(max(certificate::partition))
        .first::<Option<i32>>(connection)?
        .map(convert::partition)
        .transpose()
}

pub fn changed(
    connection: &mut AnyConnection,
    name: &str,
    of: Option<Partition>,
    after: u64,
) -> QueryResult<bool> {
    let after = convert::signed(after);
    match of {
        None => select(exists(
            issuer::table
                .find(name)
                .filter(issuer::revocations.gt(after)),
        ))
        .get_result(connection),
        Some(of) => select(exists(
            revocation::table
                .filter(revocation::issuer.eq(name))
                .filter(revocation::municipality.eq(Some(of.municipality.to_string())))
                .filter(revocation::partition.eq(i32::from(of.number.get())))
                .filter(revocation::feed.gt(after)),
        ))
        .get_result(connection),
    }
}
