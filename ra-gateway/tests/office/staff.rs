//! Operators beside the clerk of the walk, and what their roles let them do.

use std::sync::Arc;

use pki_core::{certificate::SignatureAlgorithm, operator::Role};
use ra_gateway::{
    app::{caller::Operator, refusal::Failure},
    port::{AuditEntry, Party, PartyKind, Store},
};
use schema::wire::{bytes::Base64, v1::ra};

use crate::{
    entry,
    support::{
        certificate_support::{CertifiedParty, SoftKey},
        window::{OPERATOR, TERMINAL, World, refusal},
    },
};

pub const EC: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;
pub const CHIEF: &str = "13101-0009";

/// An operator with a card.
pub struct Staff {
    pub id: &'static str,
    pub key: SoftKey,
}

/// Registers an operator in a role.
pub fn enlist(world: &World, id: &'static str, role: Role) -> Staff {
    let random = 100 + id.as_bytes().last().unwrap();
    let CertifiedParty {
        key, certificate, ..
    } = world
        .infrastructure
        .party(id, "operator.toml", world.app.clock.now(), random);
    let party = Party {
        kind: PartyKind::Operator,
        id: id.into(),
        municipality: id[..5].parse().unwrap(),
        label: id.into(),
        certificate,
        suspended: false,
        role: Some(role),
    };
    let entry = AuditEntry {
        act: "register-party",
        ..AuditEntry::default()
    };
    world
        .app
        .store
        .register_party(&party, world.app.clock.now(), &entry)
        .unwrap();
    Staff { id, key }
}

/// The session token of an operator who signs in at the window.
pub fn sign_in(world: &World, staff: &Staff) -> Result<ra::OperatorSessionResponse, Failure> {
    let terminal = world.app.terminal(&world.terminal.1)?;
    let request = ra::OperatorChallengeRequest {
        operator: staff.id.into(),
    };
    let challenge = world.app.challenge_operator(&terminal, &request)?;
    let message = ra::operator_challenge_message(TERMINAL, &challenge.challenge.0);
    world.app.sign_in(
        &terminal,
        &ra::OperatorSessionRequest {
            challenge_id: challenge.challenge_id,
            operator: staff.id.into(),
            signature: Base64(staff.key.sign(EC, &message)),
        },
    )
}

/// The operator of a fresh session.
pub fn at_work(world: &World, staff: &Staff) -> Operator {
    let token = sign_in(world, staff).unwrap().session.0;
    let terminal = world.app.terminal(&world.terminal.1).unwrap();
    world.app.operator(terminal, Some(&token)).unwrap()
}

#[test]
fn an_auditor_reads_everything_and_acts_nowhere() {
    let world = World::on(None);
    let clerk = world.clerk();
    let application = world.app.receive(&clerk, &world.taro()).unwrap();
    let auditor = enlist(&world, "13101-0007", Role::Auditor);
    let session = sign_in(&world, &auditor).unwrap();
    assert_eq!(session.role, "auditor");
    let terminal = || world.app.terminal(&world.terminal.1).unwrap();
    let token = Some(session.session.0.as_str());
    let reader = world.app.operator(terminal(), token).unwrap();
    assert_eq!(
        world.app.application(&reader, &application.id).unwrap(),
        application
    );
    assert_eq!(
        world
            .app
            .applications(&reader, true)
            .unwrap()
            .applications
            .len(),
        1
    );
    // Every act takes a `Clerk`, and an auditor never becomes one.
    assert_eq!(refusal(world.app.clerk(terminal(), token)), "role-forbids");
    assert_eq!(
        refusal(world.app.supervisor(terminal(), token)),
        "role-forbids"
    );
    let clerk_token = world.sign_in().unwrap();
    assert_eq!(
        refusal(world.app.supervisor(terminal(), Some(&clerk_token))),
        "role-forbids",
        "a clerk closes nothing that is final"
    );
}

#[test]
fn a_role_that_was_taken_away_is_gone_at_the_next_request() {
    let world = World::on(None);
    let chief = enlist(&world, CHIEF, Role::Supervisor);
    let token = sign_in(&world, &chief).unwrap().session.0;
    let terminal = || world.app.terminal(&world.terminal.1).unwrap();
    assert!(world.app.supervisor(terminal(), Some(&token)).is_ok());
    let operator = CHIEF.parse().unwrap();
    let set = |role| {
        world
            .app
            .store
            .set_role(&operator, role, world.app.clock.now(), &entry("set-role"))
            .unwrap()
    };
    assert!(set(Role::Clerk));
    assert_eq!(
        refusal(world.app.supervisor(terminal(), Some(&token))),
        "role-forbids"
    );
    assert!(world.app.clerk(terminal(), Some(&token)).is_ok());
    assert!(set(Role::Auditor));
    assert_eq!(
        refusal(world.app.clerk(terminal(), Some(&token))),
        "role-forbids"
    );
}

pub fn roles_are_kept(store: &Arc<dyn Store>) {
    let party = |role, certificate| Party {
        kind: PartyKind::Operator,
        id: OPERATOR.into(),
        municipality: "13101".parse().unwrap(),
        label: "窓口".into(),
        certificate: vec![certificate; 40],
        suspended: false,
        role,
    };
    let now = "2026-11-22T05:00:00Z".parse().unwrap();
    let register = |role, certificate| {
        store
            .register_party(&party(role, certificate), now, &entry("register-party"))
            .unwrap();
        let found = store.party(PartyKind::Operator, OPERATOR).unwrap();
        found.unwrap().role
    };
    assert_eq!(register(None, 1), Some(Role::Clerk), "the least by default");
    assert_eq!(register(Some(Role::Supervisor), 1), Some(Role::Supervisor));
    // A renewed certificate changes no role.
    assert_eq!(register(None, 2), Some(Role::Supervisor));
    let set = |id: &str| {
        let id = id.parse().unwrap();
        store
            .set_role(&id, Role::Auditor, now, &entry("set-role"))
            .unwrap()
    };
    assert!(set(OPERATOR));
    assert!(!set("13101-0404"));
    // Machines have none.
    let kiosk = Party {
        kind: PartyKind::Kiosk,
        id: "13101K001".into(),
        ..party(None, 3)
    };
    store
        .register_party(&kiosk, now, &entry("register-party"))
        .unwrap();
    let found = store.party(PartyKind::Kiosk, "13101K001").unwrap();
    assert_eq!(found.unwrap().role, None);
}
