//! Asks a CA for certificates as a gateway does, with acts signed by a terminal and an operator.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use pki_core::act::{Act, ActFrame, Deed, IssueDeed, Signatory};
use pki_core::certificate::pem;
use pki_core::id::{
    ApplicationId, CardId, IdempotencyKey, KioskId, OperatorId, ResidentNumber, Sha256Digest,
    TerminalId, VisitId,
};
use pki_core::kiosk_record::{Generation, KioskRecord};
use pki_core::person::certificate_items::{CertificateItems, CertificateItemsText};
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePublicKey;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer};
use schema::wire::bytes::Base64;
use schema::wire::v1::act::SignedActMessage;
use schema::wire::v1::ca::{CertificateItemsMessage, IssueRequest, IssueResponse};
use serde_json::json;
use softhsm_tests::mtls::Client;
use xtask::fault::{Fault, OnPath, Result};

use crate::{Options, keys, percentile};

struct Parties {
    terminal: (TerminalId, EcdsaKeyPair),
    operator: (OperatorId, EcdsaKeyPair),
    kiosk: (KioskId, EcdsaKeyPair),
}

/// Issues `--count` certificates over `--connections` connections; their serials go to `--serials`.
pub fn run(options: &Options) -> Result<serde_json::Value> {
    let (count, connections) = (options.number("count")?, options.number("connections")?);
    let client = Client::new(
        options.text("ca")?,
        &options.path("trust")?,
        Some((&options.path("certificate")?, &options.path("key")?)),
    )?;
    let parties = Parties {
        terminal: (
            id(options.text("terminal")?)?,
            signing_key(&options.path("terminal-key")?)?,
        ),
        operator: (
            id(options.text("operator")?)?,
            signing_key(&options.path("operator-key")?)?,
        ),
        kiosk: (
            id(options.text("kiosk")?)?,
            signing_key(&options.path("kiosk-key")?)?,
        ),
    };
    let first = options.number("first-resident")?;
    let requests = prepare(&parties, first, count)?;

    let queue = Mutex::new(requests);
    let file = options.path("serials")?;
    // Each serial is written down as it is acknowledged: the server may be killed in the middle.
    let acknowledged = Mutex::new(File::create(&file).on(&file)?);
    let begun = Instant::now();
    let outcomes: Vec<Result<Vec<f64>>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|_| scope.spawn(|| issue_all(&client, &queue, &acknowledged)))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(Fault::new("a connection's thread panicked")))
            })
            .collect()
    });
    let took = begun.elapsed().as_secs_f64();
    let mut issued = Vec::new();
    for outcome in outcomes {
        issued.extend(outcome?);
    }
    let mut times = issued.clone();
    times.sort_by(f64::total_cmp);
    Ok(json!({
        "issued": issued.len(),
        "seconds": took,
        "rate": issued.len() as f64 / took,
        "p50_ms": percentile(&times, 0.5) * 1e3,
        "p99_ms": percentile(&times, 0.99) * 1e3,
    }))
}

fn issue_all(
    client: &Client,
    queue: &Mutex<VecDeque<Vec<u8>>>,
    acknowledged: &Mutex<File>,
) -> Result<Vec<f64>> {
    let mut connection = client.connect()?;
    let mut issued = Vec::new();
    loop {
        let next = queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some(body) = next else { return Ok(issued) };
        let begun = Instant::now();
        let reply = connection.ask("POST", "/v1/certificates", &[], &body)?;
        let took = begun.elapsed().as_secs_f64();
        if reply.status != 201 {
            let said = String::from_utf8_lossy(&reply.body).into_owned();
            return Err(
                Fault::new(format!("the CA answered {}", reply.status)).with_lines(&said, 5)
            );
        }
        let answer: IssueResponse = serde_json::from_slice(&reply.body)?;
        let mut file = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{}", answer.serial)?;
        issued.push(took);
    }
}

/// Makes all requests before the clock runs, on both cores.
fn prepare(parties: &Parties, first: usize, count: usize) -> Result<VecDeque<Vec<u8>>> {
    let pairs = keys::pairs(count)?;
    let half = count.div_ceil(2).max(1);
    let made: Vec<Result<Vec<Vec<u8>>>> = thread::scope(|scope| {
        let workers: Vec<_> = pairs
            .chunks(half)
            .enumerate()
            .map(|(part, pairs)| {
                scope.spawn(move || {
                    pairs
                        .iter()
                        .enumerate()
                        .map(|(at, pair)| request(parties, first + part * half + at, pair))
                        .collect()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(Fault::new("a preparing thread panicked")))
            })
            .collect()
    });
    let mut requests = VecDeque::with_capacity(count);
    for part in made {
        requests.extend(part?);
    }
    Ok(requests)
}

fn request(parties: &Parties, resident: usize, pair: &RsaPrivateKey) -> Result<Vec<u8>> {
    let now = jiff::Timestamp::now();
    let (visit, card): (VisitId, CardId) = (fresh()?, fresh()?);
    let spki = pair
        .to_public_key()
        .to_public_key_der()
        .map_err(|error| Fault::new(error.to_string()))?;
    let text = CertificateItemsText {
        name: "総務　太郎".into(),
        name_substitution: "00000".into(),
        birth_date: "319500401".into(),
        sex: "1".into(),
        address: "東京都千代田区霞が関２丁目１番２号".into(),
        address_substitution: "00000000000000000".into(),
    };
    let items = CertificateItems::parse(&text).map_err(|error| Fault::new(error.to_string()))?;
    let application = fresh::<ApplicationId>()?;
    let resident: ResidentNumber = format!("{resident:010}")
        .parse()
        .map_err(|_| Fault::new("a resident's number has at most 32 characters"))?;
    let act = Act::new(
        ActFrame {
            terminal: parties.terminal.0,
            operator: parties.operator.0.clone(),
            application,
            idempotency_key: fresh::<IdempotencyKey>()?,
            time: now,
        },
        Deed::Issue(IssueDeed {
            visit,
            card,
            profile: "signature".into(),
            resident_sha256: resident.digest(application, parties.terminal.0.municipality()),
            items_sha256: id(&hex::encode(items.digest()))?,
            spki_sha256: Sha256Digest::of(spki.as_bytes()),
            identity_sha256: Sha256Digest::of(b"{}"),
            identified_at: now,
            request_made_at: now,
            replaces: None,
        }),
    );
    let payload = act.to_payload();
    let record = KioskRecord::new(Generation {
        kiosk: parties.kiosk.0,
        visit,
        card,
        spki_sha256: Sha256Digest::of(spki.as_bytes()),
        software_sha256: Sha256Digest::of(b"load"),
        generated_at: now,
    });
    let record = record.signed(|message| sign(&parties.kiosk.1, message))?;
    let body = IssueRequest {
        act: SignedActMessage {
            terminal_signature: Base64(sign(
                &parties.terminal.1,
                &Signatory::Terminal.message(&payload),
            )?),
            operator_signature: Base64(sign(
                &parties.operator.1,
                &Signatory::Operator.message(&payload),
            )?),
            payload: Base64(payload),
        },
        items: CertificateItemsMessage {
            name: text.name,
            name_substitution: text.name_substitution,
            birth_date: text.birth_date,
            sex: text.sex,
            address: text.address,
            address_substitution: text.address_substitution,
        },
        resident: resident.to_string(),
        request: Base64(card_request(
            pair,
            spki.as_bytes(),
            visit.as_bytes(),
            card.as_bytes(),
        )),
        kiosk_record: Base64(record),
    };
    Ok(serde_json::to_vec(&body)?)
}

/// The card's PKCS#10 request (`docs/card-interface.md` §4).
fn card_request(pair: &RsaPrivateKey, spki: &[u8], visit: &[u8], card: &[u8]) -> Vec<u8> {
    const SHA256_WITH_RSA: &[u8] = &[
        0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00,
    ];
    let attribute = |number: u8, value: &[u8]| {
        let oid = [
            0x06, 0x0C, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x86, 0x8D, 0x1F, 0x8F, 0x6A, 0x03, number,
        ];
        tlv(0x30, &[&oid[..], &tlv(0x31, &tlv(0x04, value))].concat())
    };
    let attributes = tlv(0xA0, &[attribute(1, visit), attribute(2, card)].concat());
    let info = tlv(
        0x30,
        &[&[0x02, 0x01, 0x00, 0x30, 0x00][..], spki, &attributes].concat(),
    );
    let signature = SigningKey::<Sha256>::new(pair.clone()).sign(&info).to_vec();
    tlv(
        0x30,
        &[
            &info[..],
            SHA256_WITH_RSA,
            &tlv(0x03, &[&[0][..], &signature].concat()),
        ]
        .concat(),
    )
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut der = vec![tag];
    match length {
        0..=0x7F => der.push(length as u8),
        0x80..=0xFF => der.extend([0x81, length as u8]),
        _ => der.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    der.extend_from_slice(content);
    der
}

fn sign(key: &EcdsaKeyPair, message: &[u8]) -> Result<Vec<u8>> {
    let signature = key
        .sign(&SystemRandom::new(), message)
        .map_err(|_| Fault::new("no signature could be made"))?;
    Ok(signature.as_ref().to_vec())
}

fn signing_key(path: &Path) -> Result<EcdsaKeyPair> {
    let text = fs::read_to_string(path).on(path)?;
    let der =
        pem::decode(pem::PRIVATE_KEY, &text).map_err(|error| Fault::new(error.to_string()))?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
        .map_err(|_| Fault::new("no P-256 key"))
}

fn id<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| Fault::new(format!("{text} is malformed")))
}

fn fresh<T: std::str::FromStr>() -> Result<T> {
    id(&xtask::text::random_hex(16)?)
}
