//! What was done, for the file of the CA and its auditors.

use std::fmt::Write as _;

use serde::Serialize;

use crate::token::{KeyClass, KeyEntry, TokenDescription};

/// The record of one ceremony. Times are RFC 3339 in UTC; digests are SHA-256 in hex.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// Version of this form.
    pub version: u32,
    /// What was done.
    pub title: String,
    /// Whether it was a rehearsal, without the officers' confirmations.
    pub rehearsal: bool,
    /// Digest of the reviewed file.
    pub spec_sha256: String,
    /// Digest of the program that held it.
    pub program_sha256: String,
    /// Version of the program.
    pub program_version: String,
    /// Digest of the vendor's module.
    pub module_sha256: String,
    /// The token.
    pub token: Option<TokenDescription>,
    /// Who was there.
    pub officers: Vec<Presence>,
    /// Beginning and end.
    pub started: String,
    /// End.
    pub ended: String,
    /// Keys made.
    pub keys: Vec<MadeKey>,
    /// Files written.
    pub files: Vec<MadeFile>,
    /// `complete`, or what stopped it.
    pub outcome: String,
}

/// An officer at the ceremony.
#[derive(Clone, Debug, Serialize)]
pub struct Presence {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// When the officer confirmed the digest of the reviewed file; `None` in a rehearsal.
    pub confirmed: Option<String>,
}

/// A key that was made.
#[derive(Clone, Debug, Serialize)]
pub struct MadeKey {
    /// When.
    pub time: String,
    /// Its label.
    pub label: String,
    /// Its kind.
    pub algorithm: String,
    /// Digest of its SubjectPublicKeyInfo.
    pub spki_sha256: Option<String>,
    /// What the token says of its objects.
    pub objects: Vec<KeyEntry>,
}

/// A file that was written.
#[derive(Clone, Debug, Serialize)]
pub struct MadeFile {
    /// When.
    pub time: String,
    /// File name.
    pub name: String,
    /// What it is.
    pub what: String,
    /// The key that signed it.
    pub key: String,
    /// Digest of the file.
    pub sha256: String,
    /// Digest of the DER, which other programs call the fingerprint.
    pub der_sha256: String,
    /// The certificate's serial number, hex of the DER content octets.
    pub serial: Option<String>,
}

impl Record {
    /// The record for people: to be printed, read aloud and signed by hand.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text)
            .map_or_else(|_| String::new(), |()| text)
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "RECORD OF A KEY CEREMONY")?;
        if self.rehearsal {
            writeln!(text, "REHEARSAL: held without the officers' confirmations")?;
        }
        writeln!(text, "\n{}\n", self.title)?;
        writeln!(text, "begun           {}", self.started)?;
        writeln!(text, "ended           {}", self.ended)?;
        writeln!(text, "outcome         {}", self.outcome)?;
        writeln!(text, "reviewed file   {}", self.spec_sha256)?;
        writeln!(
            text,
            "program         hsm {} {}",
            self.program_version, self.program_sha256
        )?;
        writeln!(text, "module          {}", self.module_sha256)?;
        if let Some(token) = &self.token {
            writeln!(
                text,
                "token           {} serial {}",
                token.label, token.serial
            )?;
            writeln!(
                text,
                "                {}\n                {}",
                token.model, token.module
            )?;
        }
        writeln!(text, "\nKeys")?;
        for key in &self.keys {
            writeln!(text, "  {}  {} ({})", key.time, key.label, key.algorithm)?;
            if let Some(digest) = &key.spki_sha256 {
                writeln!(text, "      public key  {digest}")?;
            }
            for object in key
                .objects
                .iter()
                .filter(|object| object.class != KeyClass::Public)
            {
                let says = |value: Option<bool>| match value {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "not said",
                };
                writeln!(
                    text,
                    "      sensitive {}, extractable {}, never extractable {}, made in the token {}",
                    says(object.sensitive),
                    says(object.extractable),
                    says(object.never_extractable),
                    says(object.local)
                )?;
            }
        }
        writeln!(text, "\nFiles")?;
        for file in &self.files {
            writeln!(
                text,
                "  {}  {} ({}, key {})",
                file.time, file.name, file.what, file.key
            )?;
            if let Some(serial) = &file.serial {
                writeln!(text, "      serial      {serial}")?;
            }
            writeln!(text, "      fingerprint {}", file.der_sha256)?;
            if file.sha256 != file.der_sha256 {
                writeln!(text, "      file        {}", file.sha256)?;
            }
        }
        writeln!(text, "\nOfficers")?;
        for officer in &self.officers {
            let confirmed = officer.confirmed.as_deref().unwrap_or("(rehearsal)");
            writeln!(
                text,
                "  {}, {}: confirmed {confirmed}",
                officer.name, officer.role
            )?;
            writeln!(text, "\n      ______________________________\n")?;
        }
        Ok(())
    }
}
