//! The window: applying, bodies, limits.

use std::thread;

use ra_gateway::port::{AuditEntry, Clock, PartyKind};

use crate::served::{Client, form, kind, serve};
use crate::support::window::{OPERATOR, TERMINAL, World};

#[test]
fn a_clerk_applies_over_mutual_tls_and_is_cut_off_on_the_open_connection() {
    let (served, parts) = serve(World::on(None), 1000);
    let mut client = Client::new(&served, Some(&parts.terminal));
    assert_eq!(client.get("/v1/applications").0, 401, "nobody is signed in");
    client.sign_in(&parts.operator);
    let (status, application) = client.post("/v1/applications", form().to_string().as_bytes());
    assert_eq!(status, 201, "{application}");
    let path = format!("/v1/applications/{}", application["id"].as_str().unwrap());
    assert_eq!(client.get(&path).1["step"], "received");
    let (status, list) = client.get("/v1/applications?open=true");
    assert_eq!(
        (status, list["applications"].as_array().unwrap().len()),
        (200, 1)
    );
    // The same connection, after an officer has suspended the operator, then the terminal.
    let suspend = |kind, id: &str| {
        let entry = AuditEntry {
            act: "suspend-party",
            ..AuditEntry::default()
        };
        let now = parts.clock.now();
        parts
            .app
            .store
            .set_suspended(kind, id, true, now, &entry)
            .unwrap();
    };
    suspend(PartyKind::Operator, OPERATOR);
    let (status, answer) = client.get(&path);
    assert_eq!((status, kind(&answer)), (401, "session-invalid"));
    suspend(PartyKind::Terminal, TERMINAL);
    let (status, answer) = client.get(&path);
    assert_eq!((status, kind(&answer)), (403, "party-suspended"));
}

#[test]
fn bodies_that_are_not_the_interfaces_are_refused_with_a_problem_document() {
    let (served, parts) = serve(World::on(None), 1000);
    let mut client = Client::new(&served, Some(&parts.terminal));
    client.sign_in(&parts.operator);
    let mut unknown = form();
    unknown["remark"] = "x".into();
    let (status, answer) = client.post("/v1/applications", unknown.to_string().as_bytes());
    assert_eq!((status, kind(&answer)), (400, "body-invalid"));
    assert!(
        answer["detail"]
            .as_str()
            .unwrap()
            .contains("unknown field `remark`")
    );
    let (status, answer) = client.post("/v1/applications", &vec![b' '; 20_000]);
    assert_eq!((status, kind(&answer)), (413, "body-too-large"));
    let mut impossible = form();
    impossible["items"]["birth_date"] = "昭和25年2月30日".into();
    let (status, answer) = client.post("/v1/applications", impossible.to_string().as_bytes());
    assert_eq!((status, kind(&answer)), (422, "items-invalid"));
    assert_eq!(answer["errors"][0]["pointer"], "/items/birth_date");
    assert!(!answer.to_string().contains("総務"));
    let (status, answer) = client.get("/v1/applications?open=x");
    assert_eq!((status, kind(&answer)), (400, "query-invalid"));
    let (status, answer) = client.get("/v1/applications?open=true&more=1");
    assert_eq!((status, kind(&answer)), (400, "query-invalid"));
    assert_eq!(client.get("/v1/applications?open=true").0, 200);
    let (status, answer) = client.get("/v1/applications/%FF");
    assert_eq!((status, kind(&answer)), (404, "not-found"));
    assert_eq!(client.get("/v1/nothing").0, 404);
    let (status, answer) = client.get("/v1/register-lookups");
    assert_eq!((status, kind(&answer)), (405, "method-not-allowed"));
    let allowed = |path: &str| {
        let reply = client
            .agent
            .delete(format!("{}{path}", client.address))
            .call()
            .unwrap();
        reply
            .headers()
            .get("allow")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(allowed("/v1/register-lookups"), "POST");
    assert_eq!(allowed("/v1/applications"), "POST, GET");
    assert_eq!(client.get("/openapi.json").1["openapi"], "3.1.0");
}

#[test]
fn a_terminal_that_asks_too_often_is_told_when_to_come_again() {
    let (served, parts) = serve(World::on(None), 3);
    // At once: on a slow machine one after the other would not be too often.
    let answers: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = (0..12)
            .map(|_| {
                let client = Client::new(&served, Some(&parts.terminal));
                scope.spawn(move || client.get("/v1/nothing").0)
            })
            .collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    assert!(answers.contains(&404));
    assert!(answers.contains(&429), "{answers:?}");
    let kiosk = Client::new(&served, Some(&parts.kiosk));
    assert_eq!(kiosk.get("/openapi.json").0, 200, "another one is served");
}
