//! The second CA of a prefecture, for certificates for signing in (利用者証明用電子証明書): what ceremony and
//! configurations have for it. Whether a directory has it was decided when its ceremony was held.

use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::{Settings, authority};
use crate::text;

/// Segment in addresses, label of its key, and name in `ca.toml`.
pub const ISSUER: &str = "auth";

/// Label of the first key of its OCSP responder.
pub const RESPONDER: &str = "ocsp-auth";

/// DER of the CA's certificate, where the ceremony made one.
pub fn certificate(layout: &Layout) -> Option<PathBuf> {
    let path = layout.path(&format!("ceremony/ca/{ISSUER}.cer"));
    path.exists().then_some(path)
}

/// Its key and certificate in the ceremony of the CA room.
pub fn ceremony(settings: &Settings) -> String {
    format!(
        "\n[[key]]\nlabel = \"{ISSUER}\"\nalgorithm = \"{}\"\n\n\
         [[certificate]]\nkey = \"{ISSUER}\"\nprofile = \"../profiles/signing-ca{}.toml\"\n\
         subject = [\"C=JP\", \"O=JPKI-TEST\", \"OU=JPKI for user authentication\", \"OU=Governor of Tokyo-to\"]\n\
         alternative-name = [\"C=JP\", \"O=公的個人認証サービス試験\", \"OU=公的個人認証サービス利用者証明用\", \"OU=東京都知事\"]\n\
         segment = \"{ISSUER}\"\nout = \"{ISSUER}.cer\"\n",
        settings.issuer_key,
        authority::marked(settings),
    )
}

/// Its table in `ca.toml`.
pub fn issue(certificate: &Path, profiles: &Path, settings: &Settings) -> String {
    let profile = profiles.join(format!("{}.toml", profile(settings)));
    format!(
        "\n[user_authentication]\nname = \"{ISSUER}\"\ncertificate = {}\nkey = \"{ISSUER}\"\nprofile = {}\n",
        quote(certificate),
        quote(&profile),
    )
}

/// Its table in `status.toml`; `key` is the label of the responder's newest key.
pub fn status(certificate: &Path, key: &str) -> String {
    format!(
        "\n[[issuer]]\nname = \"{ISSUER}\"\ncertificate = {}\n\n[issuer.ocsp]\nkey = \"{key}\"\n\
         certificate = \"{RESPONDER}.cer\"\n",
        quote(certificate)
    )
}

/// Its table in `ra.toml`.
pub fn reception(settings: &Settings) -> String {
    format!(
        "\n[user_authentication]\nprofile = \"{}\"\nissuer = \"../ceremony/ca/{ISSUER}.cer\"\n",
        profile(settings)
    )
}

fn profile(settings: &Settings) -> String {
    format!("user-authentication{}", authority::marked(settings))
}

fn quote(path: &Path) -> String {
    text::toml(&path.to_string_lossy())
}
