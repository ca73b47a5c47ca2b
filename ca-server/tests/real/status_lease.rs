//! Two status nodes, one of them stopped while it holds a good answer in memory: after a revocation
//! was acknowledged none of them ever says good, the one that goes on included.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ca_server::testing::{room::Room, window::Applicant, world::Folder};
use jiff::Timestamp;
use pki_core::{
    certificate::{
        Serial,
        issuer::{Access, Issuer, Publication},
    },
    revocation::{
        ground::Ground,
        ocsp::{CertId, CertStatus, IssuerIds, ResponseImage},
    },
};
use xtask::process::Program;

/// Questions asked in one go.
const ROUND: usize = 150;
/// Certificates revoked while a node is stopped.
const REVOKED: usize = 3;
const PATIENCE: Duration = Duration::from_secs(120);

fn signal(name: &str, program: &Program) {
    let pid = program.pid().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success());
}

/// A holder's certificate and how one asks about it.
struct Asked {
    serial: Serial,
    question: Vec<u8>,
    issuer: Issuer,
}

impl Asked {
    fn issue(room: &Room, client: &ca_server::testing::client::Client, number: usize) -> Self {
        let applicant = Applicant::soumu(&format!("R{number}"));
        let request = room.window.issue_request(&applicant, Timestamp::now());
        let serial: Serial = client.issue(&request).done().serial.parse().unwrap();
        let publication = Publication {
            access: Access::Registered,
            segment: "sign".to_owned(),
        };
        let issuer = Issuer::from_certificate(&room.signing, publication).unwrap();
        let id = CertId::new(&IssuerIds::of(&issuer), &serial);
        let wrap = |content: &[u8]| [&[0x30, content.len() as u8][..], content].concat();
        Self {
            question: wrap(&wrap(&wrap(&wrap(id.as_der())))),
            serial,
            issuer,
        }
    }

    /// POST and GET in turn.
    fn request(&self, turn: usize) -> Vec<u8> {
        if turn.is_multiple_of(2) {
            let head = format!(
                "POST /ocsp/sign HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\n\
                 Content-Length: {}\r\n\r\n",
                self.question.len()
            );
            [head.as_bytes(), &self.question].concat()
        } else {
            let text = STANDARD.encode(&self.question).replace('/', "%2F");
            format!("GET /ocsp/sign/{text} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()
        }
    }

    fn read(&self, connection: &mut TcpStream) -> CertStatus {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            connection.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let (_, length) = head.split_once("content-length: ").unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        connection.read_exact(&mut body).unwrap();
        let image = ResponseImage::verify(&body, &self.issuer).unwrap();
        image.answers[0].status
    }

    fn ask(&self, connection: &mut TcpStream, turn: usize) -> CertStatus {
        connection.write_all(&self.request(turn)).unwrap();
        self.read(connection)
    }
}

fn connect(public: &str) -> TcpStream {
    let connection = TcpStream::connect(public.trim_start_matches("http://")).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection
}

fn given_from_memory(admin: &str) -> f64 {
    let page = ureq::get(format!("{admin}/metrics"))
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    page.lines()
        .find_map(|line| line.strip_prefix("jitsuin_ocsp_from_memory_total "))
        .map_or(0.0, |count| count.parse().unwrap())
}

/// Until the node gives its good answer from memory.
fn warm(asked: &Asked, connection: &mut TcpStream, admin: &str) {
    let until = Instant::now() + PATIENCE;
    let before = given_from_memory(admin);
    while given_from_memory(admin) < before + 4.0 {
        assert!(Instant::now() < until, "nothing comes from memory");
        for turn in 0..6 {
            assert_eq!(asked.ask(connection, turn), CertStatus::Good);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn two_nodes(room: &Room) {
    let server = room.start();
    let (first, public, admin) = room.start_status();
    let (stopped, public_of_stopped, admin_of_stopped) = room.start_status_again("status-2");
    let (mut of_first, mut of_stopped) = (connect(&public), connect(&public_of_stopped));
    let revoke = |asked: &Asked| {
        let ground = Ground::Article10Leak;
        let wish = room
            .window
            .revoke_request(&asked.serial, ground, Timestamp::now());
        let begun = Instant::now();
        server.client.revoke(&wish).done();
        begun.elapsed()
    };
    for number in 0..REVOKED {
        let asked = Asked::issue(room, &server.client, number);
        warm(&asked, &mut of_first, &admin);
        warm(&asked, &mut of_stopped, &admin_of_stopped);
        signal("-STOP", &stopped);
        let took = revoke(&asked);
        // 2 s, and what a machine under load needs for the rest.
        assert!(
            took >= Duration::from_millis(1400),
            "nobody waited: {took:?}"
        );
        assert!(took < Duration::from_secs(10), "{took:?}");
        let revoked = |status| matches!(status, CertStatus::Revoked { .. });
        for turn in 0..ROUND {
            assert!(revoked(asked.ask(&mut of_first, turn)), "{number} {turn}");
        }
        // Questions that wait for the stopped node when it goes on.
        let waiting: Vec<u8> = (0..ROUND).flat_map(|turn| asked.request(turn)).collect();
        let mut sender = of_stopped.try_clone().unwrap();
        let sending = thread::spawn(move || sender.write_all(&waiting).unwrap());
        signal("-CONT", &stopped);
        for turn in 0..ROUND {
            let status = asked.read(&mut of_stopped);
            assert!(revoked(status), "{number} {turn}: {status:?}");
        }
        sending.join().unwrap();
        for turn in 0..ROUND {
            assert!(revoked(asked.ask(&mut of_stopped, turn)));
        }
    }
    // Both well: it takes the renewals that are due and no more than a lease.
    let asked = Asked::issue(room, &server.client, REVOKED);
    warm(&asked, &mut of_first, &admin);
    warm(&asked, &mut of_stopped, &admin_of_stopped);
    revoke(&asked);
    for turn in 0..ROUND {
        for connection in [&mut of_first, &mut of_stopped] {
            let status = asked.ask(connection, turn);
            assert!(matches!(status, CertStatus::Revoked { .. }), "{status:?}");
        }
    }
    // A node that is killed holds nobody up for longer than its lease.
    drop((first, of_first));
    let asked = Asked::issue(room, &server.client, REVOKED + 1);
    assert!(revoke(&asked) < Duration::from_secs(10));
    drop(stopped);
}

#[test]
fn no_node_says_good_after_a_revocation_was_acknowledged_on_sqlite() {
    two_nodes(&super::room());
}

#[test]
fn no_node_says_good_after_a_revocation_was_acknowledged_on_postgresql() {
    let folder = Folder::new();
    let cluster = super::cluster(&folder);
    two_nodes(&super::room_on(&cluster.url("ca")));
}
