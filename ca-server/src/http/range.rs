//! Byte ranges (RFC 9110 §14): one range is answered, several are answered with the
//! whole, as §14.2 permits.

/// What a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Everything: no range, several, another unit, or one that cannot be read.
    Whole,
    /// First and last octet, both within the content.
    Part(u64, u64),
    /// A range that begins after the end.
    Outside,
}

/// Read a `Range` header for content of `length` octets.
pub fn asked(header: &str, length: u64) -> Asked {
    let Some((unit, set)) = header.split_once('=') else {
        return Asked::Whole;
    };
    let Some((first, last)) = set.trim().split_once('-') else {
        return Asked::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Asked::Whole;
    }
    let end = length.saturating_sub(1);
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) => match last {
            Some(last) if last < first => Asked::Whole,
            _ if first >= length => Asked::Outside,
            last => Asked::Part(first, last.unwrap_or(end).min(end)),
        },
        // The last so many octets.
        (Some(None), Some(Some(count))) => match count {
            0 => Asked::Outside,
            _ if length == 0 => Asked::Outside,
            count => Asked::Part(length - count.min(length), end),
        },
        _ => Asked::Whole,
    }
}

/// `None`: not a number. `Some(None)`: nothing there.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A number beyond all files is beyond this one too.
    Some(Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        for (header, expected) in [
            ("bytes=0-499", Asked::Part(0, 499)),
            ("bytes=500-999", Asked::Part(500, 999)),
            ("bytes=500-5000", Asked::Part(500, 999)),
            ("bytes=9-", Asked::Part(9, 999)),
            ("bytes=-1", Asked::Part(999, 999)),
            ("bytes=-5000", Asked::Part(0, 999)),
            ("Bytes = 1-1", Asked::Part(1, 1)),
            ("bytes=1000-", Asked::Outside),
            ("bytes=99999999999999999999999-", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=5-4", Asked::Whole),
            ("bytes=0-0,5-6", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes", Asked::Whole),
        ] {
            assert_eq!(asked(header, 1000), expected, "{header}");
        }
        assert_eq!(asked("bytes=0-", 0), Asked::Outside);
    }
}
