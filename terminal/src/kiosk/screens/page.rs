//! The page of a moment.

use std::sync::Arc;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde_json::json;

use pki_core::application::certificate_kind::CertificateKind;

use super::words;
use crate::kiosk::Kiosk;
use crate::kiosk::entry::{Page, Purpose};
use crate::kiosk::resident::{Language, View};
use crate::kiosk::steps::{Ending, Phase, State};
use crate::local::Problem;
use crate::local::fence::Fence;

/// What the middle of the page is.
enum Body {
    OutOfService(&'static str),
    Notice(&'static str),
    /// With a card in the reader or without.
    Welcome(bool),
    Menu {
        generate: bool,
        /// The password of the only key.
        change: bool,
        /// The card has two keys, each with a password.
        both: bool,
    },
    Rules(Purpose),
    Password(&'static str),
    Changed,
    Generating,
    Stored,
    Ended(&'static str),
}

impl Body {
    fn of(view: &View) -> Self {
        if let Some(name) = view.out_of_service {
            return Self::OutOfService(name);
        }
        let notice = view.notice.as_ref().map(|notice| notice.name);
        match (&view.state, notice) {
            (State::Idle | State::Ended(Ending::Failed, _), Some(name)) => Self::Notice(name),
            (State::Idle, None) => Self::Welcome(view.card),
            // Of an earlier resident's end, when the next card is tried.
            (State::Ended(..), Some(name)) if view.card => Self::Notice(name),
            (State::Generating(..), _) => Self::Generating,
            (State::Stored(_) | State::Ended(Ending::Done, _), _) => Self::Stored,
            (ended @ State::Ended(..), _) => Self::Ended(ended.name()),
            (State::Menu(..) | State::Holder(..), _) => match view.page {
                Page::Menu => match notice {
                    Some(name) => Self::Notice(name),
                    None => Self::Menu {
                        generate: matches!(view.state, State::Menu(..)),
                        change: view.keys.len() == 1,
                        both: view.keys.len() > 1,
                    },
                },
                Page::Rules(purpose) => Self::Rules(purpose),
                Page::Present(_) => Self::Password("present"),
                Page::New(_) => Self::Password("new"),
                Page::Again(_) => Self::Password("again"),
                Page::Changed => Self::Changed,
            },
        }
    }

    /// Key of the heading in the catalogue.
    fn heading(&self) -> String {
        match self {
            Self::OutOfService(_) => "out.title".to_owned(),
            Self::Notice(name) => format!("notice.{name}.title"),
            Self::Welcome(false) => "welcome.title".to_owned(),
            Self::Welcome(true) => "welcome.title.card".to_owned(),
            Self::Menu { .. } => "menu.title".to_owned(),
            Self::Rules(Purpose::Generate) => "rules.title.generate".to_owned(),
            Self::Rules(Purpose::Change) => "rules.title.change".to_owned(),
            Self::Password(which) => format!("password.title.{which}"),
            Self::Changed => "changed.title".to_owned(),
            Self::Generating => "generating.title".to_owned(),
            Self::Stored => "stored.title".to_owned(),
            Self::Ended(name) => format!("ended.{name}.title"),
        }
    }
}

#[derive(Template)]
#[template(path = "kiosk/page.html")]
struct Shown {
    view: View,
    body: Body,
    kiosk: String,
    /// Marked as for training.
    training: bool,
}

#[derive(Template)]
#[template(path = "kiosk/progress.html")]
struct Part {
    view: View,
}

const STEPS: [(&str, &[Phase]); 5] = [
    ("authenticating", &[Phase::Authenticating]),
    ("setting-password", &[Phase::SettingPassword]),
    ("making-key", &[Phase::MakingKey]),
    ("storing-key", &[Phase::StoringKey]),
    (
        "finishing",
        &[Phase::MakingRequest, Phase::Recording, Phase::Finishing],
    ),
];

/// A step of the generation: key in the catalogue, and `done`, `now` or `later`.
type Step = (&'static str, &'static str);

fn steps(view: &View) -> (u8, Vec<Step>) {
    let (phase, percent) = view.progress();
    let now = (STEPS.iter().position(|(_, phases)| phases.contains(&phase))).unwrap_or(0);
    let stands = |i: usize| match i.cmp(&now) {
        std::cmp::Ordering::Less => "done",
        std::cmp::Ordering::Equal => "now",
        std::cmp::Ordering::Greater => "later",
    };
    let steps = STEPS
        .iter()
        .enumerate()
        .map(|(i, (key, _))| (*key, stands(i)));
    (percent, steps.collect())
}

impl Part {
    fn t(&self, key: &str) -> String {
        words::html(self.view.look.language, key, "")
    }
    fn p(&self, key: &str) -> String {
        words::plain(self.view.look.language, key, "")
    }
    fn steps(&self) -> (u8, Vec<Step>) {
        steps(&self.view)
    }
}

impl Shown {
    fn value(&self) -> &str {
        self.view.notice.as_ref().map_or("", |n| &n.value)
    }
    fn t(&self, key: &str) -> String {
        words::html(self.view.look.language, key, self.value())
    }
    fn p(&self, key: &str) -> String {
        words::plain(self.view.look.language, key, self.value())
    }
    /// `t` of the text for the key that the visit makes: `….pin` where it is the one for
    /// signing in.
    fn k(&self, key: &str) -> String {
        if self.pin() {
            self.t(&format!("{key}.pin"))
        } else {
            self.t(key)
        }
    }
    /// Whether the password is a PIN of four digits.
    fn pin(&self) -> bool {
        self.view.state.kind() == CertificateKind::UserAuthentication
    }
    /// An example of a password, fewest and most characters, the pattern.
    fn form(&self) -> (&'static str, u8, u8, &'static str) {
        if self.pin() {
            ("8274", 4, 4, "[0-9]{4}")
        } else {
            ("K7MR4T9W", 6, 16, "[A-Z0-9]{6,16}")
        }
    }
    /// `t` of a key in two parts.
    fn tt(&self, start: &str, name: &str, end: &str) -> String {
        self.t(&format!("{start}{name}{end}"))
    }
    fn steps(&self) -> (u8, Vec<Step>) {
        steps(&self.view)
    }
    fn lang(&self) -> &'static str {
        match self.view.look.language {
            Language::En => "en",
            _ => "ja",
        }
    }
    /// Code of the language's button and its own name, and whether it is chosen.
    fn languages(&self) -> [(&'static str, &'static str, &'static str, bool); 3] {
        let is = |language| self.view.look.language == language;
        [
            ("ja", "ja", "日本語", is(Language::Ja)),
            ("easy", "ja", "やさしい日本語", is(Language::Easy)),
            ("en", "en", "English", is(Language::En)),
        ]
    }
    /// Classes of the whole page.
    fn look(&self) -> &'static str {
        match (self.view.look.contrast, self.view.look.large) {
            (false, false) => "",
            (true, false) => "contrast",
            (false, true) => "large",
            (true, true) => "contrast large",
        }
    }
    /// Whether the visit can still be cancelled here.
    fn cancellable(&self) -> bool {
        matches!(
            self.body,
            Body::Menu { .. } | Body::Rules(_) | Body::Password(_) | Body::Generating
        )
    }
    fn letters(&self) -> std::ops::RangeInclusive<char> {
        'A'..='Z'
    }
    fn digits(&self) -> [char; 10] {
        ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0']
    }
    /// Whether the notice on the password page is about the card's answer.
    fn told(&self) -> Option<&'static str> {
        self.view.notice.as_ref().map(|notice| notice.name)
    }
}

/// Answers with a page.
pub fn html(page: &impl Template) -> Result<HttpResponse, Problem> {
    let text = page.render().map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(text))
}

/// The moment, looked at where waiting for the reader does no harm.
pub async fn moment(kiosk: &Data<Arc<Kiosk>>) -> Result<View, Problem> {
    let kiosk = Arc::clone(kiosk);
    web::block(move || kiosk.view())
        .await
        .map_err(|error| Problem::internal(&error))
}

/// `GET /`.
pub async fn show(
    kiosk: Data<Arc<Kiosk>>,
    fence: Data<Fence>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut view = moment(&kiosk).await?;
    if !fence.knows(&request) {
        view.out_of_service = Some("not-opened");
    }
    html(&Shown {
        body: Body::of(&view),
        kiosk: kiosk.id().to_owned(),
        training: kiosk.mode().is_training(),
        view,
    })
}

/// `GET /view`: whether the page is out of date, and the time left.
pub async fn view(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    let view = moment(&kiosk).await?;
    Ok(HttpResponse::Ok().json(json!({"view": view.id, "seconds_left": view.seconds_left})))
}

/// `GET /progress`: the part of the generation's page that moves.
pub async fn progress(kiosk: Data<Arc<Kiosk>>) -> Result<HttpResponse, Problem> {
    html(&Part {
        view: moment(&kiosk).await?,
    })
}
