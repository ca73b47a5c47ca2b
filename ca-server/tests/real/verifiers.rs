//! Registered access (Arts 17, 18): revocation information is given to registered
//! verifiers alone, and what each was given is counted.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use ca_server::testing::{
    room::Room,
    window::{Applicant, PartyKey},
};
use jiff::Timestamp;
use pki_core::{
    certificate::{Serial, image::CertificateImage, pem},
    revocation::{crl::CrlImage, ground::Ground},
};
use ureq::{
    Agent,
    tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig},
};

const FILES: [&str; 4] = [
    "/crl/sign.crl",
    "/crl/sign/13101.crl",
    "/certs/sign.cer",
    "/openapi.json",
];

/// A verifier's program, with one connection that it keeps.
fn client(room: &Room, certificate: &[u8], key: &PartyKey) -> Agent {
    let chain = [Certificate::from_der(certificate).to_owned()];
    let key = PrivateKey::from_pem(pem::encode(pem::PRIVATE_KEY, &key.to_pkcs8()).as_bytes());
    let roots = vec![Certificate::from_der(room.infrastructure()).to_owned()];
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .client_cert(Some(ClientCert::new_with_certs(&chain, key.unwrap())))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .max_idle_connections(1)
        .build()
        .new_agent()
}

fn get(agent: &Agent, base: &str, path: &str) -> Result<(u16, Vec<u8>), ureq::Error> {
    let mut response = agent.get(format!("{base}{path}")).call()?;
    let body = response.body_mut().read_to_vec()?;
    Ok((response.status().as_u16(), body))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `openssl s_client` with these options; everything it prints.
fn s_client(dir: &Path, base: &str, options: &[&str], request: &str) -> String {
    use std::io::Write;
    let mut child = Command::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-verify_return_error",
            "-CAfile",
            "infra.pem",
        ])
        .args(["-connect", &base.replace("https://", "")])
        .args(options)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The server may have ended the connection before it reads.
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    let output = child.wait_with_output().unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn registered_verifiers_alone_are_given_revocation_information_and_each_is_counted() {
    let room = Room::registered(env!("CARGO_BIN_EXE_ca-server"));
    let server = room.start();
    let issued = server
        .client
        .issue(
            &room
                .window
                .issue_request(&Applicant::soumu("R1"), Timestamp::now()),
        )
        .done();
    // Access decides what certificates carry: the distribution point by its name alone, and
    // no addresses.
    let holder = CertificateImage::decode(&issued.certificate.0).unwrap();
    let points = format!("{:?}", holder.distribution_points);
    assert!(
        points.contains("Chiyoda-ku CRLDP") && !points.contains("http"),
        "{points}"
    );
    let bytes = text(&issued.certificate.0);
    assert!(!bytes.contains("127.0.0.1"), "an address of this service");

    let dir = room.folder.path();
    for (name, der) in [
        ("holder.pem", issued.certificate.0.as_slice()),
        ("issuer.pem", &room.signing),
        ("infra.pem", room.infrastructure()),
    ] {
        fs::write(dir.join(name), pem::encode(pem::CERTIFICATE, der)).unwrap();
    }
    let (mut status, base, _) = room.start_status();
    assert!(base.starts_with("https://127.0.0.1:"), "{base}");
    let by_name = base.replace("127.0.0.1", "localhost");
    let (tax_certificate, tax_key) = room.verifier("tax-1");
    room.verifier("moj-1");
    let tax = client(&room, &tax_certificate, &tax_key);

    // With its certificate: lists, the CA's certificate, and OCSP answers that OpenSSL accepts.
    for path in FILES {
        assert_eq!(get(&tax, &by_name, path).unwrap().0, 200, "{path}");
    }
    let ocsp = |words: &[&str]| {
        let output = Command::new("openssl")
            .args([
                "ocsp",
                "-issuer",
                "issuer.pem",
                "-cert",
                "holder.pem",
                "-no_nonce",
            ])
            .args(words)
            .current_dir(dir)
            .output()
            .unwrap();
        text(&output.stdout) + &text(&output.stderr)
    };
    ocsp(&["-reqout", "ocsp.req"]);
    let ask = || -> String {
        let mut answer = tax
            .post(format!("{by_name}/ocsp/sign"))
            .header("content-type", "application/ocsp-request")
            .send(&fs::read(dir.join("ocsp.req")).unwrap()[..])
            .unwrap();
        assert_eq!(answer.status(), 200);
        fs::write(
            dir.join("ocsp.resp"),
            answer.body_mut().read_to_vec().unwrap(),
        )
        .unwrap();
        ocsp(&["-respin", "ocsp.resp", "-CAfile", "issuer.pem"])
    };
    let said = ask();
    assert!(
        said.contains("Response verify OK") && said.contains("holder.pem: good"),
        "{said}"
    );
    let serial: Serial = issued.serial.parse().unwrap();
    let wish = room
        .window
        .revoke_request(&serial, Ground::Article9, Timestamp::now());
    server.client.revoke(&wish).done();
    let said = ask();
    assert!(said.contains("holder.pem: revoked"), "{said}");

    // OpenSSL as another verifier's client, over TLS 1.3; and not without a certificate.
    let request = "GET /crl/sign.crl HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let certificate = ["-cert", "verifier-moj-1.pem", "-key", "verifier-moj-1.key"];
    let said = s_client(
        dir,
        &base,
        &[&["-ign_eof"], &certificate[..]].concat(),
        request,
    );
    assert!(
        said.contains("HTTP/1.1 200") && said.contains("application/pkix-crl"),
        "{said}"
    );
    let said = s_client(dir, &base, &["-ign_eof"], request);
    assert!(
        said.contains("certificate required") && !said.contains("HTTP/1.1"),
        "{said}"
    );
    let said = s_client(
        dir,
        &base,
        &[&["-tls1_2"], &certificate[..]].concat(),
        request,
    );
    assert!(
        said.contains("protocol version") && !said.contains("HTTP/1.1"),
        "{said}"
    );

    // Of the right CA and no verifier: nothing is given.
    let terminal = client(&room, &room.terminal_certificate(), &room.window.terminal);
    for path in FILES {
        let (code, body) = get(&terminal, &by_name, path).unwrap();
        assert_eq!(code, 403, "{path}");
        assert!(text(&body).contains("not-authorised"), "{path}");
    }
    // Of another CA, and out of its time: the handshake fails.
    let elsewhere = ca_server::testing::world::World::new();
    let wish = ca_server::app::enrol::Enrolment {
        kind: "verifier".to_owned(),
        id: "tax-1".to_owned(),
        municipality: None,
        label: "test".to_owned(),
        request: tax_key.request("tax-1"),
        dns_names: Vec::new(),
        addresses: Vec::new(),
        replace: false,
    };
    let foreign = ca_server::app::verifier::enrol(&elsewhere.app, &wish, "第1号").unwrap();
    let foreign = client(&room, &foreign.certificate, &tax_key);
    assert!(get(&foreign, &by_name, "/crl/sign.crl").is_err());
    let expired = client(&room, &room.expired_verifier("tax-1", &tax_key), &tax_key);
    assert!(get(&expired, &by_name, "/crl/sign.crl").is_err());

    // Suspended: nothing from the next request on, on the connection that is open and on a new one.
    let (_, before) = get(&tax, &by_name, "/crl/sign.crl").unwrap();
    assert!(CrlImage::decode(&before).is_ok());
    room.officer(&["suspend", "--kind", "verifier", "--id", "tax-1"]);
    let again = client(&room, &tax_certificate, &tax_key);
    for agent in [&tax, &again] {
        for path in FILES
            .into_iter()
            .chain(["/crl/sign/delta.crl", "/ocsp/sign/AAAA"])
        {
            assert_eq!(get(agent, &by_name, path).unwrap().0, 403, "{path}");
        }
    }
    room.officer(&["resume", "--kind", "verifier", "--id", "tax-1"]);
    assert_eq!(get(&tax, &by_name, "/crl/sign.crl").unwrap().0, 200);

    // The book: written at the end at the latest, and the officers' report of the year.
    assert!(status.end().unwrap().success());
    let report = text(&room.officer(&[
        "verifiers",
        "report",
        "--from",
        "2020-01-01",
        "--to",
        "2099-12-31",
    ]));
    for line in [
        r#""","(in no registry)","refused","4""#,
        r#""moj-1","test","list","1""#,
        r#""moj-1","test","answer","0""#,
        r#""tax-1","test","list","4""#,
        r#""tax-1","test","answer","2""#,
        r#""tax-1","test","certificate","1""#,
        r#""tax-1","test","refused","12""#,
    ] {
        assert!(
            report.lines().any(|known| known == line),
            "{line}\n{report}"
        );
    }
    let listed = text(&room.officer(&["verifiers", "list"]));
    assert!(
        listed.contains(r#""tax-1","test","令和8年11月23日 第1号","active""#),
        "{listed}"
    );
    // The officers' acts are in the log.
    let out = dir.join("audit.jsonl").display().to_string();
    room.officer(&["audit", "export", "--out", &out]);
    let log = fs::read_to_string(&out).unwrap();
    for event in ["enrol", "party.suspend", "party.resume"] {
        let row = format!(
            "\"event\":\"{event}\",\"outcome\":\"done\",\"actor\":\"officer\",\"subject\":\"party:verifier/tax-1\""
        );
        assert!(log.contains(&row), "{event}");
    }
}
