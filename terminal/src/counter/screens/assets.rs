//! Style and script, embedded in the program.

use actix_web::HttpResponse;
use actix_web::web::Path;

const CSS: &str = "text/css; charset=utf-8";

const SVG: &str = "image/svg+xml";

const ASSETS: &[(&str, &str, &str)] = &[
    (
        "icon.svg",
        SVG,
        include_str!("../../../assets/shared/icon.svg"),
    ),
    (
        "tokens.css",
        CSS,
        include_str!("../../../assets/shared/tokens.css"),
    ),
    (
        "base.css",
        CSS,
        include_str!("../../../assets/shared/base.css"),
    ),
    (
        "counter.css",
        CSS,
        include_str!("../../../assets/counter/counter.css"),
    ),
    (
        "counter.js",
        "text/javascript; charset=utf-8",
        include_str!("../../../assets/counter/counter.js"),
    ),
];

/// One of them.
pub async fn asset(name: Path<String>) -> HttpResponse {
    match ASSETS.iter().find(|(known, ..)| *known == name.as_str()) {
        Some((_, kind, text)) => HttpResponse::Ok().content_type(*kind).body(*text),
        None => HttpResponse::NotFound().finish(),
    }
}
