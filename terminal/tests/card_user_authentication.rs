//! The second key of the JPKI application (利用者証明用): made, certified and used beside the
//! first, each opened by its own password alone.

mod card_support;

use card_support::host::{
    self, Channel, Fault, apdu, get_data, read_file, select, select_file, send, wrap_padded,
};
use card_support::judge::{pkcs1_verifies, self_signed};
use card_support::{Bench, PASSWORD, card_keys, first_pair, second_pair};

const JPKI: &[u8] = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
const PIN: &[u8] = b"8274";
const PIN_FILE: u16 = 0x0018;
const KEY_FILE: u16 = 0x0017;

/// The window prepares the card for a visit that makes the key for signing in.
fn open_visit(bench: &mut Bench, visit: u8) -> Result<(), Fault> {
    Channel::open(&mut bench.card, &card_keys())?
        .send(0xD8, 0x30, 0x01, &host::visit_data(visit))
        .map(drop)
}

/// The window writes the certificate, and the same one as the CA's.
fn write_certificates(bench: &mut Bench, certificate: &[u8]) -> Result<(), Fault> {
    let mut channel = Channel::open(&mut bench.card, &card_keys())?;
    channel.send_blocks(0xE2, 0x03, certificate)?;
    channel.send_blocks(0xE2, 0x04, certificate)
}

fn verify_pin(bench: &mut Bench, pin: &[u8]) -> Result<(), Fault> {
    select(&mut bench.card, JPKI)?;
    select_file(&mut bench.card, PIN_FILE)?;
    bench.send(&apdu([0x00, 0x20, 0x00, 0x80], pin)).map(drop)
}

fn compute(bench: &mut Bench, key: u16, message: &[u8]) -> Result<Vec<u8>, Fault> {
    select_file(&mut bench.card, key)?;
    let mut command = apdu([0x80, 0x2A, 0x03, 0x80], message);
    command.push(0);
    send(&mut bench.card, &command)
}

/// A card with both keys and certificates; the certificate for signing in.
fn with_both() -> (Bench, Vec<u8>, Vec<u8>) {
    let (mut bench, signature) = Bench::certified(first_pair());
    let user = self_signed(&second_pair().pkcs8);
    open_visit(&mut bench, 2).expect("prepared");
    assert_eq!(get_data(&mut bench.card, 0x05), Ok(vec![0x01]));
    host::kiosk_visit(&mut bench.card, 2, second_pair(), PIN, None).expect("key stored");
    write_certificates(&mut bench, &user).expect("certified");
    (bench, signature, user)
}

#[test]
fn both_keys_stand_on_one_card_and_each_signs_under_its_own_password() {
    let (mut bench, signature, user) = with_both();
    bench.power_cycle();
    assert_eq!(bench.state(), 0x03);

    // Its certificate is read freely, the one for signatures is not.
    select(&mut bench.card, JPKI).expect("there");
    for file in [0x000A, 0x000B] {
        assert_eq!(read_file(&mut bench.card, file), Ok(user.clone()));
    }
    select_file(&mut bench.card, 0x0001).expect("there");
    assert_eq!(
        bench.send(&[0x00, 0xB0, 0x00, 0x00, 0x00]),
        Err(Fault::Status(0x6982))
    );

    verify_pin(&mut bench, PIN).expect("right PIN");
    let signed = compute(&mut bench, KEY_FILE, b"a challenge").expect("signed");
    assert!(pkcs1_verifies(
        &second_pair().public_key,
        b"a challenge",
        &signed
    ));
    // The PIN opens nothing else.
    assert_eq!(
        compute(&mut bench, 0x001A, b"a declaration"),
        Err(Fault::Status(0x6982))
    );

    host::verify(&mut bench.card, PASSWORD).expect("right password");
    assert_eq!(read_file(&mut bench.card, 0x0001), Ok(signature));
    let signed = host::compute(&mut bench.card, 0x03, b"a declaration").expect("signed");
    assert!(pkcs1_verifies(
        &first_pair().public_key,
        b"a declaration",
        &signed
    ));
    assert_eq!(
        compute(&mut bench, KEY_FILE, b"a challenge"),
        Err(Fault::Status(0x6982))
    );
}

#[test]
fn the_pin_is_four_digits_and_three_wrong_ones_block_it_alone() {
    let (mut bench, _) = Bench::certified(first_pair());
    open_visit(&mut bench, 2).expect("prepared");
    for wrong in [&b"827"[..], b"82741", b"82A4", PASSWORD] {
        assert_eq!(
            host::kiosk_visit(&mut bench.card, 2, second_pair(), wrong, None),
            Err(Fault::Status(0x6A80)),
            "{wrong:?}"
        );
    }
    host::kiosk_visit(&mut bench.card, 2, second_pair(), PIN, None).expect("key stored");

    for status in [0x63C2, 0x63C1, 0x63C0, 0x6984] {
        assert_eq!(verify_pin(&mut bench, b"0000"), Err(Fault::Status(status)));
    }
    assert_eq!(verify_pin(&mut bench, PIN), Err(Fault::Status(0x6984)));
    host::verify(&mut bench.card, PASSWORD).expect("the other password has its tries");

    // The window gives the tries back, or sets a new PIN.
    let reset = |bench: &mut Bench| {
        Channel::open(&mut bench.card, &card_keys())
            .and_then(|mut channel| channel.send(0x2C, 0x00, 0x01, &[]))
    };
    reset(&mut bench).expect("reset");
    assert_eq!(verify_pin(&mut bench, b"0000"), Err(Fault::Status(0x63C2)));
    let set = |bench: &mut Bench, slot, password: &[u8]| {
        let wrapped = wrap_padded(&card_keys().dek, password);
        Channel::open(&mut bench.card, &card_keys())
            .and_then(|mut channel| channel.send(0x2C, 0x01, slot, &wrapped))
    };
    assert_eq!(set(&mut bench, 0x01, b"ABC123"), Err(Fault::Status(0x6A80)));
    set(&mut bench, 0x01, b"1597").expect("set");
    verify_pin(&mut bench, b"1597").expect("the new PIN");
    assert_eq!(set(&mut bench, 0x02, b"1597"), Err(Fault::Status(0x6A86)));
}

#[test]
fn a_certificate_goes_to_the_key_it_is_for() {
    let (mut bench, _) = Bench::certified(first_pair());
    open_visit(&mut bench, 2).expect("prepared");
    assert_eq!(
        write_certificates(&mut bench, &self_signed(&second_pair().pkcs8)),
        Err(Fault::Status(0x6A80)),
        "no key yet"
    );
    host::kiosk_visit(&mut bench.card, 2, second_pair(), PIN, None).expect("key stored");
    assert_eq!(
        bench.state(),
        0x02,
        "one key waits for its certificate beside one that has it"
    );
    let mut channel = Channel::open(&mut bench.card, &card_keys()).expect("open");
    assert_eq!(
        channel.send_blocks(0xE2, 0x01, &self_signed(&second_pair().pkcs8)),
        Err(Fault::Status(0x6A80)),
        "the other slot's key"
    );
    write_certificates(&mut bench, &self_signed(&second_pair().pkcs8)).expect("certified");
    assert_eq!(bench.state(), 0x03);
}

#[test]
fn what_is_erased_of_one_key_leaves_the_other() {
    let (mut bench, signature, user) = with_both();
    // A new visit for signatures that is given up: both certified keys stay.
    host::open_visit(&mut bench.card, 3).expect("prepared");
    assert_eq!(get_data(&mut bench.card, 0x05), Ok(vec![0x00]));
    Channel::open(&mut bench.card, &card_support::visit_keys(3))
        .and_then(|mut channel| channel.send(0x4E, 0x00, 0x00, &[]))
        .expect("abandoned");
    host::verify(&mut bench.card, PASSWORD).expect("still there");
    verify_pin(&mut bench, PIN).expect("still there");

    // Revocation with the card present erases the one that was revoked.
    Channel::open(&mut bench.card, &card_keys())
        .and_then(|mut channel| channel.send(0xE4, 0x00, 0x01, &[]))
        .expect("erased");
    assert_eq!(verify_pin(&mut bench, PIN), Err(Fault::Status(0x6984)));
    select(&mut bench.card, JPKI).expect("there");
    let shown = read_file(&mut bench.card, 0x000A).expect("the CA's, as on a card with one key");
    assert!(shown == signature && shown != user);
    host::verify(&mut bench.card, PASSWORD).expect("untouched");
    assert_eq!(bench.state(), 0x03);
}
