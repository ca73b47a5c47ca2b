//! The virtual card in readers of a real `pcscd`, with a real PC/SC client,
//! and OpenSC's own tools as judges.
//!
//! One test only: the PC/SC library reads the socket's name from the
//! environment of the process.

mod card_support;

use std::ffi::{CStr, CString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use card_support::host::{self, Fault, Reader};
use card_support::judge::{Scratch, must, openssl, run, self_signed, text};
use card_support::opensc;
use card_support::{CARD, PASSWORD, card_keys, first_pair};
use pcsc::{Context, Protocols, ReaderState, Scope, ShareMode, State};
use xtask::local::Local;
use xtask::process::{Program, Start};
use xtask::stack::pcscd::CardService;

/// A card behind PC/SC.
struct PcscCard(pcsc::Card);

impl Reader for PcscCard {
    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut buffer = vec![0; pcsc::MAX_BUFFER_SIZE_EXTENDED];
        self.0
            .transmit(apdu, &mut buffer)
            .map(<[u8]>::to_vec)
            .map_err(|_| Fault::Gone)
    }
}

/// The virtual card's program.
struct VirtualCard {
    program: Program,
    control: Local,
}

impl VirtualCard {
    fn serve(
        state: &Path,
        readers: &[(&str, u16)],
        insert: Option<&str>,
        dir: &Path,
    ) -> VirtualCard {
        let name = state.file_stem().expect("a name").to_str().expect("UTF-8");
        let mut arguments = vec![
            "serve".to_owned(),
            "--state".into(),
            state.to_str().expect("UTF-8").into(),
        ];
        for (reader, port) in readers {
            arguments.extend(["--reader".into(), format!("{reader}=127.0.0.1:{port}")]);
        }
        arguments.extend(
            insert
                .into_iter()
                .flat_map(|reader| ["--insert".to_owned(), reader.to_owned()]),
        );
        let mut program = Start::new(
            name,
            env!("CARGO_BIN_EXE_virtual-card"),
            dir.join(format!("{name}.log")),
        )
        .args(arguments)
        .ready_file(dir.join(format!("{name}.ready")))
        .start()
        .expect("started");
        let ready = program.wait_ready(Duration::from_secs(20)).expect("ready");
        assert_eq!(ready["pid"], program.pid());
        let control = Local::new(
            ready["listen"]["control"].as_str().expect("an address"),
            None,
        );
        VirtualCard { program, control }
    }

    fn status(&self) -> serde_json::Value {
        serde_json::from_slice(&self.control.get("/").expect("answers").body).expect("JSON")
    }

    fn post(&self, path: &str) -> (u16, serde_json::Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let mut answer = agent
            .post(format!("{}{path}", self.control.base()))
            .send_empty()
            .expect("answers");
        let status = answer.status().as_u16();
        (status, answer.body_mut().read_json().expect("JSON"))
    }

    fn insert(&self, reader: &str) {
        let (status, position) = self.post(&format!("/insert/{reader}"));
        assert_eq!(
            (status, &position["inserted"], &position["connected"]),
            (200, &reader.into(), &true.into())
        );
    }
}

struct Window {
    context: Context,
}

impl Window {
    /// Waits until a card is, or is not, in the reader.
    fn wait(&self, reader: &CStr, present: bool) {
        let begun = Instant::now();
        let mut states = [ReaderState::new(reader, State::UNAWARE)];
        loop {
            let outcome = self
                .context
                .get_status_change(Some(Duration::from_millis(500)), &mut states);
            assert!(
                matches!(outcome, Ok(()) | Err(pcsc::Error::Timeout)),
                "{outcome:?}"
            );
            if states[0].event_state().contains(State::PRESENT) == present {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{reader:?}: present is not {present}"
            );
            states[0].sync_current_state();
        }
    }

    fn connect(&self, reader: &CStr) -> PcscCard {
        self.wait(reader, true);
        PcscCard(
            self.context
                .connect(reader, ShareMode::Shared, Protocols::ANY)
                .expect("connects"),
        )
    }
}

fn set_socket(path: &Path) {
    #[allow(
        unsafe_code,
        reason = "the PC/SC library takes its socket from the environment only"
    )]
    // SAFETY: this program has one test; nothing reads the environment on another thread meanwhile.
    unsafe {
        std::env::set_var("PCSCLITE_CSOCK_NAME", path);
    }
}

fn virtual_card(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virtual-card"));
    command.args(arguments);
    command
}

fn resident_card(scratch: &Scratch) -> PathBuf {
    let keys = card_keys();
    let keys = serde_json::json!({
        "card": hex::encode(CARD), "enc": hex::encode(keys.enc), "mac": hex::encode(keys.mac), "dek": hex::encode(keys.dek),
    });
    let file = scratch.file("card-keys.json", keys.to_string().as_bytes());
    let state = scratch.path().join("resident.json");
    let arguments = [
        "init",
        "--state",
        text(&state),
        "--kind",
        "resident",
        "--card-keys",
        text(&file),
    ];
    must(&mut virtual_card(&arguments));
    let (again, said) = run(&mut virtual_card(&arguments));
    assert!(!again, "a card is never overwritten: {said}");
    state
}

#[test]
fn the_card_goes_through_a_visit_in_real_readers_and_opensc_lists_reads_and_signs() {
    let scratch = Scratch::new();
    let service = CardService::start(
        &scratch.path().join("pcscd"),
        scratch.path().join("pcscd.log"),
    )
    .expect("pcscd");
    set_socket(&service.socket());
    let slots = service.slots();
    let readers: Vec<CString> = slots
        .iter()
        .map(|(name, _)| CString::new(name.as_str()).expect("no NUL"))
        .collect();
    let (counter, operator_slot, kiosk) = (&*readers[0], &*readers[1], &*readers[2]);
    let window = Window {
        context: Context::establish(Scope::User).expect("pcscd answers"),
    };

    let state = resident_card(&scratch);
    let card = VirtualCard::serve(
        &state,
        &[("counter", slots[0].1), ("kiosk", slots[2].1)],
        None,
        scratch.path(),
    );
    assert_eq!(card.status()["inserted"], serde_json::Value::Null);
    assert_eq!(card.status()["card"]["state"], "blank");

    // The window, the kiosk, the window again, each through PC/SC.
    card.insert("counter");
    window.wait(counter, true);
    opensc::knows(&service.socket(), &slots[0].0);
    host::open_visit(&mut window.connect(counter), 1).expect("prepared");
    assert_eq!(card.status()["card"]["state"], "prepared");
    card.insert("kiosk");
    window.wait(counter, false);
    host::kiosk_visit(&mut window.connect(kiosk), 1, first_pair(), PASSWORD, None)
        .expect("key stored");
    card.insert("counter");
    window.wait(kiosk, false);
    let certificate = self_signed(&first_pair().pkcs8);
    let mut at_counter = window.connect(counter);
    host::write_certificates(&mut at_counter, &certificate).expect("certified");
    host::verify(&mut at_counter, PASSWORD).expect("right password");
    assert_eq!(
        host::read_file(&mut at_counter, 0x0001),
        Ok(certificate.clone())
    );
    drop(at_counter);
    assert_eq!(card.status()["card"]["state"], "certified");

    operator_card_signs(&scratch, &window, operator_slot, slots[1].1);
    opensc::accepts(&scratch, &service.socket(), &slots[0].0, &certificate);
    commands_are_fast(&mut window.connect(counter));
    block(&mut window.connect(counter));
    opensc::knows(&service.socket(), &slots[0].0);

    let page = ureq::get(card.control.base())
        .header("Accept", "text/html")
        .call()
        .expect("a page");
    assert!(
        page.headers()["content-type"]
            .to_str()
            .expect("ASCII")
            .starts_with("text/html")
    );

    // A page of another place moves nothing, and there is no reader without a name.
    let foreign = ureq::post(format!("{}/remove", card.control.base()))
        .header("Origin", "http://evil.example")
        .send_empty();
    assert!(
        matches!(foreign, Err(ureq::Error::StatusCode(403))),
        "{foreign:?}"
    );
    let rebound = ureq::post(format!("{}/remove", card.control.base()))
        .header("Host", "evil.example")
        .send_empty();
    assert!(
        matches!(rebound, Err(ureq::Error::StatusCode(403))),
        "{rebound:?}"
    );
    assert_eq!(card.post("/insert/elsewhere").0, 404);
    assert_eq!(card.status()["inserted"], "counter");

    assert_eq!(card.post("/remove").0, 200);
    window.wait(counter, false);
    card.insert("counter");
    window.wait(counter, true);

    // A second program does not get the same card.
    let (success, said) = run(&mut virtual_card(&[
        "serve",
        "--state",
        text(&state),
        "--reader",
        "x=127.0.0.1:9",
    ]));
    assert!(
        !success && said.contains("another program has this card"),
        "{said}"
    );

    let VirtualCard { mut program, .. } = card;
    assert!(
        program.end().expect("ends").success(),
        "SIGTERM ends it cleanly"
    );
    window.wait(counter, false);
    let log = fs::read_to_string(scratch.path().join("resident.log")).expect("log");
    for secret in [
        std::str::from_utf8(PASSWORD).expect("ASCII"),
        &hex::encode(card_keys().enc),
        "pkcs8",
    ] {
        assert!(!log.contains(secret), "{log}");
    }
}

fn operator_card_signs(scratch: &Scratch, window: &Window, reader: &CStr, port: u16) {
    let file = |name: &str| scratch.path().join(name);
    let state = file("operator.json");
    let pin = scratch.file("pin", b"314159\n");
    must(&mut virtual_card(&[
        "init",
        "--state",
        text(&state),
        "--kind",
        "operator",
        "--operator",
        "13101-0001",
        "--pin-file",
        text(&pin),
    ]));
    must(&mut virtual_card(&[
        "operator-request",
        "--state",
        text(&state),
        "--out",
        text(&file("operator.csr")),
    ]));
    scratch.file("extensions", b"basicConstraints = CA:FALSE\n");
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=Test CA",
        "-keyout",
        text(&file("ca.key")),
        "-out",
        text(&file("ca.pem")),
    ]);
    openssl(&[
        "x509",
        "-req",
        "-in",
        text(&file("operator.csr")),
        "-CA",
        text(&file("ca.pem")),
        "-CAkey",
        text(&file("ca.key")),
        "-extfile",
        text(&file("extensions")),
        "-set_serial",
        "7",
        "-days",
        "30",
        "-out",
        text(&file("operator.pem")),
    ]);
    let install = |certificate: &str| {
        run(&mut virtual_card(&[
            "operator-certificate",
            "--state",
            text(&state),
            "--certificate",
            text(&file(certificate)),
        ]))
    };
    let (success, said) = install("ca.pem");
    assert!(
        !success && said.contains("not for this card's key"),
        "{said}"
    );
    let (success, said) = install("operator.pem");
    assert!(success, "{said}");

    let served = VirtualCard::serve(
        &state,
        &[("operator", port)],
        Some("operator"),
        scratch.path(),
    );
    assert_eq!(served.status()["card"]["certified"], true);
    let mut card = window.connect(reader);
    host::select(&mut card, host::OPERATOR).expect("there");
    host::send(&mut card, &host::apdu([0x00, 0x20, 0x00, 0x80], b"314159")).expect("right PIN");
    let message = scratch.file("act", b"an act");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"an act");
    let mut sign = host::apdu([0x80, 0x88, 0x00, 0x00], digest.as_ref());
    sign.push(0);
    let signature = host::send(&mut card, &sign).expect("signed");
    let signature = scratch.file("act.sig", &signature);
    openssl(&[
        "x509",
        "-in",
        text(&file("operator.pem")),
        "-pubkey",
        "-noout",
        "-out",
        text(&file("operator.pub")),
    ]);
    openssl(&[
        "dgst",
        "-sha256",
        "-verify",
        text(&file("operator.pub")),
        "-signature",
        text(&signature),
        text(&message),
    ]);
}

fn block(card: &mut PcscCard) {
    while host::verify(card, b"WRONG000") != Err(Fault::Status(0x63C0)) {}
    assert_eq!(host::verify(card, PASSWORD), Err(Fault::Status(0x6984)));
}

/// With delayed acknowledgements it would be about 21 commands a second.
fn commands_are_fast(card: &mut PcscCard) {
    host::select(card, host::PERSONALISATION).expect("there");
    let begun = Instant::now();
    for _ in 0..200 {
        host::send(card, &[0x80, 0xCA, 0x00, 0x01, 0x00]).expect("free data");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "200 commands took {:?}",
        begun.elapsed()
    );
}
