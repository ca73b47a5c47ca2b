//! Checked against a recorded session of a real card: Osmocom pySim,
//! `tests/unittests/test_globalplatform.py`, AES-128, level 33, key version 30. That
//! card uses pseudo-random challenges (i = 70, with a sequence counter behind the
//! cryptogram); neither enters a computation, so the answer is cut to the form of
//! `docs/card-interface.md` §3.

use super::*;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn keys() -> KeySet {
    let key = |first: u8| Key128::from(std::array::from_fn(|i| first + i as u8));
    KeySet {
        enc: key(0x00),
        mac: key(0x10),
        dek: key(0x20),
    }
}

const CARD: &str = "00000000000000000000300300 3b1aca81e821f219 081cdc01c26b372d 9000";

fn card_answer() -> Vec<u8> {
    bytes(&CARD.replace(' ', ""))
}

fn begun() -> Scp03Host {
    let challenge = bytes("fdf38259a1e0de44").try_into().unwrap();
    let (host, apdu) = Scp03Host::begin(0x30, &keys(), challenge);
    assert_eq!(hex::encode(apdu), "8050300008fdf38259a1e0de4400");
    host
}

fn open() -> Scp03Channel {
    let (opening, apdu) = begun().answer(&card_answer()).unwrap();
    assert_eq!(
        hex::encode(apdu),
        "84823300108c36f96bcc00724a4e13ad591d7da3f0"
    );
    opening.confirm(&[0x90, 0x00]).unwrap()
}

fn get_eid() -> Command {
    Command::new(0x80, 0xE2, 0x91, 0x00)
        .with_data(&bytes("bf3e035c015a"))
        .with_le(256)
}

const EID_ANSWER: &str =
    "f3ba2b1013aa6224f5e1c138d71805c569e5439b47576260b75fc021b25097cb2e68f8a0144975b99000";

#[test]
fn a_recorded_session_is_reproduced_byte_for_byte() {
    let mut channel = open();
    let wrapped = channel.wrap(&get_eid()).unwrap();
    assert_eq!(
        hex::encode(wrapped),
        "84e2910018267a85dfe4a98fca6fb0527e0dfecce4914e40401433c87f00"
    );
    let eid = channel.unwrap(&bytes(EID_ANSWER)).unwrap();
    assert_eq!(
        hex::encode(&*eid),
        "bf3e125a1089882119900000000000000000000005"
    );
    let f2 = |p1, p2| Command::new(0x80, 0xF2, p1, p2);
    for (command, wrapped) in [
        (f2(0x20, 0x02), "84f2200208ac6a59024bed84cc"),
        (
            Command::new(0x80, 0xCA, 0, 0x66).with_le(256),
            "84ca006608409912ad8fb7aed000",
        ),
        (
            f2(0x20, 0x02).with_data(&bytes("4f0212345c054f9f70c5")),
            "84f22002185f3dafc3ac14c381536a488bf44e06d056df9d74dbd21e5a",
        ),
        (
            f2(0x80, 0x02).with_data(&bytes("4f00")).with_le(256),
            "84f280021865165105be3373347d0424d4400af2ac393f569ec779389e00",
        ),
    ] {
        assert_eq!(hex::encode(channel.wrap(&command).unwrap()), wrapped);
    }
}

#[test]
fn commands_may_be_wrapped_ahead_of_their_answers() {
    let mut channel = open();
    channel.wrap(&get_eid()).unwrap();
    channel.wrap(&Command::new(0x80, 0xF2, 0x20, 0x02)).unwrap();
    let eid = channel.unwrap(&bytes(EID_ANSWER)).unwrap();
    assert_eq!(eid.len(), 21);
    assert_eq!(
        channel.unwrap(&[0x6A, 0x80]),
        Err(ChannelFault::Status(0x6A80))
    );
    assert_eq!(channel.unwrap(&[0x90, 0x00]), Err(ChannelFault::Ended));
}

#[test]
fn a_card_that_does_not_know_the_keys_is_not_talked_to() {
    let mut answer = card_answer();
    answer[21] ^= 1;
    let fault = begun().answer(&answer).map(|_| ()).unwrap_err();
    assert_eq!(fault, ChannelFault::Cryptogram);
    let fault = begun().answer(&[0x69, 0x83]).map(|_| ()).unwrap_err();
    assert_eq!(fault, ChannelFault::NoKeySet(0x6983));
}

#[test]
fn an_answer_in_another_form_or_for_another_key_version_is_refused() {
    for (at, value) in [(10, 0x20), (11, 0x02), (12, 0x70)] {
        let mut answer = card_answer();
        answer[at] = value;
        let fault = begun().answer(&answer).map(|_| ()).unwrap_err();
        assert_eq!(fault, ChannelFault::Form, "byte {at}");
    }
    let fault = begun().answer(&card_answer()[1..]).map(|_| ()).unwrap_err();
    assert_eq!(fault, ChannelFault::Form);
}

#[test]
fn a_refused_host_gets_the_status_word() {
    let (opening, _) = begun().answer(&card_answer()).unwrap();
    assert_eq!(
        opening.confirm(&[0x63, 0x00]).map(|_| ()),
        Err(ChannelFault::Refused(0x6300))
    );
}

#[test]
fn every_changed_byte_of_an_answer_ends_the_channel() {
    let good = bytes(EID_ANSWER);
    for at in 0..good.len() - 2 {
        let mut channel = open();
        channel.wrap(&get_eid()).unwrap();
        let mut answer = good.clone();
        answer[at] ^= 0x40;
        assert_eq!(channel.unwrap(&answer), Err(ChannelFault::Mac), "byte {at}");
        assert_eq!(channel.wrap(&get_eid()), Err(ChannelFault::Ended));
        assert_eq!(channel.unwrap(&good), Err(ChannelFault::Ended));
    }
}

#[test]
fn a_success_without_a_mac_is_not_believed() {
    let mut channel = open();
    channel.wrap(&get_eid()).unwrap();
    assert_eq!(channel.unwrap(&[0x90, 0x00]), Err(ChannelFault::Form));
    assert_eq!(channel.wrap(&get_eid()), Err(ChannelFault::Ended));
}

#[test]
fn after_a_changed_answer_the_next_one_is_not_taken_either() {
    let mut channel = open();
    channel.wrap(&get_eid()).unwrap();
    channel.wrap(&Command::new(0x80, 0xF2, 0x20, 0x02)).unwrap();
    let mut changed = bytes(EID_ANSWER);
    changed[0] ^= 1;
    assert_eq!(channel.unwrap(&changed), Err(ChannelFault::Mac));
    assert_eq!(channel.unwrap(&[0x6A, 0x80]), Err(ChannelFault::Ended));
}

#[test]
fn a_channel_that_the_host_ended_takes_and_gives_nothing() {
    let mut channel = open();
    channel.wrap(&get_eid()).unwrap();
    channel.end();
    assert_eq!(channel.unwrap(&bytes(EID_ANSWER)), Err(ChannelFault::Ended));
    assert_eq!(channel.wrap(&get_eid()), Err(ChannelFault::Ended));
}

#[test]
fn an_opening_is_answered_with_the_status_word_alone() {
    let (opening, _) = begun().answer(&card_answer()).unwrap();
    assert_eq!(
        opening.confirm(&[0x00, 0x90, 0x00]).map(|_| ()),
        Err(ChannelFault::Form)
    );
}

#[test]
fn a_command_too_long_for_the_channel_is_not_cut_and_a_worn_out_channel_ends() {
    let mut channel = open();
    let longer = Command::new(0x80, 0xE2, 0, 0).with_data(&vec![0; LONGEST + 1]);
    assert_eq!(channel.wrap(&longer), Err(ChannelFault::TooLong));
    let longest = Command::new(0x80, 0xE2, 0, 0).with_data(&vec![0; LONGEST]);
    assert!(channel.wrap(&longest).is_ok());
    channel.counter = MOST_COMMANDS - 1;
    assert!(channel.wrap(&get_eid()).is_ok(), "the last one");
    assert_eq!(channel.wrap(&get_eid()), Err(ChannelFault::Ended));
}

#[test]
fn padding_is_always_added() {
    assert_eq!(pad(&[]).len(), 16);
    assert_eq!(pad(&[7; 15])[15], 0x80);
    assert_eq!(pad(&[7; 16]).len(), 32);
}
