//! The JPKI application (公的個人認証AP) as a reader uses it (§6): no secure
//! messaging, files by number, two keys with a password each.

use pki_core::application::certificate_kind::CertificateKind;
use pki_core::card_channel::{Command, JPKI_AID};

use super::{Card, CardFault};

/// The files of one of its two keys.
struct Files {
    certificate: u16,
    ca_certificate: u16,
    password: u16,
    key: u16,
}

const SIGNATURE: Files = Files {
    certificate: 0x0001,
    ca_certificate: 0x0002,
    password: 0x001B,
    key: 0x001A,
};
const AUTHENTICATION: Files = Files {
    certificate: 0x000A,
    ca_certificate: 0x000B,
    password: 0x0018,
    key: 0x0017,
};
/// READ BINARY addresses 15 bits.
const LARGEST_FILE: usize = 0x7FFF;

/// `DigestInfo` of SHA-256 (RFC 8017 §9.2 note 1), before the 32 digest bytes.
const SHA256_DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// The selected JPKI application of a card.
pub struct Jpki<'c, 'a>(&'c mut Card<'a>, &'static Files);

impl<'c, 'a> Jpki<'c, 'a> {
    /// Selects the application, for the signature key.
    ///
    /// # Errors
    /// [`CardFault::Foreign`] for a card without it.
    pub fn select(card: &'c mut Card<'a>) -> Result<Self, CardFault> {
        Self::select_for(card, CertificateKind::Signature)
    }

    /// Selects the application for the key of that kind.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    pub fn select_for(card: &'c mut Card<'a>, kind: CertificateKind) -> Result<Self, CardFault> {
        card.select(&JPKI_AID, 0x0C)?;
        Ok(Self(
            card,
            match kind {
                CertificateKind::Signature => &SIGNATURE,
                CertificateKind::UserAuthentication => &AUTHENTICATION,
            },
        ))
    }

    fn select_file(&mut self, file: u16) -> Result<(), CardFault> {
        let select = Command::new(0x00, 0xA4, 0x02, 0x0C).with_data(&file.to_be_bytes());
        self.0.expect(&select).map(drop)
    }

    /// Tries left for the key's password; 0 = blocked.
    ///
    /// # Errors
    /// Card errors.
    pub fn tries(&mut self) -> Result<u8, CardFault> {
        self.select_file(self.1.password)?;
        self.0.tries(0x80)
    }

    /// Presents the key's password. It stays presented until the application is
    /// selected again or the card is reset.
    ///
    /// # Errors
    /// [`CardFault::WrongPassword`] with the tries left, [`CardFault::Blocked`].
    pub fn verify(&mut self, password: &[u8]) -> Result<(), CardFault> {
        self.select_file(self.1.password)?;
        self.0.verify(0x80, password)
    }

    /// Changes the key's password; after [`verify`](Self::verify) of the old one.
    ///
    /// # Errors
    /// Card errors.
    pub fn change(&mut self, new: &[u8]) -> Result<(), CardFault> {
        let change = Command::new(0x00, 0x24, 0x01, 0x80).with_data(new);
        self.0.expect(&change).map(drop)
    }

    /// Reads the key's certificate, DER; that for signatures after [`verify`](Self::verify).
    ///
    /// # Errors
    /// Card errors; [`CardFault::Form`] when the file holds no certificate.
    pub fn certificate(&mut self) -> Result<Vec<u8>, CardFault> {
        self.read_der(self.1.certificate)
    }

    /// Reads the certificate of the CA, DER.
    ///
    /// # Errors
    /// Card errors; [`CardFault::Form`] when the file holds no certificate.
    pub fn ca_certificate(&mut self) -> Result<Vec<u8>, CardFault> {
        self.read_der(self.1.ca_certificate)
    }

    /// Signs a SHA-256 digest with the key (RSASSA-PKCS1-v1_5); after
    /// [`verify`](Self::verify).
    ///
    /// # Errors
    /// Card errors.
    pub fn sign(&mut self, digest: &[u8; 32]) -> Result<Vec<u8>, CardFault> {
        self.select_file(self.1.key)?;
        let mut info = [0; 51];
        info[..19].copy_from_slice(&SHA256_DIGEST_INFO);
        info[19..].copy_from_slice(digest);
        let compute = Command::new(0x80, 0x2A, 0x00, 0x80)
            .with_data(&info)
            .with_le(256);
        let signature = self.0.expect(&compute)?;
        if signature.len() != 256 {
            return Err(CardFault::Form("a signature of another length"));
        }
        Ok(signature)
    }

    /// Reads a DER file as other readers do: four bytes for the length, then blocks.
    fn read_der(&mut self, file: u16) -> Result<Vec<u8>, CardFault> {
        self.select_file(file)?;
        let head = self.read(0, 4)?;
        let [0x30, 0x82, high, low] = head[..] else {
            return Err(CardFault::Form("the file holds no certificate"));
        };
        let length = 4 + usize::from(u16::from_be_bytes([high, low]));
        if length > LARGEST_FILE {
            return Err(CardFault::Form("the certificate is longer than a file"));
        }
        let mut der = head;
        while der.len() < length {
            let block = self.read(der.len(), (length - der.len()).min(256))?;
            if block.is_empty() {
                return Err(CardFault::Form("the certificate is cut short"));
            }
            der.extend_from_slice(&block);
        }
        der.truncate(length);
        Ok(der)
    }

    fn read(&mut self, offset: usize, length: usize) -> Result<Vec<u8>, CardFault> {
        let [high, low] = (offset as u16).to_be_bytes();
        let read = Command::new(0x00, 0xB0, high, low).with_le(length as u32);
        let response = self.0.send(&read)?;
        match response.sw {
            // 6282: the end of the file came before Le.
            0x9000 | 0x6282 => Ok(response.data.clone()),
            sw => Err(CardFault::from_status(sw)),
        }
    }
}
