use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use super::*;

struct Card(EcdsaKeyPair);

impl Card {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn key(&self) -> PublicKey {
        // The fixed DER head of a P-256 SubjectPublicKeyInfo (RFC 5480), then the point.
        let mut spki = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
        spki.extend_from_slice(self.0.public_key().as_ref());
        PublicKey::from_spki_der(&spki).unwrap()
    }

    fn sign(&self, payload: &[u8]) -> Vec<u8> {
        let message = [CONTEXT, payload].concat();
        let signed = self.0.sign(&SystemRandom::new(), &message).unwrap();
        signed.as_ref().to_vec()
    }
}

fn now() -> Timestamp {
    "2026-11-22T05:00:00Z".parse().unwrap()
}

fn operator(id: &str) -> OperatorId {
    id.parse().unwrap()
}

fn here() -> TerminalId {
    "131010001".parse().unwrap()
}

fn subject() -> Subject {
    let application = Some(ApplicationId::from_bytes([1; 16]));
    let act = ApprovedAct::FeeCorrection;
    Subject::new(act, application, "13101-2026-000001", "二重に収納した").unwrap()
}

fn waiting() -> Approval {
    Approval::request(
        ApprovalId::from_bytes([7; 16]),
        "13101".parse().unwrap(),
        &subject(),
        operator("13101-0001"),
        now(),
    )
}

fn statement(approver: &str, verdict: Verdict) -> Vec<u8> {
    Statement::of(&waiting(), here(), operator(approver), verdict).to_payload()
}

fn decided(verdict: Verdict) -> Approval {
    let card = Card::new();
    let said = statement("13101-0009", verdict);
    waiting()
        .decide(
            &said,
            &card.sign(&said),
            here(),
            &card.key(),
            Role::Supervisor,
            now(),
        )
        .unwrap()
}

#[test]
fn a_supervisor_approves_once_what_another_asked_for_and_it_is_used_for_that_alone() {
    let approved = decided(Verdict::Approve);
    assert_eq!(approved.standing, Standing::Approved);
    assert_eq!(approved.decided_by, Some(operator("13101-0009")));
    let clerk = operator("13101-0001");
    assert_eq!(approved.allows(&subject(), &clerk, now()), Ok(()));
    // Another clerk, who took the window over, may use it; its approver may not.
    let other = operator("13101-0002");
    assert_eq!(approved.allows(&subject(), &other, now()), Ok(()));
    let approver = operator("13101-0009");
    assert_eq!(
        approved.allows(&subject(), &approver, now()),
        Err(ApprovalFault::SamePerson)
    );
    let else_ = Subject::new(
        ApprovedAct::FeeCorrection,
        subject().application(),
        "13101-2026-000002",
        subject().reason(),
    )
    .unwrap();
    assert_eq!(
        approved.allows(&else_, &clerk, now()),
        Err(ApprovalFault::OtherSubject)
    );
    let last = now() + LIFETIME - SignedDuration::from_nanos(1);
    assert_eq!(approved.allows(&subject(), &clerk, last), Ok(()));
    assert_eq!(
        approved.allows(&subject(), &clerk, now() + LIFETIME),
        Err(ApprovalFault::Expired)
    );
    for (standing, fault) in [
        (Standing::Waiting, ApprovalFault::Waiting),
        (Standing::Rejected, ApprovalFault::Rejected),
        (Standing::Spent, ApprovalFault::Spent),
    ] {
        let approval = Approval {
            standing,
            ..approved.clone()
        };
        assert_eq!(approval.allows(&subject(), &clerk, now()), Err(fault));
    }
    assert_eq!(decided(Verdict::Reject).standing, Standing::Rejected);
}

#[test]
fn nobody_approves_their_own_wish_without_the_role_late_twice_or_elsewhere() {
    let card = Card::new();
    let decide = |approval: &Approval, said: &[u8], role, at| {
        approval
            .decide(said, &card.sign(said), here(), &card.key(), role, at)
            .map(|decided| decided.standing)
    };
    let approve = |approver| statement(approver, Verdict::Approve);
    let own = approve("13101-0001");
    assert_eq!(
        decide(&waiting(), &own, Role::Supervisor, now()),
        Err(ApprovalFault::SamePerson)
    );
    let other = approve("13101-0009");
    for role in [Role::Clerk, Role::Auditor] {
        assert_eq!(
            decide(&waiting(), &other, role, now()),
            Err(ApprovalFault::NotSupervisor)
        );
    }
    assert_eq!(
        decide(&waiting(), &other, Role::Supervisor, now() + LIFETIME),
        Err(ApprovalFault::Expired)
    );
    assert_eq!(
        decide(&decided(Verdict::Reject), &other, Role::Supervisor, now()),
        Err(ApprovalFault::Decided)
    );
    let elsewhere = waiting().decide(
        &other,
        &card.sign(&other),
        "131010002".parse().unwrap(),
        &card.key(),
        Role::Supervisor,
        now(),
    );
    assert_eq!(elsewhere, Err(ApprovalFault::OtherMatter));
}

#[test]
fn a_statement_about_something_else_or_signed_by_another_card_is_nothing() {
    let card = Card::new();
    let said = statement("13101-0009", Verdict::Approve);
    let decide = |said: &[u8], signature: &[u8]| {
        waiting()
            .decide(
                said,
                signature,
                here(),
                &card.key(),
                Role::Supervisor,
                now(),
            )
            .unwrap_err()
    };
    assert_eq!(
        decide(&said, &Card::new().sign(&said)),
        ApprovalFault::Signature
    );
    // A rejection turned into an approval keeps no signature.
    let no = statement("13101-0009", Verdict::Reject);
    assert_eq!(decide(&said, &card.sign(&no)), ApprovalFault::Signature);
    let another = Approval {
        id: ApprovalId::from_bytes([8; 16]),
        ..waiting()
    };
    let foreign =
        Statement::of(&another, here(), operator("13101-0009"), Verdict::Approve).to_payload();
    assert_eq!(
        decide(&foreign, &card.sign(&foreign)),
        ApprovalFault::OtherMatter
    );
    let mut long = said.clone();
    long.resize(STATEMENT_BYTES_MAX + 1, b' ');
    assert_eq!(
        decide(&long, &card.sign(&long)),
        ApprovalFault::Unreadable,
        "longer than any statement"
    );
    let unreadable = b"{\"version\":1}";
    assert_eq!(
        decide(unreadable, &card.sign(unreadable)),
        ApprovalFault::Unreadable
    );
    let newer = String::from_utf8(said)
        .unwrap()
        .replace("\"version\":1", "\"version\":2");
    assert_eq!(
        decide(newer.as_bytes(), &card.sign(newer.as_bytes())),
        ApprovalFault::Unreadable
    );
}

#[test]
fn a_subject_is_named_and_has_a_reason_and_its_digest_tells_any_other_apart() {
    let new = |reference: &str, reason: &str| {
        Subject::new(ApprovedAct::TillDifference, None, reference, reason)
    };
    for reference in ["", "日", "a\nb", &"x".repeat(81)] {
        assert_eq!(new(reference, "理由").unwrap_err(), SubjectFault::Reference);
    }
    for reason in ["", "  ", "a\u{7}b", &"あ".repeat(201)] {
        assert_eq!(new("1", reason).unwrap_err(), SubjectFault::Reason);
    }
    let one = new("1", "釣銭の誤り").unwrap();
    assert_eq!(one, new("1", " 釣銭の誤り ").unwrap());
    let digests = [
        one.digest(),
        new("2", "釣銭の誤り").unwrap().digest(),
        new("1", "釣銭").unwrap().digest(),
        subject().digest(),
    ];
    for (i, digest) in digests.iter().enumerate() {
        assert!(!digests[..i].contains(digest));
    }
    assert!(!format!("{one:?}").contains("釣銭"));
    for act in ApprovedAct::ALL {
        assert_eq!(act.as_str().parse(), Ok(act));
        assert_eq!(serde_json::to_value(act).unwrap(), act.as_str());
    }
}
