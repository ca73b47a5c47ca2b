//! What comes before and beside the walk: which application is open, the written inquiry
//! and its reply, the second pair of eyes.

use actix_web::HttpResponse;
use actix_web::web::{self, Path, ServiceConfig};
use jiff::Timestamp;
use paper::letter::{Block, Letter};
use pki_core::calendar::JapaneseDay;
use pki_core::id::ApplicationId;
use pki_core::person::municipality::{Municipality, Prefecture};
use schema::wire::v1::ra::{
    CertificateKind, IdentityConfirmation, InquiryLetter, InquiryLetterRequest, InquiryRequest,
    OpeningsRequest, OpeningsResponse, ReplyRequest, Step,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::Counter;
use super::http::{Window, blocking, id};
use super::image::day_in_era;
use super::next::shown;
use crate::local::{Body, Problem};

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    let one = |last: &str| format!("/api/applications/{{id}}{last}");
    config
        .route("/api/application-openings", web::post().to(openings))
        .route(&one("/inquiry"), web::post().to(inquiry))
        .route(&one("/inquiry.pdf"), web::get().to(letter))
        .route(&one("/reply"), web::post().to(reply))
        .route(&one("/identity-confirmation"), web::post().to(confirm));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn openings(
    window: Window,
    Body(asked): Body<OpeningsRequest>,
) -> Result<HttpResponse, Problem> {
    let told = blocking(window, move |counter| {
        counter.openings(&asked.resident, asked.certificate_kind)
    })
    .await?;
    Ok(HttpResponse::Ok().json(told))
}

async fn inquiry(
    window: Window,
    path: Path<String>,
    _: Body<Nothing>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let told = blocking(window, move |counter| counter.send_inquiry(&id)).await?;
    Ok(HttpResponse::Ok().json(told))
}

async fn letter(window: Window, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let pdf = blocking(window, move |counter| counter.inquiry_letter(&id)).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/pdf")
        .insert_header(("Content-Disposition", "inline; filename=\"inquiry.pdf\""))
        .body(pdf))
}

async fn reply(
    window: Window,
    path: Path<String>,
    Body(asked): Body<ReplyRequest>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let told = blocking(window, move |counter| counter.record_reply(&id, &asked)).await?;
    Ok(HttpResponse::Ok().json(told))
}

async fn confirm(
    window: Window,
    path: Path<String>,
    Body(asked): Body<IdentityConfirmation>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path)?;
    let told = blocking(window, move |counter| counter.confirm_identity(&id, &asked)).await?;
    Ok(HttpResponse::Ok().json(told))
}

impl Counter {
    /// What is open to a resident for certificates of a kind, and why.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn openings(
        &self,
        resident: &str,
        certificate_kind: CertificateKind,
    ) -> Result<OpeningsResponse, Problem> {
        let token = self.token()?;
        let asked = OpeningsRequest {
            resident: resident.to_owned(),
            certificate_kind,
        };
        self.again(|| {
            self.gateway()
                .post("/v1/application-openings", Some(&token), &asked)
        })
    }

    /// The applicant is asked in writing.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn send_inquiry(&self, id: &ApplicationId) -> Result<Value, Problem> {
        let done = |step| step == Step::InquirySent;
        self.step(id, "inquiry", &InquiryRequest {}, done)
            .map(|a| shown(&a))
    }

    /// The letter as PDF. The gateway audits each printing.
    ///
    /// # Errors
    /// What the gateway says; a font that cannot be read.
    pub fn inquiry_letter(&self, id: &ApplicationId) -> Result<Vec<u8>, Problem> {
        let token = self.token()?;
        let path = format!("/v1/applications/{id}/inquiry-letter");
        let told: InquiryLetter = self.again(|| {
            self.gateway()
                .post(&path, Some(&token), &InquiryLetterRequest {})
        })?;
        let municipality = self.config.terminal.municipality();
        let name = Municipality::find(municipality).map_or_else(
            || municipality.to_string(),
            |m| {
                format!(
                    "{}{}",
                    Prefecture::of(municipality.prefecture()).name,
                    m.name
                )
            },
        );
        written(id, &told, &name)
            .to_pdf(&self.font, Timestamp::now())
            .map_err(|error| Problem::internal(&error))
    }

    /// The reply was brought.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn record_reply(&self, id: &ApplicationId, reply: &ReplyRequest) -> Result<Value, Problem> {
        let token = self.token()?;
        let told = self.again(|| {
            self.gateway()
                .post(&format!("/v1/applications/{id}/reply"), Some(&token), reply)
        })?;
        Ok(json!(shown(&told)))
    }

    /// Carries out what a second operator signed about the decision on the reply.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn confirm_identity(
        &self,
        id: &ApplicationId,
        confirmation: &IdentityConfirmation,
    ) -> Result<Value, Problem> {
        let done = |step| confirmation.confirmed && step == Step::Identified;
        self.step(id, "identity-confirmation", confirmation, done)
            .map(|a| shown(&a))
    }
}

/// 照会書: what is asked, how to answer, and the reply form with the code.
fn written(id: &ApplicationId, told: &InquiryLetter, municipality: &str) -> Letter {
    let day = |text: &str| {
        let day = text.parse::<JapaneseDay>();
        day.map_or_else(|_| text.to_owned(), |day| day_in_era(day.date()))
    };
    let reply_by = day(&told.reply_by);
    let asked = match &told.proxy {
        Some(proxy) => format!(
            "このたび、あなたの代理人として{proxy}さんから、公的個人認証サービスの電子証明書の発行が\
             申請されました。この申請があなたの意思によるものかどうかを照会します。"
        ),
        None => {
            "このたび、あなたのお名前で、公的個人認証サービスの電子証明書の発行が申請されました。\
                 この申請があなた本人の意思によるものかどうかを照会します。"
                .to_owned()
        }
    };
    let mut body = vec![
        Block::Paragraph(asked),
        Block::Paragraph(format!(
            "申請に間違いがなければ、下の回答書に必要なことを自筆で記入し、{reply_by}までに窓口へ\
             お持ちください。この日を過ぎると、申請は取り下げられたものとして扱います。"
        )),
        Block::Paragraph(
            "心当たりがないときは、回答せずに、すぐに窓口へお知らせください。".to_owned(),
        ),
        Block::Heading("回　答　書".to_owned()),
        Block::Paragraph(match &told.proxy {
            Some(proxy) => format!(
                "電子証明書の発行の申請は私の意思によるもので、手続を{proxy}に委任しました。"
            ),
            None => "電子証明書の発行の申請は、私本人が行ったものに間違いありません。".to_owned(),
        }),
        Block::Rows(vec![
            ("回答番号".to_owned(), told.code.clone()),
            (
                "回答した日".to_owned(),
                "　　　　年　　　月　　　日".to_owned(),
            ),
            ("住所".to_owned(), String::new()),
            ("氏名（自筆）".to_owned(), String::new()),
        ]),
    ];
    if told.proxy.is_some() {
        body.push(Block::Rows(vec![(
            "パスワード".to_owned(),
            "（記入後、目隠しシールを貼る）".to_owned(),
        )]));
        body.push(Block::Note(
            "パスワードは英大文字と数字の６文字から１６文字です。代理人が鍵ペア生成装置で入力するために\
             記入します。職員がはがして見ることはありません。カードを受け取ったら、ご自分でパスワードを\
             変更してください。"
                .to_owned(),
        ));
    }
    body.push(Block::Note(
        "お持ちいただくもの: この用紙、カード、本人（代理人のときは代理人）を確認できる書類。"
            .to_owned(),
    ));
    Letter {
        number: format!("照会番号　{}", &id.to_string()[..8]),
        date: day(&told.sent_on),
        to: vec![told.address.clone(), format!("{}　様", told.name)],
        from: vec![
            format!("{municipality}長"),
            "公的個人認証サービス受付窓口".to_owned(),
        ],
        title: "電子証明書の発行の申請について（照会）".to_owned(),
        body,
    }
}
