//! Command and response APDUs (ISO/IEC 7816-4 §5).

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A command APDU. Commands whose data or expected answer does not fit the short
/// form are encoded in the extended form.
///
/// The data may be a secret (a password, a wrapped key), so it is erased when the
/// command is dropped, and Debug shows the header only.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Command {
    /// Class byte.
    pub cla: u8,
    /// Instruction byte.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// Command data, at most 65 535 bytes; empty = none.
    pub data: Vec<u8>,
    /// Largest answer expected, 1–65 536 bytes; `None` = status word only.
    pub le: Option<u32>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Command({:02X} {:02X} {:02X} {:02X}, {} bytes)",
            self.cla,
            self.ins,
            self.p1,
            self.p2,
            self.data.len()
        )
    }
}

impl Command {
    /// A command without data and without an answer beside the status word.
    pub fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self {
            cla,
            ins,
            p1,
            p2,
            data: Vec::new(),
            le: None,
        }
    }

    /// The same command with data.
    pub fn with_data(mut self, data: &[u8]) -> Self {
        // Not `data.to_vec()` onto an old value: a former buffer is erased first.
        self.data.zeroize();
        self.data = data.to_vec();
        self
    }

    /// The same command expecting up to `le` bytes (256 and 65 536 = as many as there are).
    pub fn with_le(mut self, le: u32) -> Self {
        self.le = Some(le);
        self
    }

    /// The four header bytes.
    pub fn header(&self) -> [u8; 4] {
        [self.cla, self.ins, self.p1, self.p2]
    }

    /// Whether the command needs the extended form.
    pub fn is_extended(&self) -> bool {
        self.data.len() > 255 || self.le.is_some_and(|le| le > 256)
    }

    /// The bytes for the card.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Reserved at once: growing would leave a copy of the data behind.
        let mut bytes = Vec::with_capacity(self.data.len() + 9);
        bytes.extend_from_slice(&self.header());
        let extended = self.is_extended();
        if !self.data.is_empty() {
            bytes.extend_from_slice(&encode_lc(self.data.len(), extended));
            bytes.extend_from_slice(&self.data);
        }
        if let Some(le) = self.le {
            if extended {
                if self.data.is_empty() {
                    bytes.push(0);
                }
                // 65 536 is written as 00 00.
                bytes.extend_from_slice(&(le as u16).to_be_bytes());
            } else {
                // 256 is written as 00.
                bytes.push(le as u8);
            }
        }
        bytes
    }
}

/// The Lc field: one byte, or three in the extended form.
pub(super) fn encode_lc(length: usize, extended: bool) -> Vec<u8> {
    if extended {
        vec![0, (length >> 8) as u8, length as u8]
    } else {
        vec![length as u8]
    }
}

/// An answer of the card: data and status word. Debug shows no data.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Response {
    /// Answer data.
    pub data: Vec<u8>,
    /// Status word.
    pub sw: u16,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Response({} bytes, {:04X})", self.data.len(), self.sw)
    }
}

impl Response {
    /// Splits the bytes that a card answered; `None` when there is no status word.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (data, sw) = bytes.split_last_chunk::<2>()?;
        Some(Self {
            data: data.to_vec(),
            sw: u16::from_be_bytes(*sw),
        })
    }

    /// Whether the status word is `9000`.
    pub fn is_ok(&self) -> bool {
        self.sw == 0x9000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases_of_iso_7816_are_written_in_short_form() {
        let c = Command::new(0x80, 0xCA, 0, 1);
        assert_eq!(c.to_bytes(), hex::decode("80ca0001").unwrap());
        assert_eq!(
            c.clone().with_le(256).to_bytes(),
            hex::decode("80ca000100").unwrap()
        );
        let d = c.with_data(&[0xAA, 0xBB]);
        assert_eq!(d.to_bytes(), hex::decode("80ca000102aabb").unwrap());
        assert_eq!(
            d.with_le(16).to_bytes(),
            hex::decode("80ca000102aabb10").unwrap()
        );
    }

    #[test]
    fn long_data_and_long_answers_take_the_extended_form() {
        let get = Command::new(0x80, 0xCA, 0, 3).with_le(65_536);
        assert_eq!(get.to_bytes(), hex::decode("80ca0003000000").unwrap());
        let put = Command::new(0x80, 0xDA, 0, 0x11).with_data(&[7; 300]);
        let bytes = put.to_bytes();
        assert_eq!(&bytes[..7], hex::decode("80da001100012c").unwrap());
        assert_eq!(bytes.len(), 307);
        let both = put.with_le(256).to_bytes();
        assert_eq!(&both[307..], [1, 0]);
    }

    #[test]
    fn an_answer_without_a_status_word_is_no_answer() {
        assert!(Response::parse(&[0x90]).is_none());
        let answer = Response::parse(&[1, 2, 0x90, 0x00]).unwrap();
        assert_eq!((answer.data.as_slice(), answer.sw), (&[1, 2][..], 0x9000));
    }

    #[test]
    fn debug_shows_no_data() {
        let c = Command::new(0, 0x20, 0, 0x80).with_data(b"SECRETPIN");
        assert_eq!(format!("{c:?}"), "Command(00 20 00 80, 9 bytes)");
    }
}
