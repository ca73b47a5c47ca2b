//! The message catalogue of the screens: `assets/kiosk/messages.toml`, the same keys
//! in Japanese with furigana, やさしい日本語 and English. `[漢字|かんじ]` is a word with
//! its reading, `{value}` is filled in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::kiosk::resident::Language;

type Texts = BTreeMap<String, String>;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    ja: Texts,
    easy: Texts,
    en: Texts,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../assets/kiosk/messages.toml"))
        .expect("the catalogue is part of the program; a test reads this very one")
});

fn raw(language: Language, key: &str) -> &'static str {
    let texts = match language {
        Language::Ja => &CATALOGUE.ja,
        Language::Easy => &CATALOGUE.easy,
        Language::En => &CATALOGUE.en,
    };
    texts.get(key).map_or("", String::as_str)
}

/// A text as HTML, with ruby for the readings.
pub fn html(language: Language, key: &str, value: &str) -> String {
    render(raw(language, key), value, |word, reading| {
        format!("<ruby>{word}<rp>(</rp><rt>{reading}</rt><rp>)</rp></ruby>")
    })
}

/// A text without readings, escaped, for titles and labels.
pub fn plain(language: Language, key: &str, value: &str) -> String {
    render(raw(language, key), value, |word, _| word.to_owned())
}

fn render(raw: &str, value: &str, ruby: impl Fn(&str, &str) -> String) -> String {
    let mut out = String::with_capacity(raw.len() * 2);
    let mut rest = raw;
    while let Some((before, word, reading, after)) = next_word(rest) {
        out.push_str(&escape(before));
        out.push_str(&ruby(&escape(word), &escape(reading)));
        rest = after;
    }
    out.push_str(&escape(rest));
    out.replace("{value}", &escape(value))
}

fn next_word(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (before, rest) = text.split_once('[')?;
    let (inside, after) = rest.split_once(']')?;
    let (word, reading) = inside.split_once('|')?;
    Some((before, word, reading, after))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_there_in_every_language() {
        let keys = |texts: &Texts| texts.keys().cloned().collect::<Vec<_>>();
        let all = keys(&CATALOGUE.ja);
        assert!(all.len() > 60);
        assert_eq!(all, keys(&CATALOGUE.easy));
        assert_eq!(all, keys(&CATALOGUE.en));
        let values = |texts: &Texts| -> Vec<bool> {
            texts.values().map(|t| t.contains("{value}")).collect()
        };
        assert_eq!(values(&CATALOGUE.ja), values(&CATALOGUE.easy));
        assert_eq!(values(&CATALOGUE.ja), values(&CATALOGUE.en));
    }

    #[test]
    fn every_kanji_has_its_reading() {
        let is_kanji = |c: char| matches!(c, '\u{3400}'..='\u{9FFF}' | '々');
        for (name, texts) in [("ja", &CATALOGUE.ja), ("easy", &CATALOGUE.easy)] {
            for (key, text) in texts {
                let mut bare = String::new();
                let mut rest = text.as_str();
                while let Some((before, word, reading, after)) = next_word(rest) {
                    assert!(word.chars().all(is_kanji), "{name} {key}: {word}");
                    assert!(
                        reading.chars().all(|c| matches!(c, 'ぁ'..='ん' | 'ー')),
                        "{name} {key}: {reading}"
                    );
                    bare.push_str(before);
                    rest = after;
                }
                bare.push_str(rest);
                assert!(!bare.contains(is_kanji), "{name} {key}: {bare}");
            }
        }
    }

    #[test]
    fn english_has_no_japanese_and_values_are_escaped() {
        for (key, text) in &CATALOGUE.en {
            assert!(!text.chars().any(|c| ('぀'..='鿿').contains(&c)), "{key}");
        }
        let shown = render("[番号|ばんごう]{value}", "<b>", |w, r| {
            format!("{w}({r})")
        });
        assert_eq!(shown, "番号(ばんごう)&lt;b&gt;");
    }
}
