//! The attendant's page: the state of the machine, behind the PIN of `kiosk.toml`.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{self, Data};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::acts::to;
use super::page::html;
use crate::kiosk::Kiosk;
use crate::kiosk::password::Password;
use crate::local::{Form, Problem};

#[derive(Template)]
#[template(path = "kiosk/attendant.html")]
struct Attendant {
    kiosk: String,
    training: bool,
    fault: Option<&'static str>,
    facts: Option<Facts>,
}

struct Facts {
    status: Value,
    counts: Vec<(&'static str, u64)>,
}

/// What a counted event is called.
fn label(name: &str) -> &str {
    match name {
        "begun" => "手続きの開始 / visits begun",
        "stored" => "鍵の格納 / keys stored",
        "password-changed" => "パスワードの変更 / passwords changed",
        "cancelled" => "取り消し / cancelled",
        "timed-out" => "時間切れ / timed out",
        "card-pulled" => "カード抜け / card pulled",
        "failed" => "失敗 / failed",
        "place-card" => "カード返却 / cards taken back",
        other => other,
    }
}

/// What a test of the self-test is called.
fn test(name: &str) -> &str {
    match name {
        "random-source" => "乱数源 / random source (SP 800-90B)",
        "memory-locked" => "メモリ固定 / memory locked",
        "no-core-dumps" => "コアダンプ禁止 / no core dumps",
        "key-wrap" => "暗号の既知解テスト / key wrap known answer",
        "master" => "装置マスタ鍵 / kiosk master",
        "clock" => "時計 / clock",
        other => other,
    }
}

impl Facts {
    fn text(&self, pointer: &str) -> String {
        match self.status.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => "—".to_owned(),
            Some(other) => other.to_string(),
        }
    }
    fn tests(&self) -> Vec<(&str, bool)> {
        (self.status["self_test_items"]
            .as_array()
            .into_iter()
            .flatten())
        .map(|item| {
            let name = test(item["name"].as_str().unwrap_or_default());
            (name, item["passed"] == true)
        })
        .collect()
    }
    fn passed(&self) -> bool {
        self.status["self_test"] == "passed"
    }
    fn suspended(&self) -> bool {
        self.status["gateway"]["suspended"] == true
    }
}

async fn page(
    kiosk: Data<Arc<Kiosk>>,
    fault: Option<&'static str>,
) -> Result<HttpResponse, Problem> {
    let shown = web::block(move || Attendant {
        kiosk: kiosk.id().to_owned(),
        training: kiosk.mode().is_training(),
        fault,
        facts: kiosk.is_attended().then(|| Facts {
            status: kiosk.status(),
            counts: kiosk.counts(),
        }),
    })
    .await
    .map_err(|error| Problem::internal(&error))?;
    html(&shown)
}

/// `GET /attendant`.
pub async fn show(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    page(kiosk, None).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    pin: Password,
}

/// `POST /do/attend`.
pub async fn attend(
    kiosk: Data<Arc<Kiosk>>,
    Form(typed): Form<Pin>,
) -> Result<HttpResponse, Problem> {
    match kiosk.attend(typed.pin.as_bytes()) {
        Ok(()) => Ok(to("/attendant")),
        Err(fault) => page(kiosk, Some(fault)).await,
    }
}

/// `POST /do/attendant-left`.
pub async fn leave(kiosk: Data<Arc<Kiosk>>) -> HttpResponse {
    kiosk.attendant_left();
    to("/")
}
