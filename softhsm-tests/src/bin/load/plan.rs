//! The pure part of an issuance: plan, lints and assembly, without the signature between them.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use pki_core::certificate::{
    Access, Issuer, Name, PartitionNumber, Place, PlanInput, Profile, PublicKey, Publication,
    Serial, Subject, Subscriber, plan, profile,
};
use pki_core::person::certificate_items::{CertificateItems, CertificateItemsText};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePublicKey;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer};
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::json;
use xtask::fault::{Fault, Result};

use crate::{Options, keys, percentile};

/// Plans and assembles `--count` residents' certificates; the median of their times, in seconds.
pub fn run(options: &Options) -> Result<serde_json::Value> {
    let pairs = keys::pairs(2)?;
    let [authority, resident] = &pairs[..] else {
        return Err(Fault::new("two keys were asked for"));
    };
    let (_, text) = profile::SAMPLES
        .into_iter()
        .find(|(file, _)| *file == "signature.toml")
        .ok_or_else(|| Fault::new("no profile is called signature"))?;
    let profile = Profile::parse(text).map_err(told)?;
    let issuer = issuer(authority)?;
    let place = Place {
        code: "13101".parse().map_err(told)?,
        prefecture: "Tokyo-to".into(),
        municipality: "Chiyoda-ku".into(),
        partition: PartitionNumber::FIRST,
    };
    let items = items()?;
    let public_key = public(resident)?;
    let signer = SigningKey::<Sha256>::new(authority.clone());
    let mut times = Vec::new();
    for number in 0..options.number("count")? {
        let serial = Serial::from_random((number as u128 + 1).to_le_bytes());
        let now = Timestamp::now();
        let begun = Instant::now();
        let unsigned = plan(&PlanInput {
            profile: &profile,
            issuer: &issuer,
            serial: &serial,
            now,
            public_key: &public_key,
            subject: Subject::Subscriber(Subscriber {
                items: &items,
                place: &place,
                terminal: "131010001".parse().map_err(told)?,
                requested_at: now,
                sequence: 1,
            }),
        })
        .map_err(told)?;
        let planned = begun.elapsed();
        let signature = signer.sign(unsigned.bytes_to_sign()).to_vec();
        let begun = Instant::now();
        unsigned.assemble(&signature, &issuer).map_err(told)?;
        let whole: Duration = planned + begun.elapsed();
        times.push(whole.as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(json!({ "seconds": percentile(&times, 0.5) }))
}

fn issuer(pair: &RsaPrivateKey) -> Result<Issuer> {
    let name = |unit: &str| {
        Name::parse(&["C=JP", "O=JPKI-TEST", unit, "OU=Governor of Tokyo-to"]).map_err(told)
    };
    let publication = Publication {
        access: Access::Open {
            base_url: "http://pki.tokyo.example".into(),
        },
        segment: "sign".into(),
    };
    Issuer::self_signed(
        name("OU=JPKI for digital signature")?,
        Some(&name("OU=署名用")?),
        public(pair)?,
        &Serial::from_random([0xCA; 16]),
        publication,
    )
    .map_err(told)
}

fn public(pair: &RsaPrivateKey) -> Result<PublicKey> {
    let spki = RsaPublicKey::from(pair).to_public_key_der().map_err(told)?;
    PublicKey::from_spki_der(spki.as_bytes()).map_err(told)
}

fn items() -> Result<CertificateItems> {
    CertificateItems::parse(&CertificateItemsText {
        name: "総務　太郎".into(),
        name_substitution: "00000".into(),
        birth_date: "319500401".into(),
        sex: "1".into(),
        address: "東京都千代田区霞が関２丁目１番２号".into(),
        address_substitution: "00000000000000000".into(),
    })
    .map_err(told)
}

fn told(error: impl std::fmt::Display) -> Fault {
    Fault::new(error.to_string())
}
