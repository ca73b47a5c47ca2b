//! axe-core in the browser: does a page keep the rules of accessibility (WCAG 2.2 A and AA)?
//!
//! The script's archive is fetched from the npm registry once, by curl, in a fixed version, and compared
//! with the checksum that stands here; the script is kept in `target/` and never part of the product.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Page;
use crate::fault::{Fault, OnPath, Result};
use crate::{process, workspace};

/// Version of axe-core (MPL-2.0).
const VERSION: &str = "4.11.0";
/// SHA-512 of its archive in the registry.
const SHA512: &str = "8a561a9c453cbf1c417b1a4977c716338125490ab841cb422ca8a1d1349f8c87\
                      c24137b21ffeb356b98825f2cfaca4ca2516e21be71f9d96d02230252661758d";

/// Where the archive is fetched.
fn address() -> String {
    format!("https://registry.npmjs.org/axe-core/-/axe-core-{VERSION}.tgz")
}

/// Where the script is kept.
fn kept() -> PathBuf {
    workspace::target_dir().join(format!("axe-core-{VERSION}"))
}

/// The script, fetched when it is not there yet. A fault says what to do where the registry cannot
/// be reached.
pub fn script() -> Result<String> {
    let file = kept().join("axe.min.js");
    if !file.exists() {
        fetch()?;
    }
    fs::read_to_string(&file).on(&file)
}

fn fetch() -> Result<()> {
    // Several processes may come here at once: each fetches for itself, and the last one's folder,
    // equal to the others', takes the place.
    let part = kept().with_extension(format!("part-{}", std::process::id()));
    fs::create_dir_all(&part).on(&part)?;
    let archive = part.join("axe-core.tgz");
    process::run(
        Command::new("curl")
            .args(["--fail", "--silent", "--show-error", "--location"])
            .args(["--max-time", "120", "--output"])
            .arg(&archive)
            .arg(address()),
    )
    .map_err(|fault| {
        fault.during(&format!(
            "axe-core {VERSION} is not in {} and could not be fetched from {}; with a connection it is, or put its \
             axe.min.js there by hand",
            kept().display(),
            address()
        ))
    })?;
    unpack(&archive, &part)?;
    fs::remove_file(&archive).on(&archive)?;
    if fs::rename(&part, kept()).is_err() && !kept().join("axe.min.js").exists() {
        return Err(Fault::new(format!("{} cannot be made", kept().display())));
    }
    let _ = fs::remove_dir_all(&part);
    Ok(())
}

/// Takes the script out of its archive into `folder`, if the archive is the one that is expected.
fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    let sum = process::run(Command::new("sha512sum").arg(archive))?;
    if !String::from_utf8_lossy(&sum).starts_with(SHA512) {
        return Err(Fault::new(format!(
            "{} is not the archive that it should be",
            archive.display()
        )));
    }
    process::run(
        Command::new("tar")
            .args(["-xz", "--strip-components=1", "-f"])
            .arg(archive)
            .arg("package/axe.min.js")
            .current_dir(folder),
    )
    .map(drop)
}

/// One rule that a page breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the rule: `color-contrast`.
    pub rule: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: String,
    /// Selectors of the elements.
    pub places: Vec<String>,
}

impl Finding {
    /// Whether it keeps somebody from using the page.
    pub fn is_grave(&self) -> bool {
        matches!(self.impact.as_str(), "serious" | "critical")
    }
}

/// What axe finds on a page. `script` is [`script`]'s.
pub fn findings(page: &Page, script: &str) -> Result<Vec<Finding>> {
    // In one piece: a page that gives way to the next takes the script along.
    let found = page.run(&format!(
        "{script}\n;axe.run(document, {{ resultTypes: ['violations'], iframes: false }}).then(result => result.violations.map(
           one => ({{ rule: one.id, impact: one.impact, places: one.nodes.map(node => node.target.join(' ')) }})))",
    ))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = found
        .as_array()
        .ok_or_else(|| Fault::new("axe gave no list of findings"))?;
    Ok(found
        .iter()
        .map(|one| Finding {
            rule: text(&one["rule"]),
            impact: text(&one["impact"]),
            places: one["places"]
                .as_array()
                .into_iter()
                .flatten()
                .map(text)
                .collect(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_is_not_the_pinned_one_is_not_unpacked() {
        let folder = std::env::temp_dir().join(format!("axe-{}", std::process::id()));
        let package = folder.join("package");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("axe.min.js"), "alert(1)").unwrap();
        let archive = folder.join("axe-core.tgz");
        process::run(
            Command::new("tar")
                .arg("-czf")
                .arg(&archive)
                .args(["-C".as_ref(), folder.as_os_str()])
                .arg("package"),
        )
        .unwrap();
        let refused = unpack(&archive, &folder).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("is not the archive that it should be")
        );
        assert!(!folder.join("axe.min.js").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
