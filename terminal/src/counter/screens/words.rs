//! What the screens say, in two languages, from one catalogue.

use std::collections::HashMap;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<HashMap<String, [String; 2]>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../assets/counter/words.toml"))
        .expect("the catalogue is part of the program; a test reads this very one")
});

/// Language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// 日本語
    Japanese,
    /// English
    English,
}

impl Language {
    /// `ja`, `en`
    pub const fn code(self) -> &'static str {
        match self {
            Self::Japanese => "ja",
            Self::English => "en",
        }
    }

    /// From a code; Japanese where it is none of ours.
    pub fn of(code: &str) -> Self {
        if code == "en" {
            Self::English
        } else {
            Self::Japanese
        }
    }
}

/// The catalogue in one language.
#[derive(Clone, Copy, Debug)]
pub struct Words(pub Language);

impl Words {
    /// The text with that key; the key itself where there is none, which a test excludes.
    pub fn t<'k>(&self, key: &'k str) -> &'k str
    where
        'static: 'k,
    {
        CATALOGUE.get(key).map_or(key, |both| self.pick(both))
    }

    /// One of both languages.
    pub fn pick<'t>(&self, both: &'t [String; 2]) -> &'t str {
        match self.0 {
            Language::Japanese => &both[0],
            Language::English => &both[1],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Keys that are put together from a part that the program knows.
    const FAMILIES: &[&str] = &[
        "certificate-short.",
        "certificate.",
        "certificate-instead.",
        "certificate-too.",
        "which.",
        "step.",
        "item.",
        "exit.",
        "ground.",
        "end.",
        "source.",
        "disclosure-wish.",
        "disclosure-step.",
        "state.",
        "approval-act.",
        "paper-order-kind.",
        "standing.",
        "fee-kind.",
        "remittance-blocked.",
        "service.",
        "kind.",
        "choose.",
        "gone.",
        "event.",
    ];

    fn sources(folder: &str, ending: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut all = String::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == ending) {
                all += &std::fs::read_to_string(path).unwrap();
            }
        }
        all
    }

    #[test]
    fn every_text_that_a_screen_asks_for_is_there_and_none_is_idle() {
        let all = sources("assets/counter", "html") + &sources("src/counter/screens", "rs");
        let mut asked: Vec<&str> = all
            .split("t(\"")
            .skip(1)
            .filter_map(|rest| rest.split_once("\")"))
            .map(|(key, _)| key)
            .filter(|key| {
                key.bytes()
                    .all(|b| b.is_ascii_lowercase() || b".-".contains(&b))
            })
            .collect();
        asked.sort_unstable();
        asked.dedup();
        let missing: Vec<_> = asked
            .iter()
            .filter(|key| key.contains('.') && !CATALOGUE.contains_key(**key))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
        let idle: Vec<_> = CATALOGUE
            .keys()
            .filter(|key| !all.contains(&format!("\"{key}\"")))
            .filter(|key| !FAMILIES.iter().any(|family| key.starts_with(family)))
            .collect();
        assert!(idle.is_empty(), "{idle:?}");
    }

    #[test]
    fn no_text_is_empty_in_either_language() {
        for (key, both) in CATALOGUE.iter() {
            assert!(both.iter().all(|text| !text.trim().is_empty()), "{key}");
        }
    }
}
