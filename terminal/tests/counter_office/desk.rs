//! The window with its cards, and the browser before it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::web::Data;
use pki_core::certificate::pem;
use pki_core::certificate::public_key::PublicKey;
use pki_core::certificate::request::parse_party_request;
use serde_json::Value;
use terminal::counter::app::Parts;
use terminal::counter::{Counter, CounterConfig, http};
use terminal::local::serve::LocalServer;
use terminal::party::{PartyKey, enrolment_request};
use terminal::virtual_card::{Image, OperatorImage, SharedMemory, factory_image};

use crate::gateway::{Office, State};
use crate::support::{Folder, TestReader, blank_card};
use crate::{CHIEF, CLERK, PIN};

/// A window, its two operator cards and a browser.
pub struct Desk {
    _folder: Folder,
    pub office: Office,
    pub reader: TestReader,
    pub clerk: SharedMemory,
    pub chief: SharedMemory,
    pub counter: Arc<Counter>,
    pub base: String,
    pub cookie: String,
    pub agent: ureq::Agent,
    pub here: String,
    pub status: u16,
    pub page: String,
}

fn operator(id: &str) -> (SharedMemory, PublicKey) {
    let image = OperatorImage::new(id, PIN.as_bytes()).unwrap();
    let request = parse_party_request(&image.request().unwrap()).unwrap();
    let card = factory_image(&Image::Operator(Box::new(image))).unwrap();
    (SharedMemory::new(&card), request.public_key)
}

/// The window, a clerk at work.
pub fn desk(name: &str) -> Desk {
    let folder = Folder::new(name);
    let at = |file: &str| folder.0.join(file);
    enrolment_request("131010001", &at("terminal.key"), &at("terminal.csr")).unwrap();
    let request = std::fs::read_to_string(at("terminal.csr")).unwrap();
    let der = pem::decode(pem::REQUEST, &request).unwrap();
    std::fs::write(at("any.pem"), pem::encode(pem::CERTIFICATE, &der)).unwrap();
    let text = "terminal = \"131010001\"\nlisten = \"127.0.0.1:0\"\nrecover_seconds = 1\n\
                [gateway]\nurl = \"https://127.0.0.1:1\"\ntrust = \"TRUST\"\n\
                certificate = \"any.pem\"\nkey = \"terminal.key\"\n\
                [readers]\nresident = \"A\"\noperator = \"B\"\n";
    // Of a CA: whether it is for training stands in its policies.
    let text = text.replace(
        "TRUST",
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../pki-core/tests/fixtures/jpki-sign-ca-cert.der"
        ),
    );
    std::fs::write(at("counter.toml"), text).unwrap();
    let (clerk, clerk_key) = operator(CLERK);
    let (chief, chief_key) = operator(CHIEF);
    let keys = [(CLERK.to_owned(), clerk_key), (CHIEF.to_owned(), chief_key)];
    let office = Office(Arc::new(Mutex::new(State {
        keys: keys.into_iter().collect(),
        signed_in: None,
        approval: None,
        closed: None,
        countered: false,
        remitted: false,
        orders: Vec::new(),
    })));
    let reader = TestReader::with(&clerk);
    let counter = Counter::new(Parts {
        config: CounterConfig::read(&at("counter.toml")).unwrap(),
        gateway: Box::new(office.clone()),
        resident_reader: Box::new(TestReader::with(&blank_card())),
        operator_reader: Box::new(reader.clone()),
        key: PartyKey::read(&at("terminal.key")).unwrap(),
    })
    .unwrap();
    let (data, file) = (Data::new(Arc::clone(&counter)), at("ready"));
    std::thread::spawn(move || {
        let server = LocalServer {
            name: "terminal_ui",
            listen: "127.0.0.1:0".parse().unwrap(),
            ready_file: Some(&file),
            keep_alive: false,
        };
        let served = server.run(move |routes| {
            routes.app_data(data.clone());
            http::routes(routes);
        });
        actix_web::rt::System::new().block_on(served).unwrap();
    });
    let until = Instant::now() + Duration::from_secs(60);
    let (base, start) = loop {
        if let Ok(text) = std::fs::read_to_string(at("ready")) {
            let ready: Value = serde_json::from_str(&text).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            break (text(&ready["listen"]["terminal_ui"]), text(&ready["start"]));
        }
        assert!(Instant::now() < until, "the server does not start");
        std::thread::sleep(Duration::from_millis(20));
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let started = agent.get(&start).call().unwrap();
    let cookie = started.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    counter
        .sign_in(&zeroize::Zeroizing::new(PIN.to_owned()))
        .unwrap();
    Desk {
        _folder: folder,
        office,
        reader,
        clerk,
        chief,
        counter,
        base,
        cookie,
        agent,
        here: String::new(),
        status: 0,
        page: String::new(),
    }
}

impl Desk {
    fn take(&mut self, path: &str, mut answer: ureq::http::Response<ureq::Body>) {
        self.status = answer.status().as_u16();
        if self.status == 303 {
            let to = answer.headers()["location"].to_str().unwrap().to_owned();
            return self.go(&to);
        }
        self.here = path.to_owned();
        let bytes = answer.body_mut().read_to_vec().unwrap();
        self.page = String::from_utf8_lossy(&bytes).into_owned();
    }

    pub fn go(&mut self, path: &str) {
        let answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("Cookie", &self.cookie)
            .call()
            .unwrap();
        self.take(path, answer);
    }

    /// Value of a hidden field of the page.
    pub fn hidden(&self, name: &str) -> String {
        let (_, rest) = self
            .page
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("no {name} on {}:\n{}", self.here, self.page));
        rest.split('"').next().unwrap().to_owned()
    }

    pub fn press(&mut self, path: &str, fields: &[(&str, &str)]) {
        assert!(
            self.page.contains(&format!("action=\"{path}\"")),
            "no form to {path}:\n{}",
            self.page
        );
        let encode = |text: &str| -> String { text.bytes().map(|b| format!("%{b:02X}")).collect() };
        let secret = self.hidden("local");
        let body: Vec<String> = fields
            .iter()
            .copied()
            .chain([("local", secret.as_str())])
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let answer = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("Cookie", &self.cookie)
            .header("Origin", &self.base)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .send(body.join("&"))
            .unwrap();
        self.take(path, answer);
    }

    pub fn says(&self, text: &str) {
        assert!(
            self.page.contains(text),
            "{text} is not on {}:\n{}",
            self.here,
            self.page
        );
    }

    /// The supervisor's card lies in the operator's reader, and its PIN is given.
    pub fn decide(&mut self, card: &SharedMemory, pin: &str, verdict: &str) {
        let id = "07".repeat(16);
        let shown = ["act", "subject", "requested_by"].map(|name| self.hidden(name));
        self.reader.remove();
        self.reader.insert(card);
        self.press(
            &format!("/screens/office/approvals/{id}/decide"),
            &[
                ("act", &shown[0]),
                ("subject", &shown[1]),
                ("requested_by", &shown[2]),
                ("pin", pin),
                ("verdict", verdict),
            ],
        );
    }

    /// The clerk's card again, and the clerk at work.
    pub fn clerk_returns(&mut self) {
        self.reader.remove();
        self.reader.insert(&self.clerk);
        self.counter
            .sign_in(&zeroize::Zeroizing::new(PIN.to_owned()))
            .unwrap();
    }
}
