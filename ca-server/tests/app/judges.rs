//! OpenSSL, GnuTLS and Java's own path checker agree with the record on which certificates are good
//! and which revoked: by the full list, by the list of the part that the certificate names, and by
//! OCSP. Sixty certificates, a thousand in the long version, of which chance revokes some.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use ca_server::{
    app::{
        answer_ocsp::answer,
        issue::issue,
        publish_crl::{InPlace, path, publish},
        revoke::revoke,
    },
    port::clock::Clock,
    testing::{
        window::{Applicant, random16},
        world::World,
    },
};
use jiff::SignedDuration;
use pki_core::{
    certificate::{PartitionNumber, pem},
    revocation::ground::Ground,
};

use super::revoke::{question, responder};

const LIST: &str = "X509 CRL";

struct Holder {
    name: String,
    /// Its part of the municipality's list: 0 or 1.
    part: usize,
    revoked: bool,
}

/// What is handed to the judges, and what the record says.
struct Handed {
    world: World,
    holders: Vec<Holder>,
}

impl Handed {
    fn make(count: usize) -> Self {
        let mut world = World::today();
        let begun = Instant::now();
        let responder = responder(&world);
        let mut holders = Vec::with_capacity(count);
        let mut serials = Vec::with_capacity(count);
        for folder in ["holders", "answers"] {
            fs::create_dir(world.folder.path().join(folder)).unwrap();
        }
        for number in 0..count {
            let part = usize::from(number * 2 >= count);
            world.app.municipalities[0].partition = PartitionNumber::new(1 + part as u32).unwrap();
            let wish = world
                .window
                .issue_request(&Applicant::soumu(&format!("J{number}")), world.clock.now());
            let issued = issue(&world.app, "gw", &wish).unwrap();
            let revoked = random16()[0] & 1 == 1;
            if revoked {
                let wish = world.window.revoke_request(
                    &issued.serial,
                    Ground::Article10Leak,
                    world.clock.now(),
                );
                revoke(&world.app, "gw", &wish).unwrap();
            }
            let name = format!("{number:04}");
            let file = world.folder.path().join("holders").join(&name);
            fs::write(file.with_extension("cer"), &issued.certificate).unwrap();
            fs::write(
                file.with_extension("pem"),
                pem::encode(pem::CERTIFICATE, &issued.certificate),
            )
            .unwrap();
            serials.push(issued.serial);
            holders.push(Holder {
                name,
                part,
                revoked,
            });
        }
        // The judges look at the true time, in which the answers are to be fresh.
        let took = SignedDuration::try_from(begun.elapsed()).unwrap();
        world.clock.advance(took + SignedDuration::from_secs(1));
        let (_, failed) = publish(&world.app, &mut InPlace::new());
        assert!(failed.is_empty(), "{failed:?}");
        let handed = Self { world, holders };
        for (holder, serial) in handed.holders.iter().zip(&serials) {
            let asked = question(&handed.world, serial);
            let answered = answer(&responder, &responder.issuers[0], &asked, None);
            let file = handed.file("answers").join(&holder.name);
            fs::write(file.with_extension("der"), answered.der).unwrap();
        }
        for (name, scope) in [("full", ""), ("one", "13101"), ("two", "13101-2")] {
            let list = fs::read(path(&handed.world.app.crl.folder, "sign", scope)).unwrap();
            fs::write(handed.file(name).with_extension("crl"), &list).unwrap();
            let text = pem::encode(LIST, &list);
            fs::write(handed.file(name).with_extension("pem"), text).unwrap();
        }
        let authority = handed.world.app.signing.issuer.certificate_der().unwrap();
        fs::write(handed.file("sign.cer"), authority).unwrap();
        fs::write(
            handed.file("sign.pem"),
            pem::encode(pem::CERTIFICATE, authority),
        )
        .unwrap();
        handed
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    fn dir(&self) -> &Path {
        self.world.folder.path()
    }

    /// What a program says on both outputs, whatever its status.
    fn said(&self, words: &[&str]) -> String {
        let output = Command::new(words[0])
            .args(&words[1..])
            .current_dir(self.dir())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", words[0]));
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&said).into_owned()
    }

    fn agrees(&self, holder: &Holder, judge: &str, said: &str) {
        let wanted = if holder.revoked { "revoked" } else { "good" };
        assert_eq!(
            said, wanted,
            "{judge} of {} (part {})",
            holder.name, holder.part
        );
    }
}

#[test]
fn openssl_gnutls_and_java_agree_with_the_record_on_good_and_revoked() {
    let handed = Handed::make(if xtask::test::long() { 1_000 } else { 60 });
    let revoked = handed
        .holders
        .iter()
        .filter(|holder| holder.revoked)
        .count();
    assert!(
        revoked > 0 && revoked < handed.holders.len(),
        "chance was odd"
    );
    java(&handed);
    for holder in &handed.holders {
        let file = format!("holders/{}.pem", holder.name);
        openssl(&handed, holder, &file);
        gnutls(&handed, holder, &file);
    }
}

fn openssl(handed: &Handed, holder: &Holder, file: &str) {
    let verify = |lists: &[&str]| {
        let mut words = vec!["openssl", "verify", "-CAfile", "sign.pem", "-crl_check"];
        words.push("-extended_crl");
        for list in lists {
            words.extend(["-CRLfile", list]);
        }
        words.push(file);
        let said = handed.said(&words);
        match () {
            () if said.contains("certificate revoked") => "revoked".to_owned(),
            () if said.contains(&format!("{file}: OK")) => "good".to_owned(),
            () => said,
        }
    };
    let parts = ["one.pem", "two.pem"];
    handed.agrees(holder, "OpenSSL by the full list", &verify(&["full.pem"]));
    handed.agrees(
        holder,
        "OpenSSL by its part",
        &verify(&[parts[holder.part]]),
    );
    handed.agrees(
        holder,
        "OpenSSL by the right one of two parts",
        &verify(&parts),
    );
    let other = verify(&[parts[1 - holder.part]]);
    assert!(
        other != "good" && other != "revoked",
        "by the other part: {other}"
    );

    let answer = format!("answers/{}.der", holder.name);
    let said = handed.said(&[
        "openssl",
        "ocsp",
        "-no_nonce",
        "-respin",
        &answer,
        "-issuer",
        "sign.pem",
        "-cert",
        file,
        "-CAfile",
        "sign.pem",
        "-validity_period",
        "7200",
    ]);
    let status = said
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{file}: ")))
        .unwrap_or(&said);
    assert!(said.contains("Response verify OK"), "{said}");
    handed.agrees(holder, "OpenSSL by OCSP", status);
}

fn gnutls(handed: &Handed, holder: &Holder, file: &str) {
    let said = handed.said(&[
        "certtool",
        "--verify",
        "--infile",
        file,
        "--load-ca-certificate",
        "sign.pem",
        "--load-crl",
        "full.pem",
    ]);
    let status = match () {
        () if said.contains("revoked") => "revoked",
        () if said.contains("The certificate is trusted") => "good",
        () => &said,
    };
    handed.agrees(holder, "GnuTLS by the full list", status);
}

/// Java knows no deltas. A list of another part is not for the certificate, and nothing else is.
fn java(handed: &Handed) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/app/PathJudge.java");
    let said = handed.said(&["java", program, "."]);
    let lines: BTreeMap<&str, Vec<&str>> = said
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.collect()))
        })
        .collect();
    for holder in &handed.holders {
        let Some([full, one, two, ocsp]) = lines.get(holder.name.as_str()).map(Vec::as_slice)
        else {
            panic!("Java says nothing of {}: {said}", holder.name);
        };
        let parts = [one, two];
        handed.agrees(holder, "Java by the full list", full);
        handed.agrees(holder, "Java by its part", parts[holder.part]);
        handed.agrees(holder, "Java by OCSP", ocsp);
        let other = parts[1 - holder.part];
        assert!(
            *other != "good" && *other != "revoked",
            "by the other part: {other}"
        );
    }
}
