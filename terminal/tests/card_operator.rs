//! The operator's card.

mod card_support;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use card_support::Bench;
use card_support::host::{self, Fault, apdu, select, send};
use card_support::judge::{Scratch, openssl, request_public_key, request_text};
use terminal::virtual_card::{CardStatus, Image, OperatorImage};

const PIN: &[u8] = b"271828";

fn bench() -> Bench {
    let image = OperatorImage::new("13101-0001", PIN).expect("rules kept");
    let mut bench = Bench::of(&Image::Operator(Box::new(image)));
    select(&mut bench.card, host::OPERATOR).expect("there");
    bench
}

fn verify(bench: &mut Bench, pin: &[u8]) -> Result<(), Fault> {
    bench.send(&apdu([0x00, 0x20, 0x00, 0x80], pin)).map(drop)
}

fn extended(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&header[..], &[0], &(data.len() as u16).to_be_bytes(), data].concat()
}

#[test]
fn the_card_asks_for_its_certificate_takes_it_and_signs() {
    let mut bench = bench();
    let request_command = [0x80, 0x46, 0x00, 0x10, 0, 0, 0];
    assert_eq!(bench.send(&request_command), Err(Fault::Status(0x6982)));
    assert_eq!(
        bench.send(&[0x80, 0xCA, 0, 0x10, 0]),
        Ok(b"13101-0001".to_vec())
    );
    assert_eq!(
        bench.send(&[0x80, 0xCA, 0, 0x11, 0, 0, 0]),
        Err(Fault::Status(0x6A88))
    );
    verify(&mut bench, PIN).expect("right PIN");
    let request = bench.send(&request_command).expect("request");
    let text = request_text(&request);
    assert!(
        text.contains("CN = 13101-0001") && text.contains("ecdsa-with-SHA256"),
        "{text}"
    );

    let certificate = certified(&request);
    let other = {
        let mut other = self::bench();
        verify(&mut other, PIN).expect("right PIN");
        certified(&other.send(&request_command).expect("request"))
    };
    assert_eq!(
        bench.send(&extended([0x80, 0xDA, 0, 0x11], &other)),
        Err(Fault::Status(0x6A80))
    );
    bench
        .send(&extended([0x80, 0xDA, 0, 0x11], &certificate))
        .expect("taken");
    bench.power_cycle();
    select(&mut bench.card, host::OPERATOR).expect("there");
    assert_eq!(bench.send(&[0x80, 0xCA, 0, 0x11, 0, 0, 0]), Ok(certificate));

    let message = b"a statement";
    let mut sign = apdu([0x80, 0x88, 0, 0], digest(&SHA256, message).as_ref());
    sign.push(0);
    assert_eq!(bench.send(&sign), Err(Fault::Status(0x6982)));
    verify(&mut bench, PIN).expect("right PIN");
    let point = request_public_key(&request);
    for _ in 0..200 {
        let signature = bench.send(&sign).expect("signed");
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &point[26..])
            .verify(message, &signature)
            .expect("verifies");
    }
    assert_eq!(
        bench.card.status(),
        CardStatus::Operator {
            operator: "13101-0001".into(),
            certified: true,
            tries_left: 5
        }
    );
    assert_eq!(
        bench.send(&apdu([0x80, 0x88, 0, 0], &[1; 31])),
        Err(Fault::Status(0x6700))
    );
}

#[test]
fn five_wrong_pins_block_the_card() {
    let mut bench = bench();
    for left in (0..5).rev() {
        assert_eq!(
            verify(&mut bench, b"000000"),
            Err(Fault::Status(0x63C0 + left))
        );
        bench.power_cycle();
        select(&mut bench.card, host::OPERATOR).expect("there");
        assert_eq!(
            bench.send(&[0x00, 0x20, 0x00, 0x80]),
            Err(Fault::Status(0x63C0 + left))
        );
    }
    assert_eq!(verify(&mut bench, PIN), Err(Fault::Status(0x6983)));
}

#[test]
fn the_operators_card_has_no_other_application() {
    let mut bench = bench();
    for aid in [host::JPKI, host::PERSONALISATION] {
        assert_eq!(select(&mut bench.card, aid), Err(Fault::Status(0x6A82)));
    }
    assert_eq!(
        send(&mut bench.card, &[0x80, 0xCA, 0, 0x10, 0]),
        Err(Fault::Status(0x6D00))
    );
}

#[test]
fn ids_and_pins_against_the_rules_make_no_card() {
    for (operator, pin) in [
        ("131", PIN),
        ("13101 0001", PIN),
        ("13101-0001", b"12345"),
        ("13101-0001", b"12345A"),
    ] {
        assert!(OperatorImage::new(operator, pin).is_err(), "{operator}");
    }
}

/// A certificate for the key in a request, signed by openssl with a key of its own.
fn certified(request: &[u8]) -> Vec<u8> {
    let scratch = Scratch::new();
    let file = |name: &str| {
        scratch
            .path()
            .join(name)
            .to_str()
            .expect("UTF-8")
            .to_owned()
    };
    scratch.file("request.der", request);
    scratch.file("extensions", b"basicConstraints = CA:FALSE\n");
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=Test CA",
        "-keyout",
        &file("ca.key"),
        "-out",
        &file("ca.pem"),
    ]);
    openssl(&[
        "x509",
        "-req",
        "-in",
        &file("request.der"),
        "-inform",
        "DER",
        "-CA",
        &file("ca.pem"),
        "-CAkey",
        &file("ca.key"),
        "-extfile",
        &file("extensions"),
        "-set_serial",
        "7",
        "-days",
        "30",
        "-outform",
        "DER",
        "-out",
        &file("certificate.der"),
    ]);
    std::fs::read(file("certificate.der")).expect("openssl wrote it")
}
