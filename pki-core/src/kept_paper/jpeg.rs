//! JPEG (ITU-T T.81): the marker segments are walked to the end of the image; nothing may
//! follow it.

use super::content::{ContentFault, SIDE_MAX};

const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;

pub fn examine(bytes: &[u8]) -> Result<(), ContentFault> {
    let mut at = 2;
    let (mut sized, mut scanned) = (false, false);
    loop {
        if *bytes.get(at).ok_or(ContentFault::Damaged)? != 0xFF {
            return Err(ContentFault::Damaged);
        }
        // Any number of fill bytes (B.1.1.2).
        while *bytes.get(at).ok_or(ContentFault::Damaged)? == 0xFF {
            at += 1;
        }
        let marker = bytes[at];
        at += 1;
        match marker {
            END if !(sized && scanned) => return Err(ContentFault::Damaged),
            END if at == bytes.len() => return Ok(()),
            END => return Err(ContentFault::Trailing),
            // Another image begins, or a marker without a segment where none may be.
            0x00 | 0x01 | 0xD0..=0xD8 => return Err(ContentFault::Damaged),
            _ => {}
        }
        let segment = segment(bytes, at)?;
        // SOF0 to SOF15 without DHT, JPG and DAC.
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            size(segment)?;
            sized = true;
        }
        at += 2 + segment.len();
        if marker == SCAN {
            scanned = true;
            at = end_of_scan(bytes, at)?;
        }
    }
}

/// The content of the segment whose length stands at `at`.
fn segment(bytes: &[u8], at: usize) -> Result<&[u8], ContentFault> {
    let length = bytes.get(at..at + 2).ok_or(ContentFault::Damaged)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    bytes
        .get(at + 2..at + length)
        .filter(|_| length >= 2)
        .ok_or(ContentFault::Damaged)
}

fn size(frame: &[u8]) -> Result<(), ContentFault> {
    let [_, h1, h2, w1, w2, ..] = *frame else {
        return Err(ContentFault::Damaged);
    };
    let (height, width) = (u16::from_be_bytes([h1, h2]), u16::from_be_bytes([w1, w2]));
    if height == 0 || width == 0 {
        return Err(ContentFault::Damaged);
    }
    if u32::from(height) > SIDE_MAX || u32::from(width) > SIDE_MAX {
        return Err(ContentFault::TooWide);
    }
    Ok(())
}

/// Entropy-coded data end before a marker; `FF 00` and restarts belong to them.
fn end_of_scan(bytes: &[u8], mut at: usize) -> Result<usize, ContentFault> {
    loop {
        let next = bytes.get(at..at + 2).ok_or(ContentFault::Damaged)?;
        match (next[0], next[1]) {
            (0xFF, 0x00 | 0xD0..=0xD7) => at += 2,
            (0xFF, 0xFF) => at += 1,
            (0xFF, _) => return Ok(at),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let ([h1, h2], [w1, w2]) = (height.to_be_bytes(), width.to_be_bytes());
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, b'J', b'F'];
        bytes.extend_from_slice(&[0xFF, 0xC0, 0, 9, 8, h1, h2, w1, w2, 1, 0]);
        bytes.extend_from_slice(&[0xFF, 0xDA, 0, 3, 1, 0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 5]);
        bytes.extend_from_slice(&[0xFF, 0xFF, 0xD9]);
        bytes
    }

    #[test]
    fn a_whole_picture_is_kept_and_a_cut_or_lengthened_one_is_not() {
        let good = jpeg(1654, 2339);
        assert_eq!(examine(&good), Ok(()));
        for length in 3..good.len() {
            assert_eq!(
                examine(&good[..length]),
                Err(ContentFault::Damaged),
                "{length}"
            );
        }
        let longer = [good, b"PK\x03\x04".to_vec()].concat();
        assert_eq!(examine(&longer), Err(ContentFault::Trailing));
        assert_eq!(examine(&jpeg(0, 1)), Err(ContentFault::Damaged));
        assert_eq!(examine(&jpeg(u16::MAX, 1)), Err(ContentFault::TooWide));
        assert_eq!(examine(&jpeg(1, 0)), Err(ContentFault::Damaged));
        assert_eq!(examine(&jpeg(1, u16::MAX)), Err(ContentFault::TooWide));
        let most = u16::try_from(SIDE_MAX).unwrap();
        assert_eq!(examine(&jpeg(most, most)), Ok(()));
    }

    #[test]
    fn a_picture_has_a_size_and_a_scan_and_segments_that_begin_where_they_should() {
        let whole = jpeg(1654, 2339);
        let (frame, scan) = (8, 19);
        let without_frame = [&whole[..frame], &whole[scan..]].concat();
        let without_scan = [&whole[..scan], &[0xFF, 0xD9]].concat();
        // A table is no frame, whatever stands in it.
        let mut table = whole.clone();
        table[frame + 1] = 0xC4;
        let mut gap = whole.clone();
        gap.insert(frame, 0x00);
        let mut short = whole.clone();
        short[5] = 1;
        let mut nested = whole;
        nested[frame + 1] = 0xD8;
        let mut bare = jpeg(1654, 2339);
        bare.remove(frame);
        for bytes in [without_frame, without_scan, table, gap, short, nested, bare] {
            assert_eq!(examine(&bytes), Err(ContentFault::Damaged), "{bytes:02x?}");
        }
    }
}
