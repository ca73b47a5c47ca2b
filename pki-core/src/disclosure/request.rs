//! The request as it stands on the paper (Rules 32, 33), carried as bytes that window and
//! operator have signed the digest of.

use serde::{Deserialize, Serialize};

use crate::application::identity::{DocumentKind, ExpiryRule};
use crate::calendar::JapaneseDay;
use crate::certificate::serial::Serial;
use crate::id::{ApplicationId, ResidentNumber, Sha256Digest};

/// Longest request, in bytes of JSON.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// 開示 (Art 29): one's own 認証業務情報: issue record, revocation information, and the
    /// revocation files that name it.
    Disclosure,
    /// 訂正・追加・削除 (Art 31) of what was disclosed.
    Correction(Correction),
}

/// What Rule 33 wants on the paper of a correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The disclosure that showed the fault.
    pub disclosure: ApplicationId,
    /// The day on which it was had.
    pub disclosed_on: JapaneseDay,
    /// 趣旨: what is to be corrected, added or deleted, and how.
    pub purport: String,
    /// 理由.
    pub reason: String,
}

/// Whom the information is about, as written on the paper. Anyone may ask (Art 29), also
/// somebody of whom nothing is recorded, so these are texts and no certificate's items.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub name: String,
    /// As nine digits, or as written.
    pub birth_date: String,
    pub address: String,
    /// Number in the municipality's register, where the person is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<ResidentNumber>,
    /// Serial number of a certificate, from its printed copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Serial>,
}

/// Who asks for the person (Rule 32, which wants of an agent what Rule 5 does): a power of
/// attorney, the certificate of the seal on it, and the reply to the inquiry that was
/// sent to the person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    pub name: String,
    pub address: String,
    /// 委任状
    pub power_of_attorney: bool,
    /// 印鑑登録証明書
    pub seal_certificate: bool,
    /// 照会書に対する回答書
    pub inquiry_reply: bool,
}

/// How the answer reaches the person: on paper either way (Rule 32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Handed over at the window, the identity checked again.
    Window,
    /// Sent to the address.
    Post,
}

/// How who stands at the window was identified; its SHA-256 is in the signed act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identification {
    /// Kind of the document that was shown.
    pub document: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<JapaneseDay>,
    pub face_matches: bool,
}

/// The request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestContent {
    pub version: u8,
    pub wish: Wish,
    pub person: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// 請求の日: Art 30 counts from it.
    pub requested_on: JapaneseDay,
    pub delivery: Delivery,
    pub identification: Identification,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    #[error("the request is larger than {REQUEST_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the request cannot be read")]
    Unreadable,
    #[error("the request has version {0}; version 1 is understood")]
    Version(u8),
    /// A text that is empty, too long or holds control characters; says which.
    #[error("{0} must have 1 to {1} characters and no control characters")]
    Text(&'static str, usize),
    /// Rule 5, Rule 32: what an agent has to bring.
    #[error("a proxy needs power of attorney, seal certificate and the reply to the inquiry")]
    ProxyPapers,
    /// Nobody was identified.
    #[error("the identity was not established: the face must be that of the photo")]
    Identity,
    /// The document is not in the list, or does not show what its kind shows.
    #[error("the document must be of the list, with its last day where one is printed on it")]
    Document,
    /// The document has run out.
    #[error("the document has run out: ask for another one")]
    Expired,
}

impl RequestContent {
    /// Reads the bytes of a request.
    ///
    /// # Errors
    /// [`RequestFault`], without repeating any value.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RequestFault> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(RequestFault::TooLarge);
        }
        let request: Self = serde_json::from_slice(bytes).map_err(|_| RequestFault::Unreadable)?;
        request.check()?;
        Ok(request)
    }

    /// The bytes whose SHA-256 goes into the act.
    ///
    /// # Panics
    /// Never: a request holds nothing that JSON cannot.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a request is texts, days and booleans")
    }

    fn check(&self) -> Result<(), RequestFault> {
        if self.version != 1 {
            return Err(RequestFault::Version(self.version));
        }
        text("name", &self.person.name, 100)?;
        text("birth_date", &self.person.birth_date, 40)?;
        text("address", &self.person.address, 200)?;
        if let Wish::Correction(correction) = &self.wish {
            text("purport", &correction.purport, 1000)?;
            text("reason", &correction.reason, 1000)?;
        }
        if let Some(proxy) = &self.proxy {
            text("proxy name", &proxy.name, 100)?;
            text("proxy address", &proxy.address, 200)?;
            if !(proxy.power_of_attorney && proxy.seal_certificate && proxy.inquiry_reply) {
                return Err(RequestFault::ProxyPapers);
            }
        }
        text("document", &self.identification.document, 40)?;
        if let Some(issuer) = &self.identification.issuer {
            text("issuer", issuer, 60)?;
        }
        if !self.identification.face_matches {
            return Err(RequestFault::Identity);
        }
        Ok(())
    }

    /// Who stands at the window: the proxy, else the person.
    #[must_use]
    pub fn asker(&self) -> &str {
        self.proxy
            .as_ref()
            .map_or(self.person.name.as_str(), |proxy| proxy.name.as_str())
    }
}

impl Identification {
    /// Reads the bytes of an identification.
    ///
    /// # Errors
    /// [`RequestFault`], without repeating any value.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RequestFault> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(RequestFault::TooLarge);
        }
        serde_json::from_slice(bytes).map_err(|_| RequestFault::Unreadable)
    }

    /// Whether this establishes who somebody is on this day (Rule 6).
    ///
    /// # Errors
    /// [`RequestFault`] of the document, its last day, or the face.
    pub fn check(&self, today: JapaneseDay) -> Result<(), RequestFault> {
        let kind = DocumentKind::find(&self.document).ok_or(RequestFault::Document)?;
        match (kind.expiry, self.expires_on) {
            (ExpiryRule::Required, None) | (ExpiryRule::None, Some(_)) => {
                return Err(RequestFault::Document);
            }
            (_, Some(last)) if last < today => return Err(RequestFault::Expired),
            _ => {}
        }
        if self.face_matches && kind.photo {
            Ok(())
        } else {
            Err(RequestFault::Identity)
        }
    }

    /// The bytes whose SHA-256 goes into the act.
    ///
    /// # Panics
    /// Never: it holds nothing that JSON cannot.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, days and booleans")
    }

    /// SHA-256 of the identification as it is signed.
    ///
    /// # Panics
    /// Never: it holds nothing that JSON cannot.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(&self.to_bytes())
    }
}

impl Person {
    /// The same name, spaces apart, and the same birth date: two papers about one person.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let plain = |name: &str| {
            name.chars()
                .filter(|c| !c.is_whitespace())
                .collect::<String>()
        };
        plain(&self.name) == plain(&other.name) && self.birth_date == other.birth_date
    }
}

/// Checks a text: some characters, not more than `most`, none of them for control.
pub(super) fn text(what: &'static str, text: &str, most: usize) -> Result<(), RequestFault> {
    let count = text.chars().count();
    let control = |c: char| c.is_control() && c != '\n';
    if text.trim().is_empty() || count > most || text.chars().any(control) {
        return Err(RequestFault::Text(what, most));
    }
    Ok(())
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(…)")
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxy(…)")
    }
}

impl std::fmt::Debug for RequestContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RequestContent(…)")
    }
}
