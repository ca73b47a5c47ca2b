//! Where the revocation list of a certificate is found (RFC 5280 §4.2.1.13, §5.2.5).

use super::asn1;
use super::name::{Name, NameFault};
use super::partition::{Partition, PartitionNumber};
use crate::person::municipality::MunicipalityCode;

/// The municipality that a certificate belongs to, as distinguished names write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its code.
    pub code: MunicipalityCode,
    /// Romanised prefecture with its suffix (`Tokyo-to`).
    pub prefecture: String,
    /// Romanised municipality with its suffix (`Chiyoda-ku`).
    pub municipality: String,
    /// The part of the municipality's list that new certificates name.
    pub partition: PartitionNumber,
}

impl Place {
    /// The part of the list that a certificate of this place names.
    #[must_use]
    pub fn list(&self) -> Partition {
        Partition {
            municipality: self.code,
            number: self.partition,
        }
    }

    /// The same municipality, for another part of its list.
    #[must_use]
    pub fn with_partition(&self, partition: PartitionNumber) -> Self {
        Self {
            partition,
            ..self.clone()
        }
    }
}

/// A distribution point: a directory name and, where access is open, a URI of the
/// same list. Certificate and CRL carry the same bytes, since a verifier compares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPoint {
    name: Name,
    uri: Option<String>,
}

impl DistributionPoint {
    /// The point with this directory name, and this URI of the same list.
    pub fn new(name: Name, uri: Option<String>) -> Self {
        Self { name, uri }
    }

    /// The place's partition below `base`: `…, OU=Tokyo-to, CN=Chiyoda-ku CRLDP`.
    pub fn partition(base: &Name, place: &Place, uri: Option<String>) -> Result<Self, NameFault> {
        let name = base
            .with("OU", &place.prefecture)?
            .with("CN", &place.partition.common_name(&place.municipality))?;
        Ok(Self { name, uri })
    }

    /// Its directory name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Its URI where access is open.
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// DistributionPointName inside its `[0]`: `[0] { [0] { [4] name, [6] uri } }`.
    pub(crate) fn name_der(&self) -> Vec<u8> {
        let directory = directory_name(&self.name);
        let uri = self.uri.as_deref().map(uri_name).unwrap_or_default();
        let full = asn1::tlv(asn1::explicit(0), &[&directory, &uri]);
        asn1::tlv(asn1::explicit(0), &[&full])
    }

    /// CRLDistributionPoints with this one point.
    pub(crate) fn to_extension(&self) -> Vec<u8> {
        asn1::sequence(&[&asn1::sequence(&[&self.name_der()])])
    }
}

/// GeneralName directoryName; the tag is explicit, Name being a CHOICE.
pub(crate) fn directory_name(name: &Name) -> Vec<u8> {
    asn1::tlv(asn1::explicit(4), &[name.as_der()])
}

/// GeneralName uniformResourceIdentifier.
pub(crate) fn uri_name(uri: &str) -> Vec<u8> {
    asn1::tlv(asn1::implicit(6), &[uri.as_bytes()])
}
