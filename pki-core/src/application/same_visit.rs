//! One visit, two applications: who has been identified for the one certificate of a card need not
//! show the document again for the other. The second application gets a decision of its own, made by the
//! clerk who sees the person; it names the decision that it rests on.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Application;
use super::identity::RecordedDecision;
use super::states::{Identified, Issued, Received};
use crate::calendar::JapaneseDay;
use crate::id::{ApplicationId, OperatorId, Sha256Digest, TerminalId};

/// How long after an identification another application may rest on it, in minutes: a walk with the
/// kiosk takes about twenty, so this is one visit with time to wait in it.
pub const VISIT_MINUTES: i64 = 90;

/// The decision that another one rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfVisit {
    /// The application that it was made for.
    pub application: ApplicationId,
    /// SHA-256 of its record.
    pub identity_sha256: Sha256Digest,
    /// When it was made.
    pub at: Timestamp,
}

impl OfVisit {
    /// Of a decision.
    #[must_use]
    pub fn of(recorded: &RecordedDecision) -> Self {
        Self {
            application: recorded.decision().application,
            identity_sha256: recorded.digest(),
            at: recorded.decision().at,
        }
    }
}

/// Who is at work, and when.
#[derive(Clone, Debug)]
pub struct AtWindow {
    pub terminal: TerminalId,
    pub operator: OperatorId,
    pub now: Timestamp,
}

/// Why an identification does not serve another application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOfVisit {
    #[error("it was made for the same kind of certificate")]
    SameKind,
    #[error("it was made for another resident")]
    OtherPerson,
    #[error("nobody stands identified in that application")]
    NotIdentified,
    #[error("a proxy, or a written reply, was identified there or would be here")]
    NotInPerson,
    #[error("it was made at another window or by another operator")]
    OtherWindow,
    #[error("it was made in another visit: more than {VISIT_MINUTES} minutes ago, or another day")]
    AnotherVisit,
    #[error("the document has expired since")]
    Expired,
}

/// The identification of another application, if this one may rest on it: of the same resident in
/// person, with a document, by the same operator at the same window, on this day in Japan within
/// [`VISIT_MINUTES`].
///
/// # Errors
/// [`NotOfVisit`].
pub fn serves<'a>(
    application: &Received,
    earlier: &'a Application,
    window: &AtWindow,
) -> Result<&'a RecordedDecision, NotOfVisit> {
    let case = &application.case;
    if earlier.case().certificate_kind == case.certificate_kind {
        return Err(NotOfVisit::SameKind);
    }
    let identified = identified(earlier).ok_or(NotOfVisit::NotIdentified)?;
    if case.resident.as_ref() != Some(&identified.resident) {
        return Err(NotOfVisit::OtherPerson);
    }
    let decision = identified.identity.decision();
    if case.proxy.is_some() || identified.case.proxy.is_some() || decision.inquiry.is_some() {
        return Err(NotOfVisit::NotInPerson);
    }
    if (decision.terminal, &decision.operator) != (window.terminal, &window.operator) {
        return Err(NotOfVisit::OtherWindow);
    }
    let age = window.now.duration_since(decision.at);
    let today = JapaneseDay::of(window.now);
    if JapaneseDay::of(decision.at) != today
        || age < SignedDuration::ZERO
        || age > SignedDuration::from_mins(VISIT_MINUTES)
    {
        return Err(NotOfVisit::AnotherVisit);
    }
    if decision
        .document
        .expires_on
        .is_some_and(|last| last < today)
    {
        return Err(NotOfVisit::Expired);
    }
    Ok(&identified.identity)
}

/// The identification that an application stands on; none where it was refused, withdrawn or revoked,
/// because the reason may have been the person.
fn identified(application: &Application) -> Option<&Identified> {
    let judged_wrong = |issued: &Issued| issued.judgement.is_some();
    if application.end().is_some() || application.issued().is_some_and(judged_wrong) {
        return None;
    }
    match application {
        Application::Identified(identified) => Some(identified),
        later => later.card_prepared().map(|prepared| &prepared.identified),
    }
}

#[cfg(test)]
mod tests {
    use super::super::certificate_kind::CertificateKind;
    use super::super::image::ImageVerdict;
    use super::super::inquiry::Proxy;
    use super::super::tests::given::{
        at, card_prepared, case, confirmed, decision_with, identified, key_read, received, rejected,
    };
    use super::*;

    fn second() -> Received {
        let mut second = received();
        second.case.certificate_kind = CertificateKind::UserAuthentication;
        second.case.id = ApplicationId::from_bytes([9; 16]);
        second
    }

    fn window(minute: i64) -> AtWindow {
        AtWindow {
            terminal: case().terminal,
            operator: case().operator,
            now: at(minute),
        }
    }

    fn fault(second: &Received, earlier: &Application, window: &AtWindow) -> NotOfVisit {
        serves(second, earlier, window).unwrap_err()
    }

    #[test]
    fn an_identification_serves_the_other_certificate_of_the_visit() {
        for earlier in [
            Application::Identified(identified()),
            Application::CardPrepared(card_prepared()),
            Application::KeyRead(key_read()),
            Application::Confirmed(confirmed()),
        ] {
            let served = serves(&second(), &earlier, &window(30)).unwrap();
            assert_eq!(served, &identified().identity);
            assert_eq!(OfVisit::of(served).application, case().id);
        }
        let earlier = Application::Identified(identified());
        assert!(serves(&second(), &earlier, &window(1 + VISIT_MINUTES)).is_ok());
    }

    #[test]
    fn not_after_the_visit_and_not_on_another_day() {
        let earlier = Application::Identified(identified());
        for minute in [0, 2 + VISIT_MINUTES] {
            assert_eq!(
                fault(&second(), &earlier, &window(minute)),
                NotOfVisit::AnotherVisit
            );
        }
        // at(0) is 14:00 in Japan, at(600) midnight.
        let mut late = identified();
        late.identity = decision_with(|check| check.at = at(530));
        let late = Application::Identified(late);
        assert!(serves(&second(), &late, &window(599)).is_ok());
        assert_eq!(
            fault(&second(), &late, &window(600)),
            NotOfVisit::AnotherVisit
        );
    }

    #[test]
    fn only_for_the_same_resident_in_person_at_the_same_window() {
        let earlier = Application::Identified(identified());
        assert_eq!(
            fault(&received(), &earlier, &window(30)),
            NotOfVisit::SameKind
        );
        let mut other = second();
        other.case.resident = Some("R3".parse().unwrap());
        assert_eq!(
            fault(&other, &earlier, &window(30)),
            NotOfVisit::OtherPerson
        );
        other.case.resident = None;
        assert_eq!(
            fault(&other, &earlier, &window(30)),
            NotOfVisit::OtherPerson
        );

        let mut by_proxy = second();
        by_proxy.case.proxy = Some(Proxy {
            name: "総務　花子".into(),
            power_of_attorney_on: JapaneseDay::new(2026, 11, 20).unwrap(),
            seal_certificate_on: JapaneseDay::new(2026, 11, 20).unwrap(),
        });
        assert_eq!(
            fault(&by_proxy, &earlier, &window(30)),
            NotOfVisit::NotInPerson
        );

        for elsewhere in [
            AtWindow {
                terminal: "131010002".parse().unwrap(),
                ..window(30)
            },
            AtWindow {
                operator: "13101-0002".parse().unwrap(),
                ..window(30)
            },
        ] {
            assert_eq!(
                fault(&second(), &earlier, &elsewhere),
                NotOfVisit::OtherWindow
            );
        }
    }

    #[test]
    fn nothing_rests_on_an_application_that_ended() {
        let withdrawn = Application::Cancelled(identified().cancel(at(20)));
        assert_eq!(
            fault(&second(), &withdrawn, &window(30)),
            NotOfVisit::NotIdentified
        );
        assert_eq!(
            fault(&second(), &Application::Received(received()), &window(30)),
            NotOfVisit::NotIdentified
        );
        // The image showed another person: its certificate is revoked next, and the clerk looks again.
        let wrong = Application::Issued(rejected(ImageVerdict::PersonWrong));
        assert_eq!(
            fault(&second(), &wrong, &window(30)),
            NotOfVisit::NotIdentified
        );
    }
}
