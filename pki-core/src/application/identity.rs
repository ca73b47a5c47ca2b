//! The identity check as a recorded decision: the register, item by item; the
//! document; the face; who decided, where and when. Its digest stands in the signed act.

use std::fmt;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cause::EndCause;
use super::inquiry::Replied;
use super::same_visit::OfVisit;
use crate::calendar::JapaneseDay;
use crate::id::{ApplicationId, OperatorId, ResidentNumber, Sha256Digest, TerminalId};
use crate::person::four_items::Comparison;

/// Longest remark of a clerk, in characters.
pub const REMARK_CHARACTERS_MAX: usize = 200;
/// Longest name of a document's issuer, in characters.
pub const ISSUER_CHARACTERS_MAX: usize = 60;

/// Whether a kind of document prints the date to which it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryRule {
    Required,
    Optional,
    None,
}

/// A kind of document that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentKind {
    /// Name in messages.
    pub code: String,
    /// Name on the clerk's screen.
    pub japanese: String,
    pub english: String,
    pub expiry: ExpiryRule,
    /// Whether it carries a photo; one without is the mayor's other method.
    #[serde(default = "yes")]
    pub photo: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Documents {
    version: String,
    document: Vec<DocumentKind>,
}

static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| {
    toml::from_str(include_str!("../../data/documents.toml")).expect("the list was checked by test")
});

impl DocumentKind {
    /// All kinds that are accepted, in the order of the list.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &DOCUMENTS.document
    }

    /// Version of the list.
    #[must_use]
    pub fn list_version() -> &'static str {
        &DOCUMENTS.version
    }

    /// The kind with this code.
    #[must_use]
    pub fn find(code: &str) -> Option<&'static Self> {
        Self::all().iter().find(|kind| kind.code == code)
    }
}

/// The document that was shown. Its number is not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownDocument {
    /// Code of a [`DocumentKind`].
    pub kind: String,
    /// Who issued it, where that matters (東京都公安委員会).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Last day on which it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<JapaneseDay>,
}

/// What the register says of the applicant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterMatch {
    pub resident: ResidentNumber,
    /// Which of the four items agree.
    pub items: Comparison,
}

/// What the clerk decides on seeing the person and the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityVerdict {
    Accepted,
    Refused,
}

/// A decision, with all it rests on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityDecision {
    version: u8,
    pub application: ApplicationId,
    pub terminal: TerminalId,
    pub operator: OperatorId,
    pub at: Timestamp,
    /// `None` when the register of the municipality has no such resident.
    pub register: Option<RegisterMatch>,
    /// When the register was asked, where that was before the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    register_seen_at: Option<Timestamp>,
    pub document: ShownDocument,
    /// Version of the list of accepted documents.
    documents: String,
    pub face_matches: bool,
    pub decision: IdentityVerdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// The written inquiry that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inquiry: Option<Replied>,
    /// The decision of the same visit that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_visit: Option<OfVisit>,
}

/// What goes into a decision.
#[derive(Clone)]
pub struct IdentityCheck {
    pub application: ApplicationId,
    pub terminal: TerminalId,
    pub operator: OperatorId,
    pub at: Timestamp,
    pub register: Option<RegisterMatch>,
    /// When the register was asked, at the latest `at`.
    pub register_seen_at: Timestamp,
    pub document: ShownDocument,
    pub face_matches: bool,
    pub decision: IdentityVerdict,
    pub remark: Option<String>,
    pub inquiry: Option<Replied>,
}

/// Why a decision cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFault {
    #[error("the document's kind is not in the list of accepted documents")]
    DocumentUnknown,
    #[error("this kind of document prints a date of expiry: enter it")]
    ExpiryMissing,
    #[error("this kind of document prints no date of expiry: leave it out")]
    ExpiryUnexpected,
    #[error("the document has expired: ask for another")]
    DocumentExpired,
    #[error("an identification whose face does not match cannot be accepted")]
    FaceDiffers,
    #[error("without a photo document the applicant is asked in writing first: send the inquiry")]
    InquiryMissing,
    #[error("a proxy is identified by a document with a photo")]
    ProxyWithoutPhoto,
    #[error(
        "the remark is longer than {REMARK_CHARACTERS_MAX} characters or has control characters"
    )]
    Remark,
    #[error(
        "the issuer is empty, longer than {ISSUER_CHARACTERS_MAX} characters or has control characters"
    )]
    Issuer,
    /// Stored bytes that are not a recorded decision of this version.
    #[error("the recorded decision cannot be read")]
    Unreadable,
}

impl IdentityDecision {
    /// Checks what the clerk saw and decided. A person who is not in the register, or whose
    /// items differ, is refused whatever the clerk decided ([`IdentityDecision::end`]).
    ///
    /// # Errors
    /// [`IdentityFault`] where the clerk has to correct an entry.
    pub fn new(check: IdentityCheck) -> Result<Self, IdentityFault> {
        let document = &check.document;
        let kind = DocumentKind::find(&document.kind).ok_or(IdentityFault::DocumentUnknown)?;
        let accepted = check.decision == IdentityVerdict::Accepted;
        match (kind.expiry, document.expires_on) {
            (ExpiryRule::Required, None) => return Err(IdentityFault::ExpiryMissing),
            (ExpiryRule::None, Some(_)) => return Err(IdentityFault::ExpiryUnexpected),
            (_, Some(last)) if accepted && last < JapaneseDay::of(check.at) => {
                return Err(IdentityFault::DocumentExpired);
            }
            _ => {}
        }
        if accepted && !check.face_matches {
            return Err(IdentityFault::FaceDiffers);
        }
        match check.inquiry {
            None if accepted && !kind.photo => return Err(IdentityFault::InquiryMissing),
            Some(replied) if accepted && replied.by_proxy && !kind.photo => {
                return Err(IdentityFault::ProxyWithoutPhoto);
            }
            _ => {}
        }
        let fits =
            |text: &str, max| text.chars().count() <= max && !text.chars().any(char::is_control);
        if check
            .remark
            .as_deref()
            .is_some_and(|text| !fits(text, REMARK_CHARACTERS_MAX))
        {
            return Err(IdentityFault::Remark);
        }
        let issuer = document.issuer.as_deref();
        if issuer.is_some_and(|text| text.is_empty() || !fits(text, ISSUER_CHARACTERS_MAX)) {
            return Err(IdentityFault::Issuer);
        }
        Ok(Self {
            version: 1,
            application: check.application,
            terminal: check.terminal,
            operator: check.operator,
            at: check.at,
            register: check.register,
            register_seen_at: (check.register_seen_at < check.at).then_some(check.register_seen_at),
            document: check.document,
            documents: DocumentKind::list_version().to_owned(),
            face_matches: check.face_matches,
            decision: check.decision,
            remark: check.remark,
            inquiry: check.inquiry,
            of_visit: None,
        })
    }

    /// The same, resting on the decision of this visit for the other certificate of the card.
    #[must_use]
    pub fn resting_on(mut self, earlier: OfVisit) -> Self {
        self.of_visit = Some(earlier);
        self
    }

    /// Why the application ends here; `None` when the person is identified.
    #[must_use]
    pub fn end(&self) -> Option<EndCause> {
        match &self.register {
            None => Some(EndCause::NotRegistered),
            Some(found) if !found.items.agrees() => Some(EndCause::ItemsDisagree),
            Some(_) if self.decision == IdentityVerdict::Refused => Some(EndCause::IdentityRefused),
            Some(_) => None,
        }
    }

    /// When the register was asked: from then on an event of the register has come after the
    /// identification.
    #[must_use]
    pub fn register_seen_at(&self) -> Timestamp {
        self.register_seen_at.unwrap_or(self.at)
    }

    /// Writes the decision down.
    ///
    /// # Panics
    /// Never: a decision holds nothing that JSON cannot.
    #[must_use]
    pub fn record(&self) -> RecordedDecision {
        let json = serde_json::to_string(self).expect("a decision is plain text and times");
        RecordedDecision {
            decision: self.clone(),
            json,
        }
    }
}

/// A decision with the exact JSON bytes that were recorded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordedDecision {
    decision: IdentityDecision,
    json: String,
}

impl RecordedDecision {
    /// What was decided.
    #[must_use]
    pub const fn decision(&self) -> &IdentityDecision {
        &self.decision
    }

    /// The recorded JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// SHA-256 of the recorded JSON bytes, as acts name it.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(self.json.as_bytes())
    }
}

impl TryFrom<String> for RecordedDecision {
    type Error = IdentityFault;
    fn try_from(json: String) -> Result<Self, IdentityFault> {
        let decision: IdentityDecision =
            serde_json::from_str(&json).map_err(|_| IdentityFault::Unreadable)?;
        if decision.version != 1 {
            return Err(IdentityFault::Unreadable);
        }
        Ok(Self { decision, json })
    }
}

impl From<RecordedDecision> for String {
    fn from(recorded: RecordedDecision) -> Self {
        recorded.json
    }
}

impl fmt::Debug for IdentityDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "IdentityDecision({:?} for {})",
            self.decision, self.application
        )
    }
}

impl fmt::Debug for RecordedDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordedDecision({})", self.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> IdentityCheck {
        IdentityCheck {
            application: ApplicationId::from_bytes([1; 16]),
            terminal: "131010001".parse().unwrap(),
            operator: "13101-0001".parse().unwrap(),
            at: "2026-11-22T05:00:00Z".parse().unwrap(),
            register: Some(RegisterMatch {
                resident: "R1".parse().unwrap(),
                items: Comparison {
                    name: true,
                    birth_date: true,
                    sex: true,
                    address: true,
                },
            }),
            register_seen_at: "2026-11-22T05:00:00Z".parse().unwrap(),
            document: ShownDocument {
                kind: "drivers-licence".to_owned(),
                issuer: Some("東京都公安委員会".to_owned()),
                expires_on: JapaneseDay::new(2026, 11, 22),
            },
            face_matches: true,
            decision: IdentityVerdict::Accepted,
            remark: None,
            inquiry: None,
        }
    }

    fn fault(change: impl FnOnce(&mut IdentityCheck)) -> IdentityFault {
        let mut check = check();
        change(&mut check);
        IdentityDecision::new(check).unwrap_err()
    }

    fn end(change: impl FnOnce(&mut IdentityCheck)) -> Option<EndCause> {
        let mut check = check();
        change(&mut check);
        IdentityDecision::new(check).unwrap().end()
    }

    #[test]
    fn the_recorded_bytes_and_their_digest_are_fixed() {
        let recorded = IdentityDecision::new(check()).unwrap().record();
        assert_eq!(
            recorded.json(),
            concat!(
                r#"{"version":1,"application":"01010101010101010101010101010101","terminal":"131010001","#,
                r#""operator":"13101-0001","at":"2026-11-22T05:00:00Z","register":{"resident":"R1","#,
                r#""items":{"name":true,"birth_date":true,"sex":true,"address":true}},"#,
                r#""document":{"kind":"drivers-licence","issuer":"東京都公安委員会","expires_on":"2026-11-22"},"#,
                r#""documents":"2026-11","face_matches":true,"decision":"accepted"}"#
            )
        );
        assert_eq!(
            recorded.digest().to_string(),
            "3eb35702df82d7c88d0f7380467134cc7a3255cbbb1c9ed73ecd111605efddeb"
        );
        let stored = serde_json::to_string(&recorded).unwrap();
        let read: RecordedDecision = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, recorded);
    }

    #[test]
    fn an_earlier_look_into_the_register_stands_in_the_record() {
        let seen: Timestamp = "2026-11-22T04:50:00Z".parse().unwrap();
        let mut check = check();
        check.register_seen_at = seen;
        let recorded = IdentityDecision::new(check).unwrap().record();
        assert!(
            recorded
                .json()
                .contains(r#""register_seen_at":"2026-11-22T04:50:00Z""#)
        );
        let read = RecordedDecision::try_from(recorded.json().to_owned()).unwrap();
        assert_eq!(read.decision().register_seen_at(), seen);
    }

    #[test]
    fn a_person_whose_items_agree_and_whose_document_is_good_is_identified() {
        assert_eq!(end(|_| ()), None);
        assert_eq!(
            end(|c| c.decision = IdentityVerdict::Refused),
            Some(EndCause::IdentityRefused)
        );
    }

    #[test]
    fn the_register_stops_what_the_clerk_accepted() {
        assert_eq!(end(|c| c.register = None), Some(EndCause::NotRegistered));
        let differs: [fn(&mut Comparison); 4] = [
            |i| i.name = false,
            |i| i.birth_date = false,
            |i| i.sex = false,
            |i| i.address = false,
        ];
        for differ in differs {
            let cause = end(|c| differ(&mut c.register.as_mut().unwrap().items));
            assert_eq!(cause, Some(EndCause::ItemsDisagree));
        }
    }

    #[test]
    fn a_document_is_good_through_its_last_day_in_japan() {
        assert_eq!(
            end(|c| c.at = "2026-11-22T14:59:59Z".parse().unwrap()),
            None
        );
        assert_eq!(
            fault(|c| c.at = "2026-11-22T15:00:00Z".parse().unwrap()),
            IdentityFault::DocumentExpired
        );
        let refused = end(|c| {
            c.at = "2026-11-23T15:00:00Z".parse().unwrap();
            c.decision = IdentityVerdict::Refused;
        });
        assert_eq!(
            refused,
            Some(EndCause::IdentityRefused),
            "a refusal over an expired document is recorded"
        );
        let other_face = end(|c| {
            c.face_matches = false;
            c.decision = IdentityVerdict::Refused;
        });
        assert_eq!(
            other_face,
            Some(EndCause::IdentityRefused),
            "as is one of a person who is not the one on the photo"
        );
    }

    #[test]
    fn entries_that_cannot_stand_are_given_back() {
        assert_eq!(
            fault(|c| c.document.kind = "library-card".to_owned()),
            IdentityFault::DocumentUnknown
        );
        assert_eq!(
            fault(|c| c.document.expires_on = None),
            IdentityFault::ExpiryMissing
        );
        assert_eq!(
            fault(|c| c.document.kind = "electrician-licence".to_owned()),
            IdentityFault::ExpiryUnexpected
        );
        assert_eq!(
            fault(|c| c.face_matches = false),
            IdentityFault::FaceDiffers
        );
        assert_eq!(
            fault(|c| c.remark = Some("あ".repeat(201))),
            IdentityFault::Remark
        );
        assert_eq!(
            fault(|c| c.remark = Some("a\nb".to_owned())),
            IdentityFault::Remark
        );
        assert_eq!(
            fault(|c| c.document.issuer = Some(String::new())),
            IdentityFault::Issuer
        );
        assert_eq!(
            fault(|c| c.document.issuer = Some("あ".repeat(61))),
            IdentityFault::Issuer
        );
        assert_eq!(
            fault(|c| c.document.issuer = Some("公安\u{7}委員会".to_owned())),
            IdentityFault::Issuer
        );
        let longest = end(|c| {
            c.remark = Some("あ".repeat(200));
            c.document.issuer = Some("あ".repeat(60));
        });
        assert_eq!(longest, None);
    }

    #[test]
    fn the_list_of_documents_has_each_code_once() {
        let mut codes: Vec<&str> = DocumentKind::all()
            .iter()
            .map(|kind| kind.code.as_str())
            .collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for code in [
            "drivers-licence",
            "passport",
            "basic-resident-card",
            "official-id",
        ] {
            assert!(
                DocumentKind::find(code).is_some_and(|kind| kind.photo),
                "{code}"
            );
        }
        assert!(!DocumentKind::find("inquiry-reply").unwrap().photo);
    }

    #[test]
    fn changed_bytes_are_no_recorded_decision_or_have_another_digest() {
        let recorded = IdentityDecision::new(check()).unwrap().record();
        let json = recorded.json();
        let other =
            RecordedDecision::try_from(json.replace("true,\"sex\"", "false,\"sex\"")).unwrap();
        assert_ne!(other.digest(), recorded.digest());
        for bad in [
            json.replace("\"version\":1", "\"version\":2"),
            json.replace("\"decision\"", "\"verdict\""),
        ] {
            assert_eq!(
                RecordedDecision::try_from(bad).unwrap_err(),
                IdentityFault::Unreadable
            );
        }
    }
}
