//! A second window, in another municipality: its own counter, kiosk, readers, clerk and cards before the
//! same gateway and authority.

use super::authority::{Authority, Party};
use super::endpoints::start as start_address;
use super::layout::Layout;
use super::pcscd::CardService;
use super::place::{self, CardProgram, Office, address};
use super::reception::Reception;
use super::{OPERATOR_PIN, Stack, secret};
use crate::fault::Result;
use crate::local::Local;
use crate::process::Program;
use crate::text;
use crate::window::{Applicant, Card, Window};
use crate::workspace::Programs;

/// 中央区.
const MUNICIPALITY: &str = "13102";
const TERMINAL: &str = "131020001";
const KIOSK: &str = "13102K001";
const OPERATOR: &str = "13102-0001";
/// Where its files are, beside those of the first window.
const OFFICE: Office = Office {
    counter: "counter-2",
    kiosk: "kiosk-2",
    operator: "operator-2",
};
/// Name of its resident's card.
const RESIDENT: &str = "resident-of-2";

/// Who applies there.
pub const CHUO_JIRO: Applicant = Applicant {
    name: "中央　次郎",
    birth_date: "昭和55年2月17日",
    sex: "男",
    address: "東京都中央区築地１丁目１番１号",
    resident: "1310200001",
    password: "CHUO1980",
};

/// The running second window; ended when dropped.
pub struct Second {
    operator: CardProgram,
    resident: CardProgram,
    _counter: Program,
    _kiosk: Program,
    _service: CardService,
    /// Counter and kiosk.
    pub window: Window,
    /// Where its clerk's browser starts.
    pub terminal_start: String,
}

impl Second {
    /// Its resident's card.
    pub fn resident_card(&self) -> Card {
        self.resident.card.clone()
    }
}

/// In the CA's room: terminal, kiosk and clerk.
pub(super) fn enrol(authority: &Authority<'_>, layout: &Layout, programs: &Programs) -> Result<()> {
    let party = |kind, id, label| Party {
        kind,
        id,
        municipality: Some(MUNICIPALITY),
        label,
    };
    for (program, place, party) in [
        (
            "counter-terminal",
            format!("{}/terminal", OFFICE.counter),
            party("terminal", TERMINAL, "中央区 窓口1"),
        ),
        (
            "keygen-kiosk",
            format!("{}/kiosk", OFFICE.kiosk),
            party("kiosk", KIOSK, "中央区 鍵ペア生成装置1"),
        ),
    ] {
        let (_, request) = authority.key_and_request(program, party.id, &place)?;
        authority.enrol(&party, &request)?;
    }
    let request =
        place::make_operator_card(layout, programs, OFFICE.operator, OPERATOR, OPERATOR_PIN)?;
    let clerk = party("operator", OPERATOR, "中央 職員一");
    let (certificate, _) = authority.enrol(&clerk, &request)?;
    place::certify_operator_card(layout, programs, OFFICE.operator, &certificate)
}

/// At the gateway: the same parties, the kiosk's master, the resident's card.
pub(super) fn receive(
    reception: &Reception<'_>,
    layout: &Layout,
    programs: &Programs,
) -> Result<()> {
    let master = layout.folder(OFFICE.kiosk)?.join("master.key");
    let master = master.to_string_lossy();
    reception.ra(&["kiosk-master", "--kiosk", KIOSK, "--out", &master])?;
    for record in [
        format!("{}/terminal.json", OFFICE.counter),
        format!("{}/kiosk.json", OFFICE.kiosk),
        format!("cards/{}.json", OFFICE.operator),
    ] {
        reception.register(&layout.path(&record))?;
    }
    let card = text::random_hex(16)?;
    let keys = layout.folder("cards")?.join(format!("{RESIDENT}.keys"));
    reception.card_keys(&card, &keys)?;
    place::make_resident_card(layout, programs, RESIDENT, &card, &keys)
}

impl Stack {
    /// Opens the second window and signs its clerk in. The stack was made with
    /// [`Settings::second_window`](super::Settings::second_window).
    pub fn open_second(&self) -> Result<Second> {
        let (layout, programs) = (&self.layout, &self.programs);
        let gateway = self.addresses.gateway();
        let service = CardService::start(&layout.folder("pcscd-2")?, layout.log("pcscd-2")?)?;
        place::configure_counter(layout, OFFICE.counter, TERMINAL, gateway, None)?;
        place::configure_kiosk(layout, OFFICE.kiosk, KIOSK, gateway)?;
        let start =
            |program, folder| place::start_terminal(layout, programs, &service, program, folder);
        let (counter, counter_ready) = start("counter-terminal", OFFICE.counter)?;
        let (kiosk, kiosk_ready) = start("keygen-kiosk", OFFICE.kiosk)?;
        let card = |name| place::start_card(layout, programs, &service, name);
        let second = Second {
            operator: card(OFFICE.operator)?,
            resident: card(RESIDENT)?,
            terminal_start: start_address(
                &address(&counter_ready, "terminal_ui")?,
                secret(&counter_ready).as_deref(),
            ),
            window: Window {
                counter: Local::new(
                    &address(&counter_ready, "terminal_ui")?,
                    secret(&counter_ready),
                ),
                kiosk: Local::new(&address(&kiosk_ready, "kiosk_ui")?, secret(&kiosk_ready)),
            },
            _counter: counter,
            _kiosk: kiosk,
            _service: service,
        };
        second.operator.card.insert("operator")?;
        let window = &second.window;
        window.wait_for_card(&window.counter, |status| {
            status["readers"]["operator"]["card"].is_object()
        })?;
        window.sign_in(OPERATOR_PIN)?;
        Ok(second)
    }
}
