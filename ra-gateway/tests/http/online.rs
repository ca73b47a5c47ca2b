//! The holders' listener.

use pki_core::certificate::SignatureAlgorithm;
use schema::wire::v1::ra;
use serde_json::json;

use crate::served::{Client, kind, serve};
use crate::support::certificate_support::SoftKey;
use crate::support::window::World;

#[test]
fn the_holder_revokes_online_with_the_cards_own_key_and_nobody_else_does() {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let world = World::on(None);
    let clerk = world.clerk();
    let (issued, made) = world.issued(&clerk, &mut world.card());
    let serial = issued.certificate.unwrap().serial;
    let (served, parts) = serve(world, 1000);
    // No client certificate, another address.
    let mut holder = Client::new(&served, None);
    holder.address.clone_from(&served.online);
    let mut page = holder
        .agent
        .get(format!("{}/", served.online))
        .call()
        .unwrap();
    let policy = page.headers().get("content-security-policy").unwrap();
    assert!(policy.to_str().unwrap().starts_with("default-src 'none'"));
    let page = page.body_mut().read_to_string().unwrap();
    assert!(page.contains("オンライン失効申請"));
    assert_eq!(
        holder.get("/v1/applications").0,
        404,
        "nothing else is here"
    );

    let ask = |serial: &str| {
        let body = json!({ "serial": serial }).to_string();
        holder.post("/v1/online-revocation-challenges", body.as_bytes())
    };
    let (status, answer) = ask("not a serial");
    assert_eq!((status, kind(&answer)), (422, "items-invalid"));
    assert_eq!(
        ask(&"3b".repeat(16)).0,
        201,
        "whether there is such a certificate is not told"
    );
    let statement = |serial: &str| {
        let (status, challenge) = ask(serial);
        assert_eq!(status, 201, "{challenge}");
        STANDARD
            .decode(challenge["statement"].as_str().unwrap())
            .unwrap()
    };
    let send = |statement: &[u8], key: &SoftKey| {
        let signature = key.sign(SignatureAlgorithm::RsaPkcs1Sha256, statement);
        let body = json!({
            "statement": STANDARD.encode(statement),
            "signature": STANDARD.encode(signature),
        });
        holder.post("/v1/online-revocations", body.to_string().as_bytes())
    };
    let good = statement(&serial);
    let stranger = SoftKey::new(SignatureAlgorithm::RsaPkcs1Sha256);
    let (status, answer) = send(&good, &stranger);
    assert_eq!((status, kind(&answer)), (409, "authority-refused"));
    // A statement that the gateway did not make, and one that was changed.
    let changed = String::from_utf8(good.clone()).unwrap();
    let changed = changed.replace(&serial, &"3b".repeat(16));
    let (status, answer) = send(changed.as_bytes(), &made.pair);
    assert_eq!((status, kind(&answer)), (422, "statement-invalid"));
    let (status, answer) = holder.post("/v1/online-revocations", &[b' '; 9000]);
    assert_eq!((status, kind(&answer)), (413, "body-too-large"));
    let record = parts.app.find_certificates(&clerk, &by_serial(&serial));
    assert_eq!(record.unwrap().certificates[0].standing, "issued");

    let (status, revoked) = send(&good, &made.pair);
    assert_eq!(status, 200, "{revoked}");
    assert_eq!(revoked["ground"], "article9");
    let record = parts.app.find_certificates(&clerk, &by_serial(&serial));
    assert_eq!(record.unwrap().certificates[0].standing, "revoked");
    assert_eq!(
        send(&good, &made.pair).1,
        revoked,
        "the first record stands"
    );
    // Ten minutes later the statement is worth nothing.
    parts.clock.advance(601);
    let (status, answer) = send(&good, &made.pair);
    assert_eq!((status, kind(&answer)), (422, "statement-invalid"));

    let answers: Vec<_> = (0..20).map(|_| holder.get("/").0).collect();
    assert!(answers.contains(&429), "one address asks without end");
}

fn by_serial(serial: &str) -> ra::CertificateSearchRequest {
    ra::CertificateSearchRequest {
        serial: Some(serial.to_owned()),
        ..ra::CertificateSearchRequest::default()
    }
}
