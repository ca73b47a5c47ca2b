//! PNG (ISO/IEC 15948): the chunks are walked, each checksum compared, nothing may follow.

use super::content::{ContentFault, SIDE_MAX};

/// First eight bytes.
pub const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

pub fn examine(bytes: &[u8]) -> Result<(), ContentFault> {
    let mut rest = bytes.strip_prefix(SIGNATURE).ok_or(ContentFault::Unknown)?;
    let (mut first, mut data) = (true, false);
    loop {
        let (head, after) = rest.split_first_chunk::<8>().ok_or(ContentFault::Damaged)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = &head[4..8];
        if after.len() < length.saturating_add(4) {
            return Err(ContentFault::Damaged);
        }
        let (content, after) = after.split_at(length);
        let (sum, after) = after
            .split_first_chunk::<4>()
            .ok_or(ContentFault::Damaged)?;
        if crc(&[kind, content]) != u32::from_be_bytes(*sum) {
            return Err(ContentFault::Damaged);
        }
        if first != (kind == b"IHDR") {
            return Err(ContentFault::Damaged);
        }
        match kind {
            b"IHDR" => size(content)?,
            b"IDAT" => data = true,
            b"PLTE" => {}
            b"IEND" if !data => return Err(ContentFault::Damaged),
            b"IEND" if after.is_empty() => return Ok(()),
            b"IEND" => return Err(ContentFault::Trailing),
            // Bit 5 of the first letter: not needed to show the picture.
            other if other[0] & 0x20 != 0 => {}
            _ => return Err(ContentFault::Damaged),
        }
        first = false;
        rest = after;
    }
}

fn size(header: &[u8]) -> Result<(), ContentFault> {
    let (sides, _) = header
        .split_first_chunk::<8>()
        .filter(|_| header.len() == 13)
        .ok_or(ContentFault::Damaged)?;
    let width = u32::from_be_bytes([sides[0], sides[1], sides[2], sides[3]]);
    let height = u32::from_be_bytes([sides[4], sides[5], sides[6], sides[7]]);
    if width == 0 || height == 0 {
        return Err(ContentFault::Damaged);
    }
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(ContentFault::TooWide);
    }
    Ok(())
}

/// CRC-32 (ISO 3309), annex D of the specification.
fn crc(parts: &[&[u8]]) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.iter().copied().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A chunk with its checksum.
    fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut bytes = (content.len() as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(kind);
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(&crc(&[kind, content]).to_be_bytes());
        bytes
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut header = width.to_be_bytes().to_vec();
        header.extend_from_slice(&height.to_be_bytes());
        header.extend_from_slice(&[1, 0, 0, 0, 0]);
        [
            SIGNATURE.to_vec(),
            chunk(b"IHDR", &header),
            chunk(b"tEXt", b"Software\0scanner"),
            chunk(b"IDAT", &[0x78, 0x9C, 1, 0]),
            chunk(b"IEND", b""),
        ]
        .concat()
    }

    #[test]
    fn a_checksum_is_the_published_one() {
        // The chunk IEND of every PNG.
        assert_eq!(crc(&[b"IEND"]), 0xAE42_6082);
    }

    #[test]
    fn a_whole_picture_is_kept_and_a_cut_changed_or_lengthened_one_is_not() {
        let good = png(1654, 2339);
        assert_eq!(examine(&good), Ok(()));
        for length in SIGNATURE.len()..good.len() {
            assert_eq!(examine(&good[..length]), Err(ContentFault::Damaged));
        }
        let mut changed = good.clone();
        changed[20] ^= 1;
        assert_eq!(examine(&changed), Err(ContentFault::Damaged));
        let longer = [good, b"<script>".to_vec()].concat();
        assert_eq!(examine(&longer), Err(ContentFault::Trailing));
        assert_eq!(examine(&png(SIDE_MAX, SIDE_MAX)), Ok(()));
        for (width, height) in [(SIDE_MAX + 1, 1), (1, SIDE_MAX + 1)] {
            assert_eq!(examine(&png(width, height)), Err(ContentFault::TooWide));
        }
        for (width, height) in [(0, 1), (1, 0)] {
            assert_eq!(examine(&png(width, height)), Err(ContentFault::Damaged));
        }
    }

    #[test]
    fn a_picture_has_its_head_first_and_once_then_data_and_nothing_unknown_that_it_needs() {
        let head = [0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0];
        let of = |chunks: &[Vec<u8>]| {
            let whole = [SIGNATURE.to_vec(), chunks.concat()].concat();
            examine(&whole)
        };
        let (first, data, end) = (
            chunk(b"IHDR", &head),
            chunk(b"IDAT", b"x"),
            chunk(b"IEND", b""),
        );
        assert_eq!(of(&[first.clone(), data.clone(), end.clone()]), Ok(()));
        let short = chunk(b"IHDR", &head[..12]);
        let needed = chunk(b"ABCD", b"x");
        for chunks in [
            vec![data.clone(), first.clone(), end.clone()],
            vec![first.clone(), first.clone(), data.clone(), end.clone()],
            vec![first.clone(), end.clone()],
            vec![short, data.clone(), end.clone()],
            vec![first, needed, data, end],
        ] {
            assert_eq!(of(&chunks), Err(ContentFault::Damaged));
        }
    }
}
