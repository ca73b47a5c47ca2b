//! The walk itself, one step after the other, each told as it happens.

use std::time::Duration;

use serde_json::{Value, json};

use super::files::Files;
use crate::fault::{Fault, Result};
use crate::report::Report;
use crate::stack::{self, Stack};
use crate::window::{self, Applicant, Card, SOUMU_TARO, TAKAHASHI_HANAKO, Window};

/// How long a new CRL may take after a revocation.
const NEW_CRL: Duration = Duration::from_secs(60);

/// One walk through the window.
pub struct Walk<'a> {
    stack: &'a Stack,
    files: &'a Files,
    report: &'a Report,
    window: Window,
}

impl<'a> Walk<'a> {
    /// A walk on this stack.
    pub fn new(stack: &'a Stack, files: &'a Files, report: &'a Report) -> Self {
        Self {
            stack,
            files,
            report,
            window: stack.window(),
        }
    }

    /// Both applicants, and the first one's certificate revoked at the end.
    pub fn go(&self) -> Result<()> {
        let report = self.report;
        report.section("開庁  The window opens");
        report.step(
            "操作者認証  the clerk signs in with the operator card and its PIN",
            || {
                self.stack.operator_card().insert("operator")?;
                let window = &self.window;
                window.wait_for_card(&window.counter, |status| {
                    status["readers"]["operator"]["card"].is_object()
                })?;
                window.sign_in(stack::OPERATOR_PIN)
            },
        )?;
        self.files.fetch_ca()?;

        report.section("総務　太郎  the first applicant");
        let taro = self.issue_to(&SOUMU_TARO, &self.stack.resident_card(0))?;
        self.verifiers_see_good()?;

        report.section("髙橋　花子  an applicant whose name needs a substitute character");
        self.issue_to(&TAKAHASHI_HANAKO, &self.stack.resident_card(1))?;

        report.section("失効  総務　太郎 gives his certificate up (Art. 9)");
        self.revoke(&taro)?;
        self.verifiers_see_revoked()?;

        report.section("監査  The audit log");
        self.export_audit()
    }

    /// From the form to the hand-over. Gives the application's id.
    fn issue_to(&self, applicant: &Applicant, card: &Card) -> Result<String> {
        let (report, window) = (self.report, &self.window);
        let main = applicant.resident == SOUMU_TARO.resident;
        let today = stack::today_in_japan();
        let id = report.step(
            "申請  application received, items taken over from the register",
            || {
                let entry = window.look_up(applicant)?;
                let resident = entry["resident"].as_str().map(str::to_owned);
                id_of(&window.receive(&Window::form(applicant, resident.as_deref(), &today))?)
            },
        )?;
        report.detail(&format!(
            "{}  {}  {}  {}",
            applicant.name, applicant.birth_date, applicant.sex, applicant.address
        ));

        let identified = report.step(
            "本人確認  register compared item by item, photo document seen",
            || window.identify(&id),
        )?;
        let agreeing = identified["comparison"].as_array().map_or(0, |all| {
            all.iter().filter(|one| one["agrees"] == true).count()
        });
        report.detail(&format!(
            "{agreeing} of 4 items agree with the register; driving licence; face matches"
        ));

        let prepared = report.step(
            "カード鍵設定  the visit's two keys set on the card, over an encrypted channel",
            || {
                card.insert("counter")?;
                window.wait_at_counter()?;
                window.step(&id, "prepare-card", &json!({}))
            },
        )?;
        report.detail(&format!(
            "card {}  visit {}",
            shown(&prepared["card"]),
            shown(&prepared["visit"])
        ));

        let phases = report.step(
            "鍵ペア生成  at the kiosk: password twice, key pair made, handed over, erased",
            || {
                card.remove()?;
                card.insert("kiosk")?;
                window.wait_at_kiosk()?;
                window.make_key(applicant.password)
            },
        )?;
        report.detail(&phases.join(" → "));

        let read = report.step(
            "公開鍵読取  public key read with its proof of possession",
            || {
                card.remove()?;
                card.insert("counter")?;
                window.wait_at_counter()?;
                window.step(&id, "read-public-key", &json!({}))
            },
        )?;
        report.detail(&format!(
            "public key {}…",
            shown(&read["spki_sha256"])
                .chars()
                .take(16)
                .collect::<String>()
        ));

        let (chosen, _) = report.step(
            "代替文字  characters that the certificate cannot carry",
            || window.settle_characters(&id),
        )?;
        if chosen.is_empty() {
            report.detail("none");
        }
        for (from, to) in &chosen {
            report.detail(&format!("{from} → {to}, chosen by the applicant"));
        }
        if !main && chosen.is_empty() {
            return Err(Fault::new("髙 was taken over without a substitute"));
        }

        let issued = report.step(
            "発行要求  signed by terminal and operator card, issued by the CA",
            || window.step(&id, "issue", &json!({})),
        )?;
        report.detail(&format!(
            "serial {}",
            shown(&issued["certificate"]["serial"])
        ));

        let image = report.step(
            "証明書イメージ  certificate image, from the DER alone, confirmed",
            || {
                let image = window.image(&id)?;
                window.step(&id, "confirm-image", &json!({ "verdict": "right" }))?;
                Ok(image)
            },
        )?;
        report.detail(&told_image(&image));

        report.step(
            "書込み  written to the card, read back, compared; trial signature verified",
            || {
                window.step(
                    &id,
                    "write-card",
                    &json!({ "password": applicant.password }),
                )
            },
        )?;
        if main {
            self.keep_certificate_and_signature(&id, applicant)?;
        }

        let due = issued["fee_yen"].as_u64().unwrap_or(0);
        let paid = report.step("手数料  fee taken", || {
            window.step(&id, "fee", &json!({ "amount_yen": due }))
        })?;
        report.detail(&format!(
            "{due} yen, receipt {}",
            shown(&paid["receipt"]["number"])
        ));

        let copy = report.step("写し  printed copy of the certificate", || {
            window.copy(&id)
        })?;
        if main {
            self.files.keep("certificate-copy.pdf", &copy)?;
        }
        report.step("交付  handed over", || {
            window.step(&id, "hand-over", &json!({}))
        })?;
        card.remove()?;
        Ok(id)
    }

    /// The certificate as it stands on the card, and a signature by the card.
    fn keep_certificate_and_signature(&self, id: &str, applicant: &Applicant) -> Result<()> {
        let (report, files) = (self.report, self.files);
        let message = format!(
            "電子申請書\n私は、電子証明書の交付を受けました。\n{}\n",
            applicant.name
        );
        report.step("署名  a message signed by the card through PC/SC", || {
            files.keep("subscriber.cer", &self.window.certificate(id)?)?;
            files.keep("message.bin", message.as_bytes())?;
            files.keep(
                "message.sig",
                &self
                    .window
                    .sign(id, applicant.password, message.as_bytes())?,
            )
        })?;
        report.step("  openssl dgst -verify accepts it", || {
            files
                .judge()
                .signature("subscriber.cer", "message.bin", "message.sig")
        })
    }

    fn verifiers_see_good(&self) -> Result<()> {
        let (report, files) = (self.report, self.files);
        report.section("検証  What relying parties see");
        report.step(
            "失効リスト  CRLs fetched, full and of 千代田区",
            || files.fetch_crls("full-before.crl", "partition-before.crl"),
        )?;
        let judge = files.judge();
        report.detail(&format!(
            "CRL numbers {} and {}",
            judge.crl_number("full-before.crl")?,
            judge.crl_number("partition-before.crl")?
        ));
        report.step(
            "  openssl verify -x509_strict -crl_check: good by the full CRL",
            || judge.good_by_crl("subscriber.cer", "full-before.crl", false),
        )?;
        report.step(
            "  openssl verify … -extended_crl: good by the partition",
            || judge.good_by_crl("subscriber.cer", "partition-before.crl", true),
        )?;
        report.step("  openssl ocsp: good", || {
            judge.ask_ocsp(&files.ocsp_url(), "subscriber.cer", "ocsp-good.der", "good")
        })?;
        Ok(())
    }

    fn revoke(&self, id: &str) -> Result<()> {
        let (report, window) = (self.report, &self.window);
        let revoked = report.step(
            "失効申請  identity checked again, revoked at once",
            || {
                let card = self.stack.resident_card(0);
                card.insert("counter")?;
                window.wait_at_counter()?;
                let revoked = window.revoke(id, "article9")?;
                card.remove()?;
                Ok(revoked)
            },
        )?;
        report.detail(&format!("recorded {}", shown(&revoked["revoked_at"])));
        Ok(())
    }

    fn verifiers_see_revoked(&self) -> Result<()> {
        let (report, files) = (self.report, self.files);
        let judge = files.judge();
        report.step("  openssl ocsp: revoked, at once", || {
            judge.ask_ocsp(
                &files.ocsp_url(),
                "subscriber.cer",
                "ocsp-revoked.der",
                "revoked",
            )
        })?;
        report.step("失効リスト  new CRLs", || {
            window::wait("CRLs that list the certificate", NEW_CRL, || {
                files.fetch_crls("full.crl", "partition.crl")?;
                let listed = judge
                    .revoked_by_crl("subscriber.cer", "full.crl", false)
                    .is_ok()
                    && judge
                        .revoked_by_crl("subscriber.cer", "partition.crl", true)
                        .is_ok();
                Ok(listed.then_some(()))
            })
        })?;
        report.detail(&format!(
            "CRL numbers {} and {}",
            judge.crl_number("full.crl")?,
            judge.crl_number("partition.crl")?
        ));
        report.step(
            "  openssl verify -crl_check: revoked by the full CRL",
            || judge.revoked_by_crl("subscriber.cer", "full.crl", false),
        )?;
        report.step(
            "  openssl verify … -extended_crl: revoked by the partition",
            || judge.revoked_by_crl("subscriber.cer", "partition.crl", true),
        )
    }

    fn export_audit(&self) -> Result<()> {
        let (report, files) = (self.report, self.files);
        let rows = report.step("exported and verified, its head signed by the HSM", || {
            self.stack
                .export_audit(&files.path("audit.jsonl"), &files.path("audit-head.txt"))
        })?;
        report.detail(&format!("{rows} rows"));
        Ok(())
    }
}

fn id_of(application: &Value) -> Result<String> {
    application["id"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Fault::new("the application came back without its id"))
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The image as the clerk and the applicant compare it.
fn told_image(image: &Value) -> String {
    let items = &image["items"];
    let value = |item: &str| shown(&items[item]["value"]);
    let issuer = image["issuer"]["japanese"]
        .as_array()
        .and_then(|names| names.last());
    format!(
        "{}  {}  {}  {}\nissued by {}, in effect until {}",
        value("name"),
        value("birth_date"),
        value("sex"),
        value("address"),
        issuer.map_or_else(|| shown(&image["issuer"]["name"]), shown),
        shown(&image["valid"]["until"]["era"]),
    )
}
