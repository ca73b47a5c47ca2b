//! As much DER as a card needs: it writes PKCS#10 requests and finds the
//! public key in a certificate (X.690 §8, §10).

/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// SET.
pub const SET: u8 = 0x31;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// UTF8String.
pub const UTF8_STRING: u8 = 0x0C;
/// `[0]`, constructed.
pub const CONTEXT_0: u8 = 0xA0;

/// NULL, whole.
pub const NULL: &[u8] = &[0x05, 0x00];

/// One element with definite, shortest length; `parts` are put one after the other.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[bytes
            .iter()
            .position(|b| *b != 0)
            .unwrap_or(bytes.len() - 1)..];
        out.push(0x80 | bytes.len() as u8);
        out.extend_from_slice(bytes);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A non-negative INTEGER from big-endian bytes.
pub fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let start = magnitude
        .iter()
        .position(|b| *b != 0)
        .unwrap_or(magnitude.len());
    let digits = &magnitude[start..];
    let sign: &[u8] = if digits.first().is_none_or(|b| b & 0x80 != 0) {
        &[0]
    } else {
        &[]
    };
    element(INTEGER, &[sign, digits])
}

/// A BIT STRING of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes])
}

/// The first element of some bytes.
pub struct Element<'a> {
    /// Its tag.
    pub tag: u8,
    /// Its content octets.
    pub content: &'a [u8],
    /// Tag, length and content.
    pub whole: &'a [u8],
}

/// Reads the first element and returns it with what follows; none when the
/// bytes are not DER (indefinite or longer than needed lengths, high tags).
pub fn first(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = input.split_first()?;
    if tag & 0x1F == 0x1F {
        return None;
    }
    let (&head, rest) = rest.split_first()?;
    let (length, rest) = if head < 0x80 {
        (usize::from(head), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(head & 0x7F))?;
        if digits.is_empty() || digits.len() > 3 || digits[0] == 0 {
            return None;
        }
        let length = digits.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
        if length < 0x80 {
            return None;
        }
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((
        Element {
            tag,
            content,
            whole: &input[..input.len() - rest.len()],
        },
        rest,
    ))
}

/// The SubjectPublicKeyInfo of a certificate, whole (RFC 5280 §4.1); none when
/// the bytes are not one certificate and nothing else.
pub fn certificate_public_key(certificate: &[u8]) -> Option<&[u8]> {
    let expect = |input, tag| first(input).filter(|(element, _)| element.tag == tag);
    let (certificate, after) = expect(certificate, SEQUENCE)?;
    if !after.is_empty() {
        return None;
    }
    let (tbs, rest) = expect(certificate.content, SEQUENCE)?;
    let (_algorithm, rest) = expect(rest, SEQUENCE)?;
    let (_signature, rest) = expect(rest, BIT_STRING)?;
    if !rest.is_empty() {
        return None;
    }
    let (_version, rest) = expect(tbs.content, CONTEXT_0)?;
    let (_serial, rest) = expect(rest, INTEGER)?;
    let (_algorithm, rest) = expect(rest, SEQUENCE)?;
    let (_issuer, rest) = expect(rest, SEQUENCE)?;
    let (_validity, rest) = expect(rest, SEQUENCE)?;
    let (_subject, rest) = expect(rest, SEQUENCE)?;
    let (public_key, _) = expect(rest, SEQUENCE)?;
    Some(public_key.whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(element(OCTET_STRING, &[&[7; 127]])[..2], [4, 127]);
        assert_eq!(element(OCTET_STRING, &[&[7; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(
            element(OCTET_STRING, &[&[7; 255], &[7; 1]])[..4],
            [4, 0x82, 1, 0]
        );
        assert_eq!(element(SEQUENCE, &[]), [0x30, 0]);
    }

    #[test]
    fn integers_are_never_negative_and_never_padded() {
        assert_eq!(unsigned(&[0, 0, 1, 0, 1]), [2, 3, 1, 0, 1]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(unsigned(&[0]), [2, 1, 0]);
    }

    #[test]
    fn what_is_written_is_read_back_and_what_is_not_der_is_refused() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let bytes = element(OCTET_STRING, &[&vec![9; length]]);
            let mut followed = bytes.clone();
            followed.push(5);
            let (read, rest) = first(&followed).expect("own output");
            assert_eq!(
                (read.tag, read.content.len(), read.whole, rest),
                (4, length, &bytes[..], &[5][..])
            );
            assert!(length == 0 || first(&bytes[..bytes.len() - 1]).is_none());
        }
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0x80, 0, 0],
            &[4, 0x81, 1, 0],
            &[4, 0x82, 0, 0x80],
            &[0x1F, 0x81, 1, 0],
            &[4, 0x84, 1, 0, 0, 0],
        ] {
            assert!(first(bad).is_none(), "{bad:02X?}");
        }
    }
}
