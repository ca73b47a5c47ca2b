//! PDF (ISO 32000-2): the whole file is read as objects, streams are unpacked and looked
//! into, and everything is refused that acts or that cannot be looked into.
//!
//! Readers differ in where they find an object: by its offset, by a damaged offset's repair,
//! in a stream that is no object stream by its word. So names that act are looked for in the
//! structure, in object streams, and as bare bytes in every stream, packed or not.

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::content::{ContentFault, PAGES_MAX};

/// Names of what acts, as a name object anywhere in the structure.
const ACTIVE: &[&[u8]] = &[
    b"JavaScript",
    b"JS",
    b"Launch",
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"EF",
    b"RichMedia",
    b"XFA",
    b"AcroForm",
    b"SubmitForm",
    b"ImportData",
    b"GoToR",
    b"GoToE",
    b"URI",
    b"Movie",
    b"Sound",
    b"Rendition",
    b"3D",
];
/// So long that chance does not write them into packed data (2⁻⁶⁴ a place and less).
const LONG: usize = 6;
/// Packings that are not unpacked here.
const OPAQUE: &[&[u8]] = &[
    b"LZWDecode",
    b"ASCII85Decode",
    b"ASCIIHexDecode",
    b"RunLengthDecode",
    b"Crypt",
];
/// Most bytes that all streams together unpack to.
const UNPACKED_MAX: usize = 64 * 1024 * 1024;
/// Packings one upon another.
const LAYERS_MAX: usize = 3;

/// Pages of a document that may be kept.
pub fn examine(bytes: &[u8]) -> Result<usize, ContentFault> {
    examine_within(bytes, UNPACKED_MAX)
}

fn examine_within(bytes: &[u8], unpacked_max: usize) -> Result<usize, ContentFault> {
    let end = find_last(bytes, b"%%EOF").ok_or(ContentFault::Damaged)?;
    if !bytes[end + 5..].iter().all(|b| is_white(*b)) {
        return Err(ContentFault::Trailing);
    }
    let mut look = Look {
        pages: 0,
        room: unpacked_max,
        trailer: false,
    };
    look.structure(bytes)?;
    if !look.trailer {
        return Err(ContentFault::Damaged);
    }
    match look.pages {
        0 => Err(ContentFault::NoPages),
        pages if pages > PAGES_MAX => Err(ContentFault::TooManyPages),
        pages => Ok(pages),
    }
}

/// What was seen so far.
struct Look {
    pages: usize,
    /// Bytes that may still be unpacked.
    room: usize,
    /// A catalogue is named by a trailer or a cross-reference stream.
    trailer: bool,
}

/// What an object says of itself before its stream.
#[derive(Default)]
struct Seen {
    flate: bool,
    object_stream: bool,
    predicted: bool,
    /// The name before: a key, perhaps.
    type_key: bool,
}

impl Look {
    /// Reads objects, in a file or an object stream.
    fn structure(&mut self, bytes: &[u8]) -> Result<(), ContentFault> {
        let mut at = 0;
        let mut seen = Seen::default();
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'%' => at = line_end(bytes, at),
                b'(' => at = string_end(bytes, at)?,
                b'/' => {
                    let (name, next) = name(bytes, at + 1);
                    self.named(&name, &mut seen)?;
                    at = next;
                }
                _ if is_regular(byte) => {
                    let next = regular_end(bytes, at);
                    match &bytes[at..next] {
                        b"obj" => seen = Seen::default(),
                        b"stream" => {
                            at = self.stream(bytes, next, &seen)?;
                            continue;
                        }
                        _ => {}
                    }
                    at = next;
                    // A number or word between: the name before it is no key of a name.
                    seen.type_key = false;
                }
                _ => at += 1,
            }
        }
        Ok(())
    }

    fn named(&mut self, name: &[u8], seen: &mut Seen) -> Result<(), ContentFault> {
        if ACTIVE.contains(&name) {
            return Err(ContentFault::Active);
        }
        if OPAQUE.contains(&name) {
            return Err(ContentFault::Opaque);
        }
        match name {
            b"Encrypt" => return Err(ContentFault::Encrypted),
            b"Page" if seen.type_key => self.pages += 1,
            b"Root" => self.trailer = true,
            b"FlateDecode" | b"Fl" => seen.flate = true,
            b"ObjStm" | b"First" => seen.object_stream = true,
            b"Predictor" => seen.predicted = true,
            _ => {}
        }
        seen.type_key = name == b"Type";
        Ok(())
    }

    /// Looks into a stream that begins after the word at `at`; gives where it ends.
    fn stream(&mut self, bytes: &[u8], at: usize, seen: &Seen) -> Result<usize, ContentFault> {
        let rest = &bytes[at..];
        let begin = match rest {
            [b'\r', b'\n', ..] => at + 2,
            [b'\n' | b'\r', ..] => at + 1,
            _ => return Err(ContentFault::Damaged),
        };
        let length = find(&bytes[begin..], b"endstream").ok_or(ContentFault::Damaged)?;
        let data = &bytes[begin..begin + length];
        bare(data)?;
        if seen.object_stream && seen.predicted {
            return Err(ContentFault::Opaque);
        }
        let mut layer = data.to_vec();
        for depth in 0..=LAYERS_MAX {
            if depth == LAYERS_MAX {
                return Err(ContentFault::Opaque);
            }
            let declared = depth == 0 && seen.flate;
            if !declared && !looks_packed(&layer) {
                break;
            }
            layer = match decompress_to_vec_zlib_with_limit(&layer, self.room) {
                Ok(unpacked) => unpacked,
                Err(fault) if fault.output.len() >= self.room => return Err(ContentFault::Opaque),
                // It only looked packed: bare bytes of a picture.
                Err(_) if !declared => break,
                Err(_) => return Err(ContentFault::Damaged),
            };
            self.room -= layer.len();
            bare(&layer)?;
        }
        if seen.object_stream {
            self.structure(&layer)?;
        }
        Ok(begin + length + b"endstream".len())
    }
}

/// Looks for names that act among bare bytes.
fn bare(bytes: &[u8]) -> Result<(), ContentFault> {
    let mut at = 0;
    while let Some(slash) = bytes[at..].iter().position(|b| *b == b'/') {
        at += slash + 1;
        let (name, _) = name(bytes, at);
        if name.len() >= LONG && ACTIVE.contains(&name.as_slice()) {
            return Err(ContentFault::Active);
        }
    }
    Ok(())
}

/// A name with its `#xx` resolved (7.3.5), and where it ends. No name that matters is
/// longer than 32 bytes.
fn name(bytes: &[u8], mut at: usize) -> (Vec<u8>, usize) {
    let mut name = Vec::new();
    while let Some(&byte) = bytes.get(at).filter(|b| is_regular(**b)) {
        let hex = |place: usize| {
            bytes
                .get(place)
                .and_then(|b| char::from(*b).to_digit(16))
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let byte = match (byte, hex(at + 1), hex(at + 2)) {
            (b'#', Some(high), Some(low)) => {
                at += 2;
                high << 4 | low
            }
            _ => byte,
        };
        if name.len() < 32 {
            name.push(byte);
        }
        at += 1;
    }
    (name, at)
}

/// The end of a literal string: brackets in it are balanced or escaped (7.3.4.2).
fn string_end(bytes: &[u8], mut at: usize) -> Result<usize, ContentFault> {
    let mut depth = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Ok(at);
        }
    }
    Err(ContentFault::Damaged)
}

/// The head of zlib's format (RFC 1950 §2.2).
fn looks_packed(bytes: &[u8]) -> bool {
    matches!(*bytes, [cmf, flg, ..]
        if cmf & 0x0F == 8 && cmf >> 4 <= 7 && flg & 0x20 == 0
            && (u16::from(cmf) << 8 | u16::from(flg)).is_multiple_of(31))
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .position(|b| matches!(b, b'\r' | b'\n'))
        .map_or(bytes.len(), |length| at + length)
}

fn regular_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .position(|b| !is_regular(*b))
        .map_or(bytes.len(), |length| at + length)
}

const fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

const fn is_regular(byte: u8) -> bool {
    !is_white(byte)
        && !matches!(
            byte,
            b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
        )
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes
        .windows(sought.len())
        .position(|window| window == sought)
}

fn find_last(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes
        .windows(sought.len())
        .rposition(|window| window == sought)
}

#[cfg(test)]
mod tests;
