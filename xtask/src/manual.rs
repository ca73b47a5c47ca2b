//! `cargo xtask manual`: the clerk's manual and the notice beside the kiosk. Their text is in
//! `xtask/manual/`, with what the screens say named by key (`{{card.do}}`, `{{kiosk:welcome.begin}}`), so
//! that no button is called otherwise than it is; the pictures are taken on a walk through the real screens.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::browser::{Browser, COUNTER, Page};
use crate::fault::{Fault, OnPath, Result};
use crate::report::Report;
use crate::screens::tour::Tour;
use crate::screens::{Album, Screens};
use crate::stack::layout::Database;
use crate::stack::{Options, Stack};
use crate::workspace::{self, Profile, Programs};
use crate::{setup, text};

/// The documents: template and result have the same name.
const DOCUMENTS: [&str; 2] = ["clerk.ja.md", "kiosk-notice.ja.md"];
/// The notice beside the kiosk once more, as a sheet of A4 to be hung up.
const SHEET: &str = "kiosk-notice.html";
/// How much smaller than the screen the pictures are.
const SCALE: f64 = 0.5;

fn folder() -> PathBuf {
    workspace::root().join("docs/manual")
}

/// Makes text and pictures. With `out`, every screen of the walk and every paper is left there, to be looked at.
pub fn run(report: &Report, out: Option<&Path>) -> Result<()> {
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
    let taken = report.long_step("every procedure through the screens", || {
        walk(&stack, &wanted, out)
    })?;
    report.step("end every program", || stack.end())?;
    if let Some(name) = wanted.iter().find(|name| !taken.contains_key(*name)) {
        return Err(Fault::new(format!(
            "the walk did not come by the screen {name}"
        )));
    }
    let images = folder().join("images");
    let _ = fs::remove_dir_all(&images);
    fs::create_dir_all(&images).on(&images)?;
    for (name, picture) in &taken {
        let path = images.join(format!("{name}.png"));
        fs::write(&path, picture).on(&path)?;
    }
    report.step("the notice beside the kiosk on a sheet of A4", || {
        print_sheet(&state)
    })?;
    fs::remove_dir_all(&state).on(&state)?;
    report.summary(&format!("the documents are in {}", folder().display()));
    Ok(())
}

/// Walks and keeps a small picture of each screen that is wanted, by its name; of a screen that was seen twice the last. With
/// `out`, each is left there in full size too, with the papers.
fn walk(stack: &Stack, wanted: &[String], out: Option<&Path>) -> Result<BTreeMap<String, Vec<u8>>> {
    let browser = Browser::start(&stack.layout().folder("browser")?)?;
    let taken = RefCell::new(BTreeMap::new());
    let number = Cell::new(0);
    if let Some(out) = out {
        fs::create_dir_all(out).on(out)?;
    }
    let keep = |page: &Page, name: &str| {
        if let Some(out) = out {
            number.set(number.get() + 1);
            page.screenshot(&out.join(format!("{:03}-{name}.png", number.get())))?;
        }
        if wanted.iter().any(|one| one == name) {
            let picture = page.small_picture(&browser, SCALE)?;
            taken.borrow_mut().insert(name.to_owned(), picture);
        }
        Ok(())
    };
    let album = Album::looking(keep);
    let screens = Screens::open(&browser, stack, &album)?;
    let tour = Tour::new(stack, &screens);
    let walked = tour.everything();
    if let Some(out) = out {
        for (number, (name, pdf)) in tour.papers.borrow().iter().enumerate() {
            let path = out.join(format!("paper-{number}-{name}.pdf"));
            fs::write(&path, pdf).on(&path)?;
        }
    }
    walked?;
    drop(tour);
    drop(screens);
    drop(album);
    Ok(taken.into_inner())
}

/// Prints the sheet with the pictures that were taken just now.
fn print_sheet(state: &Path) -> Result<()> {
    let images = format!("src=\"file://{}/images/", folder().display());
    let page = document(SHEET)?.replace("src=\"images/", &images);
    let file = state.join(SHEET);
    fs::write(&file, page).on(&file)?;
    let browser = Browser::start(&state.join("sheet"))?;
    let shown = browser.page(COUNTER)?;
    shown.open(&format!("file://{}", file.display()))?;
    let sheet = folder().join(SHEET).with_extension("pdf");
    fs::write(&sheet, shown.printed()?).on(&sheet)
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
    fn the_sheet_beside_the_kiosk_is_one_page_and_says_what_the_kiosk_says() {
        let sheet = folder().join(SHEET).with_extension("pdf");
        let read = |raw: &[u8]| -> String {
            let text = String::from_utf8_lossy(raw);
            text.split_whitespace().collect()
        };
        let mut command = std::process::Command::new("pdftotext");
        let text = crate::process::run(command.arg("-raw").arg(&sheet).arg("-")).unwrap();
        let pages = text.iter().filter(|byte| **byte == 0x0C).count();
        assert_eq!(pages, 1, "each page ends with a form feed");
        let text = read(&text);
        let made = document(SHEET).unwrap();
        let (_, body) = made.split_once("<body>").unwrap();
        for part in body.split('<').filter_map(|part| part.split_once('>')) {
            let said = read(part.1.as_bytes());
            assert!(
                text.contains(&said),
                "{said} is not on the sheet: run `cargo xtask manual`"
            );
        }
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
