use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
};

use super::*;

struct Party(EcdsaKeyPair, PublicKey);

fn party() -> Party {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public = PublicKey::from_ec_point(key.public_key().as_ref()).unwrap();
    Party(key, public)
}

impl Party {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0
            .sign(&SystemRandom::new(), message)
            .unwrap()
            .as_ref()
            .to_vec()
    }
}

fn frame() -> ActFrame {
    ActFrame {
        terminal: "131010001".parse().unwrap(),
        operator: "13101-0001".parse().unwrap(),
        application: ApplicationId::from_bytes([1; 16]),
        idempotency_key: IdempotencyKey::from_bytes([2; 16]),
        time: "2026-11-22T15:00:00Z".parse().unwrap(),
    }
}

fn issue() -> Act {
    Act::new(
        frame(),
        Deed::Issue(IssueDeed {
            visit: VisitId::from_bytes([3; 16]),
            card: CardId::from_bytes([4; 16]),
            profile: "signature".to_owned(),
            resident_sha256: Sha256Digest::from_bytes([8; 32]),
            items_sha256: Sha256Digest::from_bytes([5; 32]),
            spki_sha256: Sha256Digest::from_bytes([6; 32]),
            identity_sha256: Sha256Digest::from_bytes([7; 32]),
            identified_at: "2026-11-22T14:30:00Z".parse().unwrap(),
            request_made_at: "2026-11-22T15:00:00Z".parse().unwrap(),
            replaces: None,
        }),
    )
}

fn revoke() -> Act {
    let deed = RevokeDeed {
        serial: Serial::from_random([9; 16]),
        ground: Ground::Article9,
        identity_sha256: Sha256Digest::from_bytes([7; 32]),
    };
    Act::new(frame(), Deed::Revoke(deed))
}

fn signed(payload: Vec<u8>, terminal: &Party, operator: &Party) -> SignedAct {
    SignedAct {
        terminal_signature: terminal.sign(&Signatory::Terminal.message(&payload)),
        operator_signature: operator.sign(&Signatory::Operator.message(&payload)),
        payload,
    }
}

const SKEW: SignedDuration = SignedDuration::from_secs(300);

fn now() -> Timestamp {
    "2026-11-22T15:01:00Z".parse().unwrap()
}

#[test]
fn the_payload_of_an_issue_is_fixed() {
    let expected = concat!(
        r#"{"version":1,"prefecture":"13","municipality":"13101","terminal":"131010001","operator":"13101-0001","#,
        r#""application":"01010101010101010101010101010101","idempotency_key":"02020202020202020202020202020202","#,
        r#""time":"2026-11-22T15:00:00Z","act":{"issue":{"visit":"03030303030303030303030303030303","#,
        r#""card":"04040404040404040404040404040404","profile":"signature","#,
        r#""resident_sha256":"0808080808080808080808080808080808080808080808080808080808080808","#,
        r#""items_sha256":"0505050505050505050505050505050505050505050505050505050505050505","#,
        r#""spki_sha256":"0606060606060606060606060606060606060606060606060606060606060606","#,
        r#""identity_sha256":"0707070707070707070707070707070707070707070707070707070707070707","#,
        r#""identified_at":"2026-11-22T14:30:00Z","#,
        r#""request_made_at":"2026-11-22T15:00:00Z"}}}"#
    );
    assert_eq!(String::from_utf8(issue().to_payload()).unwrap(), expected);
    assert_eq!(Act::from_payload(expected.as_bytes()).unwrap(), issue());
    assert_eq!(
        Signatory::Operator.message_sha256(b"payload").to_string(),
        "d529c292b279dd79f6ebe6ea7ae582e68fc7f76e6fdf87f29c3e4707203680f4"
    );
}

#[test]
fn a_renewal_names_the_certificate_it_replaces_and_is_another_wish() {
    let Deed::Issue(first) = issue().deed else {
        unreachable!("made above")
    };
    let renewal = |serial: u8, cause| {
        let replaces = Some(Replaces {
            serial: Serial::from_random([serial; 16]),
            cause,
        });
        Act::new(
            frame(),
            Deed::Issue(IssueDeed {
                replaces,
                ..first.clone()
            }),
        )
    };
    let act = renewal(9, ReplacementCause::Renewal);
    let json = String::from_utf8(act.to_payload()).unwrap();
    let said =
        r#","replaces":{"serial":"0109090909090909090909090909090909","cause":"renewal"}}}}"#;
    assert!(json.ends_with(said), "{json}");
    assert_eq!(Act::from_payload(json.as_bytes()).unwrap(), act);
    let unknown = json.replace("renewal", "because");
    assert!(matches!(
        Act::from_payload(unknown.as_bytes()),
        Err(ActFault::Unreadable(_))
    ));
    let wishes = [
        issue().wish_digest(),
        act.wish_digest(),
        renewal(10, ReplacementCause::Renewal).wish_digest(),
        renewal(9, ReplacementCause::CardFailure).wish_digest(),
    ];
    for (at, wish) in wishes.iter().enumerate() {
        assert!(!wishes[..at].contains(wish), "wish {at}");
    }
}

#[test]
fn the_payload_of_a_revocation_is_fixed() {
    let json = String::from_utf8(revoke().to_payload()).unwrap();
    let deed = concat!(
        r#""act":{"revoke":{"serial":"0109090909090909090909090909090909","ground":"article9","#,
        r#""identity_sha256":"0707070707070707070707070707070707070707070707070707070707070707"}}}"#
    );
    assert!(json.ends_with(deed), "{json}");
    assert_eq!(Act::from_payload(json.as_bytes()).unwrap(), revoke());
}

#[test]
fn an_act_that_both_parties_signed_is_taken() {
    let (terminal, operator) = (party(), party());
    for act in [issue(), revoke()] {
        let signed = signed(act.to_payload(), &terminal, &operator);
        assert_eq!(
            signed
                .verify(&terminal.1, &operator.1, now(), SKEW)
                .unwrap(),
            act
        );
    }
}

#[test]
fn a_changed_payload_and_a_changed_signature_are_refused() {
    let (terminal, operator) = (party(), party());
    let good = signed(issue().to_payload(), &terminal, &operator);
    let mut changed = good.clone();
    changed.payload = String::from_utf8(changed.payload)
        .unwrap()
        .replace("0404", "0405")
        .into_bytes();
    let fault = changed
        .verify(&terminal.1, &operator.1, now(), SKEW)
        .unwrap_err();
    assert!(matches!(fault, ActFault::Signature(Signatory::Terminal)));
    let mut changed = good;
    *changed.operator_signature.last_mut().unwrap() ^= 1;
    let fault = changed
        .verify(&terminal.1, &operator.1, now(), SKEW)
        .unwrap_err();
    assert!(matches!(fault, ActFault::Signature(Signatory::Operator)));
}

#[test]
fn a_signature_of_any_length_but_its_own_is_not_looked_at() {
    let (terminal, operator) = (party(), party());
    let long = SignedAct {
        operator_signature: vec![0x30; SIGNATURE_BYTES_MAX + 1],
        ..signed(issue().to_payload(), &terminal, &operator)
    };
    assert!(matches!(
        long.verify(&terminal.1, &operator.1, now(), SKEW),
        Err(ActFault::TooLarge)
    ));
}

#[test]
fn one_partys_signature_does_not_serve_as_the_others() {
    let both = party();
    let mut signed = signed(issue().to_payload(), &both, &both);
    std::mem::swap(
        &mut signed.terminal_signature,
        &mut signed.operator_signature,
    );
    assert!(matches!(
        signed.verify(&both.1, &both.1, now(), SKEW),
        Err(ActFault::Signature(Signatory::Terminal))
    ));
    signed.terminal_signature = both.sign(&signed.payload);
    assert!(
        signed.verify(&both.1, &both.1, now(), SKEW).is_err(),
        "a bare signature has no context"
    );
}

#[test]
fn a_key_of_another_curve_signs_no_act() {
    let (terminal, operator) = (party(), party());
    let other = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
    let other = PublicKey::from_ec_point(other.public_key().as_ref()).unwrap();
    let signed = signed(issue().to_payload(), &terminal, &operator);
    let fault = signed.verify(&terminal.1, &other, now(), SKEW).unwrap_err();
    assert!(matches!(fault, ActFault::Key(Signatory::Operator)));
}

#[test]
fn an_act_from_another_time_is_refused_either_way() {
    let (terminal, operator) = (party(), party());
    let signed = signed(issue().to_payload(), &terminal, &operator);
    let at = |seconds| issue().time + SignedDuration::from_secs(seconds);
    for seconds in [-300, 300] {
        assert!(
            signed
                .verify(&terminal.1, &operator.1, at(seconds), SKEW)
                .is_ok()
        );
    }
    for seconds in [-301, 301] {
        let fault = signed
            .verify(&terminal.1, &operator.1, at(seconds), SKEW)
            .unwrap_err();
        assert!(matches!(fault, ActFault::Time { .. }), "{fault}");
    }
}

#[test]
fn what_is_not_an_act_of_this_version_is_refused() {
    let json = String::from_utf8(issue().to_payload()).unwrap();
    let unreadable = [
        json.replace(r#""version":1,"#, r#""version":1,"note":"","#),
        json.replace(r#""profile":"#, r#""subject":"x","profile":"#),
        json.replace(r#"{"issue":"#, r#"{"suspend":"#),
        json.replace(r#""version":1,"#, r#""version":1,"version":1,"#),
        json.replace(r#""card":"04"#, r#""card":"0G"#),
        json.replace(r#""operator":"13101-0001","#, ""),
        json.replace("2026-11-22T15:00:00Z", "2026-11-22 15:00"),
        revoke_json().replace("article9", "hold"),
        revoke_json().replace(r#""serial":"01"#, r#""serial":"00"#),
        format!("{json}{json}"),
        String::new(),
    ];
    for text in unreadable {
        let fault = Act::from_payload(text.as_bytes()).unwrap_err();
        assert!(matches!(fault, ActFault::Unreadable(_)), "{text}: {fault}");
    }
    let other =
        |from: &str, to: &str| Act::from_payload(json.replace(from, to).as_bytes()).unwrap_err();
    assert!(matches!(
        other(r#""version":1"#, r#""version":2"#),
        ActFault::Version(2)
    ));
    assert!(matches!(
        other(r#""municipality":"13101""#, r#""municipality":"13102""#),
        ActFault::Place
    ));
    assert!(matches!(
        other(r#""prefecture":"13""#, r#""prefecture":"14""#),
        ActFault::Place
    ));
    assert!(matches!(
        other(r#""terminal":"131010001""#, r#""terminal":"131020001""#),
        ActFault::Place
    ));
    assert!(matches!(
        other(r#""signature""#, r#""Signature""#),
        ActFault::Profile
    ));
    for name in [String::new(), "p".repeat(33)] {
        let profile = other(r#""signature""#, &format!("\"{name}\""));
        assert!(matches!(profile, ActFault::Profile), "{name:?}: {profile}");
    }
    let longest = json.replace(r#""signature""#, &format!("\"{}\"", "p".repeat(32)));
    assert!(Act::from_payload(longest.as_bytes()).is_ok());
    assert!(matches!(
        Act::from_payload(&vec![b' '; PAYLOAD_BYTES_MAX + 1]),
        Err(ActFault::TooLarge)
    ));
}

fn revoke_json() -> String {
    String::from_utf8(revoke().to_payload()).unwrap()
}

#[test]
fn an_act_signed_again_later_and_elsewhere_is_the_same_wish() {
    let first = issue();
    let mut again = issue();
    again.time = now();
    again.operator = "13101-0002".parse().unwrap();
    let Deed::Issue(deed) = &mut again.deed else {
        unreachable!("issue() makes an issuing act")
    };
    deed.request_made_at = now();
    assert_eq!(again.wish_digest(), first.wish_digest());

    let Deed::Issue(deed) = &mut again.deed else {
        unreachable!("issue() makes an issuing act")
    };
    deed.spki_sha256 = Sha256Digest::from_bytes([1; 32]);
    assert_ne!(again.wish_digest(), first.wish_digest());
}
