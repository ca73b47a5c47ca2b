//! Wrong keys, replays, wrong certificates, forgotten passwords: what the card refuses, and how.

mod card_support;

use card_support::host::{
    self, Channel, Fault, StaticKeys, compute, force_authenticate, get_data, read_file, select,
    select_file, verify,
};
use card_support::judge::self_signed;
use card_support::{Bench, PASSWORD, card_keys, first_pair, second_pair, visit_keys};

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
