//! Lints: sentences of RFC 5280 and of our policy, each one function over the bytes to
//! sign. Nothing is signed that one of them speaks against.
//!
//! A lint judges one thing. What it needs and cannot read is another lint's fault, and
//! it stays silent: so each fault is told by its own name.

mod extensions;
mod facts;
mod fields;
mod items;
#[cfg(test)]
mod tests;

use facts::Facts;

use super::issuer::Issuer;
use super::profile::Profile;
use super::serial::Serial;

/// One sentence that bytes to sign must obey.
pub struct Lint {
    /// Its name.
    pub name: &'static str,
    /// The sentence, and where it stands.
    pub sentence: &'static str,
    holds: fn(&Facts<'_>) -> bool,
}

/// A sentence that the bytes break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFault {
    /// The lint's name.
    pub lint: &'static str,
    /// The sentence.
    pub sentence: &'static str,
}

/// Every lint, in the order in which they run.
pub fn all() -> impl Iterator<Item = &'static Lint> {
    fields::LINTS
        .iter()
        .chain(extensions::LINTS)
        .chain(items::LINTS)
}

const READABLE: LintFault = LintFault {
    lint: "readable",
    sentence: "The bytes to sign are a TBSCertificate and nothing after it (RFC 5280 §4.1).",
};

/// Runs every lint; the serial number when all hold.
pub(crate) fn check(
    tbs: &[u8],
    profile: &Profile,
    issuer: &Issuer,
) -> Result<Serial, Vec<LintFault>> {
    let facts = Facts::read(tbs, profile, issuer).map_err(|_| vec![READABLE])?;
    let faults: Vec<LintFault> = all()
        .filter(|lint| !(lint.holds)(&facts))
        .map(|lint| LintFault {
            lint: lint.name,
            sentence: lint.sentence,
        })
        .collect();
    if faults.is_empty() {
        Serial::from_octets(facts.tbs.serial).map_err(|_| vec![READABLE])
    } else {
        Err(faults)
    }
}

pub(crate) fn list(faults: &[LintFault]) -> String {
    let names: Vec<&str> = faults.iter().map(|fault| fault.lint).collect();
    names.join(", ")
}
