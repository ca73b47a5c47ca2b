//! What the cards hold in non-volatile memory.

use serde::{Deserialize, Serialize};

use super::password::Password;
use super::secret::{KeySet, Secret};
use super::slot::{Slot, SlotImage};

/// Failed authentications in a row that end a key set.
pub const KEY_SET_TRIES: u8 = 5;

/// A card of either kind, as its file holds it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Image {
    /// The resident's card.
    Resident(Box<ResidentImage>),
    /// The operator's card.
    Operator(Box<OperatorImage>),
}

/// 16 bytes that name a card or a visit; not secret, shown as hex.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(pub [u8; 16]);

impl From<Id> for String {
    fn from(id: Id) -> String {
        hex::encode(id.0)
    }
}

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl std::str::FromStr for Id {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 16];
        if text.bytes().any(|b| b.is_ascii_uppercase())
            || hex::decode_to_slice(text, &mut id).is_err()
        {
            return Err("expected 32 lower-case hex digits");
        }
        Ok(Id(id))
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The resident's card.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidentImage {
    /// Which card this is.
    pub card: Id,
    /// KVN 20 and its tries.
    pub card_keys: Guarded,
    /// The visit that is open, with KVN 30.
    pub visit: Option<Visit>,
    /// The key for signatures.
    pub signature: SlotImage,
    /// The key for signing in.
    pub authentication: SlotImage,
    /// What the last finished visit left for the window to read.
    pub held: Option<HeldRequest>,
    /// How many keys were stored, modulo 256.
    pub generation: u8,
}

/// A key set and the failed authentications it still allows.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guarded {
    /// The keys.
    pub keys: KeySet,
    /// 0: ended.
    pub tries_left: u8,
}

impl Guarded {
    /// Keys with all their tries.
    pub fn new(keys: KeySet) -> Guarded {
        Guarded {
            keys,
            tries_left: KEY_SET_TRIES,
        }
    }

    /// Whether too many authentications failed.
    pub fn ended(&self) -> bool {
        self.tries_left == 0
    }
}

/// A visit that the gateway opened.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// Visit and kiosk.
    pub record: VisitRecord,
    /// KVN 30.
    pub keys: Guarded,
}

/// What GET DATA `02` answers.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitRecord {
    /// Visit id.
    pub visit: Id,
    /// Kiosk id, 9 ASCII characters.
    pub kiosk: [u8; 9],
    /// Which key is made in it.
    pub slot: Slot,
}

/// A private key in use.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredKey {
    /// PKCS#8 DER.
    pub pkcs8: Secret,
    /// EF `0001` or `000A`.
    #[serde(with = "hex_option")]
    pub certificate: Option<Vec<u8>>,
}

/// Request and record of a finished visit.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldRequest {
    /// Visit and kiosk.
    pub record: VisitRecord,
    /// PKCS#10 DER.
    #[serde(with = "hex::serde")]
    pub request: Vec<u8>,
    /// The kiosk's signed record.
    #[serde(with = "hex_option")]
    pub kiosk_record: Option<Vec<u8>>,
}

/// The operator's card.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorImage {
    /// Operator id, ASCII.
    pub operator: String,
    /// P-256 private key, 32 bytes.
    pub key: Secret,
    /// The PIN.
    pub pin: Password,
    /// The operator's certificate, DER.
    #[serde(with = "hex_option")]
    pub certificate: Option<Vec<u8>>,
}

/// State byte of the card record (card interface §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardState {
    /// Nothing of a resident's.
    Blank = 0x00,
    /// A visit is open.
    Prepared = 0x01,
    /// A key waits for its certificate.
    KeyStored = 0x02,
    /// Key and certificate.
    Certified = 0x03,
    /// The card key set has ended.
    Terminated = 0x04,
}

impl ResidentImage {
    /// A card as it leaves the factory.
    pub fn blank(card: Id, card_keys: KeySet) -> ResidentImage {
        ResidentImage {
            card,
            card_keys: Guarded::new(card_keys),
            visit: None,
            signature: SlotImage::empty(),
            authentication: SlotImage::empty(),
            held: None,
            generation: 0,
        }
    }

    /// The visit that is open and whose keys have not ended. (A try counted
    /// just before the power went may have been the last.)
    pub fn open_visit(&self) -> Option<&Visit> {
        self.visit.as_ref().filter(|visit| !visit.keys.ended())
    }

    /// What a slot holds.
    pub fn slot(&self, slot: Slot) -> &SlotImage {
        match slot {
            Slot::Signature => &self.signature,
            Slot::Authentication => &self.authentication,
        }
    }

    /// The same, to be changed.
    pub fn slot_mut(&mut self, slot: Slot) -> &mut SlotImage {
        match slot {
            Slot::Signature => &mut self.signature,
            Slot::Authentication => &mut self.authentication,
        }
    }

    /// The state, from what is held.
    pub fn state(&self) -> CardState {
        if self.card_keys.ended() {
            CardState::Terminated
        } else if self.open_visit().is_some() {
            CardState::Prepared
        } else if Slot::ALL.into_iter().any(|slot| self.slot(slot).waits()) {
            CardState::KeyStored
        } else if Slot::ALL
            .into_iter()
            .any(|slot| self.slot(slot).certificate().is_some())
        {
            CardState::Certified
        } else {
            CardState::Blank
        }
    }
}

/// Optional bytes as hex.
pub(super) mod hex_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(
        value: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(hex::encode).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| hex::decode(text).map_err(serde::de::Error::custom))
            .transpose()
    }
}
