//! The release of a stopped gateway: what counts as two officers' word.

mod certificate_support;

use certificate_support::{CertifiedParty, Governor, SoftKey, at, open, sample};
use pki_core::certificate::{Party, SignatureAlgorithm, Subject};
use pki_core::id::{ApplicationId, Sha256Digest};
use pki_core::officer::{OfficerDeed, Part, Statement};
use pki_core::release::{OfficerSignature, Officers, ReleaseFault, SignedRelease};

const EC: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;
const NOW: &str = "2026-11-22T05:00:00Z";
const STOP: &str = "00112233445566778899aabbccddeeff";
const ACT: [u8; 16] = [7; 16];

fn certified(governor: &Governor, id: &'static str, profile: &str, random: u8) -> CertifiedParty {
    governor.party(id, profile, at(NOW), random)
}

fn deed(stop: &str, serial: &str) -> OfficerDeed {
    OfficerDeed::ReleaseStop {
        gateway: "gw-1".to_owned(),
        stop: stop.to_owned(),
        serial: serial.to_owned(),
        reason: "知事の交代前の設定を改めた".to_owned(),
    }
}

fn signed(
    person: &CertifiedParty,
    deed: &OfficerDeed,
    part: Part,
    prefecture: &str,
) -> OfficerSignature {
    let statement = Statement {
        version: 1,
        prefecture: prefecture.to_owned(),
        officer: person.id.parse().unwrap(),
        act: ApplicationId::from_bytes(ACT),
        part,
        deed: deed.name().to_owned(),
        subject: deed.subject(),
        deed_sha256: Sha256Digest::of(&deed.to_bytes()),
    };
    OfficerSignature {
        officer: person.id.parse().unwrap(),
        certificate: person.certificate.clone(),
        signature: person.key.sign(EC, &statement.message()),
    }
}

fn release(first: &CertifiedParty, second: &CertifiedParty) -> SignedRelease {
    let deed = deed(STOP, "0a");
    SignedRelease {
        act: ApplicationId::from_bytes(ACT),
        deed: deed.to_bytes(),
        proposer: signed(first, &deed, Part::Propose, "13"),
        second: signed(second, &deed, Part::Approve, "13"),
    }
}

fn officers(governor: &Governor) -> Officers {
    Officers {
        issuer: governor.issuer.subject().clone(),
        key: governor.issuer.public_key().clone(),
        unit: "Officers".to_owned(),
        prefecture: "13".to_owned(),
    }
}

#[test]
fn two_officers_release_exactly_one_stop() {
    let governor = Governor::new(EC, open());
    let (one, two) = (
        certified(&governor, "OFF-1", "officer.toml", 1),
        certified(&governor, "OFF-2", "officer.toml", 2),
    );
    let trust = officers(&governor);
    let good = release(&one, &two);
    let verify = |release: &SignedRelease| release.verify(&trust, STOP, "0a", at(NOW));
    let released = verify(&good).unwrap();
    assert_eq!(
        (released.proposer.as_str(), released.second.as_str()),
        ("OFF-1", "OFF-2")
    );
    assert_eq!(released.reason, "知事の交代前の設定を改めた");

    // Another stop, another certificate, another time.
    let other = |stop: &str, serial: &str| good.verify(&trust, stop, serial, at(NOW));
    assert_eq!(other(&"0".repeat(32), "0a"), Err(ReleaseFault::OtherStop));
    assert_eq!(other(STOP, "0b"), Err(ReleaseFault::OtherStop));
    assert!(matches!(
        good.verify(&trust, STOP, "0a", at("2028-11-22T05:00:00Z")),
        Err(ReleaseFault::NotValidNow(_))
    ));
    // Another deed under the same signatures; a deed that releases nothing.
    let reworded = OfficerDeed::ReleaseStop {
        gateway: "gw-1".to_owned(),
        stop: STOP.to_owned(),
        serial: "0a".to_owned(),
        reason: "よし".to_owned(),
    };
    let changed = SignedRelease {
        deed: reworded.to_bytes(),
        ..good.clone()
    };
    assert!(matches!(verify(&changed), Err(ReleaseFault::Signature(..))));
    let nothing = SignedRelease {
        deed: OfficerDeed::PublishLists.to_bytes(),
        ..good.clone()
    };
    assert_eq!(verify(&nothing), Err(ReleaseFault::Deed));
    // A statement that rejects, and one for another prefecture.
    let rejected = SignedRelease {
        second: signed(&two, &deed(STOP, "0a"), Part::Reject, "13"),
        ..good.clone()
    };
    assert!(matches!(
        verify(&rejected),
        Err(ReleaseFault::Signature(..))
    ));
    let elsewhere = SignedRelease {
        second: signed(&two, &deed(STOP, "0a"), Part::Approve, "14"),
        ..good
    };
    assert!(matches!(
        verify(&elsewhere),
        Err(ReleaseFault::Signature(..))
    ));
}

#[test]
fn one_officer_an_operator_or_a_stranger_releases_nothing() {
    let governor = Governor::new(EC, open());
    let stranger = Governor::new(EC, open());
    let one = certified(&governor, "OFF-1", "officer.toml", 1);
    let again = certified(&governor, "OFF-1", "officer.toml", 2);
    let operator = certified(&governor, "13101-0001", "operator.toml", 3);
    let auditor = certified(&governor, "AUD-1", "auditor.toml", 4);
    let foreign = certified(&stranger, "OFF-2", "officer.toml", 5);
    let trust = officers(&governor);
    let verify =
        |second: &CertifiedParty| release(&one, second).verify(&trust, STOP, "0a", at(NOW));
    assert_eq!(verify(&one), Err(ReleaseFault::OnePerson));
    assert_eq!(verify(&again), Err(ReleaseFault::OnePerson));
    assert!(matches!(
        verify(&operator),
        Err(ReleaseFault::NotAnOfficer(_))
    ));
    assert!(matches!(
        verify(&auditor),
        Err(ReleaseFault::NotAnOfficer(_))
    ));
    assert!(matches!(verify(&foreign), Err(ReleaseFault::Foreign(_))));
    // Under the name of another officer.
    let two = certified(&governor, "OFF-2", "officer.toml", 6);
    let mut named = release(&one, &two);
    named.second.officer = "OFF-3".parse().unwrap();
    assert!(matches!(
        named.verify(&trust, STOP, "0a", at(NOW)),
        Err(ReleaseFault::NotAnOfficer(_))
    ));
    // One key under two names is one person.
    let twin = CertifiedParty {
        id: "OFF-4",
        certificate: {
            let subject = Subject::Party(Party {
                id: "OFF-4",
                dns_names: &[],
                ip_addresses: &[],
            });
            governor
                .certify(
                    &sample("officer.toml", EC),
                    at(NOW),
                    7,
                    &one.key.public(),
                    subject,
                )
                .into_der()
        },
        key: SoftKey::new(EC),
    };
    assert_eq!(verify(&twin), Err(ReleaseFault::OnePerson));
}
