//! Whose name stands on what the office writes.

use std::path::{Path, PathBuf};

use pki_core::{
    disclosure::Addressee,
    person::municipality::{Prefecture, PrefectureCode},
};
use serde::Deserialize;
use service::config::{ConfigError, value};

/// Where IPAex Mincho lies on Debian.
const FONT: &str = "/usr/share/fonts/opentype/ipaexfont-mincho/ipaexm.ttf";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfficeSpec {
    governor: Option<String>,
    /// 指定認証機関, where the prefecture has delegated to one (Arts 34, 53).
    designated_body: Option<String>,
    font: Option<PathBuf>,
}

/// Who decides on disclosure and correction, and the font of the papers.
#[derive(Clone, Debug)]
pub struct OfficeConfig {
    /// The governor (Art 29), or the designated certification body (Arts 34, 53).
    pub addressee: Addressee,
    /// The governor's name, also where a body decides.
    pub governor: String,
    /// Japanese font that is embedded in papers; read when one is made.
    pub font: PathBuf,
}

impl OfficeConfig {
    /// A prefecture that has not delegated.
    pub fn of(prefecture: PrefectureCode) -> Self {
        let governor = Prefecture::of(prefecture).governor();
        Self {
            addressee: Addressee::Governor(governor.clone()),
            governor,
            font: FONT.into(),
        }
    }
}

impl OfficeSpec {
    pub(super) fn check(
        self,
        prefecture: PrefectureCode,
        base: &Path,
    ) -> Result<OfficeConfig, ConfigError> {
        let mut office = OfficeConfig::of(prefecture);
        if let Some(governor) = self.governor {
            office.governor = name("office.governor", governor)?;
            office.addressee = Addressee::Governor(office.governor.clone());
        }
        if let Some(body) = self.designated_body {
            office.addressee = Addressee::DesignatedBody(name("office.designated_body", body)?);
        }
        if let Some(font) = self.font {
            office.font = base.join(font);
        }
        Ok(office)
    }
}

fn name(key: &'static str, name: String) -> Result<String, ConfigError> {
    if (1..=60).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err(value(key, "must have 1 to 60 characters"))
    }
}
