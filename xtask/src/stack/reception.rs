//! The reception server: `ra-gateway`, its token, its register, its parties.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::authority::READY;
use super::layout::Layout;
use super::token::Token;
use super::{Settings, users};
use crate::fault::{Fault, OnPath, Result};
use crate::process::{self, Program};
use crate::text;
use crate::workspace::Programs;

/// The resident register of the demo (住民基本台帳), as exported.
pub const REGISTER: &str = "\
resident,municipality,name,birth_date,sex,address,status
1310100001,13101,総務　太郎,319500401,1,東京都千代田区霞が関２丁目１番２号,resident
1310100002,13101,髙橋　花子,419900203,2,東京都千代田区丸の内１丁目１番１号,resident
1310100003,13101,山田　一郎,319700805,1,東京都千代田区九段南１丁目２番１号,resident
1310100004,13101,鈴木　転出,319601231,2,東京都千代田区麹町２丁目８番,moved
1310100005,13101,佐藤　故人,319350115,1,東京都千代田区神田錦町１丁目,deceased
1310100006,13101,渡邉　寿限無之介長左衛門,319480229,1,東京都千代田区神田神保町１丁目１０５番地神保町千代田レジデンス弐番館１２０３号室,resident
1310200001,13102,中央　次郎,319800217,1,東京都中央区築地１丁目１番１号,resident
";

/// The gateway's files and token.
pub struct Reception<'a> {
    layout: &'a Layout,
    programs: &'a Programs,
    /// Holds the masters of card and visit keys.
    pub token: Token,
}

impl<'a> Reception<'a> {
    /// Makes or opens the token.
    pub fn open(layout: &'a Layout, programs: &'a Programs) -> Result<Self> {
        Ok(Self {
            layout,
            programs,
            token: Token::ensure(layout, programs, "gateway")?,
        })
    }

    /// Writes `ra.toml` and the register, makes the tables and the masters.
    pub fn configure(&self, database: &str, ca_url: &str, settings: &Settings) -> Result<()> {
        let profile = if settings.training {
            "profile = \"signature-training\"\n"
        } else {
            ""
        };
        let mut config = format!(
            "{}{profile}node = \"gateway-1\"\nprefecture = \"13\"\ndatabase = {}\nregister = \"register.csv\"\n\
             issuer = \"../ceremony/ca/sign.cer\"\ntrust = \"../ceremony/infra.pem\"\n\n\
             [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\n\
             [ca]\nurl = {}\ncertificate = \"client.pem\"\nkey = \"client.key\"\n\n",
            self.layout.mode_line(),
            text::toml(database),
            text::toml(ca_url),
        );
        // A page of a browser and a script of a demo come from one address.
        config += "[online]\nlisten = \"127.0.0.1:0\"\nper_minute = 60\n\n";
        config += &self.token.table(2);
        if users::certificate(self.layout).is_some() {
            config += &users::reception(settings);
        }
        if !self.register_file().exists() {
            self.write_register(&settings.register)?;
        }
        if let Some(rate) = settings.gateway_requests_per_second {
            config += "\n[limits]\n";
            for who in ["terminal", "operator"] {
                config += &format!("{who}_per_second = {rate}\n{who}_burst = {rate}\n");
            }
        }
        self.layout.write_private("gateway/ra.toml", &config)?;
        self.ra(&["migrate"]).map(drop)
    }

    /// Makes the masters: of the cards, and of each kiosk (whose sealed copy goes to `out`).
    pub fn masters(&self, kiosk: &str, out: &std::path::Path) -> Result<()> {
        self.ra(&["card-master"])?;
        let out = out.to_string_lossy();
        self.ra(&["kiosk-master", "--kiosk", kiosk, "--out", &out])
            .map(drop)
    }

    /// Takes a party's record over.
    pub fn register(&self, record: &std::path::Path) -> Result<()> {
        self.ra(&["register", "--record", &record.to_string_lossy()])
            .map(drop)
    }

    /// Exports the keys for personalising one card at the factory.
    pub fn card_keys(&self, card: &str, out: &std::path::Path) -> Result<()> {
        self.ra(&["card-keys", "--card", card, "--out", &out.to_string_lossy()])
            .map(drop)
    }

    /// Runs an officer's command with `ra.toml`.
    pub fn ra(&self, words: &[&str]) -> Result<Vec<u8>> {
        // Some commands have commands of their own, which take the configuration.
        let own = matches!(words.first(), Some(&("audit" | "breaker" | "registration")));
        let (command, rest) = words
            .split_at_checked(if own { 2 } else { 1 })
            .ok_or_else(|| Fault::new("no command"))?;
        process::run(
            self.programs
                .command("ra-gateway")
                .args(command)
                .arg("--config")
                .arg(self.config())
                .args(rest),
        )
    }

    /// Starts `ra-gateway serve`.
    pub fn start(&self) -> Result<(Program, Value)> {
        let mut program = self
            .programs
            .start("ra-gateway", "ra-gateway", self.layout.log("ra-gateway")?)
            .args(["serve", "--config"])
            .args([self.config()])
            .ready_file(self.layout.ready("ra-gateway")?)
            .start()?;
        let ready = program.wait_ready(READY)?;
        Ok((program, ready))
    }

    /// The resident register as exported.
    pub fn register_file(&self) -> PathBuf {
        self.layout.path("gateway/register.csv")
    }

    /// Another export of the resident register, whole or not at all.
    pub fn write_register(&self, text: &str) -> Result<()> {
        let part = self.layout.write_private("gateway/register.part", text)?;
        let file = self.register_file();
        fs::rename(&part, &file).on(&file)
    }

    fn config(&self) -> PathBuf {
        self.layout.path("gateway/ra.toml")
    }
}
