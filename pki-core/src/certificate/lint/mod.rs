//! Lints: sentences of RFC 5280 and of our policy, each one function over the
//! bytes to sign.

use super::issuer::Issuer;
use super::profile::Profile;
use super::serial::Serial;
use super::tbs::Tbs;

/// One sentence that bytes to sign must obey.
pub struct Lint {
    /// Its name, kebab case.
    pub name: &'static str,
    /// The sentence.
    pub sentence: &'static str,
    pub(crate) holds: fn(&Tbs<'_>, &Context<'_>) -> bool,
}

/// What lints hold the bytes against.
pub(crate) struct Context<'a> {
    pub profile: &'a Profile,
    pub issuer: &'a Issuer,
}

/// A sentence that the bytes break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFault {
    /// The lint's name.
    pub lint: &'static str,
    /// The sentence.
    pub sentence: &'static str,
}

pub(crate) fn list(faults: &[LintFault]) -> String {
    let names: Vec<&str> = faults.iter().map(|fault| fault.lint).collect();
    names.join(", ")
}

static LINTS: &[Lint] = &[];

/// Runs every lint; the serial number when all hold.
pub(crate) fn check(
    tbs: &[u8],
    profile: &Profile,
    issuer: &Issuer,
) -> Result<Serial, Vec<LintFault>> {
    const UNREADABLE: LintFault = LintFault {
        lint: "readable",
        sentence: "The bytes to sign are a TBSCertificate.",
    };
    let tbs = Tbs::parse(tbs).map_err(|_| vec![UNREADABLE])?;
    let context = Context { profile, issuer };
    let faults: Vec<LintFault> = LINTS
        .iter()
        .filter(|lint| !(lint.holds)(&tbs, &context))
        .map(|lint| LintFault {
            lint: lint.name,
            sentence: lint.sentence,
        })
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    Serial::from_octets(tbs.serial).map_err(|_| vec![UNREADABLE])
}
