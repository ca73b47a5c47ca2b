//! `hsm` as officers use it: init, check, keys, ceremony; judged by OpenSSL and GnuTLS.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use hsm_config::contract::{self, SoftHsm};
use hsm_config::{KeyAlgorithm, KeyClass};

fn hsm(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hsm"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn judge(program: &str, arguments: &[&str], dir: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        said(&output)
    );
    said(&output)
}

/// Puts an example beside the token, with the test token's label.
fn example(hsm: &SoftHsm, name: &str) -> String {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let text = std::fs::read_to_string(specs.join(name)).unwrap();
    let (head, token) = text.split_once("[token]").unwrap();
    let token = token.replace("label = \"ca\"", "label = \"test\"");
    let token = token.replace("label = \"ocsp\"", "label = \"test\"");
    let text = format!("{head}[token]{token}");
    std::fs::write(hsm.dir().join(name), &text).unwrap();
    text
}

fn write_config(hsm: &SoftHsm, label: &str) {
    let text = format!(
        "[token]\nmodule = '/usr/lib/softhsm/libsofthsm2.so'\nlabel = '{label}'\npin_file = 'pin'\n\
         environment = {{ SOFTHSM2_CONF = 'softhsm2.conf' }}\n"
    );
    std::fs::write(hsm.dir().join("hsm.toml"), text).unwrap();
}

#[test]
fn the_demo_ceremony_makes_certificates_that_others_accept() {
    let token = SoftHsm::new();
    example(&token, "demo-ca.toml");
    let dir = token.dir();
    let plan = hsm(
        &["ceremony", "demo-ca.toml", "--out", "made", "--check"],
        dir,
    );
    assert!(plan.status.success() && said(&plan).contains("nothing was done"));
    assert!(!dir.join("made").exists());
    let held = hsm(&["ceremony", "demo-ca.toml", "--out", "made"], dir);
    assert!(held.status.success(), "{}", said(&held));

    for (name, key) in [("sign", "RSA"), ("infra", "id-ecPublicKey")] {
        let (der, pem) = (format!("made/{name}.cer"), format!("made/{name}.pem"));
        judge(
            "openssl",
            &["x509", "-inform", "DER", "-in", &der, "-out", &pem],
            dir,
        );
        let ok = judge(
            "openssl",
            &[
                "verify",
                "-x509_strict",
                "-check_ss_sig",
                "-CAfile",
                &pem,
                &pem,
            ],
            dir,
        );
        assert!(ok.contains("OK"), "{ok}");
        let text = judge("openssl", &["x509", "-in", &pem, "-noout", "-text"], dir);
        assert!(text.contains("CA:TRUE") && text.contains(key), "{text}");
        judge(
            "certtool",
            &["--verify", "--load-ca-certificate", &pem, "--infile", &pem],
            dir,
        );
        let digest = judge("sha256sum", &[&der], dir);
        assert!(
            said(&held).contains(&digest[..64]),
            "the record has the fingerprint"
        );
    }
    let record = std::fs::read_to_string(dir.join("made/ceremony-record.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["outcome"], "complete");
    assert_eq!(record["rehearsal"], true);
    assert_eq!(record["keys"].as_array().unwrap().len(), 4);
    assert_eq!(record["officers"][0]["confirmed"], serde_json::Value::Null);
    let reviewed = judge("sha256sum", &["demo-ca.toml"], dir);
    assert_eq!(record["spec_sha256"], reviewed[..64]);
    let module = judge("sha256sum", &["/usr/lib/softhsm/libsofthsm2.so"], dir);
    assert_eq!(record["module_sha256"], module[..64]);
    let text = std::fs::read_to_string(dir.join("made/ceremony-record.txt")).unwrap();
    assert!(
        text.contains("REHEARSAL") && text.contains("佐藤 花子"),
        "{text}"
    );

    // Again into the same folder, and into another one: nothing is overwritten.
    let again = hsm(&["ceremony", "demo-ca.toml", "--out", "made"], dir);
    assert!(
        !again.status.success() && said(&again).contains("overwrites nothing"),
        "{}",
        said(&again)
    );
    let elsewhere = hsm(&["ceremony", "demo-ca.toml", "--out", "other"], dir);
    assert!(
        !elsewhere.status.success() && said(&elsewhere).contains("exists already"),
        "{}",
        said(&elsewhere)
    );
    assert!(!dir.join("other/sign.cer").exists());
    let record = std::fs::read_to_string(dir.join("other/ceremony-record.txt")).unwrap();
    assert!(record.contains("INCOMPLETE"), "{record}");

    write_config(&token, "test");
    let check = hsm(&["check", "--config", "hsm.toml"], dir);
    assert!(
        check.status.success() && said(&check).contains("all is well"),
        "{}",
        said(&check)
    );
    assert!(
        said(&check).contains("signs with RsaPkcs1Sha256"),
        "{}",
        said(&check)
    );
    let keys = hsm(&["keys", "--config", "hsm.toml"], dir);
    for part in [
        "sign",
        "infra",
        "data",
        "RSA 2048",
        "EC P-256",
        "AES 256",
        "made here, stays here",
    ] {
        assert!(said(&keys).contains(part), "{part}: {}", said(&keys));
    }
}

#[test]
fn the_responders_request_proves_its_key() {
    let token = SoftHsm::new();
    example(&token, "demo-ocsp.toml");
    let held = hsm(
        &["ceremony", "demo-ocsp.toml", "--out", "made"],
        token.dir(),
    );
    assert!(held.status.success(), "{}", said(&held));
    let text = judge(
        "openssl",
        &[
            "req",
            "-in",
            "made/ocsp.csr",
            "-noout",
            "-verify",
            "-subject",
        ],
        token.dir(),
    );
    assert!(
        text.contains("OK") && text.contains("CN = ocsp-1"),
        "{text}"
    );
    judge(
        "certtool",
        &["--crq-info", "--infile", "made/ocsp.csr"],
        token.dir(),
    );
}

#[test]
fn without_its_officers_a_real_ceremony_is_not_held() {
    let token = SoftHsm::new();
    let text = example(&token, "demo-ocsp.toml").replace("rehearsal = true\n", "");
    std::fs::write(token.dir().join("real.toml"), text).unwrap();
    let held = hsm(&["ceremony", "real.toml", "--out", "made"], token.dir());
    assert!(
        !held.status.success() && said(&held).contains("confirm on a terminal"),
        "{}",
        said(&held)
    );
    assert!(!token.dir().join("made").exists());
    let open = token.open();
    assert_eq!(open.keys(open.deadline()).unwrap(), []);
}

/// Runs `hsm` on a terminal of its own and types the lines.
fn on_a_terminal(arguments: &str, typed: &str, dir: &Path) -> Output {
    use std::io::Write;
    let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_hsm"));
    let mut child = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    let (typed, typist) = (typed.to_owned(), std::thread::spawn);
    let typist = typist(move || {
        for line in typed.lines() {
            // People read the question first.
            std::thread::sleep(std::time::Duration::from_millis(700));
            if writeln!(keyboard, "{line}").is_err() {
                return;
            }
        }
        // The terminal hangs up when the keyboard is put away.
        std::thread::sleep(std::time::Duration::from_secs(3));
    });
    let output = child.wait_with_output().unwrap();
    typist.join().unwrap();
    output
}

#[test]
fn each_officer_confirms_the_reviewed_file() {
    let token = SoftHsm::new();
    let text = example(&token, "demo-ocsp.toml").replace("rehearsal = true\n", "");
    std::fs::write(token.dir().join("real.toml"), text).unwrap();
    let digest = judge("sha256sum", &["real.toml"], token.dir());
    let digest = &digest[..16];

    let typed = format!("{digest}\n0000000000000000\n");
    let refused = on_a_terminal("ceremony real.toml --out made", &typed, token.dir());
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("nothing was done"),
        "{}",
        said(&refused)
    );
    assert!(!token.dir().join("made").exists());

    let typed = format!("{digest}\n{digest}\n");
    let held = on_a_terminal("ceremony real.toml --out made", &typed, token.dir());
    assert!(held.status.success(), "{}", said(&held));
    let record = std::fs::read_to_string(token.dir().join("made/ceremony-record.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["rehearsal"], false);
    for officer in record["officers"].as_array().unwrap() {
        assert!(officer["confirmed"].is_string(), "{officer}");
    }
}

#[test]
fn the_pin_is_asked_for_on_the_terminal_and_not_shown() {
    let token = SoftHsm::new();
    write_config(&token, "test");
    let config = std::fs::read_to_string(token.dir().join("hsm.toml")).unwrap();
    let config = config.replace("pin_file = 'pin'\n", "");
    std::fs::write(token.dir().join("hsm.toml"), config).unwrap();
    let keys = on_a_terminal("keys --config hsm.toml", "1234\n", token.dir());
    let said = said(&keys);
    assert!(
        keys.status.success() && said.contains("User PIN:"),
        "{said}"
    );
    assert!(said.contains("no keys") && !said.contains("1234"), "{said}");
}

#[test]
fn a_ceremony_that_fails_half_way_says_how_far_it_came() {
    let token = SoftHsm::new();
    // The second certificate's name has an impossible attribute value for the lints.
    let text =
        example(&token, "demo-ca.toml").replace("segment = \"infra\"", "segment = \"in fra\"");
    std::fs::write(token.dir().join("half.toml"), text).unwrap();
    let held = hsm(&["ceremony", "half.toml", "--out", "made"], token.dir());
    assert!(!held.status.success(), "{}", said(&held));
    let made = token.dir().join("made");
    assert!(made.join("sign.cer").exists() && !made.join("infra.cer").exists());
    let record = std::fs::read_to_string(made.join("ceremony-record.txt")).unwrap();
    assert!(
        record.contains("INCOMPLETE") && record.contains("sign.cer"),
        "{record}"
    );
}

#[test]
fn init_makes_a_new_token_and_leaves_others_alone() {
    let token = SoftHsm::new();
    let open = token.open();
    contract::make(&open, "ca", KeyAlgorithm::P256);
    drop(open);
    std::fs::write(token.dir().join("so-pin"), "87654321\n").unwrap();
    write_config(&token, "second");
    let before = hsm(&["check", "--config", "hsm.toml"], token.dir());
    assert!(
        !before.status.success() && said(&before).contains("hsm init"),
        "{}",
        said(&before)
    );
    let made = hsm(
        &["init", "--config", "hsm.toml", "--so-pin-file", "so-pin"],
        token.dir(),
    );
    assert!(made.status.success(), "{}", said(&made));
    let after = hsm(&["check", "--config", "hsm.toml"], token.dir());
    assert!(
        after.status.success() && said(&after).contains("no keys"),
        "{}",
        said(&after)
    );
    let again = hsm(
        &["init", "--config", "hsm.toml", "--so-pin-file", "so-pin"],
        token.dir(),
    );
    assert!(
        !again.status.success() && said(&again).contains("exists already"),
        "{}",
        said(&again)
    );
    let open = token.open();
    let keys = open.keys(open.deadline()).unwrap();
    assert!(
        keys.iter()
            .any(|key| key.label == "ca" && key.class == KeyClass::Private)
    );
}

#[test]
fn check_finds_a_pin_file_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let token = SoftHsm::new();
    write_config(&token, "test");
    let pin = token.dir().join("pin");
    std::fs::set_permissions(&pin, std::fs::Permissions::from_mode(0o644)).unwrap();
    let check = hsm(&["check", "--config", "hsm.toml"], token.dir());
    assert_eq!(check.status.code(), Some(1));
    assert!(said(&check).contains("chmod 600"), "{}", said(&check));
    std::fs::set_permissions(&pin, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(
        hsm(&["check", "--config", "hsm.toml"], token.dir())
            .status
            .success()
    );
}

#[test]
fn check_says_what_to_do_about_a_wrong_pin() {
    let token = SoftHsm::new();
    write_config(&token, "test");
    std::fs::write(token.dir().join("pin"), "0000\n").unwrap();
    let check = hsm(&["check", "--config", "hsm.toml"], token.dir());
    assert_eq!(check.status.code(), Some(1));
    assert!(
        said(&check).contains("correct the PIN at its source"),
        "{}",
        said(&check)
    );
    std::fs::write(
        token.dir().join("hsm.toml"),
        "[token]\nmodule = 'm'\nlabel = 'x'\nslot = 0\n",
    )
    .unwrap();
    let check = hsm(&["check", "--config", "hsm.toml"], token.dir());
    assert!(
        said(&check).contains("line 4") && said(&check).contains("slot"),
        "{}",
        said(&check)
    );
}
