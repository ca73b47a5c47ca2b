//! What may go wrong around the card: power, memory, wrong keys, replays, noise.

mod card_support;

use std::sync::{Arc, Mutex};

use card_support::host::{
    self, Channel, Fault, Reader, StaticKeys, compute, get_data, read_file, select, select_file,
    verify, wrap_padded,
};
use card_support::judge::{pkcs1_verifies, self_signed};
use card_support::{
    Bench, FaultyMemory, PASSWORD, Pair, Wrong, blank_image, card_keys, first_pair, second_pair,
    visit_keys,
};
use terminal::virtual_card::{Card, Image, OperatorImage, SharedMemory, factory_image};

/// A reader from which the card is pulled after some commands.
struct PulledAfter<'a> {
    card: &'a mut Card,
    left: usize,
    answered: bool,
}

impl Reader for PulledAfter<'_> {
    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, Fault> {
        if self.left == 0 {
            return Err(Fault::Gone);
        }
        self.left -= 1;
        let answer = self.card.process(apdu);
        // The last command is carried out, its answer is never seen.
        if self.left == 0 && !self.answered {
            Err(Fault::Gone)
        } else {
            Ok(answer)
        }
    }
}

const NEW_PASSWORD: &[u8] = b"RENEWED8";

/// A renewal from beginning to end: window, kiosk, window.
fn renewal(reader: &mut dyn Reader, certificate: &[u8]) -> Result<(), Fault> {
    host::open_visit(reader, 2)?;
    host::kiosk_visit(reader, 2, second_pair(), NEW_PASSWORD, Some(PASSWORD))?;
    host::write_certificates(reader, certificate)
}

/// Whatever happened in a renewal, the card is wholly before or wholly after its FINISH.
fn check_whole(bench: &mut Bench, old: &[u8], new: &[u8], context: &str) -> u8 {
    let state = bench.state();
    let (password, pair, certificate): (&[u8], &Pair, Option<&[u8]>) =
        match host::card_record(&mut bench.card).map(|r| r.generation) {
            Ok(1) => (PASSWORD, first_pair(), Some(old)),
            Ok(2) => (NEW_PASSWORD, second_pair(), (state == 3).then_some(new)),
            other => panic!("{context}: generation {other:?}"),
        };
    assert!(matches!(state, 1..=3), "{context}: state {state}");
    verify(&mut bench.card, password)
        .unwrap_or_else(|fault| panic!("{context}: password: {fault:?}"));
    let signature =
        compute(&mut bench.card, 0x03, b"m").unwrap_or_else(|fault| panic!("{context}: {fault:?}"));
    assert!(
        pkcs1_verifies(&pair.public_key, b"m", &signature),
        "{context}"
    );
    match certificate {
        Some(certificate) => assert_eq!(
            read_file(&mut bench.card, 0x0001).as_deref(),
            Ok(certificate),
            "{context}"
        ),
        None => assert_eq!(
            select_file(&mut bench.card, 0x0001),
            Err(Fault::Status(0x6A82)),
            "{context}"
        ),
    }
    if state == 1 {
        select(&mut bench.card, host::PERSONALISATION).expect("there");
        for object in [0x03, 0x04] {
            assert_eq!(
                get_data(&mut bench.card, object),
                Err(Fault::Status(0x6A88)),
                "{context}: nothing of the visit"
            );
        }
    }
    state
}

/// A renewal that was cut goes on: at the kiosk when it was not finished there, else at the window.
fn go_on(bench: &mut Bench, state: u8, new: &[u8], context: &str) {
    let generation = host::card_record(&mut bench.card)
        .expect("free data")
        .generation;
    let gone_on = match (state, generation) {
        (_, 2) => host::write_certificates(&mut bench.card, new),
        (1, _) => host::kiosk_visit(
            &mut bench.card,
            2,
            second_pair(),
            NEW_PASSWORD,
            Some(PASSWORD),
        )
        .and_then(|()| host::write_certificates(&mut bench.card, new)),
        _ => renewal(&mut bench.card, new),
    };
    gone_on.unwrap_or_else(|fault| panic!("{context}: {fault:?}"));
    assert_eq!(bench.state(), 3, "{context}");
}

#[test]
fn a_card_pulled_out_at_any_command_of_a_renewal_is_whole_and_can_go_on() {
    let (bench, old) = Bench::certified(first_pair());
    let new = self_signed(&second_pair().pkcs8);
    let image = bench.memory.snapshot();
    let mut commands = 0;
    for left in 0.. {
        let mut done = 0;
        for answered in [false, true] {
            let mut bench = Bench::on(SharedMemory::new(&image));
            let outcome = renewal(
                &mut PulledAfter {
                    card: &mut bench.card,
                    left,
                    answered,
                },
                &new,
            );
            done += usize::from(outcome.is_ok());
            bench.power_cycle();
            let context = format!("pulled after command {left}, answered: {answered}");
            let state = check_whole(&mut bench, &old, &new, &context);
            go_on(&mut bench, state, &new, &context);
        }
        commands = left;
        if done > 0 {
            break;
        }
    }
    assert!(
        commands > 25,
        "a renewal is longer than {commands} commands"
    );
}

#[test]
fn a_memory_that_fails_at_any_write_leaves_a_whole_card_that_says_so() {
    let (bench, old) = Bench::certified(first_pair());
    let new = self_signed(&second_pair().pkcs8);
    let image = bench.memory.snapshot();
    for wrong in [Wrong::NotDone, Wrong::DoneUnseen] {
        let mut failed = 0;
        for write in 0.. {
            let inner = SharedMemory::new(&image);
            let left = Arc::new(Mutex::new(Some(write)));
            let memory = FaultyMemory {
                inner: inner.clone(),
                left: left.clone(),
                wrong,
            };
            let mut card = Card::start(Box::new(memory)).expect("starts");
            let outcome = renewal(&mut card, &new);
            if left.lock().expect("one thread").is_some() {
                outcome.expect("no write failed");
                break;
            }
            failed += 1;
            let context = format!("write {write} {wrong:?}");
            assert_eq!(outcome, Err(Fault::Status(0x6581)), "{context}");
            assert_eq!(
                card.process(&[0, 0xA4, 4, 0, 10, 0xD3, 0x92, 0xF0, 0, 0x26, 1, 0, 0, 0, 1]),
                [0x65, 0x81]
            );
            // The same chip after a reset, reading its memory again.
            card.reset();
            let mut bench = Bench {
                memory: inner,
                card,
            };
            let state = check_whole(&mut bench, &old, &new, &context);
            go_on(&mut bench, state, &new, &context);
        }
        assert!(failed > 10, "{failed} writes in a renewal");
    }
}

#[test]
fn pulling_the_card_before_it_answers_wins_no_password_try() {
    let (mut bench, _) = Bench::certified(first_pair());
    // Even the right password costs a try until the card has answered.
    for (left, guess) in [
        (4u16, PASSWORD),
        (3, b"GUESS123"),
        (2, b"GUESS124"),
        (1, PASSWORD),
        (0, b"GUESS125"),
    ] {
        // The first write is the count; whatever would be written next is lost with the power.
        let cut = FaultyMemory {
            inner: bench.memory.clone(),
            left: Arc::new(Mutex::new(Some(1))),
            wrong: Wrong::NotDone,
        };
        let mut card = Card::start(Box::new(cut)).expect("starts");
        let outcome = verify(&mut card, guess);
        assert!(outcome.is_err(), "{outcome:?}");
        drop(card);
        bench.power_cycle();
        select(&mut bench.card, host::JPKI).expect("there");
        select_file(&mut bench.card, 0x001B).expect("there");
        assert_eq!(
            bench.send(&[0x00, 0x20, 0x00, 0x80]),
            Err(Fault::Status(0x63C0 + left))
        );
    }
    assert_eq!(
        verify(&mut bench.card, PASSWORD),
        Err(Fault::Status(0x6984))
    );
}

/// Whether some bytes are in the card's memory, which keeps them as hex.
fn remembers(bench: &Bench, bytes: &[u8]) -> bool {
    let text = hex::encode(bytes);
    bench
        .memory
        .snapshot()
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn what_is_erased_is_gone_from_the_memory() {
    let prepared = || {
        let mut bench = Bench::blank();
        host::open_visit(&mut bench.card, 1).expect("prepared");
        let keys = visit_keys(1);
        assert!(
            [keys.enc, keys.mac, keys.dek]
                .iter()
                .all(|key| remembers(&bench, key))
        );
        bench
    };
    let visit_keys_gone = |bench: &Bench, context: &str| {
        let keys = visit_keys(1);
        assert!(
            ![keys.enc, keys.mac, keys.dek]
                .iter()
                .any(|key| remembers(bench, key)),
            "{context}"
        );
    };

    let mut bench = prepared();
    host::kiosk_visit(&mut bench.card, 1, first_pair(), PASSWORD, None).expect("key stored");
    visit_keys_gone(&bench, "FINISH");
    assert!(remembers(&bench, &first_pair().pkcs8) && remembers(&bench, PASSWORD));
    Channel::open(&mut bench.card, &card_keys())
        .expect("open")
        .send(0xE4, 0, 0, &[])
        .expect("deleted");
    assert!(!remembers(&bench, &first_pair().pkcs8) && !remembers(&bench, PASSWORD));

    let mut bench = prepared();
    Channel::open(&mut bench.card, &visit_keys(1))
        .expect("open")
        .send(0x4E, 0, 0, &[])
        .expect("abandoned");
    visit_keys_gone(&bench, "ABANDON");

    let mut bench = prepared();
    host::open_visit(&mut bench.card, 2).expect("another visit");
    visit_keys_gone(&bench, "another visit");

    let mut bench = prepared();
    let wrong = StaticKeys {
        mac: [9; 16],
        ..visit_keys(1)
    };
    for _ in 0..5 {
        assert_eq!(
            force_authenticate(&mut bench, &wrong),
            Err(Fault::Status(0x6300))
        );
    }
    visit_keys_gone(&bench, "five wrong authentications");

    // What a visit makes is nowhere but in the working memory until FINISH.
    let mut bench = prepared();
    let keys = visit_keys(1);
    let mut channel = Channel::open(&mut bench.card, &keys).expect("open");
    channel
        .send_blocks(0xDA, 0x01, &wrap_padded(&keys.dek, &first_pair().pkcs8))
        .expect("imported");
    channel
        .send(0xDA, 0x02, 0, &wrap_padded(&keys.dek, PASSWORD))
        .expect("password");
    channel.send(0x46, 0, 0, &[]).expect("request");
    assert!(!remembers(&bench, &first_pair().pkcs8) && !remembers(&bench, PASSWORD));
}

#[test]
fn five_wrong_authentications_end_the_card_keys_and_the_certified_key_goes_on_working() {
    let (mut bench, _) = Bench::certified(first_pair());
    let wrong = StaticKeys {
        mac: [9; 16],
        ..card_keys()
    };
    let fail = |bench: &mut Bench, times| {
        for _ in 0..times {
            assert_eq!(
                force_authenticate(bench, &wrong),
                Err(Fault::Status(0x6300))
            );
            bench.power_cycle();
        }
    };
    fail(&mut bench, 4);
    Channel::open(&mut bench.card, &card_keys()).expect("a right one gives all tries back");
    fail(&mut bench, 5);
    assert_eq!(
        Channel::open(&mut bench.card, &card_keys()).err(),
        Some(Fault::Status(0x6983))
    );
    assert_eq!(bench.state(), 0x04);
    verify(&mut bench.card, PASSWORD).expect("right password");
    compute(&mut bench.card, 0x03, b"m").expect("signed");
}

#[test]
fn five_wrong_authentications_erase_the_visit_keys() {
    for certified in [false, true] {
        let mut bench = if certified {
            Bench::certified(first_pair()).0
        } else {
            Bench::blank()
        };
        let before = bench.state();
        host::open_visit(&mut bench.card, 2).expect("prepared");
        let wrong = StaticKeys {
            enc: [9; 16],
            mac: [9; 16],
            ..visit_keys(2)
        };
        for _ in 0..5 {
            assert_eq!(bench.state(), 0x01);
            assert_eq!(
                force_authenticate(&mut bench, &wrong),
                Err(Fault::Status(0x6300))
            );
        }
        assert_eq!(bench.state(), before);
        assert_eq!(
            Channel::open(&mut bench.card, &visit_keys(2)).err(),
            Some(Fault::Status(0x6A88))
        );
        host::open_visit(&mut bench.card, 3).expect("the window may prepare it again");
    }
}

/// EXTERNAL AUTHENTICATE with whatever these keys give.
fn force_authenticate(bench: &mut Bench, keys: &StaticKeys) -> Result<(), Fault> {
    select(&mut bench.card, host::PERSONALISATION)?;
    let mut command = host::apdu([0x80, 0x50, keys.kvn, 0], &[1; 8]);
    command.push(0);
    bench.send(&command)?;
    bench
        .send(&host::apdu([0x84, 0x82, 0x33, 0], &[keys.mac[0]; 16]))
        .map(drop)
}

#[test]
fn replayed_commands_end_the_channel_and_change_nothing() {
    let mut bench = Bench::blank();
    host::open_visit(&mut bench.card, 1).expect("prepared");
    let mut channel = Channel::open(&mut bench.card, &card_keys()).expect("open");
    let delete = channel.wrap(0xE4, 0, 0, &[]);
    host::send(channel.reader, &delete).expect("deleted");
    host::open_visit(&mut bench.card, 2).expect("prepared");
    // In a new channel, in the same channel, and without one.
    let mut channel = Channel::open(&mut bench.card, &card_keys()).expect("open");
    assert_eq!(
        host::send(channel.reader, &delete),
        Err(Fault::Status(0x6982))
    );
    assert_eq!(
        channel.send(0x2C, 0, 0, &[]),
        Err(Fault::Status(0x6982)),
        "the channel has ended"
    );
    let mut channel = Channel::open(&mut bench.card, &card_keys()).expect("open");
    let reset = channel.wrap(0x2C, 0, 0, &[]);
    assert_eq!(
        host::send(channel.reader, &reset),
        Err(Fault::Status(0x6985)),
        "no password; the command was right"
    );
    assert_eq!(
        host::send(channel.reader, &reset),
        Err(Fault::Status(0x6982))
    );
    assert_eq!(
        host::send(&mut bench.card, &delete),
        Err(Fault::Status(0x6982))
    );
    assert_eq!(bench.state(), 0x01);
}

#[test]
fn each_channel_takes_its_own_commands_only_and_none_in_the_clear() {
    let mut bench = Bench::blank();
    host::open_visit(&mut bench.card, 1).expect("prepared");
    let mut channel = Channel::open(&mut bench.card, &visit_keys(1)).expect("open");
    for (ins, p1) in [(0xD8, 0x30), (0xE2, 0x01), (0xE4, 0), (0x2C, 0)] {
        assert_eq!(
            channel.send(ins, p1, 0, &[1]),
            Err(Fault::Status(0x6985)),
            "{ins:02X}"
        );
    }
    let mut channel = Channel::open(&mut bench.card, &card_keys()).expect("open");
    for (ins, p1) in [(0xDA, 0x01), (0x46, 0), (0x47, 0), (0x4E, 0), (0x24, 1)] {
        assert_eq!(
            channel.send(ins, p1, 0, &[1]),
            Err(Fault::Status(0x6985)),
            "{ins:02X}"
        );
    }
    for ins in [0xD8, 0xE2, 0xE4, 0x2C, 0xDA, 0x46, 0x47, 0x4E, 0x24] {
        Channel::open(&mut bench.card, &card_keys()).expect("open");
        assert_eq!(
            bench.send(&[0x80, ins, 0, 0]),
            Err(Fault::Status(0x6982)),
            "{ins:02X} in the clear"
        );
        assert_eq!(
            bench.send(&[0x84, ins, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
            Err(Fault::Status(0x6982))
        );
    }
    assert_eq!(bench.state(), 0x01);
}

#[test]
fn keys_of_a_visit_whose_wrapping_or_check_value_does_not_hold_are_refused() {
    let mut bench = Bench::blank();
    let right = host::visit_data(1);
    for byte in (25..right.len()).step_by(5).chain([right.len() - 1]) {
        let mut wrong = right.clone();
        wrong[byte] ^= 1;
        let mut channel = Channel::open(&mut bench.card, &card_keys()).expect("open");
        assert_eq!(
            channel.send(0xD8, 0x30, 0, &wrong),
            Err(Fault::Status(0x6A80)),
            "byte {byte}"
        );
    }
    let mut channel = Channel::open(&mut bench.card, &card_keys()).expect("open");
    assert_eq!(
        channel.send(0xD8, 0x30, 0, &right[1..]),
        Err(Fault::Status(0x6700))
    );
    assert_eq!(
        channel.send(0xD8, 0x20, 0, &right),
        Err(Fault::Status(0x6A86))
    );
    assert_eq!(bench.state(), 0x00);
}

#[test]
fn a_certificate_for_another_key_or_none_at_all_is_refused_and_a_torn_one_changes_nothing() {
    let (mut bench, old) = Bench::certified(first_pair());
    let other = self_signed(&second_pair().pkcs8);
    let mut channel = Channel::open(&mut bench.card, &card_keys()).expect("open");
    assert_eq!(
        channel.send_blocks(0xE2, 0x01, &other),
        Err(Fault::Status(0x6A80))
    );
    assert_eq!(
        channel.send_blocks(0xE2, 0x01, &old[..old.len() - 1]),
        Err(Fault::Status(0x6A80))
    );
    assert_eq!(
        channel.send_blocks(0xE2, 0x01, &[&old[..], &[0]].concat()),
        Err(Fault::Status(0x6A80))
    );
    assert_eq!(
        channel.send_blocks(0xE2, 0x02, b"nonsense"),
        Err(Fault::Status(0x6A80))
    );
    assert_eq!(
        channel.send_blocks(0xE2, 0x01, &[0x30; 5_000]),
        Err(Fault::Status(0x6A84))
    );
    channel
        .send(0xE2, 0x01, 0, &other[..200])
        .expect("a first block");
    assert_eq!(
        channel.send(0xE2, 0x02, 1, &other[..200]),
        Err(Fault::Status(0x6985)),
        "of another file"
    );
    channel
        .send(0xE2, 0x01, 0, &old[..200])
        .expect("a first block, then the power goes");
    bench.power_cycle();
    verify(&mut bench.card, PASSWORD).expect("right password");
    assert_eq!(read_file(&mut bench.card, 0x0001), Ok(old));
}

#[test]
fn what_was_verified_is_forgotten_with_select_reset_and_power() {
    let (mut bench, _) = Bench::certified(first_pair());
    let sign =
        |bench: &mut Bench| compute(&mut bench.card, 0x03, b"m").map(|signature| signature.len());
    let refused = Err(Fault::Status(0x6982));
    let jpki = host::JPKI;

    verify(&mut bench.card, PASSWORD).expect("right");
    assert_eq!(sign(&mut bench), Ok(256));
    assert_eq!(sign(&mut bench), Ok(256), "stays over SELECT of files");
    select(&mut bench.card, jpki).expect("there");
    assert_eq!(sign(&mut bench), refused);
    select_file(&mut bench.card, 0x0001).expect("there");
    assert_eq!(
        bench.send(&[0, 0xB0, 0, 0, 4]),
        Err(Fault::Status(0x6982)),
        "the certificate, too"
    );

    verify(&mut bench.card, PASSWORD).expect("right");
    assert_eq!(
        verify_again(&mut bench, b"WRONG123"),
        Err(Fault::Status(0x63C4))
    );
    assert_eq!(
        sign(&mut bench),
        refused,
        "a wrong VERIFY takes the right one back"
    );

    verify(&mut bench.card, PASSWORD).expect("right");
    bench.card.reset();
    select(&mut bench.card, jpki).expect("there");
    assert_eq!(sign(&mut bench), refused);

    verify(&mut bench.card, PASSWORD).expect("right");
    assert_eq!(
        select(&mut bench.card, b"no such application"),
        Err(Fault::Status(0x6A82))
    );
    select(&mut bench.card, jpki).expect("there");
    assert_eq!(sign(&mut bench), refused);
}

fn verify_again(bench: &mut Bench, password: &[u8]) -> Result<(), Fault> {
    select_file(&mut bench.card, 0x001B)?;
    bench
        .send(&host::apdu([0x00, 0x20, 0x00, 0x80], password))
        .map(drop)
}

#[test]
fn answers_are_those_of_a_real_card_where_readers_probe() {
    let mut bench = Bench::blank();
    let status = |bench: &mut Bench, apdu: &[u8]| match bench.send(apdu) {
        Ok(_) => 0x9000,
        Err(Fault::Status(status)) => status,
        Err(other) => panic!("{other:?}"),
    };
    let jpki = [&[0, 0xA4, 4, 0x0C, 10][..], host::JPKI].concat();
    for (apdu, expected) in [
        (&[0x00, 0xCA, 0xDF, 0x30, 0x00][..], 0x6D00),
        (&[0x00, 0xCB, 0x3F, 0xFF, 0x00], 0x6D00),
        (
            &[0x00, 0xA4, 0x04, 0x00, 0x07, 0xA0, 0, 0, 0, 3, 0, 0],
            0x6A82,
        ),
        (&[0x00, 0xA4, 0x04, 0x00], 0x6A82),
        (&[0xFF, 0xA4, 0x04, 0x00], 0x6E00),
        (&[0x01, 0xA4, 0x04, 0x00], 0x6881),
        (&[0x10, 0xA4, 0x04, 0x00], 0x6884),
        (&[0x00, 0xC0, 0x00, 0x00, 0x00], 0x6985),
        (&jpki, 0x9000),
        (&[0x00, 0xB0, 0x00, 0x00, 0x00], 0x6986),
        (&[0x00, 0x20, 0x00, 0x80], 0x6986),
        (&[0x00, 0xA4, 0x00, 0x0C, 2, 0, 0x18], 0x6A86),
        (&[0x00, 0xA4, 0x02, 0x00, 2, 0, 0x18], 0x6A86),
        (&[0x00, 0xA4, 0x02, 0x0C, 1, 0], 0x6700),
        (&[0x00, 0xA4, 0x02, 0x0C, 2, 0, 0x99], 0x6A82),
        (&[0x00, 0xA4, 0x02, 0x0C, 2, 0, 0x18], 0x9000),
        (&[0x00, 0x20, 0x00, 0x80], 0x63C0),
        (&[0x00, 0x20, 0x00, 0x80, 4, 0x31, 0x32, 0x33, 0x34], 0x6984),
        (&[0x00, 0xB0, 0x00, 0x00, 0x00], 0x6981),
        (&[0x00, 0xA4, 0x02, 0x0C, 2, 0, 0x1B], 0x9000),
        (&[0x00, 0x20, 0x00, 0x80], 0x63C0),
        (
            &[
                0x00, 0x20, 0x00, 0x80, 6, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36,
            ],
            0x6984,
        ),
        (&[0x00, 0xA4, 0x02, 0x0C, 2, 0, 0x1A], 0x9000),
        (&[0x80, 0x2A, 0x00, 0x80, 1, 1, 0], 0x6982),
        (&[0x80, 0x2A, 0x06, 0x80, 1, 1, 0], 0x6A86),
        (&[0x84, 0x2A, 0x00, 0x80, 1, 1, 0], 0x6882),
        (&[0x00, 0xA4, 0x02, 0x0C, 2, 0, 0x08], 0x9000),
        (&[0x00, 0xB0, 0x00, 0x03, 0x00], 0x6B00),
        (&[0x00, 0xB0, 0x88, 0x00, 0x00], 0x6A86),
    ] {
        assert_eq!(status(&mut bench, apdu), expected, "{apdu:02X?}");
    }
}

#[test]
fn a_long_answer_to_a_short_le_comes_in_pieces() {
    let mut bench = Bench::blank();
    host::open_visit(&mut bench.card, 1).expect("prepared");
    host::kiosk_visit(&mut bench.card, 1, first_pair(), PASSWORD, None).expect("key stored");
    let whole = get_data(&mut bench.card, 0x03).expect("request");
    let mut pieces = Vec::new();
    let mut answer = bench.card.process(&[0x80, 0xCA, 0, 3, 0]);
    loop {
        let trailer = answer.split_off(answer.len() - 2);
        pieces.extend(answer);
        match trailer[..] {
            [0x61, more] => answer = bench.card.process(&[0x00, 0xC0, 0, 0, more]),
            _ => break assert_eq!(trailer, [0x90, 0x00]),
        }
    }
    assert_eq!(pieces, whole);
    assert_eq!(bench.card.process(&[0x80, 0xCA, 0, 3, 0])[256], 0x61);
    bench.card.process(&[0x80, 0xCA, 0, 1, 0]);
    assert_eq!(
        bench.card.process(&[0x00, 0xC0, 0, 0, 0]),
        [0x69, 0x85],
        "another command drops the rest"
    );
}

/// Numbers that are the same in every run (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// An APDU: well-formed and of the card's own vocabulary, mutated, or noise.
    fn apdu(&mut self, aids: &[&[u8]]) -> Vec<u8> {
        const HEADERS: [[u8; 4]; 24] = [
            [0x80, 0xCA, 0, 0x10],
            [0x80, 0xCA, 0, 0x01],
            [0, 0xA4, 4, 0],
            [0, 0xA4, 2, 0x0C],
            [0, 0xB0, 0, 0],
            [0, 0x20, 0, 0x80],
            [0, 0x24, 1, 0x80],
            [0x80, 0x2A, 0, 0x80],
            [0, 0xC0, 0, 0],
            [0x80, 0xCA, 0, 3],
            [0x80, 0x50, 0x20, 0],
            [0x80, 0x50, 0x30, 0],
            [0x84, 0x82, 0x33, 0],
            [0x84, 0xD8, 0x30, 0],
            [0x84, 0xE2, 1, 0],
            [0x84, 0xE4, 0, 0],
            [0x84, 0x2C, 0, 0],
            [0x84, 0xDA, 1, 0],
            [0x84, 0x46, 0, 0],
            [0x84, 0x47, 0, 0],
            [0x84, 0x4E, 0, 0],
            [0x80, 0x88, 0, 0],
            [0x80, 0xDA, 0, 0x11],
            [0x80, 0x46, 0, 0x10],
        ];
        if self.below(8) == 0 {
            let length = self.below(40);
            return self.bytes(length);
        }
        let mut apdu = HEADERS[self.below(HEADERS.len())].to_vec();
        let length = [0, 0, 1, 8, 16, 24, 200, 255][self.below(8)];
        let data = match (apdu[1], apdu[2]) {
            (0xA4, 4) => aids[self.below(aids.len())].to_vec(),
            (0xA4, _) => vec![0, self.below(0x20) as u8],
            _ => self.bytes(length),
        };
        if !data.is_empty() {
            if self.below(6) == 0 {
                apdu.extend([0, (data.len() >> 8) as u8]);
            }
            apdu.push(data.len() as u8);
            apdu.extend(data);
        }
        match self.below(8) {
            0..=3 => apdu.push(0),
            4 => {
                let at = self.below(apdu.len());
                apdu[at] = self.next() as u8;
            }
            5 => apdu.truncate(1 + self.below(apdu.len())),
            _ => {}
        }
        apdu
    }
}

#[test]
fn a_hundred_thousand_commands_of_noise_neither_panic_nor_break_the_card() {
    let operator = OperatorImage::new("13101-0001", b"123456").expect("rules kept");
    for (image, seed, aids) in [
        (blank_image(), 1, vec![host::JPKI, host::PERSONALISATION]),
        (Image::Operator(Box::new(operator)), 2, vec![host::OPERATOR]),
    ] {
        let mut noise = Noise(seed);
        let mut bench = Bench::of(&image);
        let mut answered = 0;
        for n in 0..50_000 {
            let apdu = noise.apdu(&aids);
            let answer = bench.card.process(&apdu);
            assert!((2..=65_535).contains(&answer.len()), "{apdu:02X?}");
            answered += usize::from(answer.ends_with(&[0x90, 0x00]));
            if n % 997 == 0 {
                bench.power_cycle();
            }
        }
        assert!(
            answered > 500,
            "noise that never gets through tests nothing: {answered}"
        );
        assert!(
            bench.memory.snapshot().len() < 8_192,
            "the image has not grown"
        );
    }
}

#[test]
fn noise_inside_an_open_channel_neither_panics_nor_finishes_anything() {
    let (mut bench, certificate) = Bench::certified(first_pair());
    host::open_visit(&mut bench.card, 2).expect("prepared");
    let image = bench.memory.snapshot();
    let mut noise = Noise(3);
    for round in 0..300 {
        let keys = if round % 2 == 0 {
            visit_keys(2)
        } else {
            card_keys()
        };
        let Ok(mut channel) = Channel::open(&mut bench.card, &keys) else {
            bench = Bench::on(SharedMemory::new(&image));
            continue;
        };
        for _ in 0..20 {
            let ins = [0xDA, 0x46, 0x47, 0x24, 0xD8, 0xE2, 0x2C, 0x00][noise.below(8)];
            let (p1, p2) = (
                [0, 1, 2, 4, 5, 0x81, 0x84, 0x30][noise.below(8)],
                noise.below(3) as u8,
            );
            let length = noise.below(201);
            let data = noise.bytes(length);
            let wrapped = wrap_padded(&keys.dek, &noise.bytes(24));
            let _ = channel.send(
                ins,
                p1,
                p2,
                if noise.below(2) == 0 { &data } else { &wrapped },
            );
        }
    }
    bench.power_cycle();
    Channel::open(&mut bench.card, &card_keys())
        .expect("open")
        .send(0x2C, 0, 0, &[])
        .expect("unlocked");
    verify(&mut bench.card, PASSWORD).expect("the password is the old one");
    assert_eq!(read_file(&mut bench.card, 0x0001), Ok(certificate));
    assert_eq!(
        host::card_record(&mut bench.card).map(|r| r.generation),
        Ok(1)
    );
}

#[test]
fn an_image_that_is_not_a_card_does_not_start() {
    let image = factory_image(&blank_image()).expect("encodes");
    for bad in [
        &image[..image.len() / 2],
        b"",
        b"{}",
        b"{\"kind\":\"resident\"}",
    ] {
        assert!(Card::start(Box::new(SharedMemory::new(bad))).is_err());
    }
}
