//! Who is let in, and how what comes in is answered.

use ca_server::{
    app::enrol::{self, Enrolment},
    testing::{
        client::Reply,
        window::{Applicant, PartyKey},
        world::World,
    },
};
use jiff::Timestamp;
use schema::wire::v1::ca::IssueResponse;
use serde_json::json;

#[test]
fn only_registered_active_gateways_are_let_in() {
    let room = super::room();
    let server = room.start();
    let request = room
        .window
        .issue_request(&Applicant::soumu("R1"), Timestamp::now());
    // A terminal has a certificate of the same CA and is no gateway.
    let terminal = room.client_as(
        &server.base,
        &room.terminal_certificate(),
        &room.window.terminal,
    );
    assert_eq!(terminal.issue(&request).problem(), Some("not-authorised"));
    // A gateway of another authority: the handshake fails.
    let stranger = PartyKey::new();
    let elsewhere = enrol::enrol(
        &World::new().app,
        &Enrolment {
            kind: "gateway".to_owned(),
            id: "gw-1".to_owned(),
            municipality: None,
            label: "test".to_owned(),
            request: stranger.request("gw-1"),
            dns_names: Vec::new(),
            addresses: Vec::new(),
            replace: false,
        },
    )
    .unwrap();
    let stranger = room.client_as(&server.base, &elsewhere.certificate, &stranger);
    assert!(matches!(stranger.issue(&request), Reply::Broken(_)));
    // Suspended: refused at the next request of a live connection, and let in again.
    server.client.issue(&request).done();
    room.officer(&["suspend", "--kind", "gateway", "--id", "gw-1"]);
    assert_eq!(
        server.client.issue(&request).problem(),
        Some("not-authorised")
    );
    room.officer(&["resume", "--kind", "gateway", "--id", "gw-1"]);
    server.client.issue(&request).done();
    // Both are in the log: the terminal that is no gateway, the gateway that was suspended.
    let out = room.folder.path().join("audit.jsonl");
    room.officer(&["audit", "export", "--out", &out.display().to_string()]);
    let log = std::fs::read_to_string(out).unwrap();
    assert!(log.contains("\"outcome\":\"not-a-gateway\",\"actor\":\"terminal:131010001\""));
    assert!(log.contains("\"outcome\":\"suspended\",\"actor\":\"gateway:gw-1\""));
}

#[test]
fn nothing_older_than_tls_1_3_and_nobody_without_a_certificate() {
    let room = super::room();
    let server = room.start();
    let address = server.base.replace("https://", "");
    let dir = room.folder.path();
    for (options, said) in [
        (&["-tls1_2"][..], "protocol version"),
        (&["-tls1_3"][..], "certificate required"),
    ] {
        let output = std::process::Command::new("openssl")
            .args(["s_client", "-ign_eof", "-connect", &address])
            .args(options)
            .stdin(std::process::Stdio::null())
            .current_dir(dir)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(said), "{options:?}: {text}");
    }
}

#[test]
fn bad_messages_get_precise_problems_and_change_nothing() {
    let room = super::room();
    let server = room.start();
    let request = room
        .window
        .issue_request(&Applicant::soumu("R1"), Timestamp::now());
    let good = serde_json::to_value(&request).unwrap();
    let send = |body: &serde_json::Value| -> Reply<IssueResponse> {
        server.client.post("/v1/certificates", body)
    };
    let with = |pointer: &str, value: serde_json::Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let mut unknown = good.clone();
    unknown["more"] = json!(1);
    let mut missing = good.clone();
    missing.as_object_mut().unwrap().remove("items");
    for (what, body, kind) in [
        ("an unknown field", unknown, "malformed-message"),
        ("a missing item", missing, "malformed-message"),
        (
            "a body that is too long",
            with("/resident", json!("R".repeat(70_000))),
            "too-large",
        ),
        (
            "a register number of another form",
            with("/resident", json!("R 1")),
            "malformed-message",
        ),
        (
            "an impossible birth date",
            with("/items/birth_date", json!("319500431")),
            "items-refused",
        ),
        (
            "a character outside the repertoire",
            with("/items/name", json!("髙橋\u{3000}花子")),
            "items-refused",
        ),
        ("no request", with("/request", json!("")), "proof-refused"),
        (
            "no record",
            with("/kiosk_record", json!("")),
            "proof-refused",
        ),
        ("no act", with("/act/payload", json!("")), "act-refused"),
    ] {
        let reply = send(&body);
        assert_eq!(reply.problem(), Some(kind), "{what}: {reply:?}");
        if let Reply::Problem { detail, .. } = &reply {
            assert!(
                !detail.contains("総務") && !detail.contains("髙橋"),
                "{what}: {detail}"
            );
        }
    }
    let nowhere: Reply<IssueResponse> = server.client.post("/v1/nothing", &good);
    assert_eq!(nowhere.problem(), Some("not-found"));
    assert_eq!(server.admin_page("/healthz").0, 200);
    assert!(
        server
            .admin_page("/metrics")
            .1
            .contains("jitsuin_problems_total")
    );
    // Also what could not be read is in the log, in the gateway's name.
    let out = room.folder.path().join("audit.jsonl");
    room.officer(&["audit", "export", "--out", &out.display().to_string()]);
    let log = std::fs::read_to_string(out).unwrap();
    for why in ["malformed-message", "too-large"] {
        let row =
            format!("\"event\":\"issue.request\",\"outcome\":\"{why}\",\"actor\":\"gateway:gw-1\"");
        assert!(log.contains(&row), "{why}");
    }
    server.client.issue(&request).done();
}

#[test]
fn a_sender_who_never_ends_is_answered_and_holds_no_connection() {
    use std::io::{Read, Write};
    let room = super::room();
    let _server = room.start();
    let (_status, public, _) = room.start_status();
    let mut connection = std::net::TcpStream::connect(public.replace("http://", "")).unwrap();
    connection
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    write!(
        connection,
        "POST /ocsp/sign HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\n\
         Content-Length: 100\r\n\r\n0"
    )
    .unwrap();
    let mut answer = [0; 64];
    let count = connection.read(&mut answer).expect("an answer in time");
    assert!(answer[..count].starts_with(b"HTTP/1.1 400"));
}
