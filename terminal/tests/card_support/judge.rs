//! Judges that are not ours: openssl, and AWS-LC's verification.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};

/// A directory that goes with the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "card-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("temporary directory");
        Scratch(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("temporary file");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A failed test leaves its files for a look.
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Runs a program; its standard output and error together, and whether it succeeded.
pub fn run(command: &mut Command) -> (bool, String) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Runs a program that must succeed.
pub fn must(command: &mut Command) -> String {
    let (success, text) = run(command);
    assert!(success, "{command:?} failed:\n{text}");
    text
}

pub fn openssl(arguments: &[&str]) -> String {
    must(Command::new("openssl").args(arguments))
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8 path")
}

/// A self-signed certificate, DER, made by openssl.
pub fn self_signed(pkcs8: &[u8]) -> Vec<u8> {
    let scratch = Scratch::new();
    let key = scratch.file("key.der", pkcs8);
    let out = scratch.path().join("certificate.der");
    openssl(&[
        "req",
        "-x509",
        "-new",
        "-key",
        text(&key),
        "-keyform",
        "DER",
        "-subj",
        "/C=JP/O=Test/CN=Jitsuin Taro",
        "-days",
        "30",
        "-sha256",
        "-outform",
        "DER",
        "-out",
        text(&out),
    ]);
    fs::read(out).expect("openssl wrote it")
}

/// What openssl says about a PKCS#10 request; it must verify its signature.
pub fn request_text(request: &[u8]) -> String {
    let scratch = Scratch::new();
    let file = scratch.file("request.der", request);
    openssl(&[
        "req",
        "-in",
        text(&file),
        "-inform",
        "DER",
        "-verify",
        "-noout",
        "-text",
    ])
}

/// The public key of a request, DER, taken out by openssl.
pub fn request_public_key(request: &[u8]) -> Vec<u8> {
    let scratch = Scratch::new();
    let file = scratch.file("request.der", request);
    let pem = scratch.path().join("public.pem");
    let der = scratch.path().join("public.der");
    openssl(&[
        "req",
        "-in",
        text(&file),
        "-inform",
        "DER",
        "-pubkey",
        "-noout",
        "-out",
        text(&pem),
    ]);
    openssl(&[
        "pkey",
        "-pubin",
        "-in",
        text(&pem),
        "-outform",
        "DER",
        "-out",
        text(&der),
    ]);
    fs::read(der).expect("openssl wrote it")
}

fn verifies(
    algorithm: &'static RsaParameters,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, public_key)
        .verify(message, signature)
        .is_ok()
}

/// RSA PKCS#1 v1.5 with SHA-256.
pub fn pkcs1_verifies(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verifies(&RSA_PKCS1_2048_8192_SHA256, public_key, message, signature)
}

/// RSA PSS with SHA-256.
pub fn pss_verifies(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verifies(&RSA_PSS_2048_8192_SHA256, public_key, message, signature)
}

/// What openssl's raw RSA operation makes of a signature: the padded block without its `00 01 FF… 00`.
pub fn recovered(public_key: &[u8], signature: &[u8]) -> Vec<u8> {
    let scratch = Scratch::new();
    let key = scratch.file("public.der", public_key);
    let sig = scratch.file("signature", signature);
    let out = scratch.path().join("recovered");
    openssl(&[
        "pkeyutl",
        "-verifyrecover",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        text(&key),
        "-in",
        text(&sig),
        "-pkeyopt",
        "rsa_padding_mode:pkcs1",
        "-out",
        text(&out),
    ]);
    fs::read(out).expect("openssl wrote it")
}
