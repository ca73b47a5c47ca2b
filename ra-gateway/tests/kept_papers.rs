//! Kept papers: what is taken in, who reads it, and the day on which it goes.

mod support;

use std::sync::Arc;

use pki_core::{
    calendar::JapaneseDay,
    id::{ApplicationId, IdempotencyKey, PaperId},
};
use ra_gateway::port::{AuditEntry, Kept, PaperSubject, Store, StoredPaper};
use schema::wire::{bytes::Base64, v1::ra};
use support::{
    Folder, MemoryMasters,
    holder::{identity, written},
    later,
    window::{CARD, OPERATOR, World, refusal},
};
use xtask::stack::postgres::{Cluster, Settings};

/// A one-page document that no test of its content is about.
fn scan(words: &str) -> Vec<u8> {
    format!(
        "%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n2 0 obj << /Type /Page >> endobj\n\
         3 0 obj ({words}) endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
    )
    .into_bytes()
}

fn request(world: &World, application: &str, kind: &str, content: Vec<u8>) -> ra::KeepPaperRequest {
    ra::KeepPaperRequest {
        idempotency_key: world.wish(),
        application: Some(application.into()),
        notice: None,
        kind: kind.into(),
        content: Base64(content),
    }
}

fn audit_rows(world: &World, act: &str) -> usize {
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let url = format!("sqlite:{}", world.folder.path("ra.db").display());
    let pool = schema::database::open(&url, 1, false).unwrap();
    let mut connection = pool.get().unwrap();
    let counted: Count = sql_query(format!(
        "SELECT COUNT(*) AS count FROM audit WHERE act = '{act}' AND outcome = 'done'"
    ))
    .get_result(&mut *connection)
    .unwrap();
    counted.count.try_into().unwrap()
}

#[test]
fn a_scan_is_kept_sealed_and_read_back_whole_with_a_row_for_each_reader() {
    let world = World::on(None);
    let clerk = world.clerk();
    let application = world.identified(&clerk, &world.taro());
    // Larger than a chunk, with words that would be found if they lay open.
    let content = scan(&"SECRET-WORDS ".repeat(70_000));
    assert!(content.len() > 3 * 256 * 1024);
    let asked = request(&world, &application.id, "identity-copy", content.clone());
    let kept = world.app.keep_paper(&clerk, &asked).unwrap();
    assert_eq!(
        (kept.media.as_str(), kept.pages, kept.held),
        ("application/pdf", 1, false)
    );
    assert_eq!(
        world.app.keep_paper(&clerk, &asked).unwrap(),
        kept,
        "a repeat is the same paper"
    );
    let other = ra::KeepPaperRequest {
        kind: "other".into(),
        ..asked
    };
    assert_eq!(
        refusal(world.app.keep_paper(&clerk, &other)),
        "idempotency-key-reused"
    );
    let read = world.app.read_paper(&clerk, &kept.id).unwrap();
    assert!(read.content.0 == content);
    world.app.read_paper(&clerk, &kept.id).unwrap();
    assert_eq!(audit_rows(&world, "read-paper"), 2);
    let listed = world
        .app
        .papers_of_application(&clerk, &application.id)
        .unwrap();
    assert_eq!(listed.papers, [kept]);
    for file in ["ra.db", "ra.db-wal"] {
        let bytes = std::fs::read(world.folder.path(file)).unwrap();
        let found = bytes.windows(12).any(|window| window == b"SECRET-WORDS");
        assert!(!found, "{file} holds a scan in the open");
    }
}

#[test]
fn what_is_no_scan_or_belongs_nowhere_is_refused() {
    let world = World::on(None);
    let clerk = world.clerk();
    let id = world.identified(&clerk, &world.taro()).id;
    let keep = |change: &dyn Fn(&mut ra::KeepPaperRequest)| {
        let mut asked = request(&world, &id, "issue-application", scan("x"));
        change(&mut asked);
        refusal(world.app.keep_paper(&clerk, &asked))
    };
    assert_eq!(keep(&|r| r.kind = "shopping-list".into()), "items-invalid");
    assert_eq!(keep(&|r| r.content.0 = b"MZ".to_vec()), "items-invalid");
    assert_eq!(
        keep(&|r| r.content.0 = scan("x) /S /JavaScript (y")),
        "items-invalid"
    );
    assert_eq!(
        keep(&|r| r.application = Some("ee".repeat(16))),
        "not-found"
    );
    assert_eq!(keep(&|r| r.application = None), "items-invalid");
    assert_eq!(keep(&|r| r.notice = Some("ee".repeat(16))), "items-invalid");
    assert_eq!(
        refusal(world.app.read_paper(&clerk, &"ee".repeat(16))),
        "not-found"
    );
    assert_eq!(audit_rows(&world, "keep-paper"), 0);
}

#[test]
fn papers_go_on_their_day_and_not_before_it_and_the_record_says_which() {
    let world = World::on(None);
    let clerk = world.clerk();
    // Taken in before there is a certificate, which then counts.
    let taro = world.taro();
    let early = world.app.receive(&clerk, &taro).unwrap();
    let form = request(&world, &early.id, "issue-application", scan("form"));
    let form = world.app.keep_paper(&clerk, &form).unwrap();
    assert_eq!(
        form.due_on, "2036-11-23",
        "as long as no certificate is known"
    );
    let holder = written(&world, &clerk, &mut world.card());
    let issue = request(&world, &holder.id, "issue-application", scan("issued"));
    let issue = world.app.keep_paper(&clerk, &issue).unwrap();
    assert_eq!(issue.due_on, "2039-11-22", "ten years after 2029-11-21");
    let notice = ra::NoticeRequest {
        idempotency_key: world.wish(),
        service: ra::CardService::Unlock,
        card: hex::encode(CARD),
        certificate_kind: ra::CertificateKind::Signature,
        identity: Some(identity()),
    };
    let notice = world.app.open_notice(&clerk, &notice).unwrap();
    let asked = ra::KeepPaperRequest {
        application: None,
        notice: Some(notice.id.clone()),
        ..request(&world, "", "password-notice", scan("notice"))
    };
    let other = world.app.keep_paper(&clerk, &asked).unwrap();
    assert_eq!(other.due_on, "2036-11-23");
    assert_eq!(
        world
            .app
            .papers_of_notice(&clerk, &notice.id)
            .unwrap()
            .papers,
        std::slice::from_ref(&other)
    );

    // 2036-11-22 23:59:59 in Japan: the last second in which they are kept.
    let last = "2036-11-22T14:59:59Z".parse::<jiff::Timestamp>().unwrap();
    let seconds = last.duration_since(world.app.clock.now()).as_secs();
    world.clock.advance(seconds);
    assert_eq!(world.app.delete_due_papers().unwrap(), (0, false));
    world.clock.advance(1);
    assert_eq!(world.app.delete_due_papers().unwrap(), (2, false));
    assert_eq!(world.app.delete_due_papers().unwrap(), (0, false));
    assert_eq!(audit_rows(&world, "delete-paper"), 2);
    assert!(
        world
            .app
            .store
            .paper_chunks(&form.id.parse().unwrap())
            .unwrap()
            .is_empty(),
        "its content is gone"
    );
    assert!(
        !world
            .app
            .store
            .paper_chunks(&issue.id.parse().unwrap())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_paper_taken_in_before_its_certificate_is_kept_by_the_certificates_end() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    let (application, made) = world.settled(&clerk, &world.taro(), &mut card);
    drop(made);
    let form = request(&world, &application.id, "issue-application", scan("form"));
    let form = world.app.keep_paper(&clerk, &form).unwrap();
    assert_eq!(form.due_on, "2036-11-23");
    let act = world.issue_act(&application, &world.wish());
    world
        .app
        .request_issue(&clerk, &application.id, &act)
        .unwrap();
    world.clock.advance(3654 * 86_400);
    assert_eq!(world.app.delete_due_papers().unwrap(), (0, false));
    let papers = world.app.papers_of_application(&clerk, &application.id);
    assert_eq!(papers.unwrap().papers[0].due_on, "2039-11-22");
}

// ------------------------------------------------------------ the store's promises

fn stored(number: u8, key: u8) -> StoredPaper {
    StoredPaper {
        id: PaperId::from_bytes([number; 16]),
        municipality: "13101".parse().unwrap(),
        idempotency_key: IdempotencyKey::from_bytes([key; 16]),
        subject: PaperSubject::Application(ApplicationId::from_bytes([1; 16])),
        kind: "other".into(),
        media: "image/png".into(),
        bytes: 3,
        pages: 1,
        chunks: 2,
        terminal: "131010001".parse().unwrap(),
        operator: OPERATOR.parse().unwrap(),
        received_at: "2026-11-22T05:00:00Z".parse().unwrap(),
        due_on: "2036-11-23".parse().unwrap(),
        hold: None,
    }
}

fn a_paper_comes_and_goes_whole(store: &Arc<dyn Store>) {
    let entry = AuditEntry {
        act: "keep-paper",
        ..AuditEntry::default()
    };
    let chunks = [vec![1, 2], vec![3]];
    let paper = stored(1, 1);
    assert!(matches!(
        store.keep_paper(&paper, &chunks, &entry),
        Ok(Kept::New)
    ));
    let Ok(Kept::Known(known)) = store.keep_paper(&stored(2, 1), &chunks, &entry) else {
        panic!("the key was used")
    };
    assert!(*known == paper);
    assert_eq!(store.paper_chunks(&paper.id).unwrap(), chunks);
    let (here, elsewhere) = ("13101".parse().unwrap(), "13102".parse().unwrap());
    assert!(store.paper(&paper.id, &here).unwrap() == Some(paper.clone()));
    assert!(store.paper(&paper.id, &elsewhere).unwrap().is_none());
    assert_eq!(store.papers_of(&paper.subject, &here).unwrap().len(), 1);
    assert!(
        store
            .papers_of(&paper.subject, &elsewhere)
            .unwrap()
            .is_empty()
    );

    let day = |text: &str| text.parse::<JapaneseDay>().unwrap();
    let due = |today| store.papers_due(day(today), 10).unwrap().len();
    assert_eq!((due("2036-11-22"), due("2036-11-23")), (0, 1));
    store.postpone_paper(&paper.id, day("2039-11-22")).unwrap();
    assert_eq!((due("2036-11-23"), due("2039-11-22")), (0, 1));

    let now = later(paper.received_at, 60);
    assert!(store.delete_paper(&paper, "rule", now, &entry).unwrap());
    assert!(store.paper_chunks(&paper.id).unwrap().is_empty());
    assert!(store.paper(&paper.id, &here).unwrap().is_none());
    assert!(!store.delete_paper(&paper, "rule", now, &entry).unwrap());
}

#[test]
fn both_databases_keep_papers_whole() {
    let masters = MemoryMasters::with(&["vault-master"]);
    let folder = Folder::new();
    let url = format!("sqlite:{}", folder.path("ra.db").display());
    a_paper_comes_and_goes_whole(&support::database(&url, Arc::clone(&masters) as _));
    let mut cluster = Cluster::start(
        &folder.path("postgres"),
        folder.path("postgres.log"),
        "secret",
        &Settings::default(),
    )
    .unwrap();
    cluster.ensure_database("papers").unwrap();
    a_paper_comes_and_goes_whole(&support::database(&cluster.url("papers"), masters as _));
    cluster.end().unwrap();
}
