//! The module inside one process: what happens to sessions, handles and calls.
//!
//! SoftHSM takes its configuration from the environment, so each test runs itself
//! again in a process of its own.

use std::process::Command;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use super::initialise::initialise;
use super::module::Module;
use super::{objects, operate};
use crate::config::TokenName;
use crate::token::key::{KeyAlgorithm, SignatureAlgorithm};
use crate::token::wire::{Failure, Hello, Initialise, Reply, Request};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Runs the named test again with a token directory of its own; tells whether this is
/// that second run.
fn in_a_process_of_its_own(test: &str) -> bool {
    if std::env::var_os("SOFTHSM2_CONF").is_some() {
        return true;
    }
    let dir = std::env::temp_dir().join(format!("jitsuin-module-{}-{test}", std::process::id()));
    std::fs::create_dir_all(dir.join("tokens")).unwrap();
    let conf = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        dir.join("tokens").display()
    );
    std::fs::write(dir.join("softhsm2.conf"), conf).unwrap();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("token::worker::tests::{test}"),
            "--nocapture",
        ])
        .env("SOFTHSM2_CONF", dir.join("softhsm2.conf"))
        .output()
        .unwrap();
    std::fs::remove_dir_all(dir).unwrap();
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    false
}

fn start(pin: &str) -> Result<Module, Failure> {
    Module::start(Hello {
        module: SOFTHSM.into(),
        name: TokenName::Label("test".into()),
        pin: pin.into(),
        sessions: 4,
    })
}

fn module_with_key() -> Module {
    let order = Initialise {
        module: SOFTHSM.into(),
        label: "test".into(),
        so_pin: "5678".into(),
        pin: "1234".into(),
    };
    initialise(&order).unwrap();
    let module = start("1234").unwrap();
    let request = Request::Generate {
        label: "ca",
        algorithm: KeyAlgorithm::P256,
    };
    objects::change(&module, &request).unwrap();
    module
}

fn sign(module: &Module, desk: usize) -> Result<Vec<u8>, Failure> {
    let request = Request::SignDigest {
        key: "ca",
        algorithm: SignatureAlgorithm::EcdsaP256Sha256,
        digest: &[7; 32],
    };
    match operate::answer(module, desk, &request)? {
        Reply::Bytes(signature) => Ok(signature),
        _ => panic!("no signature"),
    }
}

fn log_out(module: &Module) {
    let live = module.read();
    let up = live.up.as_ref().unwrap();
    let anchor = up.anchor.lock().unwrap_or_else(PoisonError::into_inner);
    anchor.logout().unwrap();
}

#[test]
fn a_logout_elsewhere_is_mended_without_a_restart_of_the_module() {
    if !in_a_process_of_its_own("a_logout_elsewhere_is_mended_without_a_restart_of_the_module") {
        return;
    }
    let module = module_with_key();
    sign(&module, 0).unwrap();
    sign(&module, 1).unwrap();
    for _ in 0..3 {
        // All private handles of all sessions are dead from here on.
        log_out(&module);
        sign(&module, 0).unwrap();
        sign(&module, 1).unwrap();
        sign(&module, 2).unwrap();
    }
    assert_eq!(
        module.read().generation,
        1,
        "the module was not re-initialised"
    );
}

#[test]
fn re_initialising_waits_for_calls_and_loses_none() {
    if !in_a_process_of_its_own("re_initialising_waits_for_calls_and_loses_none") {
        return;
    }
    let module = module_with_key();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for desk in 0..4 {
            let (module, stop) = (&module, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    sign(module, desk).unwrap();
                }
            });
        }
        for _ in 0..20 {
            let seen = module.read().generation;
            module.restart(seen).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(module.read().generation, 21);
}

#[test]
fn of_many_threads_that_meet_trouble_one_re_initialises() {
    if !in_a_process_of_its_own("of_many_threads_that_meet_trouble_one_re_initialises") {
        return;
    }
    let module = module_with_key();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| module.restart(1).unwrap());
        }
    });
    assert_eq!(module.read().generation, 2);
}

#[test]
fn a_refused_pin_is_never_tried_again_by_the_same_process() {
    if !in_a_process_of_its_own("a_refused_pin_is_never_tried_again_by_the_same_process") {
        return;
    }
    let module = module_with_key();
    // The PIN is changed behind the worker's back: at the next login it is wrong.
    {
        let live = module.read();
        let up = live.up.as_ref().unwrap();
        let session = module.pkcs11().open_rw_session(up.slot).unwrap();
        let pin = |text: &str| cryptoki::types::AuthPin::new(text.to_owned().into());
        session.set_pin(&pin("1234"), &pin("4321")).unwrap();
    }
    let refused = Failure::Refused(crate::token::error::Refusal::WrongPin);
    assert_eq!(module.restart(1).unwrap_err(), refused);
    let generation = module.read().generation;
    for _ in 0..5 {
        assert_eq!(module.restart(generation).unwrap_err(), refused);
    }
    assert_eq!(module.read().generation, generation, "not even tried");
    assert!(start("4321").is_ok());
}
