//! PEM (RFC 7468), for the files that people handle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Label of a certificate.
pub const CERTIFICATE: &str = "CERTIFICATE";
/// Label of a PKCS#10 request.
pub const REQUEST: &str = "CERTIFICATE REQUEST";
/// Label of an unencrypted PKCS#8 key.
pub const PRIVATE_KEY: &str = "PRIVATE KEY";

/// Why text is not the PEM block that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemFault {
    /// No block with that label.
    #[error("no `{0}` block")]
    Missing(&'static str),
    /// More than one block with that label.
    #[error("more than one `{0}` block")]
    Several(&'static str),
    /// The block's content is not base64.
    #[error("the block is not base64")]
    Base64,
}

/// `der` as a PEM block with lines of 64 characters.
pub fn encode(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

/// The one block with that label in `text`. Text around it is ignored.
pub fn decode(label: &'static str, text: &str) -> Result<Vec<u8>, PemFault> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let (_, after) = text.split_once(&begin).ok_or(PemFault::Missing(label))?;
    let (body, rest) = after.split_once(&end).ok_or(PemFault::Missing(label))?;
    if rest.contains(&begin) {
        return Err(PemFault::Several(label));
    }
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| PemFault::Base64)
}

/// A file's certificate or request, whether it is PEM or DER.
pub fn decode_or_der(label: &'static str, file: &[u8]) -> Result<Vec<u8>, PemFault> {
    match std::str::from_utf8(file) {
        Ok(text) if text.contains("-----BEGIN ") => decode(label, text),
        _ => Ok(file.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_and_another_label_does_not() {
        let der: Vec<u8> = (0..200).map(|n| n as u8).collect();
        let pem = encode(CERTIFICATE, &der);
        assert!(pem.lines().all(|line| line.len() <= 64));
        assert_eq!(decode(CERTIFICATE, &pem), Ok(der.clone()));
        assert_eq!(decode(REQUEST, &pem), Err(PemFault::Missing(REQUEST)));
        let twice = format!("{pem}{pem}");
        assert_eq!(
            decode(CERTIFICATE, &twice),
            Err(PemFault::Several(CERTIFICATE))
        );
        assert_eq!(decode_or_der(CERTIFICATE, &der), Ok(der));
    }
}
