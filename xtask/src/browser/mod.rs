//! A real browser, driven as a person drives it: keys, clicks, what stands on the page. Chromium
//! without a window; pages are of a fixed size in CSS pixels.
//!
//! ```no_run
//! # fn main() -> xtask::fault::Result<()> {
//! use xtask::browser::{Browser, COUNTER};
//! let browser = Browser::start(std::path::Path::new("/tmp/browser"))?;
//! let page = browser.page(COUNTER)?;
//! page.open("http://127.0.0.1:8080/start/…")?;
//! page.fill("#pin", "246810")?;
//! page.follow(|page| page.key("Enter"))?;
//! page.wait_for_text("申請の一覧")?;
//! page.screenshot(std::path::Path::new("list.png"))?;
//! # Ok(()) }
//! ```

pub mod axe;
mod pipe;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fault::{Fault, OnPath, Result};
use crate::text;
use pipe::Pipe;

/// The clerk's screen: width and height in CSS pixels.
pub const COUNTER: (u32, u32) = (1280, 800);
/// The resident's touch screen.
pub const KIOSK: (u32, u32) = (1080, 1920);

/// How long a page may take for what it is waited for.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(15);

/// A running browser.
pub struct Browser {
    pipe: Arc<Pipe>,
}

/// A page of its own, with cookies of its own.
pub struct Page {
    pipe: Arc<Pipe>,
    session: String,
}

/// JavaScript text for a string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Browser {
    /// Starts the browser; profile and log go to `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        let pipe = Arc::new(pipe::start(folder)?);
        pipe.call(None, "Browser.getVersion", json!({}))?;
        Ok(Self { pipe })
    }

    /// Opens a page that shares nothing with the others.
    pub fn page(&self, (width, height): (u32, u32)) -> Result<Page> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let call = |method: &str, params: Value| self.pipe.call(None, method, params);
        let context = call("Target.createBrowserContext", json!({}))?;
        let target = call(
            "Target.createTarget",
            json!({
                "url": "about:blank", "newWindow": true, "width": width, "height": height,
                "browserContextId": context["browserContextId"],
            }),
        )?;
        let attached = call(
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        )?;
        let page = Page {
            pipe: Arc::clone(&self.pipe),
            session: text(&attached["sessionId"]),
        };
        for domain in [
            "Page.enable",
            "Runtime.enable",
            "Log.enable",
            "Accessibility.enable",
        ] {
            page.call(domain, json!({}))?;
        }
        page.resize((width, height))?;
        // Several pages are in use at once, each as if it were the only one.
        page.call(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        )?;
        Ok(page)
    }
}

impl Page {
    fn call(&self, method: &str, params: Value) -> Result<Value> {
        self.pipe.call(Some(&self.session), method, params)
    }

    /// Sets the size in CSS pixels.
    pub fn resize(&self, (width, height): (u32, u32)) -> Result<()> {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        )
        .map(drop)
    }

    /// Opens an address and waits until its page is there.
    pub fn open(&self, address: &str) -> Result<()> {
        self.follow(|page| {
            let opened = page.call("Page.navigate", json!({ "url": address }))?;
            match opened["errorText"].as_str() {
                // A download or a page without content ends like that, too.
                Some(why) => Err(Fault::new(format!("{address} cannot be opened: {why}"))),
                None => Ok(()),
            }
        })
    }

    /// Does what leads to another page and waits until that one is there.
    pub fn follow(&self, act: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        self.run("window.jitsuinLeft = true")?;
        act(self)?;
        self.wait(
            "another page",
            "!window.jitsuinLeft && document.readyState === 'complete'",
        )
    }

    /// The value of an expression; promises are waited for.
    pub fn run(&self, script: &str) -> Result<Value> {
        let mut done = self.call(
            "Runtime.evaluate",
            json!({ "expression": script, "returnByValue": true, "awaitPromise": true, "userGesture": true }),
        )?;
        if let Some(why) = done.get("exceptionDetails") {
            let said = why["exception"]["description"].as_str();
            return Err(Fault::new(format!(
                "{script}: {}",
                said.unwrap_or("an exception")
            )));
        }
        Ok(done["result"]["value"].take())
    }

    /// Waits until an expression is true. While one page gives way to another there is nothing
    /// that could be asked: that counts as not yet.
    pub fn wait(&self, what: &str, condition: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let looked = self.run(&format!("!!({condition})"));
            if matches!(looked, Ok(Value::Bool(true))) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let waited = PATIENCE.as_secs();
                let shown = self.text("body").unwrap_or_default();
                let why = looked
                    .err()
                    .map_or_else(String::new, |fault| fault.to_string());
                return Err(Fault::new(format!(
                    "waited {waited} s for {what} in vain; {why} the page shows:"
                ))
                .with_lines(&shown, 40));
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits until an element is there and to be seen.
    pub fn wait_for(&self, selector: &str) -> Result<()> {
        let found = format!(
            "document.readyState === 'complete' && document.querySelector({})?.checkVisibility()",
            quoted(selector)
        );
        self.wait(selector, &found)
    }

    /// Waits until the page says something.
    pub fn wait_for_text(&self, said: &str) -> Result<()> {
        let found = format!("document.body?.innerText.includes({})", quoted(said));
        self.wait(said, &found)
    }

    /// Whether an element is there and to be seen.
    pub fn has(&self, selector: &str) -> Result<bool> {
        let found = format!(
            "!!document.querySelector({})?.checkVisibility()",
            quoted(selector)
        );
        Ok(self.run(&found)? == true)
    }

    /// The text of the first element, without the readings above its characters (furigana).
    pub fn text(&self, selector: &str) -> Result<String> {
        let script = format!(
            "(() => {{ const found = document.querySelector({})?.cloneNode(true); if (!found) return null;
               for (const over of found.querySelectorAll('rt, rp, script, [hidden]')) over.remove();
               return found.textContent.replace(/[ \\t\\r\\n]+/g, ' ').trim(); }})()",
            quoted(selector)
        );
        match self.run(&script)? {
            Value::String(text) => Ok(text),
            _ => Err(Fault::new(format!(
                "there is no {selector} on {}",
                self.path()?
            ))),
        }
    }

    /// The address without scheme and host.
    pub fn path(&self) -> Result<String> {
        let path = self.run("location.pathname")?;
        Ok(path.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks into the middle of an element: it has to be in sight with nothing over it.
    pub fn click(&self, selector: &str) -> Result<()> {
        self.wait_for(selector)?;
        let script = format!(
            "(() => {{ const one = document.querySelector({}); one.scrollIntoView({{ block: 'nearest' }});
               const box = one.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
               const top = document.elementFromPoint(x, y);
               return [x, y, one === top || one.contains(top), top?.outerHTML.slice(0, 120)]; }})()",
            quoted(selector)
        );
        let place = self.run(&script)?;
        if place[2] != true {
            return Err(Fault::new(format!(
                "{selector} cannot be clicked on {}: {} is in the way",
                self.path()?,
                place[3]
            )));
        }
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            self.call(
                "Input.dispatchMouseEvent",
                json!({ "type": kind, "x": place[0], "y": place[1], "button": button, "clickCount": 1 }),
            )?;
        }
        Ok(())
    }

    /// Types into a field in place of what stands there.
    pub fn fill(&self, selector: &str, typed: &str) -> Result<()> {
        self.wait_for(selector)?;
        let chosen = quoted(selector);
        self.run(&format!(
            "(() => {{ const one = document.querySelector({chosen}); one.focus(); one.select(); }})()"
        ))?;
        self.insert(typed)
    }

    /// Types text where the focus is.
    pub fn insert(&self, typed: &str) -> Result<()> {
        self.call("Input.insertText", json!({ "text": typed }))
            .map(drop)
    }

    /// Chooses one of a list by its value.
    pub fn choose(&self, selector: &str, value: &str) -> Result<()> {
        self.wait_for(selector)?;
        let chosen = self.run(&format!(
            "(() => {{ const one = document.querySelector({}); one.focus(); one.value = {value};
               one.dispatchEvent(new Event('change', {{ bubbles: true }})); return one.value === {value}; }})()",
            quoted(selector),
            value = quoted(value)
        ))?;
        if chosen == true {
            Ok(())
        } else {
            Err(Fault::new(format!("{selector} does not offer {value}")))
        }
    }

    /// Presses a key by its name: `Enter`, `Tab`, `Escape`, `ArrowDown`, ` `, `F1` to `F12`, or a
    /// letter or digit.
    pub fn key(&self, name: &str) -> Result<()> {
        self.key_with(name, 0)
    }

    /// Presses Shift and Tab.
    pub fn shift_tab(&self) -> Result<()> {
        self.key_with("Tab", 8)
    }

    fn key_with(&self, name: &str, modifiers: u8) -> Result<()> {
        let (code, number, typed) =
            key_of(name).ok_or_else(|| Fault::new(format!("there is no key {name} here")))?;
        let kind = if typed.is_empty() {
            "rawKeyDown"
        } else {
            "keyDown"
        };
        self.call(
            "Input.dispatchKeyEvent",
            json!({ "type": kind, "key": name, "code": code, "text": typed,
                    "windowsVirtualKeyCode": number, "modifiers": modifiers }),
        )?;
        // The page may be gone by now, and its session with the key.
        self.call(
            "Input.dispatchKeyEvent",
            json!({ "type": "keyUp", "key": name, "code": code,
                    "windowsVirtualKeyCode": number, "modifiers": modifiers }),
        )
        .map(drop)
    }

    /// Writes what is seen to a PNG file.
    pub fn screenshot(&self, path: &Path) -> Result<()> {
        fs::write(path, self.picture()?).on(path)
    }

    /// What is seen, as a PNG.
    pub fn picture(&self) -> Result<Vec<u8>> {
        let taken = self.call("Page.captureScreenshot", json!({ "format": "png" }))?;
        text::from_base64(taken["data"].as_str().unwrap_or_default())
            .ok_or_else(|| Fault::new("the browser gave no picture"))
    }

    /// The page printed, as a PDF of the size that its style sheet says.
    pub fn printed(&self) -> Result<Vec<u8>> {
        let options = json!({ "preferCSSPageSize": true, "printBackground": true });
        let printed = self.call("Page.printToPDF", options)?;
        text::from_base64(printed["data"].as_str().unwrap_or_default())
            .ok_or_else(|| Fault::new("the browser printed nothing"))
    }

    /// Whether an embedded paper is drawn: before it is, its whole place has one colour.
    pub fn is_drawn(&self, selector: &str) -> Result<bool> {
        let place = self.run(&format!(
            "(box => [box.x, box.y, box.width, box.height])(document.querySelector({}).getBoundingClientRect())",
            quoted(selector)
        ))?;
        let number = |at: usize| place[at].as_f64().unwrap_or(0.0);
        let patch = |x: f64| {
            let clip = json!({ "x": x, "y": number(1) + number(3) / 2.0, "width": 2, "height": 2, "scale": 1 });
            let taken = self.call(
                "Page.captureScreenshot",
                json!({ "format": "png", "clip": clip }),
            )?;
            Ok::<_, Fault>(taken["data"].clone())
        };
        Ok(patch(number(0) + 4.0)? != patch(number(0) + number(2) / 2.0)?)
    }

    /// What is seen, made smaller by `scale` and in few colours: for documents.
    pub fn small_picture(&self, browser: &Browser, scale: f64) -> Result<Vec<u8>> {
        let seen = self.run("[scrollX, scrollY, innerWidth, innerHeight]")?;
        let clip = json!({ "x": seen[0], "y": seen[1], "width": seen[2], "height": seen[3], "scale": scale });
        let taken = self.call(
            "Page.captureScreenshot",
            json!({ "format": "png", "clip": clip }),
        )?;
        // The page's own rules would not let it read the picture.
        let blank = browser.page((100, 100))?;
        let made = blank.run(&format!(
            "({})({})",
            include_str!("palette.js"),
            taken["data"]
        ))?;
        blank.call("Page.close", json!({}))?;
        text::from_base64(made.as_str().unwrap_or_default())
            .ok_or_else(|| Fault::new("the browser made no picture"))
    }

    /// What a screen reader is told of the page: role and name of each element that is not
    /// ignored, in reading order.
    pub fn spoken(&self) -> Result<Vec<(String, String)>> {
        let tree = self.call("Accessibility.getFullAXTree", json!({}))?;
        let nodes = tree["nodes"].as_array().into_iter().flatten();
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        Ok(nodes
            .filter(|node| node["ignored"] != true)
            .map(|node| (text(&node["role"]), text(&node["name"])))
            .collect())
    }

    /// Takes what the page complained about: exceptions of its script, refused styles, files that
    /// are not there.
    pub fn complaints(&self) -> Vec<String> {
        self.pipe.complaints(&self.session)
    }
}

/// Code, number and text of a key.
fn key_of(name: &str) -> Option<(String, u32, String)> {
    let known = |code: &str, number, typed: &str| Some((code.to_owned(), number, typed.to_owned()));
    match name {
        "Enter" => known("Enter", 13, "\r"),
        "Tab" => known("Tab", 9, ""),
        "Escape" => known("Escape", 27, ""),
        "Backspace" => known("Backspace", 8, ""),
        "ArrowUp" => known("ArrowUp", 38, ""),
        "ArrowDown" => known("ArrowDown", 40, ""),
        " " => known("Space", 32, " "),
        _ => {
            if let Some(number) = name.strip_prefix('F').and_then(|n| n.parse::<u32>().ok()) {
                return (1..=12)
                    .contains(&number)
                    .then(|| (name.to_owned(), 111 + number, String::new()));
            }
            let mut letters = name.chars();
            let letter = letters.next().filter(char::is_ascii_alphanumeric)?;
            if letters.next().is_some() {
                return None;
            }
            let upper = letter.to_ascii_uppercase();
            let code = if letter.is_ascii_digit() {
                format!("Digit{letter}")
            } else {
                format!("Key{upper}")
            };
            Some((code, u32::from(upper), name.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_numbers_of_a_keyboard() {
        assert_eq!(key_of("F10"), Some(("F10".into(), 121, String::new())));
        assert_eq!(key_of("Enter").unwrap().2, "\r");
        assert_eq!(key_of("K"), Some(("KeyK".into(), 75, "K".into())));
        assert_eq!(key_of("7").unwrap().0, "Digit7");
        assert_eq!(key_of("F13"), None);
        assert_eq!(key_of("F"), Some(("KeyF".into(), 70, "F".into())));
        assert_eq!(key_of("no such key"), None);
    }
}
