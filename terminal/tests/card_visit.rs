//! The resident's card through whole visits, with a host that shares nothing with it.

mod card_support;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::KeySize;
use card_support::host::{
    self, Channel, Fault, compute, get_data, read_file, select, select_file, verify, wrap_padded,
};
use card_support::judge::{
    pkcs1_verifies, pss_verifies, recovered, request_public_key, request_text, self_signed,
};
use card_support::{
    Bench, CARD, KIOSK, PASSWORD, card_keys, first_pair, make_pair, pair_of, second_pair, visit_id,
    visit_keys,
};

#[test]
fn a_first_visit_leaves_key_password_request_record_and_certificate() {
    let mut bench = Bench::blank();
    assert_eq!(bench.state(), 0x00);
    assert_eq!(get_data(&mut bench.card, 0x02), Err(Fault::Status(0x6A88)));

    host::open_visit(&mut bench.card, 1).expect("prepared");
    assert_eq!(bench.state(), 0x01);
    assert_eq!(
        get_data(&mut bench.card, 0x02),
        Ok([&visit_id(1)[..], KIOSK].concat())
    );
    assert_eq!(get_data(&mut bench.card, 0x03), Err(Fault::Status(0x6A88)));

    host::kiosk_visit(&mut bench.card, 1, first_pair(), PASSWORD, None).expect("key stored");
    assert_eq!(bench.state(), 0x02);
    bench.power_cycle();
    assert_eq!(bench.state(), 0x02);
    assert_eq!(
        host::card_record(&mut bench.card).map(|r| (r.card, r.generation)),
        Ok((CARD, 1))
    );
    assert_eq!(
        get_data(&mut bench.card, 0x02),
        Ok([&visit_id(1)[..], KIOSK].concat())
    );
    assert_eq!(get_data(&mut bench.card, 0x04), Ok(host::kiosk_record(1)));
    // The visit keys are gone.
    assert_eq!(
        Channel::open(&mut bench.card, &visit_keys(1)).err(),
        Some(Fault::Status(0x6A88))
    );

    let certificate = self_signed(&first_pair().pkcs8);
    host::write_certificates(&mut bench.card, &certificate).expect("certified");
    assert_eq!(bench.state(), 0x03);

    verify(&mut bench.card, PASSWORD).expect("right password");
    assert_eq!(read_file(&mut bench.card, 0x0001), Ok(certificate.clone()));
    for file in [0x0002, 0x000A, 0x000B] {
        assert_eq!(read_file(&mut bench.card, file), Ok(certificate.clone()));
    }
    assert_eq!(
        read_file(&mut bench.card, 0x0008),
        Ok(vec![0x8F, 0x8F, 0x00])
    );
    let token = read_file(&mut bench.card, 0x0006).expect("free");
    assert_eq!((token.len(), &token[..15]), (160, &b"JPKIAPICCTOKEN2"[..]));
    let signature = compute(&mut bench.card, 0x03, b"message").expect("signed");
    assert!(pkcs1_verifies(
        &first_pair().public_key,
        b"message",
        &signature
    ));
}

#[test]
fn the_request_proves_the_key_and_names_visit_and_card_and_nothing_else() {
    let mut bench = Bench::blank();
    host::open_visit(&mut bench.card, 7).expect("prepared");
    let keys = visit_keys(7);
    let mut channel = Channel::open(&mut bench.card, &keys).expect("open");
    channel
        .send_blocks(0xDA, 0x01, &wrap_padded(&keys.dek, &first_pair().pkcs8))
        .expect("imported");
    let answer = channel.send(0x46, 0, 0, &[]).expect("made");
    // The kiosk may read it in the clear without losing its channel.
    let request = get_data(channel.reader, 0x03).expect("free");
    assert_eq!(answer, digest(&SHA256, &request).as_ref());
    channel
        .send(0xDA, 0x02, 0, &wrap_padded(&keys.dek, PASSWORD))
        .expect("password set");
    channel.send(0x47, 0, 0, &[]).expect("finished");
    assert_eq!(get_data(&mut bench.card, 0x03).as_ref(), Ok(&request));

    let text = request_text(&request);
    assert!(
        text.contains("Version: 1 (0x0)") && text.contains("sha256WithRSAEncryption"),
        "{text}"
    );
    assert!(
        text.contains("Subject: \n") || text.contains("Subject:\n"),
        "{text}"
    );
    assert_eq!(request_public_key(&request), first_pair().public_key);
    let attribute = |last: u8, id: &[u8; 16]| {
        let oid = [
            0x06, 0x0C, 0x2B, 6, 1, 4, 1, 0x86, 0x8D, 0x1F, 0x8F, 0x6A, 3, last,
        ];
        [&[0x30, 34][..], &oid, &[0x31, 18, 0x04, 16], id].concat()
    };
    let attributes = [
        &[0xA0, 72][..],
        &attribute(1, &visit_id(7)),
        &attribute(2, &CARD),
    ]
    .concat();
    assert!(
        request
            .windows(attributes.len())
            .any(|window| window == attributes)
    );
}

#[test]
fn a_renewal_needs_the_old_password_and_replaces_everything_at_finish() {
    let (mut bench, old_certificate) = Bench::certified(first_pair());
    host::open_visit(&mut bench.card, 2).expect("prepared");
    assert_eq!(bench.state(), 0x01);
    let keys = visit_keys(2);
    let mut channel = Channel::open(&mut bench.card, &keys).expect("open");
    channel
        .send_blocks(0xDA, 0x01, &wrap_padded(&keys.dek, &second_pair().pkcs8))
        .expect("imported");
    let new = wrap_padded(&keys.dek, b"NEWPASS1");
    assert_eq!(
        channel.send(0xDA, 0x02, 0, &new),
        Err(Fault::Status(0x6985))
    );
    assert_eq!(
        channel.send(0xDA, 0x05, 0, &wrap_padded(&keys.dek, b"WRONG123")),
        Err(Fault::Status(0x63C4))
    );
    assert_eq!(
        channel.send(0xDA, 0x02, 0, &new),
        Err(Fault::Status(0x6985))
    );
    channel
        .send(0xDA, 0x05, 0, &wrap_padded(&keys.dek, PASSWORD))
        .expect("old password");
    channel.send(0xDA, 0x02, 0, &new).expect("new password");
    assert_eq!(
        channel.send(0x47, 0, 0, &[]),
        Err(Fault::Status(0x6985)),
        "no request yet"
    );
    channel.send(0x46, 0, 0, &[]).expect("request");

    // Up to here the old key works with the old password.
    verify(&mut bench.card, PASSWORD).expect("old password");
    assert_eq!(
        read_file(&mut bench.card, 0x0001),
        Ok(old_certificate.clone())
    );
    let signature = compute(&mut bench.card, 0x03, b"m").expect("signed");
    assert!(pkcs1_verifies(&first_pair().public_key, b"m", &signature));

    // SELECT dropped the channel, not the visit's work.
    Channel::open(&mut bench.card, &keys)
        .expect("open")
        .send(0x47, 0, 0, &[])
        .expect("finished");
    assert_eq!(bench.state(), 0x02);
    assert_eq!(
        verify(&mut bench.card, PASSWORD),
        Err(Fault::Status(0x63C4))
    );
    verify(&mut bench.card, b"NEWPASS1").expect("new password");
    assert_eq!(
        select_file(&mut bench.card, 0x0001),
        Err(Fault::Status(0x6A82))
    );
    let signature = compute(&mut bench.card, 0x03, b"m").expect("signed");
    assert!(pkcs1_verifies(&second_pair().public_key, b"m", &signature));
    assert_eq!(
        host::write_certificates(&mut bench.card, &old_certificate),
        Err(Fault::Status(0x6A80))
    );
    assert_eq!(
        host::card_record(&mut bench.card).map(|r| r.generation),
        Ok(2)
    );
}

#[test]
fn abandoning_a_visit_leaves_the_card_as_it_was_before() {
    for certified in [false, true] {
        let mut bench = if certified {
            Bench::certified(first_pair()).0
        } else {
            Bench::blank()
        };
        let before = bench.state();
        host::open_visit(&mut bench.card, 3).expect("prepared");
        let keys = visit_keys(3);
        let mut channel = Channel::open(&mut bench.card, &keys).expect("open");
        channel
            .send_blocks(0xDA, 0x01, &wrap_padded(&keys.dek, &second_pair().pkcs8))
            .expect("imported");
        channel.send(0x4E, 0, 0, &[]).expect("abandoned");
        assert_eq!(
            channel.send(0x46, 0, 0, &[]),
            Err(Fault::Status(0x6982)),
            "the channel ended with its keys"
        );
        assert_eq!(bench.state(), before);
        assert_eq!(
            Channel::open(&mut bench.card, &keys).err(),
            Some(Fault::Status(0x6A88))
        );
        assert_eq!(verify(&mut bench.card, PASSWORD).is_ok(), certified);
    }
}

#[test]
fn another_visit_takes_the_place_of_an_unfinished_one_and_of_a_key_without_certificate() {
    let mut bench = Bench::blank();
    host::open_visit(&mut bench.card, 1).expect("prepared");
    host::kiosk_visit(&mut bench.card, 1, first_pair(), PASSWORD, None).expect("key stored");
    host::open_visit(&mut bench.card, 2).expect("prepared again");
    assert_eq!(
        Channel::open(&mut bench.card, &visit_keys(1)).err(),
        Some(Fault::Untrue("the card does not have these keys"))
    );
    assert_eq!(
        verify(&mut bench.card, PASSWORD),
        Err(Fault::Status(0x6984))
    );
    select(&mut bench.card, host::PERSONALISATION).expect("there");
    assert_eq!(get_data(&mut bench.card, 0x03), Err(Fault::Status(0x6A88)));
    host::kiosk_visit(&mut bench.card, 2, second_pair(), PASSWORD, None)
        .expect("no old password to ask for");
    host::open_visit(&mut bench.card, 3).expect("prepared once more");
    Channel::open(&mut bench.card, &visit_keys(3))
        .expect("open")
        .send(0x4E, 0, 0, &[])
        .expect("abandoned");
    for object in [0x02, 0x03, 0x04] {
        assert_eq!(
            get_data(&mut bench.card, object),
            Err(Fault::Status(0x6A88)),
            "nothing of the visit before comes back"
        );
    }
    assert_eq!(bench.state(), 0x00);
    host::open_visit(&mut bench.card, 4).expect("prepared");
    host::kiosk_visit(&mut bench.card, 4, second_pair(), PASSWORD, None).expect("key stored");
    assert_eq!(bench.state(), 0x02);
}

#[test]
fn only_a_sound_rsa_2048_key_is_imported() {
    let mut bench = Bench::blank();
    host::open_visit(&mut bench.card, 1).expect("prepared");
    let keys = visit_keys(1);
    let refused = Err(Fault::Status(0x6A80));
    let import = |channel: &mut Channel<'_>, pkcs8: &[u8]| {
        channel.send_blocks(0xDA, 0x01, &wrap_padded(&keys.dek, pkcs8))
    };
    let mut channel = Channel::open(&mut bench.card, &keys).expect("open");
    assert_eq!(
        import(&mut channel, &make_pair(KeySize::Rsa3072).pkcs8),
        refused
    );
    assert_eq!(import(&mut channel, b"not a key, and this long"), refused);
    // Parts that do not belong together: one bit of the private exponent or of a prime.
    let pkcs8 = &first_pair().pkcs8;
    for offset in [pkcs8.len() / 2, pkcs8.len() * 6 / 10, pkcs8.len() * 7 / 10] {
        let mut broken = pkcs8.clone();
        broken[offset] ^= 0x10;
        assert_eq!(import(&mut channel, &broken), refused, "byte {offset}");
    }
    // Wrapped under another visit's key.
    let other = wrap_padded(&visit_keys(2).dek, pkcs8);
    assert_eq!(channel.send_blocks(0xDA, 0x01, &other), refused);
    assert_eq!(
        channel.send(0x46, 0, 0, &[]),
        Err(Fault::Status(0x6985)),
        "no key, no request"
    );
    import(&mut channel, pkcs8).expect("the right one is still taken");
    channel.send(0x46, 0, 0, &[]).expect("request");
    // A refused import takes the earlier key and its request along.
    assert_eq!(import(&mut channel, b"not a key, and this long"), refused);
    channel
        .send(0xDA, 0x02, 0, &wrap_padded(&keys.dek, PASSWORD))
        .expect("password");
    assert_eq!(channel.send(0x47, 0, 0, &[]), Err(Fault::Status(0x6985)));
}

#[test]
fn passwords_outside_the_rules_are_refused_everywhere() {
    let (mut bench, _) = Bench::certified(first_pair());
    host::open_visit(&mut bench.card, 2).expect("prepared");
    let (card, keys) = (card_keys(), visit_keys(2));
    for bad in [
        &b"SHORT"[..],
        b"SEVENTEENLETTERS1",
        b"lowercase1",
        b"WITH SPACE",
        "パスワード".as_bytes(),
    ] {
        let mut channel = Channel::open(&mut bench.card, &keys).expect("open");
        channel
            .send(0xDA, 0x05, 0, &wrap_padded(&keys.dek, PASSWORD))
            .expect("old password");
        assert_eq!(
            channel.send(0xDA, 0x02, 0, &wrap_padded(&keys.dek, bad)),
            Err(Fault::Status(0x6A80))
        );
        let both = [&[PASSWORD.len() as u8][..], PASSWORD, bad].concat();
        assert_eq!(
            channel.send(0x24, 1, 0, &wrap_padded(&keys.dek, &both)),
            Err(Fault::Status(0x6A80))
        );
        let mut channel = Channel::open(&mut bench.card, &card).expect("open");
        assert_eq!(
            channel.send(0x2C, 1, 0, &wrap_padded(&card.dek, bad)),
            Err(Fault::Status(0x6A80))
        );
        verify(&mut bench.card, PASSWORD).expect("still the old one");
        let change = host::apdu([0x00, 0x24, 0x01, 0x80], bad);
        assert_eq!(bench.send(&change), Err(Fault::Status(0x6A80)));
    }
}

#[test]
fn the_window_unlocks_sets_and_changes_passwords() {
    let (mut bench, _) = Bench::certified(first_pair());
    for left in (0..5).rev() {
        assert_eq!(
            verify(&mut bench.card, b"WRONG123"),
            Err(Fault::Status(0x63C0 + left))
        );
        bench.power_cycle();
    }
    assert_eq!(
        verify(&mut bench.card, PASSWORD),
        Err(Fault::Status(0x6984))
    );
    assert_eq!(
        bench.send(&[0x00, 0x20, 0x00, 0x80]),
        Err(Fault::Status(0x63C0)),
        "the question is still answered"
    );

    let card = card_keys();
    Channel::open(&mut bench.card, &card)
        .expect("open")
        .send(0x2C, 0, 0, &[])
        .expect("unlocked");
    verify(&mut bench.card, PASSWORD).expect("right password");
    assert_eq!(
        bench.send(&[0x00, 0x20, 0x00, 0x80]),
        Err(Fault::Status(0x63C5)),
        "also after a right VERIFY"
    );

    bench
        .send(&host::apdu([0x00, 0x24, 0x01, 0x80], b"CHANGED9"))
        .expect("changed by the holder");
    verify(&mut bench.card, b"CHANGED9").expect("new password");

    Channel::open(&mut bench.card, &card)
        .expect("open")
        .send(0x2C, 1, 0, &wrap_padded(&card.dek, b"INITIAL5"))
        .expect("initialised");
    verify(&mut bench.card, b"INITIAL5").expect("new password");

    host::open_visit(&mut bench.card, 2).expect("prepared");
    let keys = visit_keys(2);
    let both =
        |old: &[u8], new: &[u8]| wrap_padded(&keys.dek, &[&[old.len() as u8], old, new].concat());
    let mut channel = Channel::open(&mut bench.card, &keys).expect("open");
    assert_eq!(
        channel.send(0x24, 1, 0, &both(b"WRONG123", b"KIOSK444")),
        Err(Fault::Status(0x63C4))
    );
    channel
        .send(0x24, 1, 0, &both(b"INITIAL5", b"KIOSK444"))
        .expect("changed at the kiosk");
    channel.send(0x4E, 0, 0, &[]).expect("abandoned");
    verify(&mut bench.card, b"KIOSK444").expect("new password, after ABANDON too");
}

#[test]
fn deleting_leaves_a_blank_card() {
    let (mut bench, certificate) = Bench::certified(first_pair());
    Channel::open(&mut bench.card, &card_keys())
        .expect("open")
        .send(0xE4, 0, 0, &[])
        .expect("deleted");
    assert_eq!(bench.state(), 0x00);
    for object in [2, 3, 4] {
        assert_eq!(
            get_data(&mut bench.card, object),
            Err(Fault::Status(0x6A88))
        );
    }
    assert_eq!(
        verify(&mut bench.card, PASSWORD),
        Err(Fault::Status(0x6984))
    );
    assert_eq!(
        host::write_certificates(&mut bench.card, &certificate),
        Err(Fault::Status(0x6A80))
    );
    host::open_visit(&mut bench.card, 9).expect("prepared");
    host::kiosk_visit(&mut bench.card, 9, second_pair(), PASSWORD, None).expect("key stored");
}

#[test]
fn every_way_of_padding_verifies_and_others_are_refused() {
    let (mut bench, _) = Bench::certified(first_pair());
    let key = &first_pair().public_key;
    let message = b"to be signed";
    let hash = digest(&SHA256, message);
    verify(&mut bench.card, PASSWORD).expect("right password");
    let mut sign = |p1, data: &[u8]| compute(&mut bench.card, p1, data);
    assert_eq!(
        recovered(key, &sign(0x00, b"anything").expect("signed")),
        b"anything"
    );
    assert_eq!(
        recovered(key, &sign(0x00, &[7; 245]).expect("signed")),
        [7; 245]
    );
    assert_eq!(sign(0x00, &[7; 246]), Err(Fault::Status(0x6700)));
    assert_eq!(
        recovered(key, &sign(0x01, message).expect("signed")),
        hash.as_ref()
    );
    assert!(pkcs1_verifies(
        key,
        message,
        &sign(0x02, hash.as_ref()).expect("signed")
    ));
    assert!(pkcs1_verifies(
        key,
        message,
        &sign(0x03, message).expect("signed")
    ));
    assert!(pss_verifies(
        key,
        message,
        &sign(0x04, hash.as_ref()).expect("signed")
    ));
    assert!(pss_verifies(
        key,
        message,
        &sign(0x05, message).expect("signed")
    ));
    assert_eq!(sign(0x02, &[0; 31]), Err(Fault::Status(0x6700)));
    assert_eq!(sign(0x04, &[0; 33]), Err(Fault::Status(0x6700)));
    for p1 in (0x06..=0xFF).step_by(7) {
        assert_eq!(sign(p1, message), Err(Fault::Status(0x6A86)), "P1 {p1:02X}");
    }
    // The short identifier of the key in P2, and an extended command with a long message.
    let long = [
        &[0x80, 0x2A, 0x03, 0x9A, 0, 0x10, 0x00][..],
        &[5; 4096],
        &[0, 0],
    ]
    .concat();
    let signature = bench.send(&long).expect("signed");
    assert!(pkcs1_verifies(key, &[5; 4096], &signature));
}

#[test]
fn thousands_of_signatures_are_right_those_with_leading_zeros_among_them() {
    // Twice, cards of other makers lost leading zeros (once in 256 signatures, once in 32,769).
    let (mut bench, _) = Bench::certified(first_pair());
    verify(&mut bench.card, PASSWORD).expect("right password");
    select_file(&mut bench.card, 0x001A).expect("there");
    let mut leading_zero = 0;
    for n in 0..3_000u32 {
        let mut command = host::apdu([0x80, 0x2A, 0x03, 0x80], &n.to_be_bytes());
        command.push(0);
        let signature = bench.send(&command).expect("signed");
        assert_eq!(signature.len(), 256);
        assert!(
            pkcs1_verifies(&first_pair().public_key, &n.to_be_bytes(), &signature),
            "message {n}"
        );
        leading_zero += u32::from(signature[0] == 0);
    }
    // 11.7 expected; none at all once in 120,000 runs.
    assert!(leading_zero > 0);
}

#[test]
fn signatures_with_two_leading_zero_bytes_are_whole() {
    // A key and two messages that were searched for: once in 65,536 signatures.
    let pair = pair_of(include_bytes!("card_support/two-leading-zeros.der"));
    let (mut bench, _) = Bench::certified(&pair);
    verify(&mut bench.card, PASSWORD).expect("right password");
    for message in [6_603u32, 47_641] {
        let signature = compute(&mut bench.card, 0x03, &message.to_be_bytes()).expect("signed");
        assert_eq!((signature.len(), &signature[..2]), (256, &[0, 0][..]));
        assert!(pkcs1_verifies(
            &pair.public_key,
            &message.to_be_bytes(),
            &signature
        ));
    }
}
