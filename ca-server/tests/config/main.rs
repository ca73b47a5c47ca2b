//! The configuration files: the samples load, and what is wrong is said with its place.

use std::{fs, path::Path};

use ca_server::{
    config::{IssueConfig, RegisterSource, StatusConfig},
    port::clock::Clock,
    testing::{
        ceremony::{profile, self_signed},
        world::World,
    },
};
use pki_core::{
    certificate::issuer::Access,
    revocation::register_brake::{Brake, WHOLE},
};

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples")
        .join(name);
    fs::read_to_string(path).unwrap()
}

/// A folder in which the samples' files are.
fn world() -> World {
    let world = World::new();
    let dir = world.folder.path();
    let profiles = xtask::workspace::root().join("pki-core/profiles");
    std::os::unix::fs::symlink(profiles, dir.join("profiles")).unwrap();
    for authority in world.app.authorities() {
        let der = authority.issuer.certificate_der().unwrap();
        fs::write(dir.join(format!("{}.cer", authority.name)), der).unwrap();
    }
    let ocsp = self_signed(
        &*world.signer,
        "infra",
        &profile("infrastructure-ca"),
        "infra",
        &["C=JP", "OU=any"],
        Access::Registered,
        world.clock.now(),
    );
    fs::write(dir.join("ocsp.pem"), ocsp).unwrap();
    world
}

/// The sample with a worker that is there on any machine.
fn written(world: &World, name: &str, text: &str) -> std::path::PathBuf {
    let path = world.folder.path().join(name);
    let text = text.replace("[token]", "[token]\nworker = \"/bin/sh\"");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_samples_load() {
    let world = world();
    let config = IssueConfig::load(&written(&world, "ca.toml", &sample("ca.toml"))).unwrap();
    assert_eq!(config.node, "ca-1");
    assert_eq!(config.municipalities.len(), 2);
    assert!(config.crl.folder.is_absolute());
    let status =
        StatusConfig::load(&written(&world, "status.toml", &sample("status.toml"))).unwrap();
    assert_eq!(status.issuers.len(), 2);
}

#[test]
fn the_certificate_for_signing_in_is_off_unless_it_has_a_ca_and_a_profile_of_its_own() {
    let world = world();
    let signing = fs::read(world.folder.path().join("sign.cer")).unwrap();
    fs::write(world.folder.path().join("auth.cer"), signing).unwrap();
    let off = sample("ca.toml");
    let on: String = off
        .replace("# [user_authentication]", "[user_authentication]")
        .replace("# name = \"auth\"", "name = \"auth\"")
        .replace("# certificate = \"auth.cer\"", "certificate = \"auth.cer\"")
        .replace("# key = \"auth\"", "key = \"auth\"")
        .replace(
            "# profile = \"profiles/user-authentication.toml\"",
            "profile = \"profiles/user-authentication.toml\"",
        );
    let load = |text: &str| IssueConfig::load(&written(&world, "ca.toml", text));
    assert!(load(&off).unwrap().user_authentication.is_none());
    let user = load(&on).unwrap().user_authentication.unwrap();
    assert_eq!(
        (&user.issuer.name[..], user.profile.name()),
        ("auth", "user-authentication")
    );
    for (from, to, said) in [
        ("name = \"auth\"", "name = \"sign\"", "of its own"),
        ("key = \"auth\"", "key = \"sign\"", "of its own"),
        (
            "profiles/user-authentication.toml",
            "profiles/signature.toml",
            "subject = ",
        ),
    ] {
        let wrong = on.replace(from, to);
        assert_ne!(wrong, on);
        let fault = ca_server::causes(&load(&wrong).unwrap_err());
        assert!(fault.contains(said), "{from} -> {to}: {fault}");
    }
}

#[test]
fn batches_of_the_register_come_by_one_way_and_the_brake_is_a_share() {
    let world = world();
    let by_file = sample("ca.toml");
    let load = |text: &str| IssueConfig::load(&written(&world, "ca.toml", text));
    let register = load(&by_file).unwrap().register.unwrap();
    assert!(matches!(register.source, RegisterSource::Folder(_)));
    assert_eq!(
        register.brake,
        Brake::default(),
        "the sample shows what is usual"
    );
    let by_server: String = by_file
        .replace("folder = \"register\"", "")
        .replace("# [register.feed]", "[register.feed]")
        .replace("# url = \"https", "url = \"https")
        .replace(
            "# authority = \"register-ca.pem\"",
            "authority = \"sign.cer\"",
        )
        .replace("# certificate = \"feed.pem\"", "certificate = \"feed.pem\"")
        .replace("# key = \"feed.key\"", "key = \"feed.key\"");
    let RegisterSource::Feed(feed) = load(&by_server).unwrap().register.unwrap().source else {
        panic!("not by server");
    };
    assert_eq!(feed.url, "https://register.example.lg.jp/jpki");
    assert!(feed.client.key.is_absolute());
    let share = |written: &str| {
        let text = by_file.replace("brake_share = 0.01", written);
        load(&text).map(|config| config.register.unwrap().brake.share)
    };
    assert_eq!(share("brake_share = 0.000001").unwrap(), 1);
    assert_eq!(share("brake_share = 1.0").unwrap(), WHOLE);
    let both = "[register]\nfolder = \"register\"";
    for (from, to, said) in [
        ("[register]\n", both, "by one way"),
        ("https://register", "http://register", "https://HOST"),
        (
            "https://register",
            "https://me:secret@register",
            "https://HOST",
        ),
        ("sign.cer\"     # who", "none.cer\"     # who", "none.cer"),
        ("brake_share = 0.01", "brake_share = 1.01", "from 0 to 1"),
        ("brake_share = 0.01", "brake_share = -0.01", "from 0 to 1"),
        ("brake_share = 0.01", "brake_share = nan", "from 0 to 1"),
        ("brake_least = 20", "brake_lest = 20", "brake_lest"),
    ] {
        let wrong = by_server.replacen("[register]                          #", "[register]\n#", 1);
        let wrong = wrong.replacen(from, to, 1);
        let fault = ca_server::causes(&load(&wrong).unwrap_err());
        assert!(fault.contains(said), "{from} -> {to}: {fault}");
    }
    let neither = by_file.replace("folder = \"register\"", "");
    assert!(load(&neither).is_err());
}

#[test]
fn access_decides_and_nothing_of_the_other_kind_stands_beside_it() {
    let world = world();
    let good = sample("status.toml");
    let tls = &good[good.find("\n[tls]").unwrap()..good.find("\n[token]").unwrap()];
    for (from, to, said) in [
        ("access = \"registered\"", "", "access"),
        ("access = \"registered\"", "access = \"open\"", "plain HTTP"),
        ("access = \"registered\"", "access = \"any\"", "line 3"),
        (tls, "", "is needed"),
        (
            "authority = \"infra.cer\"",
            "authority = \"none.cer\"",
            "none.cer",
        ),
        (
            "signatures_per_second = 1000",
            "signatures_per_second = 0",
            "1 to 1000000",
        ),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let error = StatusConfig::load(&written(&world, "wrong.toml", &text)).unwrap_err();
        let all = ca_server::causes(&error);
        assert!(all.contains(said), "{to}: {all}");
    }
    let open = good.replacen(tls, "", 1).replacen("registered", "open", 1);
    let open = StatusConfig::load(&written(&world, "open.toml", &open)).unwrap();
    assert!(open.registered.is_none());
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let world = world();
    let good = sample("ca.toml");
    for (from, to, said) in [
        ("node = \"ca-1\"", "nodes = \"ca-1\"", "line 3"),
        ("prefecture = \"13\"", "prefecture = \"48\"", "prefecture"),
        ("access = \"registered\"", "access = \"open\"", "public_url"),
        ("postgres://jitsuin@127.0.0.1/ca", "mysql://x", "database"),
        (
            "validity_s = 172800",
            "validity_s = 90000",
            "one and a half",
        ),
        ("code = \"13102\"", "code = \"27102\"", "another prefecture"),
        ("code = \"13102\"", "code = \"13101\"", "twice"),
        (
            "certificate = \"sign.cer\"",
            "certificate = \"none.cer\"",
            "none.cer",
        ),
        ("act_skew_s = 300", "act_skew_s = 0", "1 to 3600"),
        (
            "mode = \"production\"",
            "mode = \"training\"",
            "signing.profile: it is of production, and this is training",
        ),
        ("mode = \"production\"", "mode = \"trial\"", "mode"),
        (
            "terminal = \"profiles",
            "teminal = \"profiles",
            "no kind of party",
        ),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let error = IssueConfig::load(&written(&world, "wrong.toml", &text)).unwrap_err();
        let all = ca_server::causes(&error);
        assert!(all.contains(said), "{to}: {all}");
    }
}
