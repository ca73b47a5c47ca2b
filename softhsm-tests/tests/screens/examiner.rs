//! Looks at every screen: a picture for the eye, axe-core, names for the screen reader, complaints of the page.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use xtask::browser::{Page, axe};
use xtask::fault::Result;
use xtask::process;
use xtask::workspace::target_dir;

/// What can be operated: a screen reader has to have a name for each.
const OPERATED: [&str; 8] = [
    "button",
    "link",
    "textbox",
    "combobox",
    "checkbox",
    "radio",
    "searchbox",
    "DisclosureTriangle",
];

/// Looks and keeps what it finds.
pub struct Examiner {
    axe: String,
    pictures: PathBuf,
    taken: Cell<usize>,
    /// The kiosk's screens that were examined in every look.
    in_all_looks: RefCell<BTreeSet<String>>,
    faults: RefCell<Vec<String>>,
    /// Links of the counter's pages.
    linked: RefCell<BTreeSet<String>>,
}

impl Examiner {
    /// Pictures go to a folder of `target/screens`.
    pub fn new(folder: &str) -> Result<Self> {
        let pictures = target_dir().join("screens").join(folder);
        let _ = fs::remove_dir_all(&pictures);
        fs::create_dir_all(&pictures)?;
        Ok(Self {
            axe: axe::script()?,
            pictures,
            taken: Cell::new(0),
            in_all_looks: RefCell::default(),
            faults: RefCell::default(),
            linked: RefCell::default(),
        })
    }

    /// axe-core's script.
    pub fn axe(&self) -> &str {
        &self.axe
    }

    /// Examines a page and leaves it as it was: a screen of the kiosk, when it is seen for the first time, in
    /// each language with both sizes of letters, and in the other colours.
    pub fn look(&self, page: &Page, name: &str) -> Result<()> {
        self.examine(page, name)?;
        // What is being made does not wait for a change of language.
        let first = self.in_all_looks.borrow_mut().insert(name.to_owned());
        if name.starts_with("kiosk-") && name != "kiosk-generating" && first {
            let press = |what: &str| page.follow(|page| page.click(what));
            let contrast = "form[action=\"/do/contrast\"] button";
            let size = "form[action=\"/do/size\"] button";
            press(contrast)?;
            self.examine(page, &format!("{name}-contrast"))?;
            press(contrast)?;
            for language in ["easy", "en", "ja"] {
                press(&format!("button[name=language][value={language}]"))?;
                if language != "ja" {
                    self.examine(page, &format!("{name}-{language}"))?;
                }
                press(size)?;
                self.examine(page, &format!("{name}-{language}-large"))?;
                press(size)?;
            }
        }
        if name.starts_with("counter-") {
            self.note_links(page)?;
        }
        // The pages behind the other exits of the walk.
        let aside: &[&str] = match name {
            "counter-image" => &[
                "differences",
                "differences/person-wrong",
                "differences/issuer-wrong",
            ],
            "counter-card" => &["withdrawal"],
            _ => &[],
        };
        let here = page.run("location.href")?;
        let here = here.as_str().unwrap_or_default();
        for path in aside {
            page.open(&format!("{here}/{path}"))?;
            self.examine(page, &format!("counter-{}", path.replace('/', "-")))?;
        }
        if aside.is_empty() {
            Ok(())
        } else {
            page.open(here)
        }
    }

    fn examine(&self, page: &Page, name: &str) -> Result<()> {
        self.taken.set(self.taken.get() + 1);
        let file = format!("{:03}-{name}.png", self.taken.get());
        page.screenshot(&self.pictures.join(file))?;
        // Some pages give way to the next by themselves, maybe in the middle of the examination: then
        // that one is examined.
        let mut given_way = 0;
        let found = loop {
            let began = page.run("performance.timeOrigin");
            let found = self.faults_of(page);
            let same = began.is_ok_and(|began| {
                page.run("performance.timeOrigin")
                    .is_ok_and(|now| now == began)
            });
            match found {
                Ok(found) if same || given_way == 5 => break found,
                Err(fault) if given_way == 5 => return Err(fault),
                Ok(_) | Err(_) => {
                    given_way += 1;
                    page.wait("the next page", "document.readyState === 'complete'")?;
                }
            }
        };
        let mut faults = self.faults.borrow_mut();
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
        Ok(())
    }

    /// What is wrong with a page.
    pub fn faults_of(&self, page: &Page) -> Result<Vec<String>> {
        let mut faults: Vec<String> = axe::findings(page, &self.axe)?
            .into_iter()
            .filter(axe::Finding::is_grave)
            .map(|one| format!("{} ({}) at {}", one.rule, one.impact, one.places.join(", ")))
            .collect();
        faults.extend(nameless(page)?);
        // A refusal is answered with its status, which the browser writes into its log.
        let complaints = page.complaints().into_iter();
        faults.extend(complaints.filter(|said| !said.contains("responded with a status of 4")));
        faults.extend(misfits(page)?);
        Ok(faults)
    }

    fn note_links(&self, page: &Page) -> Result<()> {
        let found = page.run(
            "[...document.querySelectorAll('a[href^=\"/\"]:not([download])')].map(one => one.getAttribute('href'))
               .filter(path => !path.startsWith('/api/'))",
        )?;
        let found = found.as_array().into_iter().flatten();
        let mut linked = self.linked.borrow_mut();
        // Papers and tables to be taken away are no screens.
        let is_file = |path: &str| {
            let ends = ["csv", "pdf", "sheet", "jsonl", "pem", "json"];
            ends.iter().any(|end| path.ends_with(end)) || path.contains("/screens/papers/")
        };
        let pages = found.filter_map(|one| one.as_str().map(str::to_owned));
        linked.extend(pages.filter(|path| !is_file(path)));
        Ok(())
    }

    /// Keeps a printed paper and pictures of its pages, and sees that each has something on it.
    pub fn look_at_paper(&self, name: &str, pdf: &[u8]) -> Result<()> {
        self.taken.set(self.taken.get() + 1);
        let stem = self
            .pictures
            .join(format!("{:03}-paper-{name}", self.taken.get()));
        let file = stem.with_extension("pdf");
        fs::write(&file, pdf)?;
        let mut draw = Command::new("pdftoppm");
        process::run(draw.args(["-r", "80", "-png"]).arg(&file).arg(&stem))?;
        let text = process::run(Command::new("pdftotext").arg(&file).arg("-"))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        // Each page ends with a form feed.
        for (number, page) in text.trim_end_matches('\u{c}').split('\u{c}').enumerate() {
            if page.trim().is_empty() {
                let mut faults = self.faults.borrow_mut();
                faults.push(format!("{name}: page {} is empty", number + 1));
            }
        }
        Ok(())
    }

    /// Opens every page that was linked anywhere and those that are linked there; of pages that differ in
    /// an id, a day or a month alone, the first few.
    pub fn visit_what_is_linked(&self, page: &Page, base: &str, place: &str) -> Result<()> {
        let mut seen = BTreeSet::new();
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let next = self.linked.borrow().difference(&seen).next().cloned();
            let Some(next) = next else { break };
            let shape = without_ids(&next);
            seen.insert(next.clone());
            let looked_at = alike.entry(shape.clone()).or_default();
            *looked_at += 1;
            // One that was handed over, one that was revoked.
            if *looked_at > 2 {
                continue;
            }
            page.open(&format!("{base}{next}"))?;
            self.examine(page, &format!("{place}-linked{shape}"))?;
            self.note_links(page)?;
            assert!(alike.len() < 200, "the pages have no end: {alike:?}");
        }
        Ok(())
    }

    /// Begins with one page where nothing was linked yet.
    pub fn begin_with(&self, path: &str) {
        *self.linked.borrow_mut() = BTreeSet::from([path.to_owned()]);
    }

    /// Nothing was found, and so many screens were looked at.
    #[track_caller]
    pub fn verdict(&self, at_least: usize) {
        let faults = self.faults.borrow();
        assert!(
            faults.is_empty(),
            "{} faults:\n{}",
            faults.len(),
            faults.join("\n")
        );
        let taken = self.taken.get();
        assert!(taken >= at_least, "only {taken} screens were looked at");
    }
}

fn without_ids(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts = path.trim_start_matches("/screens").split('/');
    let is_id = |part: &str| part.bytes().any(|b| b.is_ascii_digit());
    let plain = parts.map(|part| if is_id(part) { "id" } else { part });
    plain.collect::<Vec<_>>().join("-")
}

/// What can be operated and has no name for a screen reader; a page without title or heading.
pub fn nameless(page: &Page) -> Result<Vec<String>> {
    let spoken = page.spoken()?;
    let mut faults = Vec::new();
    for (role, name) in &spoken {
        if OPERATED.contains(&role.as_str()) && name.trim().is_empty() {
            faults.push(format!("a {role} without a name"));
        }
    }
    let has = |wanted: &str| {
        spoken
            .iter()
            .any(|(role, name)| role == wanted && !name.trim().is_empty())
    };
    for wanted in ["RootWebArea", "heading"] {
        if !has(wanted) {
            faults.push(format!("no {wanted} with a name"));
        }
    }
    if !spoken.iter().any(|(role, _)| role == "main") {
        faults.push("no main part".to_owned());
    }
    Ok(faults)
}

/// What does not fit: a page wider than the screen, words that run out of their button; at the kiosk also a
/// page that would have to be scrolled, and a place to touch of less than 48 pixels.
pub fn misfits(page: &Page) -> Result<Vec<String>> {
    let found = page.run(
        "(() => {
           const faults = [], root = document.documentElement, kiosk = innerHeight > innerWidth && innerWidth > 1000;
           if (root.scrollWidth > innerWidth) faults.push('wider than the screen');
           const seen = [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
             .filter(one => one.checkVisibility() && one.tabIndex >= 0);
           for (const one of seen) {
             const box = one.getBoundingClientRect(), name = (one.innerText || one.id).trim().slice(0, 20);
             if (one.matches('a, button') && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
               faults.push(`words run out of ${name}`);
             for (let around = one.parentElement; around && around !== document.body; around = around.parentElement) {
               const limits = getComputedStyle(around).overflowY, room = around.getBoundingClientRect();
               if (['hidden', 'clip'].includes(limits) && (box.bottom > room.bottom + 1 || box.top < room.top - 1))
                 faults.push(`cut off: ${name}`);
             }
             if (kiosk && (box.width < 48 || box.height < 48)) faults.push(`too small to touch: ${name}`);
           }
           if (kiosk && root.scrollHeight > innerHeight) faults.push(`higher than the screen: ${root.scrollHeight}`);
           return faults;
         })()",
    )?;
    let found = found.as_array().into_iter().flatten();
    Ok(found
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect())
}
