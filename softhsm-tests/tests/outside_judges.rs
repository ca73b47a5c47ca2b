//! Programs that were not written here judge what the whole hands out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use softhsm_tests::judges::{self, Finding, OpenSc, Pkilint};
use softhsm_tests::scene::Scene;
use xtask::judge::Judge;
use xtask::stack::layout::Database;
use xtask::stack::pcscd::COUNTER_READER;
use xtask::stack::{ISSUER, MUNICIPALITY, Settings};
use xtask::window::{SOUMU_TARO, wait};

/// Findings of pkilint that stand, each with the decision record that explains it.
const EXPLAINED: &[(&str, &str)] = &[];

/// Everything that is handed out, collected over one walk and a revocation.
struct Handed {
    scene: Scene,
    dir: PathBuf,
    judge: Judge,
}

impl Handed {
    fn collect() -> Self {
        let scene = Scene::open("judges", Database::Sqlite, Settings::default()).unwrap();
        let dir = scene.stack().scratch("files").unwrap();
        let judge = Judge::new(&dir, &scene.stack().scratch("judge").unwrap()).unwrap();
        let handed = Self { scene, dir, judge };
        let card = handed.scene.stack().resident_card(0);
        let id = handed.scene.written(&SOUMU_TARO, &card).unwrap();
        let window = &handed.scene.window;
        handed.keep("subscriber.cer", &window.certificate(&id).unwrap());
        handed.keep("message.bin", "届出書".as_bytes());
        let signature = window
            .sign(&id, SOUMU_TARO.password, "届出書".as_bytes())
            .unwrap();
        handed.keep("message.sig", &signature);
        handed.fetch(&format!("/certs/{ISSUER}.cer"), "ca.cer");
        handed.fetch_crls("-before");
        handed
            .judge
            .ask_ocsp(&handed.ocsp(), "subscriber.cer", "ocsp-good.der", "good")
            .unwrap();
        handed.opensc_uses_the_card();
        window.revoke(&id, "article9").unwrap();
        handed
            .judge
            .ask_ocsp(
                &handed.ocsp(),
                "subscriber.cer",
                "ocsp-revoked.der",
                "revoked",
            )
            .unwrap();
        wait(
            "the CRL that lists the certificate",
            Duration::from_secs(60),
            || {
                handed.fetch_crls("");
                let listed = handed
                    .judge
                    .revoked_by_crl("subscriber.cer", "full.crl", false)
                    .is_ok()
                    && handed
                        .judge
                        .revoked_by_crl("subscriber.cer", "partition.crl", true)
                        .is_ok();
                Ok(listed.then_some(()))
            },
        )
        .unwrap();
        handed
    }

    fn ocsp(&self) -> String {
        format!("{}/ocsp/{ISSUER}", self.scene.stack().public().base())
    }

    fn keep(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn fetch(&self, from: &str, name: &str) {
        let bytes = self.scene.stack().public().get(from).unwrap().ok().unwrap();
        self.keep(name, &bytes);
    }

    fn fetch_crls(&self, which: &str) {
        self.fetch(&format!("/crl/{ISSUER}.crl"), &format!("full{which}.crl"));
        self.fetch(
            &format!("/crl/{ISSUER}/{MUNICIPALITY}.crl"),
            &format!("partition{which}.crl"),
        );
    }

    /// OpenSC lists the card, reads the certificate, and signs with the key.
    fn opensc_uses_the_card(&self) {
        let service = self.scene.stack().card_service();
        let opensc = OpenSc::at(service.socket(), &format!("{COUNTER_READER} 00 00"));
        let listed = opensc.pkcs15(&["--dump"]).unwrap();
        assert!(listed.contains("JPKI"), "{listed}");
        assert!(listed.contains("Digital Signature"), "{listed}");
        let (_, objects) = opensc.pkcs11(&["--list-slots"]).unwrap();
        let slot = judges::slot_of(&objects, "Digital Signature PIN").unwrap();
        let slot = ["--slot-index", slot.as_str()];

        let pem = self.path("opensc.pem");
        let signing = ["--login", "--pin", SOUMU_TARO.password];
        let (ok, said) = opensc
            .pkcs11(&[&slot[..], &signing, &["--list-objects"]].concat())
            .unwrap();
        assert!(
            ok && said.contains("Private Key Object") && said.contains("Certificate Object"),
            "{said}"
        );
        let read = [
            &slot[..],
            &signing,
            &[
                "--read-object",
                "--type",
                "cert",
                "--id",
                "02",
                "--output-file",
                pem.to_str().unwrap(),
            ],
        ]
        .concat();
        let (ok, said) = opensc.pkcs11(&read).unwrap();
        assert!(ok, "{said}");
        assert_eq!(
            fs::read(&pem).unwrap(),
            fs::read(self.path("subscriber.cer")).unwrap(),
            "OpenSC reads another certificate"
        );

        let (message, signature) = (self.path("message.bin"), self.path("opensc.sig"));
        opensc
            .sign(SOUMU_TARO.password, &message, &signature)
            .unwrap();
        self.judge
            .signature("subscriber.cer", "message.bin", "opensc.sig")
            .unwrap();
    }
}

#[test]
fn openssl_gnutls_pkilint_and_opensc_agree_with_what_is_handed_out() {
    let handed = Handed::collect();
    let judge = &handed.judge;

    // OpenSSL, before and after the revocation.
    judge
        .good_by_crl("subscriber.cer", "full-before.crl", false)
        .unwrap();
    judge
        .good_by_crl("subscriber.cer", "partition-before.crl", true)
        .unwrap();
    judge
        .revoked_by_crl("subscriber.cer", "full.crl", false)
        .unwrap();
    judge
        .revoked_by_crl("subscriber.cer", "partition.crl", true)
        .unwrap();
    judge
        .kept_ocsp("ocsp-good.der", "subscriber.cer", "good")
        .unwrap();
    judge
        .kept_ocsp("ocsp-revoked.der", "subscriber.cer", "revoked")
        .unwrap();
    judge
        .signature("subscriber.cer", "message.bin", "message.sig")
        .unwrap();
    // The judge can say no: another message, the other answer.
    fs::write(handed.path("other.bin"), "別の届出書").unwrap();
    judge
        .signature("subscriber.cer", "other.bin", "message.sig")
        .unwrap_err();
    judge
        .kept_ocsp("ocsp-revoked.der", "subscriber.cer", "good")
        .unwrap_err();

    gnutls_reads_everything(&handed);
    pkilint_finds_nothing_unexplained(&handed);
    handed.scene.close().unwrap();
}

fn gnutls_reads_everything(handed: &Handed) {
    let serial = handed.judge.serial("subscriber.cer").unwrap();
    for certificate in ["ca.cer", "subscriber.cer"] {
        let said = judges::certtool("--certificate-info", &handed.path(certificate)).unwrap();
        assert!(said.contains("X.509 Certificate Information"), "{said}");
    }
    for (crl, entries) in [
        ("full-before.crl", false),
        ("partition-before.crl", false),
        ("full.crl", true),
        ("partition.crl", true),
    ] {
        let said = judges::certtool("--crl-info", &handed.path(crl)).unwrap();
        assert_eq!(
            said.to_lowercase().contains(&serial),
            entries,
            "{crl}: {said}"
        );
    }
    for (answer, status) in [("ocsp-good.der", "good"), ("ocsp-revoked.der", "revoked")] {
        let said = judges::ocsptool(&handed.path(answer)).unwrap();
        assert!(
            said.contains(&format!("Certificate Status: {status}")),
            "{said}"
        );
    }
    chain_holds(handed);
}

/// `certtool --verify` with the CA as trust and its CRL.
fn chain_holds(handed: &Handed) {
    let pem = |kind: &str, name: &str| {
        let mut command = Command::new("openssl");
        command
            .args([kind, "-inform", "DER", "-in"])
            .arg(handed.path(name));
        String::from_utf8(xtask::process::run(&mut command).unwrap()).unwrap()
    };
    let chain = handed.path("chain.pem");
    fs::write(&chain, pem("x509", "subscriber.cer")).unwrap();
    let trust = handed.path("trust.pem");
    fs::write(&trust, pem("x509", "ca.cer")).unwrap();
    for (crl, good) in [("full-before.crl", true), ("full.crl", false)] {
        let list = handed.path("list.pem");
        fs::write(&list, pem("crl", crl)).unwrap();
        let verified = verify_with_gnutls(&chain, &trust, &list);
        assert_eq!(verified.0, good, "{crl}: {}", verified.1);
    }
}

fn verify_with_gnutls(chain: &Path, trust: &Path, list: &Path) -> (bool, String) {
    let mut command = Command::new("certtool");
    command
        .arg("--verify")
        .arg("--infile")
        .arg(chain)
        .arg("--load-ca-certificate")
        .arg(trust)
        .arg("--load-crl")
        .arg(list);
    let output = xtask::process::output(&mut command).unwrap();
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

fn pkilint_finds_nothing_unexplained(handed: &Handed) {
    let pkilint = Pkilint::ready().unwrap();
    let mut findings: Vec<Finding> = Vec::new();
    for certificate in ["ca.cer", "subscriber.cer"] {
        findings.extend(pkilint.certificate(&handed.path(certificate)).unwrap());
    }
    for crl in [
        "full-before.crl",
        "partition-before.crl",
        "full.crl",
        "partition.crl",
    ] {
        findings.extend(pkilint.crl(&handed.path(crl)).unwrap());
    }
    for answer in ["ocsp-good.der", "ocsp-revoked.der"] {
        findings.extend(pkilint.ocsp(&handed.path(answer)).unwrap());
    }
    // The judge can say no: a CA's certificate without a key usage.
    let unfit = handed.path("unfit.pem");
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=unfit",
        "-keyout",
        "/dev/null",
        "-out",
    ]);
    xtask::process::run(command.arg(&unfit)).unwrap();
    assert!(!pkilint.certificate(&unfit).unwrap().is_empty());
    for (_, record) in EXPLAINED {
        let path = xtask::workspace::root().join("docs/adr").join(record);
        assert!(path.is_file(), "the decision record {record} is not there");
    }
    findings.retain(|finding| !EXPLAINED.iter().any(|(code, _)| finding.code == *code));
    assert!(findings.is_empty(), "{findings:#?}");
}
