//! The walk itself, one step after the other, each told as it happens.

use std::collections::BTreeMap;
use std::time::Duration;

use super::files::Files;
use crate::fault::{Fault, Result};
use crate::report::Report;
use crate::screens::Screens;
use crate::stack::{self, Stack};
use crate::window::{self, Applicant, Card, SOUMU_TARO, TAKAHASHI_HANAKO, Window};

/// How long a new CRL may take after a revocation.
const NEW_CRL: Duration = Duration::from_secs(60);

/// One walk through the window, by its screens.
pub struct Walk<'a> {
    stack: &'a Stack,
    files: &'a Files,
    report: &'a Report,
    screens: &'a Screens<'a>,
    window: Window,
}

impl<'a> Walk<'a> {
    /// A walk on this stack through these screens.
    pub fn new(
        stack: &'a Stack,
        screens: &'a Screens<'a>,
        files: &'a Files,
        report: &'a Report,
    ) -> Self {
        Self {
            stack,
            files,
            report,
            screens,
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
                self.screens.clerk.sign_in(stack::OPERATOR_PIN)
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
        let report = self.report;
        let (clerk, resident) = (&self.screens.clerk, &self.screens.resident);
        let main = applicant.resident == SOUMU_TARO.resident;
        let id = report.step(
            "申請  application received, items taken over from the register",
            || clerk.receive(applicant),
        )?;
        report.detail(&format!(
            "{}  {}  {}  {}",
            applicant.name, applicant.birth_date, applicant.sex, applicant.address
        ));

        let agreeing = report.step(
            "本人確認  register compared item by item, photo document seen",
            || clerk.identify(),
        )?;
        report.detail(&format!(
            "{agreeing} of 4 items agree with the register; driving licence; face matches"
        ));

        report.step(
            "カード鍵設定  the visit's two keys set on the card, over an encrypted channel",
            || {
                card.insert("counter")?;
                clerk.prepare_card()
            },
        )?;

        let phases = report.step(
            "鍵ペア生成  at the kiosk: password twice, key pair made, handed over, erased",
            || {
                card.remove()?;
                clerk.waits_for_key()?;
                resident.waits_for_card()?;
                card.insert("kiosk")?;
                resident.make_key(applicant.password)
            },
        )?;
        report.detail(&phases.join(" → "));

        report.step(
            "公開鍵読取  public key read with its proof of possession",
            || {
                card.remove()?;
                card.insert("counter")?;
                clerk.read_public_key()
            },
        )?;

        let chosen = report.step(
            "代替文字  characters that the certificate cannot carry",
            || clerk.settle_characters(),
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

        report.step(
            "発行要求  signed by terminal and operator card, issued by the CA",
            || clerk.issue(),
        )?;

        let image = report.step(
            "証明書イメージ  certificate image, from the DER alone, confirmed",
            || {
                let image = clerk.image()?;
                clerk.confirm_image()?;
                Ok(image)
            },
        )?;
        report.detail(&told_image(&image));

        report.step(
            "書込み  written to the card, read back, compared; trial signature verified",
            || clerk.write_card(applicant.password),
        )?;
        if main {
            self.keep_certificate_and_signature(&id, applicant)?;
        }

        let due = report.step("手数料  fee taken", || clerk.take_fee())?;
        let receipt = clerk.receipt()?;
        report.detail(&format!("{due}, receipt {receipt}"));

        let copy = report.step("写し  printed copy of the certificate", || {
            self.window.copy(&id)
        })?;
        if main {
            self.files.keep("certificate-copy.pdf", &copy)?;
        }
        report.step("交付  handed over", || clerk.hand_over())?;
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
        let recorded = self.report.step(
            "失効申請  identity checked again, revoked at once",
            || self.screens.clerk.revoke(id),
        )?;
        self.report.detail(&format!("recorded: {recorded}"));
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

/// The image as the clerk and the applicant compare it.
fn told_image(image: &BTreeMap<String, String>) -> String {
    let value = |name: &str| image.get(name).map_or("—", String::as_str);
    format!(
        "{}  {}  {}  {}\nissued by {}, in effect until {}, serial {}",
        value("氏名"),
        value("生年月日"),
        value("男女の別"),
        value("住所"),
        value("発行者"),
        value("有効期間の満了日"),
        value("発行番号"),
    )
}
