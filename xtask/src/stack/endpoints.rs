//! `endpoints.json`: where everything is, for people and scripts outside the repository.

use std::fs;

use serde_json::{Value, json};

use super::{OPERATOR, Stack, console};
use crate::fault::{OnPath, Result};

impl Stack {
    /// Writes `endpoints.json` into the state directory, whole or not at all.
    pub(super) fn write_endpoints(&self) -> Result<()> {
        let path = self.layout.path("endpoints.json");
        let part = self
            .layout
            .write_private("endpoints.part", &format!("{:#}\n", self.endpoints()))?;
        fs::rename(&part, &path).on(&path)
    }

    /// What stands in `endpoints.json`.
    pub fn endpoints(&self) -> Value {
        let at = &self.addresses;
        let file = |name: &str| self.layout.path(name).to_string_lossy().into_owned();
        let role = |certificate: &str, key: &str| json!({ "certificate": file(certificate), "key": file(key) });
        let mut pids = json!({
            "ca": self.issue.pid(),
            "status": self.status.pid(),
            "gateway": self.gateway.pid(),
            "counter": self.counter.pid(),
            "kiosk": self.kiosk.pid(),
            "pcscd": self.service.program().pid(),
        });
        if let Some(cluster) = &self.cluster {
            pids["postgres"] = json!(cluster.program().pid());
        }
        let mut controls = serde_json::Map::new();
        for (number, card) in self.cards.iter().enumerate() {
            let name = if number == 0 {
                "operator".to_owned()
            } else {
                super::resident_name(number - 1)
            };
            pids[format!("card-{name}")] = json!(card.program.pid());
            controls.insert(name, json!(card.control()));
        }
        if let Some(console) = &self.console {
            pids["console"] = json!(console.program.pid());
        }
        let mut endpoints = json!({
            "public": at.public,
            "ca": at.ca,
            "gateway": at.gateway,
            "online": at.online,
            "terminal_ui": at.terminal_ui,
            "kiosk_ui": at.kiosk_ui,
            "terminal_start": at.terminal_start(),
            "kiosk_start": at.kiosk_start(),
            "admin": at.ca_admin,
            "admins": { "ca": at.ca_admin, "status": at.status_admin, "gateway": at.gateway_admin },
            "tls": {
                "ca_certificate": file("ceremony/infra.pem"),
                "gateway": role("gateway/client.pem", "gateway/client.key"),
                "terminal": role("counter/terminal.pem", "counter/terminal.key"),
                "kiosk": role("kiosk/kiosk.pem", "kiosk/kiosk.key"),
            },
            "local_secrets": { "terminal_ui": at.terminal_secret, "kiosk_ui": at.kiosk_secret },
            "cards": controls,
            "operator": OPERATOR,
            "pcsc_socket": self.service.socket(),
            "pids": pids,
        });
        if let Some(console) = &self.console {
            endpoints["console"] = json!(console.base);
            let officers = console::OFFICERS.map(|officer| {
                let file = |kind| console::file(&self.layout, officer, kind);
                json!({
                    "id": officer, "certificate": file("pem"), "key": file("key"),
                    "browser": file("p12"), "browser_password": console::IMPORT_PASSWORD,
                })
            });
            endpoints["officers"] = json!(officers);
            endpoints["register"] = json!(self.layout.path("register"));
        }
        endpoints
    }

    /// What a person at a browser wants to know.
    pub fn addresses(&self) -> Vec<(&'static str, String)> {
        let at = &self.addresses;
        let mut addresses = vec![
            ("counter (受付窓口端末)", at.terminal_start()),
            ("kiosk (鍵ペア生成装置)", at.kiosk_start()),
            ("public (CRL, OCSP)", at.public.clone()),
            ("CA (mutual TLS)", at.ca.clone()),
            ("gateway (mutual TLS)", at.gateway.clone()),
            ("online revocation (TLS)", at.online.clone()),
            ("health of the CA", format!("{}/readyz", at.ca_admin)),
            (
                "everything else",
                self.layout
                    .path("endpoints.json")
                    .to_string_lossy()
                    .into_owned(),
            ),
        ];
        if let Some(console) = &self.console {
            let browser = console::file(&self.layout, console::OFFICERS[0], "p12");
            addresses.insert(
                2,
                (
                    "officers (認証局業務画面)",
                    format!("{}/  with {}", console.base, browser.display()),
                ),
            );
        }
        addresses
    }
}

impl super::Addresses {
    /// Where the clerk's browser starts: gives it the counter's secret of this start.
    pub fn terminal_start(&self) -> String {
        start(&self.terminal_ui, self.terminal_secret.as_deref())
    }

    /// Where the kiosk's browser starts.
    pub fn kiosk_start(&self) -> String {
        start(&self.kiosk_ui, self.kiosk_secret.as_deref())
    }

    /// The gateway's base URL (mutual TLS).
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// Where holders revoke online (TLS without a client certificate).
    pub fn online(&self) -> &str {
        &self.online
    }

    /// The CA's base URL (mutual TLS).
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Base URL of the CA's health and metrics.
    pub fn ca_admin(&self) -> &str {
        &self.ca_admin
    }
}

pub(super) fn start(base: &str, secret: Option<&str>) -> String {
    format!("{base}/start/{}", secret.unwrap_or_default())
}
