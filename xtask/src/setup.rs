//! Set-up: what the system must have, found by looking for the thing itself, and installed through apt
//! where it is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fault::{Fault, Result};
use crate::process;
use crate::report::Report;

/// Where one needed thing is looked for.
enum Probe {
    /// A program on the search path or in the directories of the super-user.
    Program(&'static str),
    /// A file; one component may be `*` or begin or end with it.
    File(&'static str),
}

/// A Debian or Ubuntu package, what shows that it is there, and what it is for.
type Need = (&'static str, Probe, &'static str);

/// What every command needs.
const NEEDED: &[Need] = &[
    (
        "gcc",
        Probe::Program("cc"),
        "C parts of SQLite, libpq and AWS-LC",
    ),
    ("libc6-dev", Probe::File("/usr/include/stdio.h"), "the same"),
    ("make", Probe::Program("make"), "the same"),
    ("perl", Probe::Program("perl"), "the same"),
    (
        "pkg-config",
        Probe::Program("pkg-config"),
        "finding the libraries below",
    ),
    (
        "libssl-dev",
        Probe::File("/usr/include/openssl/ssl.h"),
        "TLS of libpq",
    ),
    (
        "libpcsclite-dev",
        Probe::File("/usr/include/PCSC/winscard.h"),
        "PC/SC client",
    ),
    (
        "softhsm2",
        Probe::File("/usr/lib/softhsm/libsofthsm2.so"),
        "the HSM",
    ),
    ("softhsm2", Probe::Program("softhsm2-util"), "the HSM"),
    ("pcscd", Probe::Program("pcscd"), "card readers"),
    (
        "vsmartcard-vpcd",
        Probe::File("/usr/lib/pcsc/drivers/serial/libifdvpcd.so"),
        "virtual card readers",
    ),
    (
        "opensc",
        Probe::Program("pkcs15-tool"),
        "an independent reader of the card",
    ),
    (
        "opensc-pkcs11",
        Probe::File("/usr/lib/*/opensc-pkcs11.so"),
        "the same",
    ),
    (
        "p11-kit",
        Probe::Program("p11-kit"),
        "an HSM at the end of a cable",
    ),
    (
        "p11-kit-modules",
        Probe::File("/usr/lib/*/pkcs11/p11-kit-client.so"),
        "the same",
    ),
    (
        "gnutls-bin",
        Probe::Program("certtool"),
        "an independent reader of certificates",
    ),
    (
        "openssl",
        Probe::Program("openssl"),
        "an independent judge of signatures",
    ),
    (
        "postgresql",
        Probe::File("/usr/lib/postgresql/*/bin/initdb"),
        "the second database",
    ),
    (
        "fonts-ipaexfont",
        Probe::File("/usr/share/fonts/opentype/ipaexfont-mincho/ipaexm.ttf"),
        "printed copies",
    ),
    (
        "poppler-utils",
        Probe::Program("pdftotext"),
        "an independent reader of printed copies",
    ),
    (
        "python3-venv",
        Probe::File("/usr/lib/python3*/ensurepip/__init__.py"),
        "pkilint in an environment of its own",
    ),
    (
        "chromium",
        Probe::Program("chromium"),
        "the screens, as clerk and resident see them",
    ),
    (
        "fonts-noto-cjk",
        Probe::File("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
        "the screens' letters",
    ),
    (
        "util-linux",
        Probe::Program("unshare"),
        "a card service of each run's own",
    ),
    ("mount", Probe::Program("mount"), "the same"),
];

/// What the tests need besides.
const FOR_TESTS: &[Need] = &[
    (
        "curl",
        Probe::Program("curl"),
        "a holder who revokes online; fetching axe-core, once",
    ),
    (
        "ca-certificates",
        Probe::File("/etc/ssl/certs/ca-certificates.crt"),
        "the same",
    ),
    (
        "default-jdk-headless",
        Probe::Program("javac"),
        "an independent path checker",
    ),
    (
        "libfaketime",
        Probe::File(crate::stack::clock::LIBRARY),
        "years that pass in a minute",
    ),
];

/// Makes sure that everything needed is installed.
pub fn run(report: &Report) -> Result<()> {
    install(report, &[NEEDED])
}

/// The same with what only the tests need.
pub fn run_for_tests(report: &Report) -> Result<()> {
    install(report, &[NEEDED, FOR_TESTS])
}

fn install(report: &Report, needed: &[&[Need]]) -> Result<()> {
    let missing = missing_of(needed);
    if missing.is_empty() {
        let all = needed.iter().flat_map(|list| list.iter());
        let mut names: Vec<_> = all.map(|(package, ..)| *package).collect();
        names.dedup();
        return report.step(&format!("packages: all {} there", names.len()), || Ok(()));
    }
    report.line(&format!("  missing: {}", missing.join(" ")));
    let prefix = privilege();
    let Some(prefix) = prefix else {
        return Err(Fault::new(format!(
            "packages are missing and this account may not install them (not root, and `sudo -n` is refused).\n  \
             Run this once, then the command again:\n\n    {}\n",
            by_hand(&missing)
        )));
    };
    if find_program("apt-get").is_none() {
        return Err(Fault::new(format!(
            "this is no Debian or Ubuntu system (no apt-get); install what gives these packages there: {}",
            missing.join(" ")
        )));
    }
    report.long_step("apt-get update", || {
        // An outdated list is no obstacle when the packages are in it: the installation decides.
        let _ = process::output(&mut apt(&prefix, &["update"]));
        Ok(())
    })?;
    report.long_step(&format!("apt-get install {}", missing.join(" ")), || {
        let mut words = vec!["install", "-y", "--no-install-recommends"];
        words.extend(&missing);
        process::run(&mut apt(&prefix, &words))
            .map_err(|fault| fault.during("installing packages; by hand it is\n    ".trim_end()))
    })?;
    let left = missing_of(needed);
    if left.is_empty() {
        Ok(())
    } else {
        Err(Fault::new(format!(
            "apt-get reported success, yet these are still not found: {}",
            left.join(" ")
        )))
    }
}

/// Packages of which something is missing, each once.
pub fn missing() -> Vec<&'static str> {
    missing_of(&[NEEDED])
}

fn missing_of(needed: &[&[Need]]) -> Vec<&'static str> {
    let mut missing = Vec::new();
    for (package, probe, _) in needed.iter().flat_map(|list| list.iter()) {
        let there = match probe {
            Probe::Program(name) => find_program(name).is_some(),
            Probe::File(pattern) => find_file(pattern).is_some(),
        };
        if !there && !missing.contains(package) {
            missing.push(*package);
        }
    }
    missing
}

/// A program on the search path, or where programs of the super-user are.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// The first file (in order of name, the last version that is) that the pattern fits.
pub fn find_file(pattern: &str) -> Option<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = match part.split_once('*') {
            None => found.into_iter().map(|dir| dir.join(part)).collect(),
            Some((head, tail)) => found
                .iter()
                .flat_map(|dir| entries(dir, head, tail))
                .collect(),
        };
    }
    found.retain(|file| file.exists());
    found.sort();
    found.pop()
}

fn entries(dir: &Path, head: &str, tail: &str) -> Vec<PathBuf> {
    let Ok(list) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    list.flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        })
        .map(|entry| entry.path())
        .collect()
}

/// Whether this process is the super-user's.
#[allow(unsafe_code)]
pub fn is_root() -> bool {
    // SAFETY: geteuid takes nothing, touches no memory and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// The words to put before a command that needs the super-user, or none when that is not to be had
/// without asking for a password.
fn privilege() -> Option<Vec<&'static str>> {
    if is_root() {
        return Some(vec![]);
    }
    let sudo = find_program("sudo")?;
    let allowed = process::output(Command::new(sudo).args(["-n", "true"])).ok()?;
    allowed.status.success().then(|| vec!["sudo", "-n"])
}

fn apt(prefix: &[&str], words: &[&str]) -> Command {
    let mut all: Vec<&str> = prefix.to_vec();
    all.extend([
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-q",
        "-o",
        "DPkg::Lock::Timeout=300",
    ]);
    all.extend(words);
    let mut command = Command::new(all[0]);
    command.args(&all[1..]);
    command
}

fn by_hand(missing: &[&str]) -> String {
    format!(
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends {}",
        missing.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_a_file_through_one_unknown_directory() {
        assert_eq!(
            find_file("/proc/se*/status"),
            Some("/proc/self/status".into())
        );
        assert_eq!(find_file("/proc/self/no-such-*"), None);
    }

    #[test]
    fn programs_of_the_super_user_are_found_without_being_on_the_path() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no-such-program-here").is_none());
    }

    #[test]
    fn the_command_to_type_is_one_line() {
        let command = by_hand(&["softhsm2", "pcscd"]);
        assert_eq!(command.lines().count(), 1);
        assert!(command.ends_with("softhsm2 pcscd"));
    }
}
