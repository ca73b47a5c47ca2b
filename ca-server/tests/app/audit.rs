//! The audit log: complete, and any change to it is seen.

use ca_server::{
    adapter::database::AuditMac,
    app::{
        callers,
        export_audit::{AuditFault, export, verify},
        issue::issue,
    },
    port::{clock::Clock, signer::Signer, store::Store},
    testing::{
        window::Applicant,
        world::{MAC_KEY, World},
    },
};

struct Exported {
    log: String,
    head: String,
    key: Vec<u8>,
    ends: Vec<(String, u64, [u8; 32])>,
}

fn exported(world: &World) -> Exported {
    for resident in ["R1", "R2"] {
        let wish = world
            .window
            .issue_request(&Applicant::soumu(resident), world.clock.now());
        issue(&world.app, "gw", &wish).unwrap();
    }
    let mut log = Vec::new();
    let head = export(&world.app, &mut log).unwrap();
    Exported {
        log: String::from_utf8(log).unwrap(),
        head,
        key: world.signer.public_key("audit").unwrap(),
        ends: world.store.audit_ends().unwrap(),
    }
}

fn check(log: &str, exported: &Exported) -> Result<u64, AuditFault> {
    verify(
        &mut log.as_bytes(),
        &AuditMac::new(&MAC_KEY),
        Some(&exported.ends),
        Some((&exported.head, Some(&exported.key))),
    )
    .map(|verified| verified.rows)
}

#[test]
fn an_exported_log_verifies_and_names_every_step() {
    let world = World::new();
    let exported = exported(&world);
    assert_eq!(
        check(&exported.log, &exported).unwrap(),
        exported.log.lines().count() as u64
    );
    for event in ["enrol", "issue.reserve", "issue.complete", "vault.key"] {
        assert!(
            exported.log.contains(&format!("\"event\":\"{event}\"")),
            "{event}"
        );
    }
    assert!(!exported.log.contains("総務"));
}

#[test]
fn a_changed_dropped_reordered_or_cut_row_is_seen() {
    let world = World::new();
    let exported = exported(&world);
    let lines: Vec<&str> = exported.log.lines().collect();
    let text = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let changed = exported
        .log
        .replacen("\"outcome\":\"done\"", "\"outcome\":\"nope\"", 1);
    assert!(matches!(
        check(&changed, &exported),
        Err(AuditFault::Mac(_))
    ));
    let mut dropped = lines.clone();
    dropped.remove(2);
    assert!(matches!(
        check(&text(&dropped), &exported),
        Err(AuditFault::Gap { .. })
    ));
    let mut reordered = lines.clone();
    reordered.swap(1, 2);
    assert!(matches!(
        check(&text(&reordered), &exported),
        Err(AuditFault::Gap { .. })
    ));
    let cut = text(&lines[..lines.len() - 1]);
    assert!(matches!(
        check(&cut, &exported),
        Err(AuditFault::Size { .. })
    ));
    let first_gone = text(&lines[1..]);
    assert!(matches!(
        check(&first_gone, &exported),
        Err(AuditFault::Gap { .. })
    ));
}

#[test]
fn a_database_that_lost_rows_since_is_seen() {
    let world = World::new();
    let mut exported = exported(&world);
    exported.ends[0].1 -= 1;
    assert!(matches!(
        check(&exported.log, &exported),
        Err(AuditFault::Cut { .. })
    ));
}

#[test]
fn a_head_of_another_key_is_not_taken() {
    let world = World::new();
    let mut exported = exported(&world);
    exported.key = world.signer.public_key("infra").unwrap();
    assert!(matches!(
        check(&exported.log, &exported),
        Err(AuditFault::Key)
    ));
}

#[test]
fn a_head_that_the_audit_key_did_not_sign_is_not_taken() {
    let world = World::new();
    let mut exported = exported(&world);
    // The signature over another head, of the same key: an older one passed off as this one's.
    let mut older = Vec::new();
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    let wish = world
        .window
        .issue_request(&Applicant::soumu("R3"), world.clock.now());
    issue(&world.app, "gw", &wish).unwrap();
    let other = export(&world.app, &mut older).unwrap();
    let signed = |head: &str| head.rsplit_once("\nsignature ").unwrap().1.to_owned();
    exported.head = exported
        .head
        .replace(&signed(&exported.head), &signed(&other));
    assert!(matches!(
        check(&exported.log, &exported),
        Err(AuditFault::Signature)
    ));
}

#[test]
fn strangers_are_summed_up_and_a_known_party_that_knocks_on_has_few_rows() {
    let world = World::new();
    let before = world.audit().len();
    for _ in 0..100 {
        assert_eq!(callers::admit(&world.app, &[9; 32]).unwrap(), None);
    }
    assert_eq!(
        world.audit().len(),
        before,
        "a flood of strangers fills no log"
    );
    let terminal = world.store.party("terminal", "131010001").unwrap().unwrap();
    for _ in 0..100 {
        assert_eq!(
            callers::admit(&world.app, &terminal.certificate_sha256).unwrap(),
            None
        );
    }
    let rows = world.audit().split_off(before);
    assert!(!rows.is_empty() && rows.len() <= 11, "{}", rows.len());
    assert!(rows.iter().all(|row| row.outcome == "not-a-gateway"));
    let summed = callers::sum_up(&world.app).unwrap();
    assert_eq!(summed, 200 - rows.len() as u64);
    assert_eq!(world.audit().pop().unwrap().outcome, "strangers");
    assert_eq!(callers::sum_up(&world.app).unwrap(), 0);
}
