//! The resident register (住民基本台帳) as the gateway sees it.

use pki_core::{
    id::ResidentNumber,
    person::{
        era::BirthDate,
        four_items::{Address, FourItems, Name},
        municipality::MunicipalityCode,
    },
};

/// What the register says of a person's being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residence {
    /// Recorded as a resident.
    Resident,
    /// Moved away (転出).
    Moved,
    /// Died (死亡).
    Deceased,
    /// The record was deleted for another reason.
    Deleted,
}

/// One person's record.
#[derive(Clone, PartialEq, Eq)]
pub struct RegisterEntry {
    /// Number in the municipality's register.
    pub resident: ResidentNumber,
    /// The municipality that keeps the record.
    pub municipality: MunicipalityCode,
    /// The four items in the register's own characters.
    pub items: FourItems,
    /// Whether the person still lives there.
    pub residence: Residence,
    /// Municipality and number before a merger, where there was one.
    pub formerly: Option<(MunicipalityCode, ResidentNumber)>,
}

/// What is looked for; every given part must match exactly.
#[derive(Clone, Default)]
pub struct RegisterQuery {
    /// Number in the register.
    pub resident: Option<ResidentNumber>,
    /// 氏名.
    pub name: Option<Name>,
    /// 生年月日.
    pub birth_date: Option<BirthDate>,
    /// 住所.
    pub address: Option<Address>,
}

/// Why the register did not answer.
#[derive(Debug, thiserror::Error)]
pub enum RegisterFault {
    /// The register cannot be read now; try later.
    #[error("the resident register cannot be read")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was exported is not a register; an officer must export it again.
    #[error("the register file is wrong in line {line}: {what}")]
    Malformed {
        /// Line of the file, from 1.
        line: usize,
        /// What is wrong, without the data.
        what: &'static str,
    },
}

/// Looks people up.
///
/// Promises: only records of `municipality` are given, residents or not, at most
/// `limit`, in the order of the register; an answer reflects the register as it is
/// at the call (a file that was replaced is read anew). Nothing is written.
pub trait Register: Send + Sync {
    /// Records that match `query`.
    fn look_up(
        &self,
        municipality: &MunicipalityCode,
        query: &RegisterQuery,
        limit: usize,
    ) -> Result<Vec<RegisterEntry>, RegisterFault>;
}
