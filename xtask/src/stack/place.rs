//! The municipal office: counter, kiosk, and the cards that move between them.

use std::path::Path;

use serde_json::Value;

use super::authority::READY;
use super::layout::Layout;
use super::pcscd::CardService;
use crate::fault::{Fault, Result};
use crate::process::{self, Program};
use crate::setup;
use crate::text;
use crate::window::Card;
use crate::workspace::Programs;

/// A card in software with the program that moves it.
pub struct CardProgram {
    /// The program.
    pub program: Program,
    /// Its mover.
    pub card: Card,
    control: String,
}

impl CardProgram {
    /// Address of the mover.
    pub fn control(&self) -> &str {
        &self.control
    }
}

/// Makes a resident's card with the keys that the gateway exported.
pub fn make_resident_card(
    layout: &Layout,
    programs: &Programs,
    name: &str,
    card: &str,
    keys: &Path,
) -> Result<()> {
    let state = layout.folder("cards")?.join(format!("{name}.card"));
    process::run(
        programs
            .command("virtual-card")
            .args(["init", "--kind", "resident", "--card", card, "--card-keys"])
            .arg(keys)
            .arg("--state")
            .arg(state),
    )
    .map(drop)
}

/// Folders and files of one municipal office.
pub struct Office {
    /// Folder of the counter.
    pub counter: &'static str,
    /// Folder of the kiosk.
    pub kiosk: &'static str,
    /// Name of the clerk's card among the cards.
    pub operator: &'static str,
}

/// The office of every stack.
pub const FIRST: Office = Office {
    counter: "counter",
    kiosk: "kiosk",
    operator: "operator",
};

/// Makes an operator's card of that name; gives the file of its certification request.
pub fn make_operator_card(
    layout: &Layout,
    programs: &Programs,
    name: &str,
    operator: &str,
    pin: &str,
) -> Result<std::path::PathBuf> {
    let dir = layout.folder("cards")?;
    let pin_file = layout.write_private(&format!("cards/{name}.pin"), &format!("{pin}\n"))?;
    let state = dir.join(format!("{name}.card"));
    process::run(
        programs
            .command("virtual-card")
            .args([
                "init",
                "--kind",
                "operator",
                "--operator",
                operator,
                "--pin-file",
            ])
            .arg(&pin_file)
            .arg("--state")
            .arg(&state),
    )?;
    let request = dir.join(format!("{name}.csr"));
    process::run(
        programs
            .command("virtual-card")
            .args(["operator-request", "--state"])
            .arg(&state)
            .arg("--out")
            .arg(&request),
    )?;
    Ok(request)
}

/// Puts the operator's certificate on the card.
pub fn certify_operator_card(
    layout: &Layout,
    programs: &Programs,
    name: &str,
    certificate: &Path,
) -> Result<()> {
    process::run(
        programs
            .command("virtual-card")
            .args(["operator-certificate", "--state"])
            .arg(layout.path(&format!("cards/{name}.card")))
            .arg("--certificate")
            .arg(certificate),
    )
    .map(drop)
}

/// Starts a card's program; the card lies beside the readers until it is moved.
pub fn start_card(
    layout: &Layout,
    programs: &Programs,
    service: &CardService,
    name: &str,
) -> Result<CardProgram> {
    let [(_, counter), (_, operator), (_, kiosk), _] = service.slots();
    let program_name = format!("card-{name}");
    let mut program = programs
        .start(&program_name, "virtual-card", layout.log(&program_name)?)
        .args(["serve", "--state"])
        .args([layout.path("cards").join(format!("{name}.card"))])
        .args([
            "--reader".to_owned(),
            format!("counter=127.0.0.1:{counter}"),
        ])
        .args([
            "--reader".to_owned(),
            format!("operator=127.0.0.1:{operator}"),
        ])
        .args(["--reader".to_owned(), format!("kiosk=127.0.0.1:{kiosk}")])
        .ready_file(layout.ready(&program_name)?)
        .start()?;
    let ready = program.wait_ready(READY)?;
    let control = address(&ready, "control")?;
    Ok(CardProgram {
        program,
        card: Card::new(&control),
        control,
    })
}

/// Starts one of the two terminals.
pub fn start_terminal(
    layout: &Layout,
    programs: &Programs,
    service: &CardService,
    program: &str,
    folder: &str,
) -> Result<(Program, Value)> {
    // The first office's log is called after the program.
    let name = match folder {
        "counter" | "kiosk" => program,
        other => other,
    };
    let mut running = programs
        .start(name, program, layout.log(name)?)
        .args(["serve", "--config"])
        .args([layout.path(folder).join(format!("{folder}.toml"))])
        .env("PCSCLITE_CSOCK_NAME", service.socket())
        .ready_file(layout.ready(name)?)
        .start()?;
    let ready = running.wait_ready(READY)?;
    Ok((running, ready))
}

/// Writes the configuration of the counter.
pub fn configure_counter(
    layout: &Layout,
    folder: &str,
    terminal: &str,
    gateway: &str,
    idle_lock_seconds: Option<u64>,
) -> Result<()> {
    let config = format!(
        "{}terminal = {}\n{}listen = \"127.0.0.1:0\"\n\n[gateway]\nurl = {}\ntrust = \"../ceremony/infra.pem\"\n\
         certificate = \"terminal.pem\"\nkey = \"terminal.key\"\n\n[readers]\nresident = \"Jitsuin Counter 00 00\"\n\
         operator = \"Jitsuin Counter 00 01\"\n",
        layout.mode_line(),
        text::toml(terminal),
        idle_lock_seconds.map_or_else(String::new, |s| format!("idle_lock_seconds = {s}\n")),
        text::toml(gateway),
    );
    layout
        .write_private(&format!("{folder}/{folder}.toml"), &config)
        .map(drop)
}

/// Writes the configuration of the kiosk. An ordinary account may not lock as much memory as a kiosk wants;
/// then the kiosk works all the same and its status says so.
pub fn configure_kiosk(layout: &Layout, folder: &str, kiosk: &str, gateway: &str) -> Result<()> {
    let config = format!(
        "{}kiosk = {}\nlisten = \"127.0.0.1:0\"\nmaster = \"master.key\"\n\
         require_locked_memory = {}\n\n[reader]\nname = \"Jitsuin Kiosk 00 00\"\n\n\
         [gateway]\nurl = {}\ntrust = \"../ceremony/infra.pem\"\ncertificate = \"kiosk.pem\"\nkey = \"kiosk.key\"\n",
        layout.mode_line(),
        text::toml(kiosk),
        setup::is_root(),
        text::toml(gateway),
    );
    layout
        .write_private(&format!("{folder}/{folder}.toml"), &config)
        .map(drop)
}

/// An address out of a ready file.
pub fn address(ready: &Value, name: &str) -> Result<String> {
    ready["listen"][name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Fault::new(format!("the ready file names no address `{name}`: {ready}")))
}
