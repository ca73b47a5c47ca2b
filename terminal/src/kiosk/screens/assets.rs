//! What the pages need beside themselves, embedded in the program.

use actix_web::HttpResponse;
use actix_web::web::Path;

use crate::local::{Kind, Problem};

macro_rules! asset {
    ($name:literal) => {
        include_bytes!(concat!("../../../assets/kiosk/", $name))
    };
}

/// `GET /assets/{name}`.
pub async fn serve(name: Path<String>) -> Result<HttpResponse, Problem> {
    let (kind, bytes): (_, &'static [u8]) = match name.as_str() {
        "kiosk.css" => ("text/css; charset=utf-8", asset!("kiosk.css")),
        "kiosk.js" => ("text/javascript; charset=utf-8", asset!("kiosk.js")),
        "place-card.svg" => ("image/svg+xml", asset!("place-card.svg")),
        "take-card.svg" => ("image/svg+xml", asset!("take-card.svg")),
        "done.svg" => ("image/svg+xml", asset!("done.svg")),
        "attention.svg" => ("image/svg+xml", asset!("attention.svg")),
        _ => {
            return Err(Problem::new(
                Kind::NotFound,
                "there is no such file",
                "そのファイルはありません。",
                "There is no such file.",
            ));
        }
    };
    Ok(HttpResponse::Ok().content_type(kind).body(bytes))
}
