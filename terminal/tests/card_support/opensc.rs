//! OpenSC's own tools as judges of the card in a reader.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::PASSWORD;
use super::judge::{Scratch, must, openssl, run, text};

/// OpenSC's tools against one reader.
struct OpenSc<'a> {
    socket: &'a Path,
    reader: &'a str,
}

impl OpenSc<'_> {
    fn command(&self, tool: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(tool);
        command
            .env("PCSCLITE_CSOCK_NAME", self.socket)
            .arg("--reader")
            .arg(self.reader)
            .args(arguments);
        command
    }

    fn pkcs11(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("pkcs11-tool");
        command
            .env("PCSCLITE_CSOCK_NAME", self.socket)
            .args(["--module", "opensc-pkcs11.so"])
            .args(arguments);
        command
    }
}

/// The driver binds, also to a blank card and to one whose password is blocked.
pub fn knows(socket: &Path, reader: &str) {
    let opensc = OpenSc { socket, reader };
    assert_eq!(
        must(&mut opensc.command("opensc-tool", &["-n"])).trim(),
        "jpki"
    );
    let pins = must(&mut opensc.command("pkcs15-tool", &["--list-pins"]));
    assert!(pins.contains("Tries left     : 0"), "{pins}");
}

/// The driver lists the card, reads its certificate and signs with it.
pub fn accepts(scratch: &Scratch, socket: &Path, reader: &str, certificate: &[u8]) {
    let opensc = OpenSc { socket, reader };
    let password = std::str::from_utf8(PASSWORD).expect("ASCII");
    let file = |name: &str| scratch.path().join(name);

    let name = must(&mut opensc.command("opensc-tool", &["-n"]));
    assert_eq!(name.trim(), "jpki");

    let dump = must(&mut opensc.command("pkcs15-tool", &["-D"]));
    for part in [
        "PIN [Digital Signature PIN]",
        "Private RSA Key [Digital Signature Key]",
        "X.509 Certificate [Digital Signature Certificate]",
    ] {
        assert!(dump.contains(part), "{part} is missing:\n{dump}");
    }
    let pins = must(&mut opensc.command("pkcs15-tool", &["--list-pins"]));
    assert!(pins.contains("Tries left     : 5"), "{pins}");

    let read = must(&mut opensc.command(
        "pkcs15-tool",
        &[
            "--read-certificate",
            "2",
            "--verify-pin",
            "--auth-id",
            "2",
            "--pin",
            password,
            "-o",
            text(&file("read.pem")),
        ],
    ));
    openssl(&[
        "x509",
        "-in",
        text(&file("read.pem")),
        "-outform",
        "DER",
        "-out",
        text(&file("read.der")),
    ]);
    assert_eq!(
        fs::read(file("read.der")).expect("written"),
        certificate,
        "{read}"
    );

    openssl(&[
        "x509",
        "-in",
        text(&file("read.pem")),
        "-pubkey",
        "-noout",
        "-out",
        text(&file("public.pem")),
    ]);
    let message = scratch.file("message", "電子申請".as_bytes());
    let slots = must(&mut opensc.pkcs11(&["--list-slots"]));
    assert!(slots.contains("Digital Signature PIN"), "{slots}");
    let sign = |pin: &str| {
        opensc.pkcs11(&[
            "--token-label",
            "JPKI (Digital Signature PIN)",
            "--login",
            "--pin",
            pin,
            "--sign",
            "--id",
            "02",
            "-m",
            "SHA256-RSA-PKCS",
            "-i",
            text(&message),
            "-o",
            text(&file("signature")),
        ])
    };
    for _ in 0..3 {
        must(&mut sign(password));
        openssl(&[
            "dgst",
            "-sha256",
            "-verify",
            text(&file("public.pem")),
            "-signature",
            text(&file("signature")),
            text(&message),
        ]);
    }
    let (success, said) = run(&mut sign("WRONG999"));
    assert!(!success && said.contains("CKR_PIN_INCORRECT"), "{said}");
    let pins = must(&mut opensc.command("pkcs15-tool", &["--list-pins"]));
    assert!(pins.contains("Tries left     : 4"), "{pins}");

    let digest = scratch.file(
        "digest",
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, "電子申請".as_bytes()).as_ref(),
    );
    must(&mut opensc.command(
        "pkcs15-crypt",
        &[
            "-s",
            "-k",
            "2",
            "-p",
            password,
            "--sha-256",
            "--pkcs1",
            "-R",
            "-i",
            text(&digest),
            "-o",
            text(&file("crypt.sig")),
        ],
    ));
    openssl(&[
        "dgst",
        "-sha256",
        "-verify",
        text(&file("public.pem")),
        "-signature",
        text(&file("crypt.sig")),
        text(&message),
    ]);
}
