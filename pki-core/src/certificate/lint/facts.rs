//! What lints look at: the bytes to sign, read once.

use const_oid::ObjectIdentifier;
use jiff::Timestamp;

use crate::certificate::asn1::DerFault;
use crate::certificate::image::{DistributionPointImage, distribution_points};
use crate::certificate::issuer::Issuer;
use crate::certificate::name::{Attribute, Name};
use crate::certificate::oid;
use crate::certificate::profile::{Profile, SubjectKind};
use crate::certificate::public_key::PublicKey;
use crate::certificate::subscriber::{SubscriberNumber, other_names, personal_data};
use crate::certificate::tbs::Tbs;
use crate::certificate::user::UserName;
use crate::id::TerminalId;
use crate::person::certificate_items::CertificateItemsText;

/// The bytes to sign beside the profile and the issuer. What cannot be read is `None`.
pub(super) struct Facts<'a> {
    pub tbs: Tbs<'a>,
    pub profile: &'a Profile,
    pub issuer: &'a Issuer,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    pub key: Option<PublicKey>,
    pub subject: Option<Vec<Attribute>>,
    /// The common name taken apart.
    pub number: Option<SubscriberNumber>,
    /// The common name of one who signs in taken apart.
    pub user: Option<UserName>,
    pub other_names: Option<Vec<(ObjectIdentifier, &'a str)>>,
    /// The six items of a resident.
    pub items: Option<CertificateItemsText>,
    /// The one distribution point.
    pub point: Option<DistributionPointImage>,
}

impl<'a> Facts<'a> {
    pub fn read(tbs: &'a [u8], profile: &'a Profile, issuer: &'a Issuer) -> Result<Self, DerFault> {
        let tbs = Tbs::parse(tbs)?;
        let subject = Name::from_der(tbs.subject)
            .ok()
            .map(|name| name.attributes());
        let last = subject.as_deref().and_then(<[Attribute]>::last);
        let other_names = tbs
            .value(oid::SUBJECT_ALT_NAME)
            .and_then(|value| other_names(value).ok());
        Ok(Self {
            not_before: tbs.not_before.time().ok(),
            not_after: tbs.not_after.time().ok(),
            key: PublicKey::from_spki_der(tbs.spki).ok(),
            number: last.and_then(|attribute| SubscriberNumber::parse(&attribute.value)),
            user: last.and_then(|attribute| UserName::parse(&attribute.value)),
            subject,
            items: other_names.as_deref().and_then(personal_data),
            other_names,
            point: tbs
                .value(oid::CRL_DISTRIBUTION_POINTS)
                .and_then(|value| distribution_points(value).ok())
                .and_then(|points| <[_; 1]>::try_from(points).ok())
                .map(|[point]| point),
            tbs,
            profile,
            issuer,
        })
    }

    pub fn is(&self, kind: SubjectKind) -> bool {
        self.profile.subject_kind() == kind
    }

    /// The window that a resident's common name ends with.
    pub fn window(&self) -> Option<&TerminalId> {
        match self.profile.subject_kind() {
            SubjectKind::Subscriber => self.number.as_ref().map(|number| &number.window),
            SubjectKind::User => self.user.as_ref().map(|user| &user.window),
            SubjectKind::Party | SubjectKind::Authority => None,
        }
    }

    /// Values of the subject's attributes of that key, in order.
    pub fn subject_values(&self, key: &str) -> Vec<&str> {
        self.subject
            .iter()
            .flatten()
            .filter(|attribute| attribute.key == key)
            .map(|attribute| attribute.value.as_str())
            .collect()
    }
}
