//! `ca-server status` as relying parties see it, asked by OpenSSL among others.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ca_server::testing::window::Applicant;
use jiff::Timestamp;
use pki_core::{
    certificate::{Serial, pem},
    revocation::{crl::CrlImage, ground::Ground},
};
use ureq::http::Response;

fn get(url: &str, headers: &[(&str, &str)]) -> (u16, Response<()>, Vec<u8>) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut request = agent.get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.call().unwrap();
    let body = response.body_mut().read_to_vec().unwrap();
    let (parts, _) = response.into_parts();
    (parts.status.as_u16(), Response::from_parts(parts, ()), body)
}

fn header(response: &Response<()>, name: &str) -> String {
    let value = response.headers().get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// What `openssl ocsp` says of a certificate, asked over HTTP.
fn openssl(dir: &Path, public: &str, nonce: bool) -> String {
    let file = |name: &str| dir.join(name).display().to_string();
    let mut command = Command::new("openssl");
    command.args([
        "ocsp",
        "-issuer",
        &file("issuer.pem"),
        "-cert",
        &file("holder.pem"),
    ]);
    command.args([
        "-CAfile",
        &file("issuer.pem"),
        "-url",
        &format!("{public}/ocsp/sign"),
    ]);
    if !nonce {
        command.arg("-no_nonce");
    }
    let output = command.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", said(&output.stdout), said(&output.stderr))
}

#[test]
fn relying_parties_learn_of_a_revocation_by_ocsp_at_once_and_by_list_soon() {
    let room = super::room();
    let server = room.start();
    let (mut status, public, admin) = room.start_status();
    let issued = server
        .client
        .issue(
            &room
                .window
                .issue_request(&Applicant::soumu("R1"), Timestamp::now()),
        )
        .done();
    let dir = room.folder.path();
    for (name, der) in [
        ("holder.pem", &issued.certificate.0),
        ("issuer.pem", &room.signing),
    ] {
        fs::write(dir.join(name), pem::encode(pem::CERTIFICATE, der)).unwrap();
    }
    for nonce in [true, false] {
        let said = openssl(dir, &public, nonce);
        assert!(
            said.contains("Response verify OK") && said.contains("holder.pem: good"),
            "{said}"
        );
        assert!(!said.contains("WARNING"), "{said}");
    }

    // An answer to GET may be kept and is not sent twice, whatever form proxies gave the path.
    let file = |name: &str| dir.join(name).display().to_string();
    let mut command = Command::new("openssl");
    command.args(["ocsp", "-no_nonce", "-issuer", &file("issuer.pem")]);
    command.args(["-cert", &file("holder.pem"), "-reqout", &file("question")]);
    assert!(command.output().unwrap().status.success());
    let question = STANDARD.encode(fs::read(dir.join("question")).unwrap());
    let escaped = question.replace('+', "%2B").replace('/', "%2F");
    let url = |form: &str| format!("{public}/ocsp/sign/{form}");
    let (code, response, answer) = get(&url(&escaped.replace('=', "%3D")), &[]);
    assert_eq!((code, answer.get(..2)), (200, Some(&[0x30, 0x82][..])));
    let (tag, life) = (
        header(&response, "etag"),
        header(&response, "cache-control"),
    );
    assert!(life.contains("max-age=") && !header(&response, "expires").is_empty());
    let (code, response, again) = get(&url(&escaped), &[("if-none-match", &tag)]);
    // Another one may have been signed meanwhile; then it has another tag.
    assert!(
        (code, again.len()) == (304, 0) || header(&response, "etag") != tag,
        "{code}"
    );
    for form in [
        question.replace('+', "-").replace('/', "_"),
        escaped.trim_end_matches('=').to_owned(),
        escaped.replace("%2F", "%2f").replace("%2B", "+"),
        question.replace("//", "/"),
    ] {
        let (code, _, answer) = get(&url(&form), &[]);
        assert_eq!(
            (code, answer.get(..2)),
            (200, Some(&[0x30, 0x82][..])),
            "{form}"
        );
    }

    let serial: Serial = issued.serial.parse().unwrap();
    let wish = room
        .window
        .revoke_request(&serial, Ground::Article10Leak, Timestamp::now());
    server.client.revoke(&wish).done();
    let said = openssl(dir, &public, true);
    assert!(
        said.contains("holder.pem: revoked") && said.contains("keyCompromise"),
        "{said}"
    );

    // Lists: full and of the municipality within the set second or two, none of the other's.
    let listed = |path: &str| -> usize {
        let (code, _, body) = get(&format!("{public}{path}"), &[]);
        if code != 200 {
            return 0;
        }
        let image = CrlImage::decode(&body).unwrap();
        image
            .entries()
            .filter(|entry| entry.as_ref().unwrap().serial == serial)
            .count()
    };
    let until = Instant::now() + Duration::from_secs(60);
    while listed("/crl/sign.crl") == 0 || listed("/crl/sign/13101.crl") == 0 {
        assert!(Instant::now() < until, "not listed in time");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(listed("/crl/sign/13102.crl"), 0);

    // Caches: validators, a short life, and nothing sent twice. A date is given as soon as no
    // other list can follow within its second.
    let until = Instant::now() + Duration::from_secs(60);
    let (_, response, body) = loop {
        let got = get(&format!("{public}/crl/sign.crl"), &[]);
        if !header(&got.1, "last-modified").is_empty() {
            break got;
        }
        assert!(Instant::now() < until, "no date");
        thread::sleep(Duration::from_millis(50));
    };
    let (tag, date) = (
        header(&response, "etag"),
        header(&response, "last-modified"),
    );
    assert_eq!(header(&response, "content-type"), "application/pkix-crl");
    assert!(header(&response, "cache-control").contains("max-age="));
    for condition in [
        ("if-none-match", tag.as_str()),
        ("if-modified-since", date.as_str()),
    ] {
        let (code, _, again) = get(&format!("{public}/crl/sign.crl"), &[condition]);
        assert_eq!((code, again.len()), (304, 0), "{condition:?}");
    }
    // A tag decides where both are given, and another tag is another list.
    let conditions = [
        ("if-none-match", "\"other\""),
        ("if-modified-since", date.as_str()),
    ];
    let (code, _, again) = get(&format!("{public}/crl/sign.crl"), &conditions);
    assert_eq!((code, &again), (200, &body));

    // Ranges: a broken download goes on, from the same list only.
    assert_eq!(header(&response, "accept-ranges"), "bytes");
    let size = body.len();
    let range = |headers: &[(&str, &str)]| {
        let (code, response, part) = get(&format!("{public}/crl/sign.crl"), headers);
        (code, header(&response, "content-range"), part)
    };
    let rest = format!("bytes 100-{}/{size}", size - 1);
    for condition in [None, Some(tag.as_str()), Some(date.as_str())] {
        let mut headers = vec![("range", "bytes=100-")];
        headers.extend(condition.map(|known| ("if-range", known)));
        assert_eq!(range(&headers), (206, rest.clone(), body[100..].to_vec()));
    }
    for other in ["\"other\"", "W/\"weak\"", "Sat, 01 Jan 2000 00:00:00 GMT"] {
        let headers = [("range", "bytes=100-"), ("if-range", other)];
        assert_eq!(
            range(&headers),
            (200, String::new(), body.clone()),
            "{other}"
        );
    }
    let headers = [("range", "bytes=100-"), ("if-none-match", tag.as_str())];
    assert_eq!(range(&headers).0, 304);
    let (code, outside, problem) = range(&[("range", "bytes=99999999-")]);
    assert_eq!((code, outside), (416, format!("bytes */{size}")));
    assert!(String::from_utf8_lossy(&problem).contains("range-not-satisfiable"));

    // The delta: the same number, added to a list that is still valid.
    for path in ["/crl/sign/delta.crl", "/crl/sign/13101/delta.crl"] {
        let (code, response, delta) = get(&format!("{public}{path}"), &[]);
        assert_eq!(code, 200, "{path}");
        assert_eq!(header(&response, "content-type"), "application/pkix-crl");
        let delta = CrlImage::decode(&delta).unwrap();
        assert!(delta.base.is_some_and(|base| base < delta.number), "{path}");
        assert_eq!(delta.entries().next().unwrap().unwrap().serial, serial);
    }
    let (code, _, certificate) = get(&format!("{public}/certs/sign.cer"), &[]);
    assert_eq!((code, certificate), (200, room.signing.clone()));

    // What is not there, and what is not understood.
    for path in [
        "/crl/none.crl",
        "/crl/sign/99999.crl",
        "/crl/none/delta.crl",
        "/crl/sign/99999/delta.crl",
        "/crl/sign/1310/delta.crl",
        "/crl/sign/..%2Fsign.crl",
        "/none",
    ] {
        let (code, response, _) = get(&format!("{public}{path}"), &[]);
        assert_eq!(code, 404, "{path}");
        assert_eq!(
            header(&response, "content-type"),
            "application/problem+json",
            "{path}"
        );
    }
    let (code, response, _) = get(&format!("{public}/ocsp/sign"), &[]);
    assert_eq!((code, header(&response, "allow").as_str()), (405, "POST"));
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let head = agent.head(format!("{public}/crl/sign.crl")).call().unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(
        head.headers()["content-length"].to_str().unwrap(),
        size.to_string()
    );
    assert_eq!(header(&head.map(drop), "etag"), tag);
    let head = agent
        .head(format!("{public}/crl/sign.crl"))
        .header("range", "bytes=100-")
        .call()
        .unwrap();
    assert_eq!(head.status(), 200, "ranges belong to GET");
    let long = agent
        .post(format!("{public}/ocsp/sign"))
        .header("content-type", "application/ocsp-request")
        .send(&[0x30; 5000][..])
        .unwrap();
    assert_eq!(
        (long.status().as_u16(), &long.headers()["content-type"]),
        (413, &"application/problem+json".parse().unwrap())
    );
    let (code, _, answer) = get(&format!("{public}/ocsp/sign/AAAA"), &[]);
    assert_eq!(
        (code, answer),
        (200, vec![0x30, 3, 0x0A, 1, 1]),
        "malformedRequest"
    );
    for page in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(&format!("{admin}{page}"), &[]).0, 200, "{page}");
    }
    let (_, _, api) = get(&format!("{public}/openapi.json"), &[]);
    let api: serde_json::Value = serde_json::from_slice(&api).unwrap();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));

    // It drains and ends with 0.
    assert!(status.end().unwrap().success());
}
