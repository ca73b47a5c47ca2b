//! CA certificates for tests, made through the signer's port: in software or in
//! a token.

use jiff::Timestamp;
use pki_core::certificate::{
    Name, Profile, PublicKey, Serial,
    issuer::{Access, Issuer, Publication},
    plan::{Party, PlanInput, Subject, plan},
};

use super::window::random16;
use crate::port::signer::Signer;

/// The profile of that name, as the repository has it.
pub fn profile_text(name: &str) -> String {
    let path = xtask::workspace::root()
        .join("pki-core/profiles")
        .join(format!("{name}.toml"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The same, checked.
pub fn profile(name: &str) -> Profile {
    Profile::parse(&profile_text(name)).expect("the repository's profiles are right")
}

/// A self-signed certificate for a key of the signer, DER.
pub fn self_signed(
    signer: &dyn Signer,
    key: &str,
    profile: &Profile,
    name: &str,
    subject: &[&str],
    access: Access,
    now: Timestamp,
) -> Vec<u8> {
    let spki = signer.public_key(key).expect("the key is there");
    let public_key = PublicKey::from_spki_der(&spki).expect("a key of the signer");
    let serial = Serial::from_random(random16());
    let attributes: Vec<String> = subject.iter().map(|&part| part.to_owned()).collect();
    let japanese = Name::parse(&[
        "C=JP".to_owned(),
        "O=公的個人認証サービス試験".to_owned(),
        "OU=東京都知事".to_owned(),
    ])
    .expect("a name of the test");
    let issuer = Issuer::self_signed(
        Name::parse(&attributes).expect("a name of the test"),
        // The governor's name in Japanese belongs to the signing CA.
        (profile.name() == "signing-ca").then_some(&japanese),
        public_key.clone(),
        &serial,
        Publication {
            access,
            segment: name.to_owned(),
        },
    )
    .expect("an issuer of the test");
    let unsigned = plan(&PlanInput {
        profile,
        issuer: &issuer,
        serial: &serial,
        now,
        public_key: &public_key,
        subject: Subject::Authority,
    })
    .expect("the plan of a CA certificate");
    let signature = signer
        .sign(key, unsigned.algorithm(), unsigned.bytes_to_sign())
        .expect("the signature of a CA certificate");
    unsigned
        .assemble(&signature, &issuer)
        .expect("the signature verifies")
        .into_der()
}

/// A party's certificate (its kind and id), valid from `now`, signed by the CA with this
/// certificate, DER: for certificates that the authority itself would not make.
pub fn party_certificate(
    signer: &dyn Signer,
    key: &str,
    authority: &[u8],
    (kind, id): (&str, &str),
    public_key: &PublicKey,
    now: Timestamp,
) -> Vec<u8> {
    let publication = Publication {
        access: Access::Registered,
        segment: key.to_owned(),
    };
    let issuer = Issuer::from_certificate(authority, publication).expect("an issuer of the test");
    let unsigned = plan(&PlanInput {
        profile: &profile(kind),
        issuer: &issuer,
        serial: &Serial::from_random(random16()),
        now,
        public_key,
        subject: Subject::Party(Party {
            id,
            dns_names: &[],
            ip_addresses: &[],
        }),
    })
    .expect("the plan of a certificate");
    let signature = signer
        .sign(key, unsigned.algorithm(), unsigned.bytes_to_sign())
        .expect("the signature of a certificate");
    unsigned
        .assemble(&signature, &issuer)
        .expect("the signature verifies")
        .into_der()
}
