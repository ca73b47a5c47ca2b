//! The two databases. One PostgreSQL cluster serves all tests of this program,
//! a database for each; it ends with the program.

use std::{
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use ca_server::{
    adapter::database::{AuditMac, Database, DatabaseSettings},
    port::store::*,
    testing::world::{Folder, MAC_KEY},
};
use jiff::Timestamp;
use pki_core::certificate::PartitionNumber;
use serde_json::json;
use xtask::stack::postgres::{Cluster, Settings};

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        // What is shared until the program ends is not dropped with it: its folder
        // is named after the process, and the next run removes those that are over.
        let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract");
        for old in std::fs::read_dir(&base).into_iter().flatten().flatten() {
            if !Path::new("/proc").join(old.file_name()).exists() {
                let _ = std::fs::remove_dir_all(old.path());
            }
        }
        let dir = base.join(std::process::id().to_string());
        std::fs::create_dir_all(dir.join("postgres")).unwrap();
        cluster_in(&dir)
    })
}

fn cluster_in(dir: &Path) -> Cluster {
    let log = dir.join("postgres.log");
    Cluster::start(&dir.join("postgres"), log, "contract", &Settings::default())
        .unwrap_or_else(|fault| panic!("{fault}"))
}

/// A cluster of the caller's own, with fsync on.
pub fn start_cluster() -> (Folder, Cluster) {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("postgres")).unwrap();
    let cluster = cluster_in(folder.path());
    (folder, cluster)
}

/// A fresh database with one issuer.
pub struct Bench {
    pub store: Arc<Database>,
    pub url: String,
    _folder: Folder,
}

/// Run a test on both databases.
pub fn on_both(test: impl Fn(&Bench)) {
    let folder = Folder::new();
    let url = format!("sqlite:{}", folder.path().join("ca.sqlite").display());
    test(&bench(folder, url, "node"));

    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("contract{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    cluster()
        .ensure_database(&name)
        .unwrap_or_else(|fault| panic!("{fault}"));
    test(&bench(Folder::new(), cluster().url(&name), "node"));
}

pub fn bench(folder: Folder, url: String, node: &str) -> Bench {
    schema::ca::migrate(&url).unwrap();
    let store = open(&url, node);
    let issuer = Issuer {
        name: "sign".to_owned(),
        kind: IssuerKind::Signing,
        certificate: b"certificate".to_vec(),
        key_id: vec![1; 20],
    };
    assert!(
        store
            .register_issuer(issuer, entry("issuer.register"))
            .unwrap()
    );
    Bench {
        store: Arc::new(store),
        url,
        _folder: folder,
    }
}

pub fn open(url: &str, node: &str) -> Database {
    let settings = DatabaseSettings {
        url: url.to_owned(),
        node: node.to_owned(),
        readers: 4,
        writers: 2,
    };
    Database::open(&settings, Arc::new(AuditMac::new(&MAC_KEY))).unwrap()
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub fn entry(event: &'static str) -> AuditEntry {
    AuditEntry {
        at: at(0),
        event,
        outcome: "done".to_owned(),
        actor: "test".to_owned(),
        subject: "test".to_owned(),
        detail: json!({}),
    }
}

/// A reservation in which everything is told apart by one number.
pub fn reservation(number: u32) -> Reservation {
    let bytes = |kind: u8| {
        let mut bytes = [kind; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    let half = |kind: u8| -> [u8; 16] { bytes(kind)[..16].try_into().unwrap() };
    Reservation {
        issuer: "sign".to_owned(),
        serial: [&[1][..], &half(0)].concat(),
        node: "node".to_owned(),
        profile: "signature".to_owned(),
        profile_sha256: [7; 32],
        municipality: Some("13101".to_owned()),
        partition: PartitionNumber::FIRST,
        not_after: at(1_000),
        key_sha256: bytes(1),
        application: half(2),
        idempotency_key: half(3),
        wish_sha256: bytes(4),
        holder: Some(Holder {
            resident: bytes(5),
            identified_at: at(0),
            replaces: None,
            proof: Proof {
                sealed: true,
                act: b"sealed act".to_vec(),
            },
        }),
        tbs: b"sealed tbs".to_vec(),
        at: at(0),
    }
}

pub fn completion(reservation: &Reservation) -> Completion {
    Completion {
        issuer: reservation.issuer.clone(),
        serial: reservation.serial.clone(),
        der: b"sealed der".to_vec(),
        at: at(1),
        replaces: None,
    }
}

impl Bench {
    /// Another process on a database that is there.
    pub fn over(store: Database) -> Self {
        Self {
            store: Arc::new(store),
            url: String::new(),
            _folder: Folder::new(),
        }
    }

    pub fn reserve(&self, reservation: &Reservation) -> Result<(), ReserveRefusal> {
        match self
            .store
            .reserve(reservation.clone(), entry("issue.reserve"))
            .unwrap()
        {
            Reserve::Reserved => Ok(()),
            Reserve::Refused(refusal) => Err(refusal),
            Reserve::Repeat(_) => panic!("a repeat"),
        }
    }

    pub fn complete(&self, reservation: &Reservation) -> Complete {
        self.store
            .complete(completion(reservation), entry("issue.complete"))
            .unwrap()
    }

    pub fn abandon(&self, reservation: &Reservation) -> bool {
        self.store
            .abandon("sign", &reservation.serial, at(2), entry("issue.abandon"))
            .unwrap()
    }

    pub fn revoke(&self, reservation: &Reservation, ground: &str) -> Revoke {
        let revocation = Revocation {
            issuer: "sign".to_owned(),
            serial: reservation.serial.clone(),
            ground: ground.to_owned(),
            reason: Some(5),
            at: at(3),
            municipalities: Some(vec!["13101".to_owned()]),
            proof: None,
        };
        self.store.revoke(revocation, entry("revoke")).unwrap()
    }

    pub fn outcomes(&self) -> Vec<(String, String)> {
        let rows = self.store.audit(None, 100_000).unwrap();
        rows.into_iter()
            .map(|row| (row.event, row.outcome))
            .collect()
    }

    pub fn listed(&self, scope: Option<&str>, ended_before: i64) -> Vec<Vec<u8>> {
        let scope = CrlScope {
            issuer: "sign".to_owned(),
            partition: scope.map(|scope| scope.parse().unwrap()),
            ended_before: at(ended_before),
            after: 0,
            up_to: u64::MAX >> 1,
        };
        let mut serials = Vec::new();
        self.store
            .revocations(&scope, &mut |revoked| serials.push(revoked.serial))
            .unwrap();
        serials
    }
}
