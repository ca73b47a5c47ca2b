//! What the ministry is reported (報告): counts and waiting times, of nobody in particular.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Application;
use super::cause::ApplicationKind;
use super::certificate_kind::CertificateKind;
use crate::revocation::ground::Ground;

/// Something that is counted, once for each application, with the kind of its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A certificate was issued.
    Issued(CertificateKind, ApplicationKind),
    /// It was revoked at the window.
    Revoked(CertificateKind, Ground),
    /// It was handed over, so many seconds after the application was received.
    HandedOver(CertificateKind, ApplicationKind, u32),
}

impl Event {
    /// What a change of an application adds to the counts.
    #[must_use]
    pub fn of(before: &Application, after: &Application, now: Timestamp) -> Option<Self> {
        let case = after.case();
        let certificate = case.certificate_kind;
        match (before, after) {
            (_, Application::Revoked(revoked)) if !matches!(before, Application::Revoked(_)) => {
                Some(Self::Revoked(certificate, revoked.revocation.ground))
            }
            (Application::Paid(_), Application::HandedOver(_)) => {
                let waited = now.duration_since(case.received_at).as_secs();
                let waited = u32::try_from(waited.max(0)).unwrap_or(u32::MAX);
                Some(Self::HandedOver(certificate, case.kind, waited))
            }
            _ if before.issued().is_none() && after.issued().is_some() => {
                Some(Self::Issued(certificate, case.kind))
            }
            _ => None,
        }
    }

    /// Name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued(..) => "issued",
            Self::Revoked(..) => "revoked",
            Self::HandedOver(..) => "handed-over",
        }
    }

    /// Kind of application, or ground; of a certificate that is not for signatures with its kind before:
    /// `first`, `user-authentication.first`.
    #[must_use]
    pub fn class(self) -> String {
        let (certificate, class) = match self {
            Self::Issued(certificate, kind) | Self::HandedOver(certificate, kind, _) => {
                (certificate, kind.as_str())
            }
            Self::Revoked(certificate, ground) => (certificate, ground.as_str()),
        };
        class_of(certificate, class)
    }

    /// Of a hand-over: the seconds since the receipt.
    #[must_use]
    pub const fn waited_s(self) -> Option<u32> {
        match self {
            Self::HandedOver(_, _, waited) => Some(waited),
            _ => None,
        }
    }

    /// From its columns.
    #[must_use]
    pub fn parse(name: &str, class: &str, waited_s: Option<u32>) -> Option<Self> {
        let (certificate, class) = match class.split_once('.') {
            Some((certificate, class)) => (certificate.parse().ok()?, class),
            None => (CertificateKind::Signature, class),
        };
        let kind = || {
            ApplicationKind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == class)
        };
        match name {
            "issued" => Some(Self::Issued(certificate, kind()?)),
            "revoked" => Some(Self::Revoked(certificate, class.parse().ok()?)),
            "handed-over" => Some(Self::HandedOver(certificate, kind()?, waited_s?)),
            _ => None,
        }
    }
}

/// A class as tables and reports name it.
#[must_use]
pub fn class_of(certificate: CertificateKind, class: &str) -> String {
    if certificate.is_signature() {
        class.to_owned()
    } else {
        format!("{certificate}.{class}")
    }
}

/// Waiting times from receipt to hand-over, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many were handed over.
    pub count: u32,
    /// Half of them waited no longer.
    pub median_s: u32,
    /// Nine of ten waited no longer.
    pub p90_s: u32,
}

/// The counts of one municipality's month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    issued: BTreeMap<(CertificateKind, ApplicationKind), u32>,
    revoked: BTreeMap<(CertificateKind, Ground), u32>,
    waited: Vec<u32>,
}

impl Counts {
    /// Adds an event.
    pub fn add(&mut self, event: Event) {
        match event {
            Event::Issued(of, kind) => *self.issued.entry((of, kind)).or_default() += 1,
            Event::Revoked(of, ground) => *self.revoked.entry((of, ground)).or_default() += 1,
            Event::HandedOver(_, _, waited) => self.waited.push(waited),
        }
    }

    /// Certificates of a kind that were issued for a kind of application.
    #[must_use]
    pub fn issued(&self, of: CertificateKind, kind: ApplicationKind) -> u32 {
        self.issued.get(&(of, kind)).copied().unwrap_or(0)
    }

    /// Revocations of certificates of a kind on a ground.
    #[must_use]
    pub fn revoked(&self, of: CertificateKind, ground: Ground) -> u32 {
        self.revoked.get(&(of, ground)).copied().unwrap_or(0)
    }

    /// Waiting times by nearest rank; `None` where nothing was handed over.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        let mut waited = self.waited.clone();
        waited.sort_unstable();
        let rank = |percent: usize| {
            let rank = (waited.len() * percent).div_ceil(100).max(1);
            waited.get(rank - 1).copied()
        };
        Some(Waiting {
            count: u32::try_from(waited.len()).unwrap_or(u32::MAX),
            median_s: rank(50)?,
            p90_s: rank(90)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: CertificateKind = CertificateKind::Signature;
    const USER: CertificateKind = CertificateKind::UserAuthentication;

    #[test]
    fn half_and_nine_of_ten_waited_no_longer_than_told() {
        let mut counts = Counts::default();
        assert_eq!(counts.waiting(), None);
        for minutes in [12, 3, 7, 9, 40, 5, 8, 6, 11, 4] {
            counts.add(Event::HandedOver(
                SIGNATURE,
                ApplicationKind::First,
                minutes * 60,
            ));
        }
        let waiting = counts.waiting().unwrap();
        assert_eq!(
            (waiting.count, waiting.median_s, waiting.p90_s),
            (10, 7 * 60, 12 * 60)
        );
        let mut one = Counts::default();
        one.add(Event::HandedOver(USER, ApplicationKind::Renewal, 90));
        let waiting = one.waiting().unwrap();
        assert_eq!((waiting.median_s, waiting.p90_s), (90, 90));
    }

    #[test]
    fn issues_are_counted_by_kind_and_revocations_by_ground() {
        let mut counts = Counts::default();
        for event in [
            Event::Issued(SIGNATURE, ApplicationKind::First),
            Event::Issued(SIGNATURE, ApplicationKind::First),
            Event::Issued(USER, ApplicationKind::First),
            Event::Issued(SIGNATURE, ApplicationKind::Renewal),
            Event::Revoked(SIGNATURE, Ground::Article10Loss),
            Event::Revoked(USER, Ground::Article9),
        ] {
            assert_eq!(
                Event::parse(event.name(), &event.class(), event.waited_s()),
                Some(event)
            );
            counts.add(event);
        }
        assert_eq!(counts.issued(SIGNATURE, ApplicationKind::First), 2);
        assert_eq!(counts.issued(USER, ApplicationKind::First), 1);
        assert_eq!(counts.issued(SIGNATURE, ApplicationKind::Renewal), 1);
        assert_eq!(counts.issued(SIGNATURE, ApplicationKind::ReissueHolder), 0);
        assert_eq!(counts.revoked(SIGNATURE, Ground::Article10Loss), 1);
        assert_eq!(counts.revoked(SIGNATURE, Ground::Article9), 0);
        assert_eq!(counts.revoked(USER, Ground::Article9), 1);
        assert_eq!(class_of(USER, "first"), "user-authentication.first");
        for (name, class, waited) in [
            ("issued", "article9", None),
            ("handed-over", "first", None),
            ("sold", "first", None),
            ("issued", "login.first", None),
        ] {
            assert_eq!(Event::parse(name, class, waited), None);
        }
    }
}
