//! A prefecture's CA for tests, its keys in memory where a token stands otherwise.

#![allow(dead_code)] // each test file uses its part

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RsaKeyPair,
};
use jiff::Timestamp;
use pki_core::certificate::partition::PartitionNumber;
use pki_core::certificate::{
    Access, Certificate, Issuer, Name, Party, Place, PlanInput, Profile, PublicKey, Publication,
    Serial, SignatureAlgorithm, Subject, Subscriber, User, plan, profile,
};
use pki_core::person::certificate_items::{CertificateItems, CertificateItemsText};

/// A key that signs in memory.
pub enum SoftKey {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
}

impl SoftKey {
    pub fn new(algorithm: SignatureAlgorithm) -> Self {
        let ec = |signing| Self::Ec(EcdsaKeyPair::generate(signing).unwrap());
        match algorithm {
            SignatureAlgorithm::EcdsaP256Sha256 => ec(&ECDSA_P256_SHA256_ASN1_SIGNING),
            SignatureAlgorithm::EcdsaP384Sha384 => ec(&ECDSA_P384_SHA384_ASN1_SIGNING),
            _ => Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())),
        }
    }

    pub fn public(&self) -> PublicKey {
        match self {
            Self::Rsa(pair) => {
                let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                PublicKey::from_spki_der(spki.as_ref()).unwrap()
            }
            Self::Ec(pair) => PublicKey::from_ec_point(pair.public_key().as_ref()).unwrap(),
        }
    }

    pub fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let encoding = match algorithm {
                    SignatureAlgorithm::RsaPkcs1Sha384 => &RSA_PKCS1_SHA384,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        }
    }
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn name(attributes: &[&str]) -> Name {
    Name::parse(attributes).unwrap()
}

/// A profile that comes with the product, signed with another algorithm.
pub fn sample(file: &str, algorithm: SignatureAlgorithm) -> Profile {
    let (_, text) = profile::SAMPLES
        .into_iter()
        .find(|(sample, _)| *sample == file)
        .unwrap();
    let written = serde_json::to_value(algorithm).unwrap();
    let text: String = text
        .lines()
        .map(|line| {
            if line.starts_with("signature = ") {
                format!("signature = {written}\n")
            } else if line.starts_with("subject-keys = ") && file.ends_with("-ca.toml") {
                "subject-keys = [\"rsa-2048\", \"p256\", \"p384\"]\n".to_owned()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    Profile::parse(&text).unwrap()
}

pub fn tokyo_items() -> CertificateItems {
    CertificateItems::parse(&CertificateItemsText {
        name: "総務　太郎".into(),
        name_substitution: "00000".into(),
        birth_date: "319500401".into(),
        sex: "1".into(),
        address: "東京都千代田区霞が関２丁目１番２号".into(),
        address_substitution: "0".repeat(17),
    })
    .unwrap()
}

pub fn chiyoda() -> Place {
    Place {
        code: "13101".parse().unwrap(),
        prefecture: "Tokyo-to".into(),
        municipality: "Chiyoda-ku".into(),
        partition: PartitionNumber::FIRST,
    }
}

/// The governor's CA.
pub struct Governor {
    pub algorithm: SignatureAlgorithm,
    pub key: SoftKey,
    pub issuer: Issuer,
    pub certificate: Vec<u8>,
}

pub const OPEN: &str = "http://pki.tokyo.example";

pub fn open() -> Publication {
    Publication {
        access: Access::Open {
            base_url: OPEN.into(),
        },
        segment: "sign".into(),
    }
}

pub fn registered() -> Publication {
    Publication {
        access: Access::Registered,
        segment: "sign".into(),
    }
}

/// A party with its key and its certificate.
pub struct CertifiedParty {
    pub id: &'static str,
    pub key: SoftKey,
    pub certificate: Vec<u8>,
}

impl Governor {
    pub fn new(algorithm: SignatureAlgorithm, publication: Publication) -> Self {
        Self::with_key(SoftKey::new(algorithm), algorithm, publication)
    }

    pub fn with_key(key: SoftKey, algorithm: SignatureAlgorithm, publication: Publication) -> Self {
        Self::named(key, algorithm, publication, ["digital signature", "署名用"])
    }

    /// The governor's CA of certificates for signing in.
    pub fn of_users(algorithm: SignatureAlgorithm, publication: Publication) -> Self {
        Self::named(
            SoftKey::new(algorithm),
            algorithm,
            publication,
            ["user authentication", "利用者証明用"],
        )
    }

    fn named(
        key: SoftKey,
        algorithm: SignatureAlgorithm,
        publication: Publication,
        [service, japanese]: [&str; 2],
    ) -> Self {
        let serial = Serial::from_random([0xCA; 16]);
        let japanese = name(&[
            "C=JP",
            "O=公的個人認証サービス",
            &format!("OU=公的個人認証サービス{japanese}"),
            "OU=東京都知事",
        ]);
        let subject = name(&[
            "C=JP",
            "O=JPKI-TEST",
            &format!("OU=JPKI for {service}"),
            "OU=Governor of Tokyo-to",
        ]);
        let itself = Issuer::self_signed(
            subject,
            Some(&japanese),
            key.public(),
            &serial,
            publication.clone(),
        )
        .unwrap();
        let unsigned = plan(&PlanInput {
            profile: &sample("signing-ca.toml", algorithm),
            issuer: &itself,
            serial: &serial,
            now: at("2026-01-05T01:00:00Z"),
            public_key: &key.public(),
            subject: Subject::Authority,
        })
        .unwrap();
        let signature = key.sign(algorithm, unsigned.bytes_to_sign());
        let certificate = unsigned.assemble(&signature, &itself).unwrap().into_der();
        Self {
            algorithm,
            key,
            issuer: Issuer::from_certificate(&certificate, publication).unwrap(),
            certificate,
        }
    }

    pub fn certify(
        &self,
        profile: &Profile,
        now: Timestamp,
        random: u8,
        public_key: &PublicKey,
        subject: Subject<'_>,
    ) -> Certificate {
        let unsigned = plan(&PlanInput {
            profile,
            issuer: &self.issuer,
            serial: &Serial::from_random([random; 16]),
            now,
            public_key,
            subject,
        })
        .unwrap_or_else(|fault| panic!("{fault}"));
        let signature = self.key.sign(self.algorithm, unsigned.bytes_to_sign());
        unsigned.assemble(&signature, &self.issuer).unwrap()
    }

    /// Somebody, or a machine, certified under this profile, with a P-256 key of their own.
    pub fn party(
        &self,
        id: &'static str,
        profile: &str,
        now: Timestamp,
        random: u8,
    ) -> CertifiedParty {
        let key = SoftKey::new(SignatureAlgorithm::EcdsaP256Sha256);
        let subject = Subject::Party(Party {
            id,
            dns_names: &[],
            ip_addresses: &[],
        });
        let profile = sample(profile, self.algorithm);
        let certificate = self.certify(&profile, now, random, &key.public(), subject);
        CertifiedParty {
            id,
            key,
            certificate: certificate.into_der(),
        }
    }

    /// 総務太郎's certificate.
    pub fn certify_taro(&self, now: Timestamp, random: u8) -> Certificate {
        let holder = SoftKey::new(SignatureAlgorithm::RsaPkcs1Sha256).public();
        self.certify(
            &sample("signature.toml", self.algorithm),
            now,
            random,
            &holder,
            Subject::Subscriber(Subscriber {
                items: &tokyo_items(),
                place: &chiyoda(),
                terminal: "131010001".parse().unwrap(),
                requested_at: now,
                sequence: 1,
            }),
        )
    }

    /// A certificate for signing in, of a window of Chiyoda.
    pub fn certify_user(&self, now: Timestamp, random: u8) -> Certificate {
        let holder = SoftKey::new(SignatureAlgorithm::RsaPkcs1Sha256).public();
        self.certify(
            &sample("user-authentication.toml", self.algorithm),
            now,
            random,
            &holder,
            Subject::User(User {
                place: &chiyoda(),
                terminal: "131010001".parse().unwrap(),
            }),
        )
    }

    /// A delegated OCSP responder with a P-256 key.
    pub fn certify_responder(&self, now: Timestamp) -> (SoftKey, Certificate) {
        let key = SoftKey::new(SignatureAlgorithm::EcdsaP256Sha256);
        let certificate = self.certify(
            &sample("ocsp-responder.toml", self.algorithm),
            now,
            0x0C,
            &key.public(),
            Subject::Party(Party {
                id: "ocsp-1",
                dns_names: &[],
                ip_addresses: &[],
            }),
        );
        (key, certificate)
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(self.algorithm, message)
    }
}

/// A directory of this test's own, removed at its end.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("jitsuin-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, file: &str, bytes: &[u8]) -> String {
        let path = self.0.join(file);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs an outside program; what it says on both outputs, and whether it succeeded.
pub fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|fault| panic!("{program} is needed for this test: {fault}"));
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    (status.success(), text)
}
