//! The brake with the real programs: the server holds, an officer's command rehearses, two
//! officers release at the console.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use ca_server::testing::{
    room::{Issuing, Room},
    window::Applicant,
};
use jiff::{SignedDuration, Timestamp};
use pki_core::revocation::register_batch::closing_line;
use schema::wire::v1::register_revocation::RegisterRevocationList;

use super::console::Officer;

/// Wait for something that a program does by itself.
fn until(what: &str, happened: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !happened() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn put(folder: &Path, number: u64, first: u64, residents: &[&str]) {
    let at = Timestamp::now() - SignedDuration::from_mins(1);
    let mut body = "sequence,resident,kind,recorded_at,former\n".to_owned();
    for (sequence, resident) in (first..).zip(residents) {
        body += &format!("{sequence},{resident},death,{at},\n");
    }
    let part = folder.join("part");
    let end = closing_line(body.as_bytes());
    fs::write(&part, body + &end).unwrap();
    fs::rename(part, folder.join(format!("{number:06}.csv"))).unwrap();
}

/// A room whose server lets one certificate end in a day.
fn braked() -> Room {
    let room = super::room();
    let dir = room.folder.path();
    let configuration = fs::read_to_string(dir.join("ca.toml")).unwrap();
    let register =
        "[register]\nfolder = \"register\"\ninterval_s = 1\nbrake_share = 0.0\nbrake_least = 1\n";
    let with = configuration.replace("[limits]", &format!("{register}\n[limits]"));
    fs::write(dir.join("ca.toml"), with).unwrap();
    fs::create_dir_all(dir.join("register/13101")).unwrap();
    room
}

fn ended(server: &Issuing) -> usize {
    let path = "/v1/register-revocations?municipality=13101&since=0";
    let list: RegisterRevocationList = server.client.get(path).done();
    list.revocations.len()
}

fn rehearse(room: &Room) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ca-server"))
        .args(["follow-register", "--dry-run", "--config"])
        .arg(room.folder.path().join("ca.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), said)
}

#[test]
fn a_batch_that_would_end_too_much_waits_for_two_officers_at_the_console() {
    let room = braked();
    let folder = room.folder.path().join("register/13101");
    let server = room.start();
    let (_console, base) = room.start_console();
    let first = Officer::enrolled(&room, &base, "officer", "OFF-1");
    let second = Officer::enrolled(&room, &base, "officer", "OFF-2");
    let auditor = Officer::enrolled(&room, &base, "auditor", "AUD-1");
    for resident in ["R1", "R2"] {
        let mut applicant = Applicant::soumu(resident);
        applicant.identified_at = Some(Timestamp::now() - SignedDuration::from_mins(2));
        let request = room.window.issue_request(&applicant, Timestamp::now());
        server.client.issue(&request).done();
    }
    assert!(first.page("/register").contains("正常"));
    put(&folder, 1, 1, &["R1", "R2"]);
    until("the batch is held", || {
        let (_, page) = server.admin_page("/readyz");
        page.contains("13101: batch 1 is held: it would end 2 certificates")
    });
    // The server goes on; the gauge says which municipality waits.
    until("the server is ready all the same", || {
        server.admin_page("/readyz").0 == 200
    });
    let metrics = server.admin_page("/metrics").1;
    assert!(metrics.contains("jitsuin_register_held{municipality=\"13101\"} 1"));
    assert!(metrics.contains("jitsuin_register_held{municipality=\"13102\"} 0"));
    assert_eq!(ended(&server), 0);

    // What waits behind it is rehearsed with it, in counts alone.
    put(&folder, 2, 3, &["R1", "nobody"]);
    let (done, said) = rehearse(&room);
    assert!(done, "{said}");
    for line in [
        "13101: after batch 0, event 0: 2 batches, 4 events, 2 certificates would end",
        "batch 1: death 2; 2 of 2 certificates in effect would end: HELD by the brake: 1 may be ended",
        "batch 2: death 2; 0 of 0 certificates in effect would end: waits behind the held batch",
        "Nothing was changed.",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("R1") && !said.contains("nobody"), "{said}");

    let page = first.page("/register");
    assert!(page.contains("保留（歯止め）") && !page.contains("取込み停止"));
    let rest = page.split_once("href=\"/register/13101/1/").unwrap().1;
    let address = format!("/register/13101/1/{}", rest.split_once('"').unwrap().0);
    let held = first.page(&address);
    assert!(held.contains("死亡 2") && held.contains("取り込む") && held.contains("差し戻す"));
    assert!(!auditor.page(&address).contains("<button class=\"grave\""));
    let (status, _, _) = auditor
        .browser
        .form(&format!("{address}/release"), &[], None);
    assert_eq!(status, 403);
    for strange in [
        "/register/13101/2/00".to_owned(),
        "/register/13101/one/00".to_owned(),
        address.replace("13101/1", "13101/2"),
        address.replace("13101/1", "13102/1"),
    ] {
        assert_eq!(first.browser.page(&strange).0, 404, "{strange}");
    }
    assert_eq!(
        first.browser.form(&format!("{address}/keep"), &[], None).0,
        404
    );

    let signing = first.press(&format!("{address}/release"), &[]);
    let act = first.sign(&signing);
    assert!(first.page(&act).contains("別の担当者の承認を待っています"));
    assert!(second.page("/acts").contains("保留した住基異動の取込み"));
    assert_eq!(ended(&server), 0);
    second.sign(&format!("{act}/approve"));
    until("both are ended", || ended(&server) == 2);
    until("the trouble is over", || {
        !server.admin_page("/readyz").1.contains("held")
    });
    let page = first.page("/register");
    assert!(page.contains("取込み済み") && page.contains("officer:OFF-1 officer:OFF-2"));
    let (done, said) = rehearse(&room);
    assert!(
        done && said.contains("13101: after batch 2, event 4: 0 batches"),
        "{said}"
    );
}
