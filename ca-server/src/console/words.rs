//! What the console says, in two languages, from one catalogue.

use std::{collections::HashMap, sync::LazyLock};

static CATALOGUE: LazyLock<HashMap<String, [String; 2]>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../assets/console/words.toml"))
        .expect("the catalogue is part of the program; a test reads this very one")
});

/// The catalogue in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    Japanese,
    English,
}

impl Words {
    /// From a language code; Japanese where it is none of ours.
    pub fn of(code: &str) -> Self {
        if code == "en" {
            Self::English
        } else {
            Self::Japanese
        }
    }

    /// `ja`, `en`
    pub const fn code(self) -> &'static str {
        match self {
            Self::Japanese => "ja",
            Self::English => "en",
        }
    }

    /// The text with that key; the key itself where there is none, which a test excludes for
    /// the keys that pages name.
    pub fn t<'k>(self, key: &'k str) -> &'k str
    where
        'static: 'k,
    {
        CATALOGUE.get(key).map_or(key, |both| match self {
            Self::Japanese => &both[0],
            Self::English => &both[1],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_that_a_page_names_is_there_in_both_languages() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = String::new();
        for folder in ["assets/console", "src/console"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|e| e == "html" || e == "rs") {
                    all += &std::fs::read_to_string(path).unwrap();
                }
            }
        }
        let missing: Vec<&str> = all
            .split("t(\"")
            .skip(1)
            .filter_map(|rest| rest.split_once("\")"))
            .map(|(key, _)| key)
            .filter(|key| key.contains('.') && !key.contains(' ') && !CATALOGUE.contains_key(*key))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
        for (key, both) in CATALOGUE.iter() {
            assert!(both.iter().all(|text| !text.trim().is_empty()), "{key}");
        }
    }
}
