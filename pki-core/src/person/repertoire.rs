//! The characters that a certificate can carry: JIS X 0208 (level 1 and 2, 6,879
//! characters) and JIS X 0212 (supplementary, 6,067), and nothing of the vendors'
//! extensions to them. A bitmap over the Basic Multilingual Plane, made once from
//! the EUC-JP decoder, which knows both sets.

use std::sync::LazyLock;

/// Rows of the two-byte area that are the standard's. Row 13 and rows 89 and up hold the
/// extensions of NEC and IBM, which the decoder accepts too.
const ROWS_0208: [std::ops::RangeInclusive<u8>; 2] = [1..=12, 14..=88];
const ROWS_0212: std::ops::RangeInclusive<u8> = 1..=94;

static ALLOWED: LazyLock<Bitmap> = LazyLock::new(|| {
    let mut bitmap = Bitmap(Box::new([0; 1024]));
    jis_x_0208()
        .chain(jis_x_0212())
        .for_each(|c| bitmap.insert(c));
    bitmap
});

/// Whether a certificate can carry the character.
#[must_use]
pub fn allows(c: char) -> bool {
    c != GETA && ALLOWED.contains(c)
}

/// 〓 is in JIS X 0208, but registers print it where a character is missing:
/// it stands for no name and is never carried.
pub const GETA: char = '〓';

/// The one writing of characters that JIS has once and Unicode twice. As on real cards
/// (U+FF0D for the hyphen of addresses) it is the writing of the Microsoft tables.
/// Compatibility normalisation (NFKC) is never used: it would fold 﨑, ㈱ and full-width forms.
#[must_use]
pub const fn settled(c: char) -> char {
    match c {
        '\u{301C}' => '\u{FF5E}', // wave dash, 1-33
        '\u{2212}' => '\u{FF0D}', // minus, 1-61
        '\u{2016}' => '\u{2225}', // double vertical line, 1-34
        '\u{2014}' => '\u{2015}', // em dash, 1-29
        '\u{00A2}' => '\u{FFE0}', // cent, 1-81
        '\u{00A3}' => '\u{FFE1}', // pound, 1-82
        '\u{00AC}' => '\u{FFE2}', // not, 2-44
        other => other,
    }
}

/// The characters of JIS X 0208, in the order of the standard.
pub fn jis_x_0208() -> impl Iterator<Item = char> {
    ROWS_0208
        .into_iter()
        .flatten()
        .flat_map(|row| cells(row, &[]))
}

/// The characters of JIS X 0212, in the order of the standard.
pub fn jis_x_0212() -> impl Iterator<Item = char> {
    ROWS_0212.flat_map(|row| cells(row, &[0x8F]))
}

fn cells(row: u8, prefix: &'static [u8]) -> impl Iterator<Item = char> {
    (1..=94).filter_map(move |cell| {
        let code = [prefix, &[0xA0 + row, 0xA0 + cell]].concat();
        let text =
            encoding_rs::EUC_JP.decode_without_bom_handling_and_without_replacement(&code)?;
        let mut characters = text.chars();
        let c = characters.next()?;
        characters.next().is_none().then_some(c)
    })
}

/// One bit for each character of the Basic Multilingual Plane; both sets lie within it.
struct Bitmap(Box<[u64; 1024]>);

impl Bitmap {
    fn insert(&mut self, c: char) {
        let code = c as usize;
        self.0[code / 64] |= 1 << (code % 64);
    }

    fn contains(&self, c: char) -> bool {
        let code = c as usize;
        self.0
            .get(code / 64)
            .is_some_and(|word| word >> (code % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_two_standards_have_their_published_numbers_of_characters() {
        assert_eq!(jis_x_0208().count(), 6_879);
        assert_eq!(jis_x_0212().count(), 6_067);
        let first: BTreeSet<char> = jis_x_0208().collect();
        let second: BTreeSet<char> = jis_x_0212().collect();
        assert_eq!((first.len(), second.len()), (6_879, 6_067));
        let both: Vec<char> = first.intersection(&second).copied().collect();
        assert_eq!(
            both,
            ['～'],
            "the tilde of 0212 is decoded as the wave dash of 0208"
        );
        assert_eq!(
            ('\0'..=char::MAX).filter(|c| ALLOWED.contains(*c)).count(),
            12_945
        );
    }

    #[test]
    fn characters_of_names_and_addresses_are_allowed() {
        for c in
            "総務太郎東京都千代田区霞が関２丁目１番２号　－～邉邊濱濵鷗曻ヶ々〆辻崎高吉徳".chars()
        {
            assert!(allows(c), "{c}");
        }
    }

    #[test]
    fn vendor_extensions_later_standards_and_private_characters_are_not() {
        for c in "髙﨑𠮷德①Ⅲ㈱〓-1Aｱ\u{E000}\u{E0100}\u{3099}😀".chars() {
            assert!(!allows(c), "{c}");
        }
    }

    #[test]
    fn both_writings_of_one_jis_character_become_the_one_that_is_allowed() {
        for c in "〜−‖—¢£¬".chars() {
            assert!(!allows(c), "{c}");
            assert!(allows(settled(c)), "{c}");
        }
        for c in jis_x_0208().chain(jis_x_0212()) {
            assert_eq!(settled(c), c, "an allowed character is its own writing");
        }
        assert_eq!(settled('﨑'), '﨑');
        assert_eq!(settled('㈱'), '㈱');
    }
}
