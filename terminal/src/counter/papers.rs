//! Kept papers: scans go to the gateway, which looks into them and seals them; nothing of
//! them stays on this terminal.

use pki_core::id::ApplicationId;
use pki_core::kept_paper::content;
use pki_core::kept_paper::order::PaperOrder;
use schema::wire::bytes::Base64;
use schema::wire::v1::ra::{
    ApprovalMessage, KeepPaperRequest, KeptPaper, KeptPaperContent, KeptPapers, PaperOrderRequest,
    PaperOrders,
};

use super::acts::random_id;
use super::app::Counter;
use super::office::segment;
use crate::local::Problem;

impl Counter {
    /// Papers of an application, oldest first.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn papers(&self, application: &ApplicationId) -> Result<Vec<KeptPaper>, Problem> {
        let token = self.token()?;
        let path = format!("/v1/applications/{application}/papers");
        let papers: KeptPapers = self.again(|| self.gateway().get(&path, Some(&token)))?;
        Ok(papers.papers)
    }

    /// Keeps a scan. It is looked into here first, so that a faulty one costs no time.
    ///
    /// # Errors
    /// A file that is no scan, what the gateway says.
    pub fn keep_paper(
        &self,
        application: &ApplicationId,
        wish: Option<String>,
        kind: &str,
        file: Vec<u8>,
    ) -> Result<KeptPaper, Problem> {
        let token = self.token()?;
        content::examine(&file).map_err(|fault| {
            Problem::at(
                "/file",
                fault.to_string(),
                "このファイルは保存できません。紙をPDF、PNG、JPEGのどれかで読み取り直してください（6MB、60ページまで。\
                 パスワード、入力欄、リンク、添付のあるものは保存できません）。",
                "This file cannot be kept. Scan the paper as PDF, PNG or JPEG: 6 MB and 60 pages at most, no \
                 password, form, link or attachment.",
            )
        })?;
        let idempotency_key = match wish {
            Some(wish) => wish,
            None => hex::encode(random_id()?),
        };
        let request = KeepPaperRequest {
            idempotency_key,
            application: Some(application.to_string()),
            notice: None,
            kind: kind.to_owned(),
            content: Base64(file),
        };
        self.again(|| self.gateway().post("/v1/papers", Some(&token), &request))
    }

    /// A paper with its content; the gateway writes down who read it.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn read_paper(&self, id: &str) -> Result<KeptPaperContent, Problem> {
        let token = self.token()?;
        let path = format!("/v1/papers/{id}");
        self.again(|| self.gateway().get(&path, Some(&token)))
    }
    /// Papers of the municipality that are held.
    ///
    /// # Errors
    /// What the gateway says; so with the next two.
    pub fn held_papers(&self) -> Result<Vec<KeptPaper>, Problem> {
        let token = self.token()?;
        let papers: KeptPapers =
            self.again(|| self.gateway().get("/v1/held-papers", Some(&token)))?;
        Ok(papers.papers)
    }

    /// A paper with the orders about it.
    pub fn paper_orders(&self, id: &str) -> Result<PaperOrders, Problem> {
        let token = self.token()?;
        let path = format!("/v1/papers/{}/orders", segment(id)?);
        self.again(|| self.gateway().get(&path, Some(&token)))
    }

    /// Holds or releases a paper as it was approved; said twice, it is done once.
    pub fn order_paper(
        &self,
        order: PaperOrder,
        approval: &ApprovalMessage,
    ) -> Result<KeptPaper, Problem> {
        let token = self.token()?;
        let path = format!(
            "/v1/papers/{}/{}",
            segment(&approval.reference)?,
            order.as_str()
        );
        let request = PaperOrderRequest {
            reason: approval.reason.clone(),
            approval: Some(approval.id.clone()),
        };
        self.again(|| self.gateway().post(&path, Some(&token), &request))
    }
}
