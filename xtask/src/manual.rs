//! `cargo xtask manual`: the clerk's manual and the notice beside the kiosk. Their text is in
//! `xtask/manual/`, with what the screens say named by key (`{{card.do}}`, `{{kiosk:welcome.begin}}`), so
//! that no button is called otherwise than it is; the pictures are taken on a walk through the real screens.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::browser::{Browser, Page};
use crate::fault::{Fault, OnPath, Result};
use crate::report::Report;
use crate::screens::{Album, Screens};
use crate::stack::layout::Database;
use crate::stack::{OPERATOR_PIN, Options, Stack};
use crate::window::{Applicant, Card, SOUMU_TARO, TAKAHASHI_HANAKO};
use crate::workspace::{self, Profile, Programs};
use crate::{setup, text};

/// The documents: template and result have the same name.
const DOCUMENTS: [&str; 2] = ["clerk.ja.md", "kiosk-notice.ja.md"];
/// How much smaller than the screen the pictures are.
const SCALE: f64 = 0.5;

fn folder() -> PathBuf {
    workspace::root().join("docs/manual")
}

/// Makes text and pictures.
pub fn run(report: &Report) -> Result<()> {
    report.section("準備  Set-up");
    setup::run(report)?;
    let programs = Programs::build(report, Profile::Dev)?;
    let wanted = report.step("the text, with the words of the screens", || {
        let mut wanted = Vec::new();
        for name in DOCUMENTS {
            let made = document(name)?;
            wanted.extend(pictures_of(&made));
            let path = folder().join(name);
            fs::write(&path, made).on(&path)?;
        }
        Ok(wanted)
    })?;
    let state = workspace::target_dir()
        .join("manual")
        .join(text::random_hex(4)?);
    report.section("起動  Start everything on loopback");
    let stack = Stack::start(
        &programs,
        &Options::new(&state, Some(Database::Sqlite)),
        report,
    )?;
    let taken = report.long_step("two applicants through the screens", || walk(&stack))?;
    report.step("end every program", || stack.end())?;
    fs::remove_dir_all(&state).on(&state)?;
    let images = folder().join("images");
    let _ = fs::remove_dir_all(&images);
    fs::create_dir_all(&images).on(&images)?;
    for name in wanted {
        let picture = taken
            .get(&name)
            .ok_or_else(|| Fault::new(format!("the walk did not come by the screen {name}")))?;
        let path = images.join(format!("{name}.png"));
        fs::write(&path, picture).on(&path)?;
    }
    report.summary(&format!("the documents are in {}", folder().display()));
    Ok(())
}

/// Walks and keeps a small picture of each screen by its name; of a screen that was seen twice the second
/// applicant's, who has a character to be chosen.
fn walk(stack: &Stack) -> Result<BTreeMap<String, Vec<u8>>> {
    let browser = Browser::start(&stack.layout().folder("browser")?)?;
    let taken = RefCell::new(BTreeMap::new());
    let keep = |page: &Page, name: &str| {
        let picture = page.small_picture(&browser, SCALE)?;
        taken.borrow_mut().insert(name.to_owned(), picture);
        Ok(())
    };
    let album = Album::looking(keep);
    let screens = Screens::open(&browser, stack, &album)?;
    stack.operator_card().insert("operator")?;
    screens.clerk.sign_in(OPERATOR_PIN)?;
    let first = through(&screens, &SOUMU_TARO, &stack.resident_card(0))?;
    through(&screens, &TAKAHASHI_HANAKO, &stack.resident_card(1))?;
    screens.clerk.revoke(&first)?;
    drop(screens);
    drop(album);
    Ok(taken.into_inner())
}

/// One applicant from the form to the hand-over. Gives the application's id.
fn through(screens: &Screens<'_>, applicant: &Applicant, card: &Card) -> Result<String> {
    let (clerk, resident) = (&screens.clerk, &screens.resident);
    let id = clerk.receive(applicant)?;
    clerk.identify()?;
    card.insert("counter")?;
    clerk.prepare_card()?;
    card.remove()?;
    clerk.waits_for_key()?;
    resident.waits_for_card()?;
    card.insert("kiosk")?;
    resident.make_key(applicant.password)?;
    card.remove()?;
    card.insert("counter")?;
    clerk.read_public_key()?;
    clerk.settle_characters()?;
    clerk.issue()?;
    clerk.confirm_image()?;
    clerk.write_card(applicant.password)?;
    clerk.take_fee()?;
    clerk.receipt()?;
    clerk.hand_over()?;
    card.remove()?;
    Ok(id)
}

/// A document with what the screens say put in.
///
/// # Errors
/// When the template names a text that no screen says.
pub fn document(name: &str) -> Result<String> {
    let root = workspace::root();
    let read = |path: &Path| fs::read_to_string(path).on(path);
    let template = read(&root.join("xtask/manual").join(name))?;
    let counter = read(&root.join("terminal/assets/counter/words.toml"))?;
    let kiosk = read(&root.join("terminal/assets/kiosk/messages.toml"))?;
    let (counter, kiosk) = (words(&counter), words(&kiosk));
    let mut made = String::new();
    let mut rest = template.as_str();
    while let Some((before, after)) = rest.split_once("{{") {
        let (key, after) = after
            .split_once("}}")
            .ok_or_else(|| Fault::new(format!("{name}: a {{{{ that is not closed")))?;
        let said = match key.strip_prefix("kiosk:") {
            Some(key) => kiosk.get(key),
            None => counter.get(key),
        };
        let said = said.ok_or_else(|| Fault::new(format!("{name}: no screen says {key}")))?;
        made.push_str(before);
        made.push_str(said);
        rest = after;
    }
    made.push_str(rest);
    Ok(made)
}

/// Names of the pictures that a document shows.
pub fn pictures_of(document: &str) -> Vec<String> {
    let marked = document.split("](images/").skip(1);
    marked
        .filter_map(|rest| rest.split_once(".png)"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The Japanese texts of a catalogue by key: `"key" = ["日本語", "English"]`, or `"key" = "日本語"` in its first
/// part, without the readings `[漢字|かんじ]`.
fn words(catalogue: &str) -> BTreeMap<&str, String> {
    let mut words = BTreeMap::new();
    for line in catalogue.lines() {
        let Some((key, value)) = line.split_once(" = ") else {
            continue;
        };
        let value = value.trim_start_matches('[').trim_start_matches('"');
        let Some((japanese, _)) = value.split_once('"') else {
            continue;
        };
        words
            .entry(key.trim_matches('"'))
            .or_insert_with(|| without_readings(japanese));
    }
    words
}

fn without_readings(marked: &str) -> String {
    let mut plain = String::new();
    let mut rest = marked;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let (ruby, after) = after.split_once(']').unwrap_or((after, ""));
        plain.push_str(ruby.split('|').next().unwrap_or_default());
        rest = after;
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_left_out() {
        assert_eq!(
            without_readings("[鍵|かぎ]ペアを[作|つく]る"),
            "鍵ペアを作る"
        );
        let found =
            words("\"a\" = [\"あ\", \"a\"]\n[ja]\n\"b\" = \"[電|でん]\"\n[en]\n\"b\" = \"x\"\n");
        assert_eq!(found["a"], "あ");
        assert_eq!(found["b"], "電");
    }

    #[test]
    fn the_manual_says_what_the_screens_say_and_has_its_pictures() {
        for name in DOCUMENTS {
            let made = document(name).unwrap();
            let there = fs::read_to_string(folder().join(name)).unwrap_or_default();
            assert!(
                made == there,
                "docs/manual/{name} is out of date: run `cargo xtask manual`"
            );
            let pictures = pictures_of(&made);
            assert!(pictures.len() >= 5, "{name} shows {pictures:?}");
            for picture in pictures {
                let path = folder().join("images").join(format!("{picture}.png"));
                let bytes = fs::read(&path).unwrap_or_default();
                assert!(
                    bytes.starts_with(b"\x89PNG"),
                    "{} is missing",
                    path.display()
                );
                assert!(bytes.len() < 100_000, "{} is large", path.display());
            }
        }
    }
}
