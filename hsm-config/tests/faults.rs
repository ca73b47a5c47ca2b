//! What SoftHSM, the machine and people do to a token, and what callers see of it.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use hsm_config::contract::{self, SoftHsm};
use hsm_config::{
    Health, KeyAlgorithm, KeyClass, Pin, Refusal, SignatureAlgorithm, Token, TokenError, TokenSet,
    initialise,
};

const WAY: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .args([name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Stops a process and waits until all its threads stand still: on a busy machine that
/// takes a while.
fn stop(pid: u32) {
    signal(pid, "-STOP");
    let stands = || {
        std::fs::read_dir(format!("/proc/{pid}/task"))
            .unwrap()
            .all(|task| {
                let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
                stat.rsplit_once(") ")
                    .is_some_and(|(_, state)| state.starts_with('T'))
            })
    };
    while !stands() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// Signs until it works; says how long that took.
fn until_signed(token: &Token) -> Duration {
    let begun = Instant::now();
    loop {
        match token.sign("ca", WAY, b"m", within(1)) {
            Ok(_) => return begun.elapsed(),
            Err(fault) => assert!(fault.may_retry(), "{fault}"),
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            token.health()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_token_may_be_closed_at_any_moment_of_its_start() {
    let hsm = SoftHsm::new();
    contract::make(&hsm.open(), "ca", KeyAlgorithm::P256);
    // A program that does not get its port gives its token up while the worker starts.
    for pause in 0..60 {
        let token = Token::open(hsm.config(""));
        std::thread::sleep(Duration::from_millis(pause));
        let (closed, ends) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(token);
            let _ = closed.send(());
        });
        ends.recv_timeout(Duration::from_secs(5))
            .unwrap_or_else(|_| panic!("closed after {pause} ms, it never ended"));
    }
}

#[test]
fn token_files_that_go_and_come_back_need_no_restart() {
    let hsm = SoftHsm::new();
    let token = hsm.open();
    contract::make(&token, "ca", KeyAlgorithm::P256);
    let pid = token.worker_pid();
    for _ in 0..3 {
        hsm.take_away();
        std::thread::sleep(Duration::from_millis(100));
        let fault = token.sign("ca", WAY, b"m", within(5)).unwrap_err();
        assert!(matches!(fault, TokenError::Away { .. }), "{fault:?}");
        std::thread::sleep(Duration::from_millis(1000));
        assert!(matches!(token.health(), Health::Unusable { .. }));
        let fault = token.public_key("other", within(5)).unwrap_err();
        assert!(
            matches!(fault, TokenError::Away { .. }),
            "absence is no missing key: {fault:?}"
        );
        hsm.bring_back();
        until_signed(&token);
    }
    assert_eq!(token.worker_pid(), pid, "healed inside the worker");
}

#[test]
fn an_idle_token_that_goes_is_noticed_before_a_call_meets_it() {
    let hsm = SoftHsm::new();
    let token = hsm.open();
    hsm.take_away();
    let gone = Instant::now();
    while token.health().is_usable() {
        assert!(gone.elapsed() < Duration::from_secs(2));
        std::thread::sleep(Duration::from_millis(10));
    }
    hsm.bring_back();
    assert!(token.wait_usable(Duration::from_secs(5)).is_usable());
}

#[test]
fn a_token_that_stays_away_gets_a_new_worker_and_heals() {
    let hsm = SoftHsm::new();
    let token = hsm.open();
    contract::make(&token, "ca", KeyAlgorithm::P256);
    let pid = token.worker_pid();
    hsm.take_away();
    std::thread::sleep(Duration::from_secs(13));
    hsm.bring_back();
    until_signed(&token);
    assert_ne!(token.worker_pid(), pid, "the last rung is a new process");
}

#[test]
fn a_server_starts_while_its_token_is_away() {
    let hsm = SoftHsm::new();
    let setup = hsm.open();
    contract::make(&setup, "ca", KeyAlgorithm::P256);
    drop(setup);
    hsm.take_away();
    let begun = Instant::now();
    let token = Token::open(hsm.config(""));
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "open returns at once"
    );
    let begun = Instant::now();
    let fault = token.sign("ca", WAY, b"m", within(5)).unwrap_err();
    assert!(matches!(fault, TokenError::Away { .. }), "{fault:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    hsm.bring_back();
    until_signed(&token);
}

#[test]
fn a_hung_worker_is_replaced_at_the_deadline() {
    let hsm = SoftHsm::new();
    let token = hsm.open();
    contract::make(&token, "ca", KeyAlgorithm::P256);
    let pid = token.worker_pid().unwrap();
    stop(pid);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        // Callers with more time are told as soon as the worker is given up.
        for _ in 0..4 {
            scope.spawn(|| {
                let fault = token.sign("ca", WAY, b"m", within(30)).unwrap_err();
                assert!(matches!(fault, TokenError::Unknown { .. }), "{fault:?}");
                assert!(begun.elapsed() < Duration::from_secs(4));
            });
        }
        let fault = token.sign("ca", WAY, b"m", within(1)).unwrap_err();
        assert!(matches!(fault, TokenError::Unknown { .. }), "{fault:?}");
        assert!(
            (900..2500).contains(&begun.elapsed().as_millis()),
            "{:?}",
            begun.elapsed()
        );
    });
    until_signed(&token);
    assert_ne!(token.worker_pid().unwrap(), pid);
    assert!(
        !std::path::Path::new(&format!("/proc/{pid}")).exists(),
        "no zombie"
    );
}

#[test]
fn a_worker_that_hangs_unasked_is_replaced_too() {
    let hsm = SoftHsm::new();
    let token = Token::open(hsm.config("call_timeout_ms = 500"));
    assert!(token.wait_usable(Duration::from_secs(10)).is_usable());
    let pid = token.worker_pid().unwrap();
    stop(pid);
    let begun = Instant::now();
    while token.worker_pid() == Some(pid) {
        assert!(begun.elapsed() < Duration::from_secs(6));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(token.wait_usable(Duration::from_secs(5)).is_usable());
}

#[test]
fn a_worker_that_crashes_under_load_costs_only_the_calls_with_it() {
    let hsm = SoftHsm::new();
    let token = hsm.open();
    let key = contract::make(&token, "ca", KeyAlgorithm::P256);
    let lost = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (token, key, lost) = (&token, &key, &lost);
            scope.spawn(move || {
                for round in 0..300 {
                    let message = format!("{thread} {round}");
                    let signature = loop {
                        match token.sign("ca", WAY, message.as_bytes(), within(10)) {
                            Ok(signature) => break signature,
                            Err(TokenError::Unknown { .. }) => {
                                lost.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            }
                            Err(fault) => panic!("{fault}"),
                        }
                    };
                    key.verify(WAY, message.as_bytes(), &signature).unwrap();
                }
            });
        }
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(100));
            if let Some(pid) = token.worker_pid() {
                signal(pid, "-KILL");
            }
        }
    });
    let lost = lost.into_inner();
    assert!(
        lost <= 6 * 4,
        "{lost} calls lost in three crashes of six threads"
    );
}

#[test]
fn many_processes_start_on_one_token_at_once() {
    let hsm = SoftHsm::new();
    let setup = hsm.open();
    contract::make(&setup, "ca", KeyAlgorithm::P256);
    drop(setup);
    for round in 0..4 {
        let tokens: Vec<_> = (0..8).map(|_| Token::open(hsm.config(""))).collect();
        for (number, token) in tokens.iter().enumerate() {
            let health = token.wait_usable(Duration::from_secs(20));
            assert!(
                health.is_usable(),
                "round {round}, process {number}: {health:?}"
            );
            token.sign("ca", WAY, b"m", within(5)).unwrap();
        }
    }
}

/// A worker that notes each of its starts.
fn counting_worker(hsm: &SoftHsm) -> (String, impl Fn() -> usize + use<>) {
    let script = hsm.dir().join("worker.sh");
    let starts = hsm.dir().join("starts");
    let worker = env!("CARGO_BIN_EXE_hsm");
    let text = format!(
        "#!/bin/sh\necho start >> {}\nexec {worker} \"$@\"\n",
        starts.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let count = move || {
        std::fs::read_to_string(&starts)
            .unwrap_or_default()
            .lines()
            .count()
    };
    ("worker = 'worker.sh'".into(), count)
}

#[test]
fn a_wrong_pin_is_tried_once_and_a_corrected_file_heals() {
    let hsm = SoftHsm::new();
    let setup = hsm.open();
    contract::make(&setup, "ca", KeyAlgorithm::P256);
    drop(setup);
    std::fs::write(hsm.dir().join("pin"), "wrong\n").unwrap();
    let (worker, starts) = counting_worker(&hsm);
    let token = Token::open(hsm.config(&worker));
    let begun = Instant::now();
    for _ in 0..20 {
        let fault = token.sign("ca", WAY, b"m", within(5)).unwrap_err();
        assert_eq!(fault, TokenError::Refused(Refusal::WrongPin));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(begun.elapsed() > Duration::from_secs(1));
    assert_eq!(starts(), 1, "the PIN was tried once");
    let Health::Unusable {
        refusal, reason, ..
    } = token.health()
    else {
        panic!("usable with a wrong PIN");
    };
    assert_eq!(refusal, Some(Refusal::WrongPin));
    assert!(!reason.contains("wrong\n") && !reason.contains("1234"));
    std::fs::write(hsm.dir().join("pin"), "1234\n").unwrap();
    assert!(token.wait_usable(Duration::from_secs(5)).is_usable());
    assert_eq!(starts(), 2);
    token.sign("ca", WAY, b"m", within(5)).unwrap();
}

#[test]
fn the_pin_is_neither_in_the_workers_arguments_nor_in_its_environment() {
    let hsm = SoftHsm::new();
    let pin = "4711-pin-in-env";
    // The worker notes what it was given, then works.
    let script = hsm.dir().join("worker.sh");
    let text = format!(
        "#!/bin/sh\n{{ env; echo \"$@\"; }} > {}\nexec {} \"$@\"\n",
        hsm.dir().join("given").display(),
        env!("CARGO_BIN_EXE_hsm")
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    // A child of ours that has the PIN in its environment opens the token by pin_env.
    let config = format!(
        "[token]\nmodule = '{}'\nlabel = 'test'\npin_env = 'TEST_PIN'\nworker = 'worker.sh'\n\
         environment = {{ SOFTHSM2_CONF = 'softhsm2.conf' }}\n",
        "/usr/lib/softhsm/libsofthsm2.so"
    );
    std::fs::write(hsm.dir().join("hsm.toml"), config).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_hsm"))
        .args(["keys", "--config"])
        .arg(hsm.dir().join("hsm.toml"))
        .env("TEST_PIN", pin)
        .output()
        .unwrap();
    let given = std::fs::read_to_string(hsm.dir().join("given")).unwrap();
    assert!(given.contains("SOFTHSM2_CONF="));
    assert!(!given.contains(pin) && !given.contains("TEST_PIN"));
    let said = String::from_utf8_lossy(&ran.stderr) + String::from_utf8_lossy(&ran.stdout);
    assert!(!said.contains(pin), "{said}");
    assert_eq!(ran.status.code(), Some(1), "that PIN is wrong: {said}");
}

#[test]
fn the_worker_ends_with_its_program() {
    let hsm = SoftHsm::new();
    let token = hsm.open();
    let pid = token.worker_pid().unwrap();
    let clone = token.clone();
    drop(token);
    assert!(clone.health().is_usable(), "a clone keeps it open");
    drop(clone);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_missing_module_or_worker_is_away_with_the_reason() {
    let hsm = SoftHsm::new();
    let spec = format!(
        "module = '/nowhere/module.so'\nlabel = 'test'\npin_file = 'pin'\nworker = '{}'",
        env!("CARGO_BIN_EXE_hsm")
    );
    let spec: hsm_config::TokenSpec = toml::from_str(&spec).unwrap();
    let token = Token::open(spec.check(hsm.dir()).unwrap());
    let TokenError::Away { reason, .. } = token.keys(within(5)).unwrap_err() else {
        panic!("not away");
    };
    assert!(reason.contains("/nowhere/module.so"), "{reason}");
}

#[test]
fn the_worker_started_by_hand_says_what_it_is_for() {
    let ran = Command::new(env!("CARGO_BIN_EXE_hsm"))
        .arg("worker")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(!ran.status.success());
    assert!(String::from_utf8_lossy(&ran.stderr).contains("started by other programs"));
}

#[test]
fn a_key_replaced_by_another_program_never_gives_a_signature_of_the_wrong_key() {
    let hsm = SoftHsm::new();
    let (token, other) = (hsm.open(), hsm.open());
    let old = contract::make(&token, "ca", KeyAlgorithm::P256);
    token.sign("ca", WAY, b"m", within(5)).unwrap();
    other.destroy("ca", KeyClass::Private, within(5)).unwrap();
    other.destroy("ca", KeyClass::Public, within(5)).unwrap();
    let new = contract::make(&other, "ca", KeyAlgorithm::P256);
    let begun = Instant::now();
    loop {
        match token.sign("ca", WAY, b"m", within(5)) {
            Ok(signature) => {
                // The public key that callers are told belongs to the signature.
                let spki = token.public_key("ca", within(5)).unwrap();
                let key = if spki == new.spki_der() { &new } else { &old };
                key.verify(WAY, b"m", &signature).unwrap();
                if spki == new.spki_der() {
                    break;
                }
            }
            Err(fault) => assert!(fault.may_retry(), "{fault}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn of_several_tokens_the_first_usable_one_signs() {
    let (first, second) = (SoftHsm::new(), SoftHsm::new());
    let set = TokenSet::new(first.open(), [second.open()]);
    let keys: Vec<_> = set
        .tokens()
        .iter()
        .map(|token| contract::make(token, "ca", KeyAlgorithm::P256))
        .collect();
    let by = |number: usize| {
        let signature = set.sign("ca", WAY, b"m", within(5)).unwrap();
        keys[number].verify(WAY, b"m", &signature).unwrap();
    };
    by(0);
    first.take_away();
    std::thread::sleep(Duration::from_millis(100));
    by(1);
    first.bring_back();
    until_signed(&set.tokens()[0]);
    by(0);
    first.take_away();
    second.take_away();
    std::thread::sleep(Duration::from_millis(100));
    let fault = set.sign("ca", WAY, b"m", within(5)).unwrap_err();
    assert!(matches!(fault, TokenError::Away { .. }), "{fault}");
}

#[test]
fn a_worker_outlives_the_signals_that_stop_its_program() {
    let hsm = SoftHsm::new();
    let token = hsm.open();
    contract::make(&token, "ca", KeyAlgorithm::P256);
    let pid = token.worker_pid().unwrap();
    for name in ["-TERM", "-INT", "-HUP"] {
        signal(pid, name);
    }
    std::thread::sleep(Duration::from_millis(100));
    token.sign("ca", WAY, b"m", within(5)).unwrap();
    assert_eq!(token.worker_pid(), Some(pid));
}

/// The directory of the token of that label.
fn token_folders(hsm: &SoftHsm) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(hsm.dir().join("tokens"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn another_tokens_trouble_does_not_hide_ours() {
    let hsm = SoftHsm::new();
    let ours = token_folders(&hsm);
    let pin = |text: &str| Pin::parse(text.into()).unwrap();
    let text = format!(
        "module = '/usr/lib/softhsm/libsofthsm2.so'\nlabel = 'second'\npin_file = 'pin'\n\
         environment = {{ SOFTHSM2_CONF = 'softhsm2.conf' }}\nworker = '{}'",
        env!("CARGO_BIN_EXE_hsm")
    );
    let second: hsm_config::TokenSpec = toml::from_str(&text).unwrap();
    let second = second.check(hsm.dir()).unwrap();
    initialise(&second, &pin("so-pin-5678"), &pin("1234")).unwrap();
    for folder in token_folders(&hsm) {
        if !ours.contains(&folder) {
            std::fs::write(folder.join("token.object"), b"rubbish").unwrap();
        }
    }
    let token = hsm.open();
    contract::make(&token, "ca", KeyAlgorithm::P256);
    token.sign("ca", WAY, b"m", within(5)).unwrap();
}

#[test]
fn of_two_tokens_with_one_name_none_is_taken() {
    let hsm = SoftHsm::new();
    let ours = token_folders(&hsm);
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "test"])
        .args(["--pin", "1234", "--so-pin", "5678"])
        .env("SOFTHSM2_CONF", hsm.dir().join("softhsm2.conf"))
        .output()
        .unwrap();
    assert!(made.status.success());
    let token = Token::open(hsm.config(""));
    let TokenError::Away { reason, .. } = token.keys(within(5)).unwrap_err() else {
        panic!("took one of them");
    };
    assert!(reason.contains("more than one"), "{reason}");
    for folder in token_folders(&hsm) {
        if !ours.contains(&folder) {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
    assert!(token.wait_usable(Duration::from_secs(5)).is_usable());
}

#[test]
fn a_module_that_aborts_takes_only_its_worker_along() {
    let hsm = SoftHsm::new();
    // SoftHSM stops by an assertion when two tokens have one serial number.
    let folder = token_folders(&hsm).remove(0);
    let copy = folder.with_file_name("00000000-0000-0000-0000-000000000000");
    let copied = Command::new("cp")
        .arg("-r")
        .args([&folder, &copy])
        .status()
        .unwrap();
    assert!(copied.success());
    let token = Token::open(hsm.config(""));
    let TokenError::Away { reason, .. } = token.keys(within(5)).unwrap_err() else {
        panic!("answered by a module that aborts");
    };
    assert!(reason.contains("the worker ended"), "{reason}");
    std::fs::remove_dir_all(copy).unwrap();
    assert!(token.wait_usable(Duration::from_secs(5)).is_usable());
}

#[test]
fn a_program_of_another_version_gets_no_worker() {
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut worker = Command::new(env!("CARGO_BIN_EXE_hsm"))
        .arg("worker")
        .stdin(OwnedFd::from(theirs))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // length 5, greeting of protocol 99, one octet
    ours.write_all(&[5, 0, 0, 0, 99, 0, 0, 0, 0]).unwrap();
    let mut said = String::new();
    worker
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(!worker.wait().unwrap().success());
    assert!(said.contains("install both together"), "{said}");
}
