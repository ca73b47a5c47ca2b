//! The little DER that stands between PKCS#11 and X.509.

/// DigestInfo (RFC 8017 §9.2 note 1) for SHA-256 or SHA-384, by the digest's length.
pub(super) fn digest_info(digest: &[u8]) -> Vec<u8> {
    // SEQUENCE { SEQUENCE { OID 2.16.840.1.101.3.4.2.x, NULL }, OCTET STRING digest }
    let (sha, length) = match digest.len() {
        32 => (0x01, 0x20),
        _ => (0x02, 0x30),
    };
    let mut info = vec![
        0x30,
        0x11 + length,
        0x30,
        0x0d,
        0x06,
        0x09,
        0x60,
        0x86,
        0x48,
        0x01,
        0x65,
        0x03,
        0x04,
        0x02,
        sha,
        0x05,
        0x00,
        0x04,
        length,
    ];
    info.extend_from_slice(digest);
    info
}

/// `r || s` as `Ecdsa-Sig-Value` (RFC 3279 §2.2.3). `None` when it is no such pair.
pub(super) fn ecdsa_signature(pair: &[u8]) -> Option<Vec<u8>> {
    if !matches!(pair.len(), 64 | 96) {
        return None;
    }
    let (r, s) = pair.split_at(pair.len() / 2);
    let mut content = integer(r)?;
    content.extend(integer(s)?);
    // Two integers of at most 49 + 2 octets: the length fits one octet.
    let mut der = vec![0x30, u8::try_from(content.len()).ok()?];
    der.extend(content);
    Some(der)
}

/// A positive INTEGER; `None` for zero, which no signature holds.
fn integer(octets: &[u8]) -> Option<Vec<u8>> {
    let first = octets.iter().position(|octet| *octet != 0)?;
    let digits = &octets[first..];
    let sign = usize::from(digits[0] & 0x80 != 0);
    let mut der = vec![0x02, u8::try_from(digits.len() + sign).ok()?];
    der.extend(std::iter::repeat_n(0, sign));
    der.extend_from_slice(digits);
    Some(der)
}

/// The uncompressed point in a CKA_EC_POINT: PKCS#11 2.40 says a DER OCTET STRING,
/// some tokens give the point bare.
pub(super) fn ec_point(attribute: &[u8]) -> Option<&[u8]> {
    let point = match attribute {
        [0x04, length, point @ ..] if usize::from(*length) == point.len() => point,
        bare => bare,
    };
    (matches!(point.len(), 65 | 97) && point[0] == 0x04).then_some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_become_minimal_integers() {
        let mut pair = [0u8; 64];
        pair[31] = 0x80;
        pair[32] = 0x7f;
        let der = ecdsa_signature(&pair).unwrap();
        let mut expected = vec![0x30, 0x26, 0x02, 0x02, 0x00, 0x80, 0x02, 0x20, 0x7f];
        expected.extend([0; 31]);
        assert_eq!(der, expected);
        assert!(ecdsa_signature(&[0; 64]).is_none(), "zero is no signature");
        assert!(ecdsa_signature(&[1; 63]).is_none());
    }

    #[test]
    fn points_come_bare_or_in_an_octet_string() {
        let mut bare = vec![0x04; 65];
        assert_eq!(ec_point(&bare), Some(&[0x04; 65][..]));
        let mut wrapped = vec![0x04, 65];
        wrapped.append(&mut bare);
        assert_eq!(ec_point(&wrapped), Some(&[0x04; 65][..]));
        assert_eq!(ec_point(&[0x04; 64]), None);
        assert_eq!(ec_point(&[]), None);
    }
}
