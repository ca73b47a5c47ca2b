//! The card and the programs' own side of its channels, face to face. Each is
//! checked by published vectors elsewhere; here they must understand each other.

mod card_support;

use card_support::judge::self_signed;
use card_support::{Bench, CARD, KIOSK, PASSWORD, first_pair, visit_id};
use pki_core::card_channel::{
    BLOCK, ChannelFault, Command, KEY_VERSION_CARD, KEY_VERSION_VISIT, Key128, KeySet,
    PERSONALISATION_AID, Scp03Channel, Scp03Host, kdf, wrap,
};
use pki_core::certificate::request::parse_card_request;
use terminal::virtual_card::{AesKey, Card, Id, KeySet as CardKeySet, blank_resident};

fn derived(first: u8) -> (KeySet, KeySet) {
    // CMAC of any master; what matters is that both sides have the same keys.
    let prf =
        |message: &[u8]| Ok::<_, std::convert::Infallible>(Key128::from([first; 16]).cmac(message));
    let card = kdf::card_keys(prf, &CARD).expect("derived");
    let visit = kdf::visit_keys(prf, KIOSK, &CARD, &visit_id(4)).expect("derived");
    (card, visit)
}

fn open(card: &mut Card, version: u8, keys: &KeySet) -> Result<Scp03Channel, ChannelFault> {
    let select = Command::new(0x00, 0xA4, 0x04, 0x00)
        .with_data(&PERSONALISATION_AID)
        .with_le(256);
    assert_eq!(card.process(&select.to_bytes()), [0x90, 0x00]);
    let (host, command) = Scp03Host::begin(version, keys, [3; 8]);
    let (opening, command) = host.answer(&card.process(&command))?;
    opening.confirm(&card.process(&command))
}

fn send(
    card: &mut Card,
    channel: &mut Scp03Channel,
    command: &Command,
) -> Result<Vec<u8>, ChannelFault> {
    let wrapped = channel.wrap(command)?;
    channel
        .unwrap(&card.process(&wrapped))
        .map(|data| data.to_vec())
}

fn send_blocks(card: &mut Card, channel: &mut Scp03Channel, ins: u8, tag: u8, data: &[u8]) {
    let count = data.chunks(BLOCK).count();
    for (number, block) in data.chunks(BLOCK).enumerate() {
        let p1 = if number + 1 == count { tag | 0x80 } else { tag };
        send(
            card,
            channel,
            &Command::new(0x80, ins, p1, number as u8).with_data(block),
        )
        .expect("taken");
    }
}

#[test]
fn a_whole_visit_with_the_hosts_own_channel_and_wrapping() {
    let (card_keys, visit_keys) = derived(0x6B);
    let own = |key: &Key128| AesKey::from(*key.expose());
    let image = blank_resident(
        Id(CARD),
        CardKeySet {
            enc: own(&card_keys.enc),
            mac: own(&card_keys.mac),
            dek: own(&card_keys.dek),
        },
    );
    let mut card = Bench::of(&image).card;

    let mut channel =
        open(&mut card, KEY_VERSION_CARD, &card_keys).expect("the card is genuine and accepts us");
    let mut data = [&visit_id(4)[..], KIOSK].concat();
    let keys = [&visit_keys.enc, &visit_keys.mac, &visit_keys.dek];
    for key in keys {
        data.extend(wrap::kw_wrap(&card_keys.dek, key.expose()).expect("wrapped"));
    }
    for key in keys {
        data.extend(key.check_value());
    }
    send(
        &mut card,
        &mut channel,
        &Command::new(0x80, 0xD8, 0x30, 0x00).with_data(&data),
    )
    .expect("prepared");

    let mut channel =
        open(&mut card, KEY_VERSION_VISIT, &visit_keys).expect("the kiosk is genuine");
    let wrapped = |data: &[u8]| wrap::kwp_wrap(&visit_keys.dek, data).expect("wrapped");
    let put =
        |what: u8, data: &[u8]| Command::new(0x80, 0xDA, what, 0x00).with_data(&wrapped(data));
    assert_eq!(
        send(&mut card, &mut channel, &put(0x02, b"short")),
        Err(ChannelFault::Status(0x6A80))
    );
    send(&mut card, &mut channel, &put(0x02, PASSWORD))
        .expect("the channel goes on after a refusal");
    send_blocks(
        &mut card,
        &mut channel,
        0xDA,
        0x01,
        &wrapped(&first_pair().pkcs8),
    );
    send(
        &mut card,
        &mut channel,
        &Command::new(0x80, 0x46, 0, 0).with_le(256),
    )
    .expect("request");
    let mut request = card.process(&Command::new(0x80, 0xCA, 0, 3).with_le(65_536).to_bytes());
    request.truncate(request.len() - 2);
    let proven = parse_card_request(&request).expect("its proof holds");
    assert_eq!((proven.visit, proven.card), (visit_id(4), CARD));
    assert_eq!(proven.public_key.spki_der(), first_pair().public_key);
    send(&mut card, &mut channel, &Command::new(0x80, 0x47, 0, 0))
        .expect("finished, and the answer is authentic");
    assert_eq!(
        open(&mut card, KEY_VERSION_VISIT, &visit_keys).err(),
        Some(ChannelFault::NoKeySet(0x6A88))
    );

    let mut channel = open(&mut card, KEY_VERSION_CARD, &card_keys).expect("open");
    send_blocks(
        &mut card,
        &mut channel,
        0xE2,
        0x01,
        &self_signed(&first_pair().pkcs8),
    );
    assert_eq!(
        send(
            &mut card,
            &mut channel,
            &Command::new(0x80, 0xE2, 0x81, 0).with_data(&[0x30, 0])
        ),
        Err(ChannelFault::Status(0x6A80))
    );
    send(&mut card, &mut channel, &Command::new(0x80, 0x2C, 0, 0)).expect("retry counter reset");
}

#[test]
fn keys_of_another_master_open_nothing() {
    let (card_keys, _) = derived(0x6B);
    let (foreign, _) = derived(0x6C);
    let own = |key: &Key128| AesKey::from(*key.expose());
    let keys = CardKeySet {
        enc: own(&card_keys.enc),
        mac: own(&card_keys.mac),
        dek: own(&card_keys.dek),
    };
    let mut card = Bench::of(&blank_resident(Id(CARD), keys)).card;
    assert_eq!(
        open(&mut card, KEY_VERSION_CARD, &foreign).err(),
        Some(ChannelFault::Cryptogram)
    );
    assert_eq!(
        open(&mut card, KEY_VERSION_VISIT, &foreign).err(),
        Some(ChannelFault::NoKeySet(0x6A88))
    );
    open(&mut card, KEY_VERSION_CARD, &card_keys).expect("open");
}
