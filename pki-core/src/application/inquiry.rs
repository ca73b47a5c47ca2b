//! The written inquiry (文書照会) and the proxy (代理申請). Where nobody shows a document
//! with the applicant's photo, the mayor asks the applicant in writing at the registered
//! address (Ordinance Art 6), and where somebody applies for the applicant, always (Art 5).
//! The reply is brought on a second visit, within its time.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::calendar::JapaneseDay;
use crate::id::{OperatorId, text_serde};

/// Longest name of a proxy, in characters.
pub const PROXY_NAME_CHARACTERS_MAX: usize = 60;
/// Days in which a reply is to be brought, the day of sending counted, unless the
/// prefecture settles otherwise.
pub const REPLY_DAYS: u16 = 30;

/// Crockford's alphabet: no letter that is taken for a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARACTERS: usize = 8;

/// The code that is printed on the inquiry and comes back on the reply: it shows that the
/// reply answers this letter, which went to the registered address and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct ReplyCode(String);

/// A text that cannot be a reply code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reply code has eight letters and digits")]
pub struct NotACode;

impl ReplyCode {
    /// A code of 40 random bits.
    #[must_use]
    pub fn from_random(random: [u8; 5]) -> Self {
        let bits = random
            .iter()
            .fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        let character = |place: usize| {
            let five = bits >> (5 * (CODE_CHARACTERS - 1 - place)) & 31;
            char::from(ALPHABET[usize::try_from(five).expect("five bits")])
        };
        Self((0..CODE_CHARACTERS).map(character).collect())
    }
}

impl fmt::Display for ReplyCode {
    /// `4XQ7-0M2K`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(CODE_CHARACTERS / 2);
        write!(f, "{first}-{second}")
    }
}

impl fmt::Debug for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyCode(…)")
    }
}

impl FromStr for ReplyCode {
    type Err = NotACode;

    /// Takes what a clerk types from paper: either case, with or without hyphen and spaces,
    /// and `O`, `I`, `L` for the digits that they look like.
    fn from_str(text: &str) -> Result<Self, NotACode> {
        let mut code = String::new();
        for character in text.chars().filter(|c| !matches!(c, '-' | ' ' | '　')) {
            let read = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            if code.len() == CODE_CHARACTERS || !ALPHABET.contains(&u8::try_from(read).unwrap_or(0))
            {
                return Err(NotACode);
            }
            code.push(read);
        }
        if code.len() == CODE_CHARACTERS {
            Ok(Self(code))
        } else {
            Err(NotACode)
        }
    }
}

text_serde!(ReplyCode);

/// Who applies for the applicant, and on what (Ordinance Art 5).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// 代理人の氏名, as on the power of attorney.
    pub name: String,
    /// Date of the power of attorney (委任状).
    pub power_of_attorney_on: JapaneseDay,
    /// Date of the certificate of the seal on it (印鑑登録証明書).
    pub seal_certificate_on: JapaneseDay,
}

/// Why a proxy cannot be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyFault {
    #[error(
        "the proxy's name is empty, longer than {PROXY_NAME_CHARACTERS_MAX} characters or has control characters"
    )]
    Name,
    #[error("the power of attorney is dated after today")]
    PowerOfAttorney,
    #[error("the certificate of the seal is dated after today")]
    SealCertificate,
}

impl Proxy {
    /// Checks what was entered from the papers on `today`.
    ///
    /// # Errors
    /// Every fault.
    pub fn check(&self, today: JapaneseDay) -> Result<(), Vec<ProxyFault>> {
        let name = &self.name;
        let fits = (1..=PROXY_NAME_CHARACTERS_MAX).contains(&name.chars().count())
            && !name.trim().is_empty()
            && !name.chars().any(char::is_control);
        let faults: Vec<ProxyFault> = [
            (fits, ProxyFault::Name),
            (
                self.power_of_attorney_on <= today,
                ProxyFault::PowerOfAttorney,
            ),
            (
                self.seal_certificate_on <= today,
                ProxyFault::SealCertificate,
            ),
        ]
        .into_iter()
        .filter_map(|(holds, fault)| (!holds).then_some(fault))
        .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy(…)")
    }
}

/// An inquiry that was sent (照会書).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inquiry {
    pub code: ReplyCode,
    pub sent_at: Timestamp,
    pub sent_by: OperatorId,
    /// Last day on which the reply (回答書) is taken.
    pub reply_by: JapaneseDay,
}

impl Inquiry {
    /// An inquiry sent at `sent_at`, to be answered within `days`, that day counted.
    ///
    /// # Panics
    /// When `days` is 0.
    #[must_use]
    pub fn new(code: ReplyCode, sent_at: Timestamp, sent_by: OperatorId, days: u16) -> Self {
        Self {
            code,
            sent_at,
            sent_by,
            reply_by: JapaneseDay::of(sent_at).last_day_of_days(days),
        }
    }
}

/// What an identity decision records of the inquiry that it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replied {
    pub sent_on: JapaneseDay,
    pub replied_on: JapaneseDay,
    /// The applicant sent somebody else: the document and the face are the proxy's.
    pub by_proxy: bool,
}

/// The second pair of eyes on a decision that rests on a reply (四眼).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondEyes {
    pub operator: OperatorId,
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_comes_back_however_it_is_typed_from_paper() {
        let code = ReplyCode::from_random([0x00, 0x44, 0x32, 0x14, 0xC7]);
        assert_eq!(code.to_string(), "0123-4567");
        for text in ["01234567", "o123 4567", "0L23-4567", "０"] {
            assert_eq!(text.parse::<ReplyCode>().is_ok(), text != "０", "{text}");
        }
        assert_eq!("oi23-4567".parse(), Ok(code.clone()));
        assert_ne!("0123-4568".parse(), Ok(code));
        for text in [
            "",
            "0123-456",
            "0123-45678",
            "0123-456U",
            "照会照会照会照会",
        ] {
            assert_eq!(text.parse::<ReplyCode>(), Err(NotACode), "{text}");
        }
        let last = ReplyCode::from_random([0xFF; 5]);
        assert_eq!(last.to_string(), "ZZZZ-ZZZZ");
    }

    #[test]
    fn a_code_is_not_shown_by_debug() {
        let code = ReplyCode::from_random([7; 5]);
        assert_eq!(format!("{code:?}"), "ReplyCode(…)");
    }

    #[test]
    fn a_reply_is_due_within_thirty_days_with_the_day_of_sending() {
        let sent_at: Timestamp = "2026-11-22T15:00:00Z".parse().unwrap();
        let clerk: OperatorId = "13101-0001".parse().unwrap();
        let inquiry = Inquiry::new(ReplyCode::from_random([1; 5]), sent_at, clerk, REPLY_DAYS);
        assert_eq!(inquiry.reply_by.to_string(), "2026-12-22");
    }

    #[test]
    fn a_proxys_papers_are_not_dated_tomorrow() {
        let today = JapaneseDay::new(2026, 11, 22).unwrap();
        let tomorrow = JapaneseDay::new(2026, 11, 23).unwrap();
        let proxy = Proxy {
            name: "総務　花子".to_owned(),
            power_of_attorney_on: today,
            seal_certificate_on: today,
        };
        assert_eq!(proxy.check(today), Ok(()));
        let wrong = Proxy {
            name: " ".to_owned(),
            power_of_attorney_on: tomorrow,
            seal_certificate_on: tomorrow,
        };
        assert_eq!(
            wrong.check(today),
            Err(vec![
                ProxyFault::Name,
                ProxyFault::PowerOfAttorney,
                ProxyFault::SealCertificate
            ])
        );
    }
}
