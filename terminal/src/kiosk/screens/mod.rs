//! The resident's touch screens (portrait, 1080 × 1920): pages made here from the
//! kiosk's state, one small script for the on-screen keyboard and for noticing that a
//! page is out of date. All pages live at `/`: what is shown is the state, so that
//! going back or loading again never shows a step that is over.
//!
//! A form posts to `/do/…` and is answered with 303 to `/`. Passwords come in such
//! bodies only and are in no page, address or log. The browser is opened at
//! `/start/<secret>` (see [`crate::local::fence`]); without that nothing can be done.
//!
//! `/attendant` is for the staff: three seconds on the heading, or the address itself,
//! and the PIN `attendant_pin` of `kiosk.toml`.

mod acts;
mod assets;
mod attendant;
mod page;
pub mod words;

use actix_web::web::{self, ServiceConfig};

/// The one route table of the screens.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(page::show))
        .route("/view", web::get().to(page::view))
        .route("/progress", web::get().to(page::progress))
        .route("/attendant", web::get().to(attendant::show))
        .route("/assets/{name}", web::get().to(assets::serve))
        .route("/do/begin", web::post().to(acts::begin))
        .route("/do/choose", web::post().to(acts::choose))
        .route("/do/rules", web::post().to(acts::rules_read))
        .route("/do/password", web::post().to(acts::password))
        .route("/do/back", web::post().to(acts::back))
        .route("/do/cancel", web::post().to(acts::cancel))
        .route("/do/finish", web::post().to(acts::finish))
        .route("/do/ok", web::post().to(acts::notice_read))
        .route("/do/touch", web::post().to(acts::touch))
        .route("/do/language", web::post().to(acts::language))
        .route("/do/contrast", web::post().to(acts::contrast))
        .route("/do/size", web::post().to(acts::size))
        .route("/do/attend", web::post().to(attendant::attend))
        .route("/do/attendant-left", web::post().to(attendant::leave));
}
