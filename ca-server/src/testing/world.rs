//! A whole authority in one process: real database, real use-cases, a token in
//! software and a clock that is moved.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use pki_core::{
    certificate::{
        distribution_point::Place,
        issuer::{Access, Issuer, Publication},
        partition::PartitionNumber,
    },
    person::merger::Mergers,
    revocation::register_brake::Brake,
};

use super::{
    ceremony::{profile, self_signed},
    window::{PartyKey, Window},
};
use crate::{
    adapter::{
        aead::AeadVault,
        database::{AuditMac, Database, DatabaseSettings},
        system::{SystemClock, SystemEntropy, SystemStopwatch},
    },
    app::{
        App, Authority, InWork, UserAuthentication, acknowledge::Acknowledger, enrol, known::Known,
        limit::Limits, publish_crl::Bell,
    },
    config::{CrlConfig, OfficeConfig},
    port::{
        clock::Clock,
        fake::{FakeClock, FakeSigner, FaultyStore},
        signer::Signer,
        store::AuditRecord,
    },
};

/// The key of the audit chain in tests.
pub const MAC_KEY: [u8; 32] = [0x42; 32];

/// A folder that is gone when the test is.
pub struct Folder(PathBuf);

impl Folder {
    /// A new one.
    pub fn new() -> Self {
        let name = format!("jitsuin-ca-{}", hex::encode(super::window::random16()));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// See the module.
pub struct World {
    pub app: App,
    pub clock: Arc<FakeClock>,
    pub signer: Arc<FakeSigner>,
    pub store: Arc<FaultyStore>,
    pub window: Window,
    pub folder: Folder,
}

impl World {
    /// On SQLite, with one window of 13101 enrolled.
    pub fn new() -> Self {
        let folder = Folder::new();
        let url = format!("sqlite:{}", folder.path().join("ca.sqlite").display());
        Self::on(folder, &url)
    }

    /// On SQLite, in the present: for certificates that a program compares with its own clock.
    pub fn today() -> Self {
        let folder = Folder::new();
        let url = format!("sqlite:{}", folder.path().join("ca.sqlite").display());
        let now = SystemClock.now().to_string();
        Self::made(folder, &url, FakeClock::at(&now))
    }

    /// On a database that is there and empty.
    pub fn on(folder: Folder, url: &str) -> Self {
        Self::made(folder, url, FakeClock::at("2026-11-22T06:00:00Z"))
    }

    fn made(folder: Folder, url: &str, clock: FakeClock) -> Self {
        schema::ca::migrate(url).expect("the migrations");
        let mac = Arc::new(AuditMac::new(&MAC_KEY));
        let settings = DatabaseSettings {
            url: url.to_owned(),
            node: "node".to_owned(),
            readers: 4,
            writers: 2,
        };
        let database = Database::open(&settings, mac).expect("the database");
        let store = Arc::new(FaultyStore::new(Arc::new(database)));
        let clock = Arc::new(clock);
        let signer = Arc::new(FakeSigner::default());
        signer.make_rsa("sign");
        signer.make_p256("infra");
        signer.make_p256("audit");
        signer.make_wrapping("vault");
        let entropy = Arc::new(SystemEntropy);
        let vault = Arc::new(AeadVault::new(
            store.clone(),
            signer.clone(),
            clock.clone(),
            entropy.clone(),
            "vault".to_owned(),
        ));
        let access = || Access::Open {
            base_url: "http://127.0.0.1:8080".to_owned(),
        };
        let authority = |name: &str, profile_name: &str, unit: &str| {
            let certificate = self_signed(
                &*signer,
                name,
                &profile(profile_name),
                name,
                &["C=JP", "O=JPKI-TEST", unit, "OU=Governor of Tokyo-to"],
                access(),
                clock.now(),
            );
            let publication = Publication {
                access: access(),
                segment: name.to_owned(),
            };
            Authority {
                name: name.to_owned(),
                key: name.to_owned(),
                issuer: Issuer::from_certificate(&certificate, publication).expect("an issuer"),
            }
        };
        let place = |code: &str, name: &str| Place {
            code: code.parse().expect("a code"),
            prefecture: "Tokyo-to".to_owned(),
            municipality: name.to_owned(),
            partition: PartitionNumber::FIRST,
        };
        let kinds = [
            "terminal", "kiosk", "operator", "gateway", "server", "officer", "auditor", "verifier",
        ];
        let app = App {
            mode: pki_core::mode::Mode::Production,
            node: "node".to_owned(),
            prefecture: "13".parse().expect("a prefecture"),
            municipalities: vec![place("13101", "Chiyoda-ku"), place("13102", "Chuo-ku")],
            mergers: Mergers::default(),
            signing: authority("sign", "signing-ca", "OU=JPKI for digital signature"),
            infrastructure: authority("infra", "infrastructure-ca", "OU=Infrastructure CA"),
            signature_profile: profile("signature"),
            user_authentication: None,
            ocsp_responder_profile: profile("ocsp-responder"),
            party_profiles: kinds
                .map(|kind| (kind.to_owned(), profile(kind)))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            crl: CrlConfig {
                folder: folder.path().join("crl"),
                period: Duration::from_secs(24 * 3600),
                validity: Duration::from_secs(48 * 3600),
                after_revocation: Duration::ZERO,
            },
            act_skew: Duration::from_secs(300),
            audit_key: "audit".to_owned(),
            office: OfficeConfig::of("13".parse().expect("a prefecture")),
            brake: Brake::default(),
            limits: Limits::new(1_000_000),
            strangers: service::knocks::Knocks::default(),
            known: Known::default(),
            in_work: InWork::default(),
            publisher: Bell::default(),
            acknowledger: Acknowledger::new(store.clone(), Arc::new(SystemStopwatch)),
            store: store.clone(),
            signer: signer.clone(),
            vault,
            clock: clock.clone(),
            entropy,
        };
        assert!(enrol::register_issuers(&app).expect("the issuers"));
        let window = Window::of("13101");
        for enrolment in window.enrolments() {
            enrol::enrol(&app, &enrolment).expect("the window's enrolment");
        }
        Self {
            app,
            clock,
            signer,
            store,
            window,
            folder,
        }
    }

    /// The prefecture issues the certificate for signing in as well: a CA `auth`.
    pub fn with_user_authentication() -> Self {
        let mut world = Self::new();
        world.signer.make_rsa("auth");
        let access = Access::Open {
            base_url: "http://127.0.0.1:8080".to_owned(),
        };
        let certificate = self_signed(
            &*world.signer,
            "auth",
            &profile("signing-ca"),
            "auth",
            &[
                "C=JP",
                "O=JPKI-TEST",
                "OU=JPKI for user authentication",
                "OU=Governor of Tokyo-to",
            ],
            access.clone(),
            world.clock.now(),
        );
        let publication = Publication {
            access,
            segment: "auth".to_owned(),
        };
        world.app.user_authentication = Some(UserAuthentication {
            authority: Authority {
                name: "auth".to_owned(),
                key: "auth".to_owned(),
                issuer: Issuer::from_certificate(&certificate, publication).expect("an issuer"),
            },
            profile: profile("user-authentication"),
        });
        assert!(enrol::register_issuers(&world.app).expect("the issuers"));
        world
    }

    /// Another process of this authority on the same database and token, just started.
    pub fn beside(&self) -> App {
        let copy = |of: &Authority| Authority {
            name: of.name.clone(),
            key: of.key.clone(),
            issuer: of.issuer.clone(),
        };
        let app = &self.app;
        App {
            mode: self.app.mode,
            node: "beside".to_owned(),
            prefecture: app.prefecture,
            municipalities: app.municipalities.clone(),
            mergers: app.mergers.clone(),
            store: app.store.clone(),
            signer: self.signer.clone(),
            vault: Arc::new(AeadVault::new(
                app.store.clone(),
                self.signer.clone(),
                app.clock.clone(),
                app.entropy.clone(),
                "vault".to_owned(),
            )),
            clock: app.clock.clone(),
            entropy: app.entropy.clone(),
            signing: copy(&app.signing),
            signature_profile: app.signature_profile.clone(),
            user_authentication: app
                .user_authentication
                .as_ref()
                .map(|user| UserAuthentication {
                    authority: copy(&user.authority),
                    profile: user.profile.clone(),
                }),
            ocsp_responder_profile: app.ocsp_responder_profile.clone(),
            infrastructure: copy(&app.infrastructure),
            party_profiles: app.party_profiles.clone(),
            crl: app.crl.clone(),
            act_skew: app.act_skew,
            audit_key: app.audit_key.clone(),
            office: app.office.clone(),
            brake: app.brake,
            limits: Limits::new(1_000_000),
            strangers: service::knocks::Knocks::default(),
            known: Known::default(),
            in_work: InWork::default(),
            publisher: Bell::default(),
            acknowledger: Acknowledger::new(app.store.clone(), Arc::new(SystemStopwatch)),
        }
    }

    /// Enrol the window's party of that kind again with a new key, as an officer
    /// does when its certificate has run out.
    pub fn renew(&mut self, kind: &str) {
        match kind {
            "terminal" => self.window.terminal = PartyKey::new(),
            "operator" => self.window.operator = PartyKey::new(),
            _ => self.window.kiosk = PartyKey::new(),
        }
        for enrolment in self.window.enrolments() {
            if enrolment.kind == kind {
                let again = enrol::Enrolment {
                    replace: true,
                    ..enrolment
                };
                enrol::enrol(&self.app, &again).expect("the renewal");
            }
        }
    }

    /// The whole audit log.
    pub fn audit(&self) -> Vec<AuditRecord> {
        self.app
            .store
            .audit(None, 1_000_000)
            .expect("the audit log")
    }

    /// Everything that must hold whatever happened before. Call it after
    /// `resume` and a publication.
    pub fn check_invariants(&self) {
        use pki_core::{certificate::Serial, revocation::crl::CrlImage};

        use crate::port::store::SerialState;
        // 1: nothing is signed whose serial is not stored.
        let mut seen = std::collections::HashSet::new();
        for tbs in self.signer.signed_with("sign") {
            let Some(serial) = serial_of_tbs(&tbs) else {
                continue; // a list
            };
            // 2: no serial twice. (Signing the same bytes again would be the same certificate.)
            assert!(
                seen.insert(serial.clone()),
                "serial {} was signed twice",
                hex::encode(&serial)
            );
            let certificate = self
                .app
                .signing
                .issuer
                .certificate_der()
                .unwrap_or_default();
            let own = pki_core::certificate::image::CertificateImage::decode(certificate)
                .is_ok_and(|image| image.serial.as_octets() == serial);
            assert!(
                own || self
                    .app
                    .store
                    .certificate("sign", &serial)
                    .expect("store")
                    .is_some(),
                "{} was signed and is not stored",
                hex::encode(&serial)
            );
        }
        // No reservation is left; every abandoned serial is on the list.
        assert!(
            self.app
                .store
                .reserved_by("node")
                .expect("store")
                .is_empty()
        );
        let list = std::fs::read(self.app.crl.folder.join("sign.crl")).expect("the full list");
        let listed: std::collections::HashSet<Serial> = CrlImage::decode(&list)
            .expect("a list")
            .entries()
            .map(|entry| entry.expect("an entry").serial)
            .collect();
        for serial in seen {
            if let Some(stored) = self.app.store.certificate("sign", &serial).expect("store") {
                let serial = Serial::from_octets(&serial).expect("a serial");
                match stored.state {
                    SerialState::Completed if stored.in_effect => {
                        assert!(!listed.contains(&serial))
                    }
                    _ => assert!(listed.contains(&serial), "{serial} is not on the list"),
                }
            }
        }
        // 6: the log verifies.
        let mut log = Vec::new();
        let head = crate::app::export_audit::export(&self.app, &mut log).expect("an export");
        let ends = self.app.store.audit_ends().expect("store");
        let key = self.signer.public_key("audit").expect("the audit key");
        crate::app::export_audit::verify(
            &mut log.as_slice(),
            &AuditMac::new(&MAC_KEY),
            Some(&ends),
            Some((&head, Some(&key))),
        )
        .expect("the log verifies");
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Serial number in bytes to sign, when they are a certificate's:
/// `30 82 len | A0 03 02 01 02 | 02 len serial`.
fn serial_of_tbs(tbs: &[u8]) -> Option<Vec<u8>> {
    let at = tbs
        .windows(5)
        .position(|bytes| bytes == [0xA0, 3, 2, 1, 2])?;
    if at > 6 {
        return None;
    }
    let length = usize::from(*tbs.get(at + 6)?);
    tbs.get(at + 7..at + 7 + length).map(<[u8]>::to_vec)
}
