//! The power, the memory and the erasing: the card is whole whatever happens.

mod card_support;

use std::sync::{Arc, Mutex};

use card_support::host::{
    self, Channel, Fault, Reader, StaticKeys, compute, force_authenticate, get_data, read_file,
    select, select_file, verify, wrap_padded,
};
use card_support::judge::{pkcs1_verifies, self_signed};
use card_support::{
    Bench, FaultyMemory, PASSWORD, Pair, Wrong, blank_image, card_keys, first_pair, second_pair,
    visit_keys,
};
use terminal::virtual_card::{Card, SharedMemory, factory_image};

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
