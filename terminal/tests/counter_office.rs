//! The office's pages over plain HTTP: a till that is short is approved by a supervisor's
//! card at the same terminal, an entry is taken back, a month is remitted, counts are told.

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::web::Data;
use jiff::Timestamp;
use pki_core::approval::{Approval, Statement, Subject};
use pki_core::certificate::pem;
use pki_core::certificate::public_key::PublicKey;
use pki_core::certificate::request::parse_party_request;
use pki_core::id::ApprovalId;
use pki_core::operator::Role;
use schema::wire::bytes::Base64;
use schema::wire::v1::ra::*;
use serde_json::{Value, json};
use support::{Folder, TestReader, blank_card};
use terminal::counter::app::Parts;
use terminal::counter::{Counter, CounterConfig, http};
use terminal::gateway::{Gateway, GatewayFault, Method};
use terminal::local::serve::LocalServer;
use terminal::party::{PartyKey, enrolment_request};
use terminal::virtual_card::{Image, OperatorImage, SharedMemory, factory_image};

const CLERK: &str = "13101-0001";
const CHIEF: &str = "13101-0009";
const PIN: &str = "246810";
const NUMBER: &str = "13101-2026-000001";
const APPLICATION: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

/// A gateway in memory that keeps one till and decides on approvals by the product's rules.
#[derive(Clone)]
struct Office(Arc<Mutex<State>>);

struct State {
    keys: HashMap<String, PublicKey>,
    signed_in: Option<String>,
    approval: Option<(Approval, ApprovalMessage)>,
    closed: Option<TillCloseRequest>,
    countered: bool,
    remitted: bool,
}

fn refused(status: u16, kind: &str) -> GatewayFault {
    let kind = format!("urn:jitsuin:problem:{kind}");
    GatewayFault::Refused(
        status,
        json!({"type": kind, "status": status, "detail": kind}),
    )
}

fn totals() -> Vec<KindTotalMessage> {
    vec![KindTotalMessage {
        kind: "first".into(),
        taken: 3,
        taken_yen: 1_500,
        taken_back: 0,
        taken_back_yen: 0,
    }]
}

impl State {
    fn entry(&self) -> TillEntry {
        TillEntry {
            number: NUMBER.into(),
            application: APPLICATION.into(),
            kind: "first".into(),
            amount_yen: 500,
            counter_of: None,
            operator: CLERK.into(),
            at: "2026-11-20T01:00:00Z".into(),
            booked_on: "2026-11-20".into(),
        }
    }

    fn till(&self) -> TillDay {
        TillDay {
            day: "2026-11-20".into(),
            today: "2026-11-22".into(),
            entries: vec![self.entry()],
            totals: totals(),
            booked_yen: 1_500,
            close: self.closed.as_ref().map(|close| DayCloseMessage {
                closed_at: "2026-11-20T08:30:00Z".into(),
                operator: CLERK.into(),
                counted_yen: close.counted_yen,
                difference_yen: close.counted_yen - 1_500,
                reason: close.reason.clone(),
            }),
            oldest_open: self.closed.is_none().then(|| "2026-11-20".into()),
            handed_over_unpaid: vec![APPLICATION.into()],
        }
    }

    fn remittance(&self) -> RemittanceView {
        RemittanceView {
            municipality: "13101".into(),
            month: "2026-10".into(),
            totals: totals(),
            lines: 3,
            booked_yen: 1_500,
            days: vec![RemittanceDay {
                day: "2026-10-05".into(),
                lines: 3,
                booked_yen: 1_500,
                counted_yen: 1_500,
            }],
            blocked: None,
            remitted_at: self.remitted.then(|| "2026-11-02T01:00:00Z".into()),
            remitted_by: self.remitted.then(|| CHIEF.into()),
        }
    }

    fn statistics(&self) -> StatisticsView {
        let classes = |classes: &[&str], count: u32| {
            let class = |class: &&str| ClassCount {
                class: (*class).to_owned(),
                count: if *class == classes[0] { count } else { 0 },
            };
            classes.iter().map(class).collect::<Vec<_>>()
        };
        let month = |number: u32| MonthStatistics {
            month: format!("2026-{number:02}"),
            issued: classes(&["first", "renewal", "reissue-merger"], number * 7 % 23),
            revoked: classes(&["article9", "article10-loss", "article12"], number % 5),
            fees: totals(),
            waiting: (number == 11).then_some(WaitingMessage {
                count: 31,
                median_s: 425,
                p90_s: 1_110,
            }),
        };
        StatisticsView {
            municipality: "13101".into(),
            months: (1..=11).map(month).collect(),
        }
    }

    fn ask(&mut self, wish: ApprovalRequest) -> ApprovalMessage {
        let application = wish.application.as_deref().map(|id| id.parse().unwrap());
        let act = wish.act.parse().unwrap();
        let subject = Subject::new(act, application, &wish.reference, &wish.reason).unwrap();
        let approval = Approval::request(
            ApprovalId::from_bytes([7; 16]),
            "13101".parse().unwrap(),
            &subject,
            self.signed_in.as_deref().unwrap().parse().unwrap(),
            Timestamp::now(),
        );
        let message = ApprovalMessage {
            id: approval.id.to_string(),
            act: wish.act,
            application: wish.application,
            reference: wish.reference,
            reason: wish.reason,
            subject_sha256: approval.subject_sha256.to_string(),
            requested_by: approval.requested_by.to_string(),
            requested_at: approval.requested_at.to_string(),
            expires_at: approval.expires_at.to_string(),
            standing: "waiting".into(),
            decided_by: None,
        };
        self.approval = Some((approval, message.clone()));
        message
    }

    fn decide(&mut self, decision: ApprovalDecision) -> Result<ApprovalMessage, GatewayFault> {
        let (approval, message) = self.approval.as_mut().unwrap();
        let said = Statement::read(&decision.statement.0).unwrap();
        let role = if said.approver.as_str() == CHIEF {
            Role::Supervisor
        } else {
            Role::Clerk
        };
        let key = &self.keys[said.approver.as_str()];
        *approval = approval
            .decide(
                &decision.statement.0,
                &decision.signature.0,
                "131010001".parse().unwrap(),
                key,
                role,
                Timestamp::now(),
            )
            .map_err(|fault| refused(403, &format!("role-forbids ({fault})")))?;
        message.standing = approval.standing.as_str().into();
        message.decided_by = Some(said.approver.to_string());
        Ok(message.clone())
    }

    fn answer(&mut self, method: Method, path: &str, body: Value) -> Result<Value, GatewayFault> {
        let read = |value: Value| value;
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let approval = |state: &Self| state.approval.as_ref().map(|(_, shown)| shown.clone());
        Ok(match (method, parts.as_slice()) {
            (Method::Post, ["operator-challenges"]) => json!(OperatorChallengeResponse {
                challenge_id: "22".repeat(16),
                challenge: Base64(vec![5; 32]),
            }),
            (Method::Post, ["operator-sessions"]) => {
                let request: OperatorSessionRequest = serde_json::from_value(read(body)).unwrap();
                self.signed_in = Some(request.operator.clone());
                json!(OperatorSessionResponse {
                    session: SessionToken("token".into()),
                    label: request.operator.clone(),
                    operator: request.operator,
                    role: "clerk".into(),
                    expires_at: "2099-01-01T00:00:00Z".into(),
                })
            }
            (Method::Delete, _) => {
                self.signed_in = None;
                Value::Null
            }
            (Method::Get, ["approvals"]) => json!(ApprovalList {
                approvals: approval(self).into_iter().collect(),
            }),
            (Method::Get, ["approvals", _]) => json!(approval(self).unwrap()),
            (Method::Post, ["approvals"]) => {
                json!(self.ask(serde_json::from_value(body).unwrap()))
            }
            (Method::Post, ["approvals", _, "decision"]) => {
                json!(self.decide(serde_json::from_value(body).unwrap())?)
            }
            (Method::Get, ["till"] | ["till", _]) => json!(self.till()),
            (Method::Post, ["till-closes"]) => {
                let close: TillCloseRequest = serde_json::from_value(body).unwrap();
                let (approval, shown) = self.approval.as_ref().unwrap();
                assert_eq!(close.approval.as_deref(), Some(shown.id.as_str()));
                assert_eq!(approval.standing.as_str(), "approved");
                self.closed = Some(close);
                json!(self.till())
            }
            (Method::Get, ["fees", NUMBER]) => json!(FeeView {
                entry: self.entry(),
                countered_by: self.countered.then(|| "13101-2026-000002".into()),
                due_again: false,
                handed_over: true,
            }),
            (Method::Post, ["fee-corrections"]) => {
                let wish: FeeCorrectionRequest = serde_json::from_value(body).unwrap();
                assert_eq!(wish.number, NUMBER);
                self.countered = true;
                json!(self.entry())
            }
            (Method::Get, ["remittances", _]) => json!(self.remittance()),
            (Method::Post, ["remittances"]) => {
                self.remitted = true;
                json!(self.remittance())
            }
            (Method::Get, ["statistics", _]) => json!(self.statistics()),
            (Method::Get, ["place"]) => json!(PlaceView {
                name: Some("千代田区役所 2階".into()),
                version: Some("2026-11".into()),
                closed: None,
                extended_until: None,
                shift: None,
            }),
            (Method::Post, ["shifts"]) => json!(ShiftMessage {
                operator: CLERK.into(),
                before: None,
                applications: 2,
                at: "2026-11-22T01:00:00Z".into(),
            }),
            (Method::Get, ["applications?open=true"]) => json!({"applications": []}),
            other => panic!("the terminal called {other:?}"),
        })
    }
}

impl Gateway for Office {
    fn call(
        &self,
        method: Method,
        path: &str,
        session: Option<&str>,
        body: Option<Value>,
    ) -> Result<Value, GatewayFault> {
        let mut state = self.0.lock().unwrap();
        let open = path.starts_with("/v1/operator-") || path.ends_with("/decision");
        if path == "/openapi.json" {
            return Ok(Value::Null);
        }
        if !open && (session != Some("token") || state.signed_in.is_none()) {
            return Err(refused(401, "session-required"));
        }
        state.answer(method, path, body.unwrap_or_default())
    }
}

/// A window, its two operator cards and a browser.
struct Desk {
    _folder: Folder,
    office: Office,
    reader: TestReader,
    clerk: SharedMemory,
    chief: SharedMemory,
    counter: Arc<Counter>,
    base: String,
    cookie: String,
    agent: ureq::Agent,
    here: String,
    status: u16,
    page: String,
}

fn operator(id: &str) -> (SharedMemory, PublicKey) {
    let image = OperatorImage::new(id, PIN.as_bytes()).unwrap();
    let request = parse_party_request(&image.request().unwrap()).unwrap();
    let card = factory_image(&Image::Operator(Box::new(image))).unwrap();
    (SharedMemory::new(&card), request.public_key)
}

fn desk(name: &str) -> Desk {
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

    fn go(&mut self, path: &str) {
        let answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("Cookie", &self.cookie)
            .call()
            .unwrap();
        self.take(path, answer);
    }

    /// Value of a hidden field of the page.
    fn hidden(&self, name: &str) -> String {
        let (_, rest) = self
            .page
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("no {name} on {}:\n{}", self.here, self.page));
        rest.split('"').next().unwrap().to_owned()
    }

    fn press(&mut self, path: &str, fields: &[(&str, &str)]) {
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

    fn says(&self, text: &str) {
        assert!(
            self.page.contains(text),
            "{text} is not on {}:\n{}",
            self.here,
            self.page
        );
    }

    /// The supervisor's card lies in the operator's reader, and its PIN is given.
    fn decide(&mut self, card: &SharedMemory, pin: &str, verdict: &str) {
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
    fn clerk_returns(&mut self) {
        self.reader.remove();
        self.reader.insert(&self.clerk);
        self.counter
            .sign_in(&zeroize::Zeroizing::new(PIN.to_owned()))
            .unwrap();
    }
}

#[test]
fn a_till_that_is_short_is_closed_after_a_supervisors_card_at_the_same_terminal() {
    let mut desk = desk("office-till");
    desk.go("/screens/office");
    desk.says("締められていない日があります");
    desk.go("/screens/office/till");
    desk.says("令和8年11月20日");
    desk.says("1,500");
    desk.says("交付済みの申請で、手数料が取り消された");
    desk.says("…a1a1a1a1");
    let close = "/screens/office/till/2026-11-20/close";
    desk.press(close, &[("counted", "many")]);
    assert_eq!(desk.status, 400);
    desk.press(close, &[("counted", "1,400")]);
    assert_eq!(desk.status, 400);
    desk.says("数え直してください");
    desk.says("-100");
    desk.press(close, &[("counted", "1400"), ("reason", "釣銭の渡し誤り")]);
    let approval = format!("/screens/office/approvals/{}", "07".repeat(16));
    assert_eq!(desk.here, approval);
    desk.says("釣銭の渡し誤り");
    desk.says("過不足のある締め");
    desk.says("-100 円");

    // The clerk's own card does not do, nor a wrong PIN; nothing is done without approval.
    let clerk = desk.clerk.clone();
    desk.decide(&clerk, PIN, "approve");
    assert_eq!(desk.status, 403);
    desk.says("13101-0001");
    let chief = desk.chief.clone();
    desk.decide(&chief, "999999", "approve");
    assert_eq!(desk.status, 409);
    assert!(!desk.page.contains("999999"));
    desk.clerk_returns();
    desk.go(&approval);
    assert!(!desk.page.contains("carry-out"), "it waits");

    // The supervisor's card and PIN; the clerk signs in again and does it.
    desk.decide(&chief, PIN, "approve");
    assert_eq!(desk.status, 200);
    desk.says("承認されました");
    assert!(desk.counter.token().is_err(), "nobody is at work now");
    desk.go(&approval);
    assert_eq!(desk.here, format!("/screens/sign-in?next={approval}"));
    desk.clerk_returns();
    desk.go(&approval);
    desk.press(&format!("{approval}/carry-out"), &[]);
    assert_eq!(desk.here, "/screens/office/till/2026-11-20");
    desk.says("この日は締められています");
    desk.says("釣銭の渡し誤り");
    let state = desk.office.0.lock().unwrap();
    let closed = state.closed.as_ref().unwrap();
    assert_eq!(
        (closed.day.as_str(), closed.counted_yen),
        ("2026-11-20", 1_400)
    );
    drop(state);
    desk.go("/screens/office/till/2026-11-20/sheet");
    assert!(desk.page.starts_with("%PDF-"));
}

#[test]
fn a_supervisor_at_work_approves_with_the_own_pin_and_stays_at_work() {
    let mut desk = desk("office-correction");
    desk.go(&format!("/screens/office/fees/{NUMBER}"));
    desk.says("反対仕訳で全額を取り消します");
    desk.says("この申請は交付済みです");
    desk.press(
        &format!("/screens/office/fees/{NUMBER}/correct"),
        &[("reason", "減免の対象")],
    );
    let approval = desk.here.clone();
    desk.says("収納の取消");
    // At another terminal: here the supervisor signs in with their own card.
    let chief = desk.chief.clone();
    desk.reader.remove();
    desk.reader.insert(&chief);
    desk.counter
        .sign_in(&zeroize::Zeroizing::new(PIN.to_owned()))
        .unwrap();
    desk.go("/screens/office/approvals");
    desk.says("減免の対象");
    desk.go(&approval);
    let shown = ["act", "subject", "requested_by"].map(|name| desk.hidden(name));
    desk.press(
        &format!("{approval}/decide"),
        &[
            ("act", &shown[0]),
            ("subject", &shown[1]),
            ("requested_by", &shown[2]),
            ("pin", PIN),
            ("verdict", "reject"),
        ],
    );
    desk.says("承認されませんでした");
    assert!(desk.counter.token().is_ok(), "the supervisor stays at work");
    desk.go(&approval);
    assert!(!desk.page.contains("carry-out"));
    assert!(!desk.office.0.lock().unwrap().countered);
}

#[test]
fn a_month_is_made_final_and_the_counts_are_told_with_their_tables() {
    let mut desk = desk("office-month");
    desk.go("/screens/office/remittance/2026-10");
    desk.says("令和8年10月");
    desk.press("/screens/office/remittance/2026-10/remit", &[]);
    desk.says("納付額は確定しています");
    desk.go("/screens/office/remittance/2026-10/sheet");
    assert!(desk.page.starts_with("%PDF-"));
    desk.go("/screens/office/remittance/2026-10/csv");
    assert_eq!(
        desk.page,
        "municipality,month,kind,taken,taken_yen,taken_back,taken_back_yen,yen\r\n\
         13101,2026-10,first,3,1500,0,0,1500\r\n"
    );
    desk.go("/screens/office/statistics/2026-11");
    desk.says("<svg");
    desk.says("7:05");
    desk.says("カードの紛失");
    assert!(!desk.page.contains("style=\""));
    desk.go("/screens/office/statistics/2026-11/csv");
    desk.says("13101,2026-11,waiting-median-s,,425\r\n");
    desk.go("/screens/office/shift");
    desk.says("千代田区役所");
    desk.press("/screens/office/shift/take-over", &[]);
    assert_eq!(desk.here, "/screens/office/shift");
}
