//! An officer's card signs what the console shows, and nothing for anybody else.

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pki_core::certificate::pem;
use pki_core::certificate::request::parse_party_request;
use pki_core::id::{ApplicationId, Sha256Digest};
use pki_core::officer::{Part, Statement};
use support::TestReader;
use terminal::card::CardFault;
use terminal::officer::{self, OfficerFault};
use terminal::virtual_card::{Image, OperatorImage, SharedMemory, factory_image};
use zeroize::Zeroizing;

fn pin(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

fn statement(officer: &str) -> Statement {
    Statement {
        version: 1,
        prefecture: "13".to_owned(),
        officer: officer.parse().unwrap(),
        act: ApplicationId::from_bytes([3; 16]),
        part: Part::Approve,
        deed: "release-stop".to_owned(),
        subject: "stop:gw-1/00".to_owned(),
        deed_sha256: Sha256Digest::of(b"deed"),
    }
}

fn reader() -> TestReader {
    let image = OperatorImage::new("OFF-2", b"271828").unwrap();
    let card = factory_image(&Image::Operator(Box::new(image))).unwrap();
    TestReader::with(&SharedMemory::new(&card))
}

#[test]
fn an_officers_card_signs_what_the_console_verifies() {
    let reader = reader();
    let (id, request) = officer::request(&reader, &pin("271828")).unwrap();
    assert_eq!(id, "OFF-2");
    let request = pem::decode(pem::REQUEST, &request).unwrap();
    let key = parse_party_request(&request).unwrap().public_key;
    let said = statement("OFF-2");
    let read = officer::read(&[&said.to_payload()[..], b"\r\n"].concat()).unwrap();
    assert_eq!(read, said);
    let signature = officer::sign(&reader, &pin("271828"), &read).unwrap();
    let signature = STANDARD.decode(signature).unwrap();
    said.verify(&key, &signature).unwrap();
    let mut other = said;
    other.part = Part::Reject;
    other.verify(&key, &signature).unwrap_err();
}

#[test]
fn nothing_is_signed_for_another_officer_without_the_pin_or_that_is_no_statement() {
    let reader = reader();
    let refused = |pin_text: &str, officer: &str| {
        officer::sign(&reader, &pin(pin_text), &statement(officer)).unwrap_err()
    };
    assert!(matches!(
        refused("271828", "OFF-1"),
        OfficerFault::OtherOfficer { .. }
    ));
    // What is no PIN takes no try; a wrong one does.
    for no_pin in ["", "27182", "27182a", "2718281828459"] {
        assert!(matches!(refused(no_pin, "OFF-2"), OfficerFault::Pin));
    }
    assert!(matches!(
        refused("271829", "OFF-2"),
        OfficerFault::Card(CardFault::WrongPassword(4))
    ));
    reader.remove();
    assert!(matches!(
        refused("271828", "OFF-2"),
        OfficerFault::Card(CardFault::NoCard)
    ));
    let payload = statement("OFF-2").to_payload();
    let spaced = String::from_utf8(payload.clone())
        .unwrap()
        .replace(',', ", ");
    let newer = String::from_utf8(payload)
        .unwrap()
        .replace("\"version\":1", "\"version\":2");
    for text in ["", "{}", "[]", spaced.as_str(), newer.as_str()] {
        officer::read(text.as_bytes()).unwrap_err();
    }
}
