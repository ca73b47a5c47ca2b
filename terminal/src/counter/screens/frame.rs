//! What every page has around it: place, clerk, links and readers, messages.

use pki_core::person::municipality::{Municipality, Prefecture};
use serde_json::Value;

use super::desk::Desk;
use super::words::Language;
use crate::counter::Counter;
use crate::local::Problem;

/// A reader or the link in the head.
pub struct Chip {
    /// `ok`, `idle`, `fault`
    pub look: &'static str,
    /// Key of its text.
    pub text: &'static str,
}

/// What went wrong, and what to do.
pub struct Banner {
    /// What to do.
    pub say: String,
    /// What happened.
    pub detail: String,
    /// Item by item.
    pub errors: Vec<(String, String)>,
    /// Names of the form's fields that are wrong.
    pub fields: Vec<String>,
}

/// The frame of a page.
pub struct Frame {
    desk: Desk,
    /// Key of the title.
    pub title: &'static str,
    /// `東京都千代田区`, `Chiyoda-ku, Tokyo-to`
    pub place: String,
    /// Terminal id.
    pub terminal: String,
    /// The clerk at work.
    pub operator: Option<String>,
    /// Link to the gateway.
    pub gateway: Chip,
    /// The resident's reader.
    pub resident: Chip,
    /// The operator's reader.
    pub operator_reader: Chip,
    /// Id of the card in the operator's reader.
    pub operator_card: Option<String>,
    /// Id and state of the card in the resident's reader.
    pub card: Option<(String, String)>,
    /// Marked as for training.
    pub training: bool,
    /// Seconds without a key after which a page without script asks for the lock.
    pub lock_after: u64,
    /// Where Esc leads.
    pub back: Option<String>,
    /// A fault to be told.
    pub banner: Option<Banner>,
}

/// Name of the field that an error points to.
fn field(error: &Value) -> String {
    let pointer = error["pointer"].as_str().unwrap_or_default();
    pointer.rsplit('/').next().unwrap_or_default().to_owned()
}

impl Frame {
    /// The frame as things stand.
    pub fn new(counter: &Counter, desk: &Desk, title: &'static str) -> Self {
        let status = counter.status();
        let readers = &status["readers"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let card = &readers["resident"]["card"];
        Self {
            title,
            place: place(counter, desk.words.0),
            terminal: counter.config.terminal.to_string(),
            operator: text(&status["operator"]["label"])
                .or_else(|| status["operator"]["busy"].as_bool().map(|_| "…".to_owned())),
            gateway: match status["gateway"].as_str() {
                Some("up") => chip("ok", "state.gateway-up"),
                _ => chip("fault", "state.gateway-down"),
            },
            resident: reader(&readers["resident"]),
            operator_reader: reader(&readers["operator"]),
            operator_card: text(&readers["operator"]["card"]["id"]),
            card: text(&card["id"]).zip(text(&card["state"])),
            training: counter.config.mode.is_training(),
            lock_after: counter.config.idle_lock.as_secs() + 1,
            back: None,
            banner: None,
            desk: desk.clone(),
        }
    }

    /// The same, with Esc leading to `back`.
    pub fn back_to(mut self, back: impl Into<String>) -> Self {
        self.back = Some(back.into());
        self
    }

    /// The same, telling a fault.
    pub fn telling(mut self, problem: Option<&Problem>) -> Self {
        self.banner = problem.map(|problem| {
            let document = problem.document();
            let errors = document["errors"].as_array();
            let detail = problem.to_string();
            Banner {
                say: match self.desk.words.0 {
                    Language::Japanese => problem.say().ja.clone(),
                    Language::English => problem.say().en.clone(),
                },
                fields: (errors.into_iter().flatten()).map(field).collect(),
                // What is said once about the whole is not said again of its only item.
                errors: (errors.into_iter().flatten())
                    .map(|error| self.told(error))
                    .map(|(item, why)| (item, if why == detail { String::new() } else { why }))
                    .collect(),
                detail,
            }
        });
        self
    }

    /// One fault of a form, with the item's name on the screen.
    fn told(&self, error: &Value) -> (String, String) {
        let pointer = error["pointer"].as_str().unwrap_or_default();
        let key = format!("item.{}", field(error).replace('_', "-"));
        let name = self.t(&key);
        let name = if name == key { pointer } else { name };
        let detail = error["detail"].as_str().unwrap_or_default();
        (name.to_owned(), detail.to_owned())
    }

    /// Whether this field of the form is the first that is wrong: there the clerk goes on.
    pub fn begins_at(&self, field: &str) -> bool {
        let wrong = self
            .banner
            .as_ref()
            .and_then(|banner| banner.fields.first());
        wrong.is_some_and(|wrong| wrong == field)
    }

    /// A text in the clerk's language.
    pub fn t<'k>(&self, key: &'k str) -> &'k str {
        self.desk.words.t(key)
    }

    /// A text of a family, `step.` and the like.
    pub fn of(&self, family: &str, key: &str) -> String {
        self.t(&format!("{family}.{key}")).to_owned()
    }

    /// A text that belongs to one of a family: `exit.person-wrong.then`.
    pub fn more(&self, family: &str, key: &str, more: &str) -> String {
        self.t(&format!("{family}.{key}.{more}")).to_owned()
    }

    /// Where the relation of a substitute comes from; as told, where it is a new one.
    pub fn source(&self, code: &str) -> String {
        let key = format!("source.{code}");
        let text = self.t(&key);
        if text == key {
            code.to_owned()
        } else {
            text.to_owned()
        }
    }

    /// Language code.
    pub fn language(&self) -> &'static str {
        self.desk.words.0.code()
    }

    /// For the forms.
    pub fn secret(&self) -> &str {
        &self.desk.secret
    }

    /// Address of this page.
    pub fn here(&self) -> &str {
        &self.desk.here
    }
}

fn chip(look: &'static str, text: &'static str) -> Chip {
    Chip { look, text }
}

fn reader(reader: &Value) -> Chip {
    let card = &reader["card"];
    if !reader["fault"].is_null() {
        chip("fault", "state.reader-away")
    } else if card.is_null() {
        chip("idle", "state.no-card")
    } else if card["busy"] == true {
        chip("ok", "state.busy")
    } else if card["foreign"] == true || !card["fault"].is_null() {
        chip("fault", "state.card-foreign")
    } else {
        chip("ok", "state.card")
    }
}

/// Prefecture and municipality of the window.
pub fn place(counter: &Counter, language: Language) -> String {
    let code = counter.config.terminal.municipality();
    let prefecture = Prefecture::of(code.prefecture());
    let municipality = Municipality::find(code);
    match (language, municipality) {
        (Language::Japanese, Some(m)) => format!("{}{}", prefecture.name, m.name),
        (Language::English, Some(m)) => format!("{}, {}", m.roman, prefecture.roman),
        (_, None) => code.to_string(),
    }
}
