//! The program follows the register by itself, tells of it, and is asked by windows; an officer
//! has a certificate's acts shown.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use ca_server::testing::window::Applicant;
use jiff::{SignedDuration, Timestamp};
use pki_core::revocation::register_batch::closing_line;
use schema::wire::v1::register_revocation::RegisterRevocationList;

/// Wait for something that the program does by itself.
fn until(what: &str, happened: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !happened() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_program_follows_the_register_and_tells_the_windows() {
    let room = super::room();
    let dir = room.folder.path();
    let configuration = fs::read_to_string(dir.join("ca.toml")).unwrap();
    let with = configuration.replace(
        "[limits]",
        "[register]\nfolder = \"register\"\ninterval_s = 1\n\n[limits]",
    );
    fs::write(dir.join("ca.toml"), with).unwrap();
    fs::create_dir_all(dir.join("register/13101")).unwrap();
    let server = room.start();
    let mut applicant = Applicant::soumu("R1");
    applicant.identified_at = Some(Timestamp::now() - SignedDuration::from_mins(2));
    let request = room.window.issue_request(&applicant, Timestamp::now());
    let issued = server.client.issue(&request).done();

    let list = |since: u64| -> RegisterRevocationList {
        let path = format!("/v1/register-revocations?municipality=13101&since={since}");
        server.client.get(&path).done()
    };
    assert!(list(0).revocations.is_empty());
    // A batch that is not closed is told of, and taken as soon as it is.
    let at = Timestamp::now() - SignedDuration::from_mins(1);
    let body = format!("sequence,resident,kind,recorded_at,former\n1,R1,address-notation,{at},\n");
    let batch = dir.join("register/13101/000001.csv");
    fs::write(&batch, &body).unwrap();
    until("the broken batch is told of", || {
        let (_, page) = server.admin_page("/readyz");
        page.contains("13101: batch 1: without its closing line")
    });
    let (_, metrics) = server.admin_page("/metrics");
    assert!(metrics.contains("jitsuin_register_trouble{municipality=\"13101\"} 1"));
    assert!(list(0).revocations.is_empty());
    fs::write(
        &batch,
        [body.as_str(), &closing_line(body.as_bytes())].concat(),
    )
    .unwrap();
    until("the batch is applied", || !list(0).revocations.is_empty());
    until("the trouble is over", || {
        server.admin_page("/readyz").0 == 200
    });

    let told = list(0);
    assert_eq!(told.told, 1);
    assert_eq!(told.revocations[0].serial, issued.serial);
    assert_eq!(told.revocations[0].kind, "address-notation");
    let next = told.revocations[0].next_application.as_deref();
    assert_eq!(next, Some("reissue-address-notation"));
    assert!(list(1).revocations.is_empty());
    for (path, problem) in [
        ("municipality=13103", "not-found"),
        ("municipality=abc", "malformed-message"),
        ("since=1", "malformed-message"),
        ("municipality=13101&since=-1", "malformed-message"),
        ("municipality=13101&more=1", "malformed-message"),
    ] {
        let path = format!("/v1/register-revocations?{path}");
        let answer = server.client.get::<RegisterRevocationList>(&path);
        assert_eq!(answer.problem(), Some(problem), "{path}");
    }
    drop(server);

    // By hand: nothing is left to do; and what was signed is still there.
    let said = room.officer(&["follow-register"]);
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.contains("13101: 0 batches, 0 events, 0 revoked"),
        "{said}"
    );
    let shown = room.officer(&["proof", "--serial", &issued.serial]);
    let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(shown["deed"], "issue");
    assert_eq!(shown["terminal"], room.window.terminal_id.as_str());
}
