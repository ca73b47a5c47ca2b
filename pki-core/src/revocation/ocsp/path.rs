//! The base64 of a GET request (RFC 6960 appendix A.1), in the forms that clients and
//! proxies on the way make of it.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Most characters that are read.
pub const MAX_CHARACTERS: usize = 8192;

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The path holds no base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path holds no base64 of a request")]
pub struct PathFault;

/// Octets of the request from the raw path behind `/ocsp/{issuer}/`, not percent-decoded
/// by anyone before.
///
/// Beside plain base64 these are read: percent-escapes (once), the URL alphabet, `+`
/// that became a space, padding left off, slashes before it, and `//` that a proxy
/// collapsed to `/` (Let's Encrypt, 2017-05-19: four fifths of requests failed on it).
/// Where slashes are missing, several requests are possible; the first that `is_known`
/// accepts is taken, so it should ask whether the request names an issuer, and best a
/// certificate, of this CA.
pub fn decode(path: &str, is_known: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, PathFault> {
    if path.len() > MAX_CHARACTERS {
        return Err(PathFault);
    }
    let mut text: Vec<u8> = percent_decode(path)?
        .into_iter()
        .map(|character| match character {
            b' ' | b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    // A request begins with 30, whose base64 begins with `M`: slashes before it are the path's.
    let leading = text.iter().take_while(|c| **c == b'/').count();
    text.drain(..leading);
    while text.last() == Some(&b'=') {
        text.pop();
    }
    match missing(&text) {
        Some(count @ 1..=MAX_COLLAPSED) => {
            put_slashes_back(&text, 0, count, &is_known).ok_or(PathFault)
        }
        _ => ENGINE.decode(&text).map_err(|_| PathFault),
    }
}

/// Most slashes that are put back; SHA-256 identifiers hold about 1 such pair in 60 requests.
const MAX_COLLAPSED: usize = 3;

/// Characters that lack to the length that the DER itself announces.
fn missing(text: &[u8]) -> Option<usize> {
    let head = ENGINE.decode(text.get(..8)?).ok()?;
    let length = match head[..] {
        [_, short @ 0..=0x7F, ..] => 2 + usize::from(short),
        [_, 0x81, length, ..] => 3 + usize::from(length),
        [_, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
        _ => return None,
    };
    (length * 4).div_ceil(3).checked_sub(text.len())
}

/// Doubles `count` slashes from `from` on, in every way, until a request is known.
fn put_slashes_back(
    text: &[u8],
    from: usize,
    count: usize,
    is_known: &impl Fn(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    if count == 0 {
        return ENGINE.decode(text).ok().filter(|der| is_known(der));
    }
    // A bound on the work that one path can ask for: 16 slashes, at most 816 ways.
    let slashes = (from..text.len()).filter(|at| text[*at] == b'/').take(16);
    for at in slashes {
        let mut longer = text.to_vec();
        longer.insert(at, b'/');
        if let Some(der) = put_slashes_back(&longer, at + 1, count - 1, is_known) {
            return Some(der);
        }
    }
    None
}

fn percent_decode(path: &str) -> Result<Vec<u8>, PathFault> {
    let digit = |character: Option<u8>| {
        character
            .and_then(|character| char::from(character).to_digit(16))
            .map(|digit| digit as u8)
            .ok_or(PathFault)
    };
    let mut octets = Vec::with_capacity(path.len());
    let mut characters = path.bytes();
    while let Some(character) = characters.next() {
        if character == b'%' {
            octets.push(digit(characters.next())? << 4 | digit(characters.next())?);
        } else {
            octets.push(character);
        }
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    /// An element whose base64 holds all that proxies and clients spoil.
    fn request(middle: &str) -> (Vec<u8>, String) {
        let mut der = vec![0x30, 0x1B, 0x04, 0x19, 0, 0];
        der.extend(STANDARD.decode(middle).unwrap());
        der.resize(29, 0x12);
        let text = STANDARD.encode(&der);
        assert!(text.contains(middle) && text.ends_with('='), "{text}");
        (der, text)
    }

    #[test]
    fn every_form_that_clients_and_proxies_make_is_read() {
        let (der, text) = request("+/A+A/AB");
        let all_percent: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
        for form in [
            text.clone(),
            format!("/{text}"),
            all_percent,
            text.replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3D"),
            text.replace('+', " "),
            text.replace('+', "%20"),
            text.replace('+', "-").replace('/', "_"),
            text.trim_end_matches('=').to_owned(),
            format!("{}===", text.trim_end_matches('=')),
        ] {
            assert_eq!(decode(&form, |_| false), Ok(der.clone()), "{form}");
        }
    }

    #[test]
    fn slashes_that_a_proxy_collapsed_are_put_back() {
        for middle in ["A//B", "A//BC//D", "/A/+A//B", "A///"] {
            let (der, text) = request(middle);
            let collapsed = text.replace("///", "/").replace("//", "/");
            assert_eq!(
                decode(&collapsed, |found| found == der),
                Ok(der.clone()),
                "{text}"
            );
            assert_eq!(decode(&collapsed, |_| false), Err(PathFault), "{text}");
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for wrong in ["%", "%4", "%zz", "a?b", &"A".repeat(MAX_CHARACTERS + 1)] {
            assert_eq!(decode(wrong, |_| true), Err(PathFault), "{wrong}");
        }
    }
}
