//! A browser at the clerk's screens, without their script: forms, and where they lead.

#![allow(dead_code)]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use serde_json::Value;
use terminal::counter::http;
use terminal::local::serve::LocalServer;

use crate::window_gateway::ID;
use crate::window_gateway::place::{Window, window};

/// A browser at the window.
pub struct Browser {
    pub window: Window,
    pub base: String,
    /// What the start address set.
    pub cookie: String,
    /// Where a browser begins.
    pub start: String,
    pub agent: ureq::Agent,
    pub language: &'static str,
    /// Where the last answer came from, and what it was.
    pub here: String,
    pub status: u16,
    pub page: String,
}

/// A window with its server, and a browser that was let in.
pub fn browser(name: &str) -> Browser {
    browser_at(window(name))
}

/// The same at a window that is there.
pub fn browser_at(window: Window) -> Browser {
    let ready = window.folder.0.join("ready");
    let (counter, file) = (Data::new(window.counter.clone()), ready.clone());
    std::thread::spawn(move || {
        let server = LocalServer {
            name: "terminal_ui",
            listen: "127.0.0.1:0".parse().unwrap(),
            ready_file: Some(&file),
            keep_alive: false,
        };
        let served = server.run(move |routes| {
            routes.app_data(counter.clone());
            http::routes(routes);
        });
        actix_web::rt::System::new().block_on(served).unwrap();
    });
    let until = Instant::now() + Duration::from_secs(20);
    let (base, start) = loop {
        if let Ok(text) = std::fs::read_to_string(&ready) {
            let ready: Value = serde_json::from_str(&text).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            break (text(&ready["listen"]["terminal_ui"]), text(&ready["start"]));
        }
        assert!(Instant::now() < until, "the server does not start");
        std::thread::sleep(Duration::from_millis(20));
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let started = agent.get(&start).call().unwrap();
    assert_eq!(started.headers()["location"], "/");
    let cookie = started.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    Browser {
        window,
        base,
        cookie,
        start,
        agent,
        language: "ja",
        here: String::new(),
        status: 0,
        page: String::new(),
    }
}

/// Bytes of a form field as `application/x-www-form-urlencoded`.
fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

impl Browser {
    pub fn take(&mut self, path: &str, mut answer: ureq::http::Response<ureq::Body>) {
        self.status = answer.status().as_u16();
        if self.status == 303 {
            let to = answer.headers()["location"].to_str().unwrap().to_owned();
            assert!(!to.contains("%") && to.starts_with("/screens/"), "{to}");
            return self.go(&to);
        }
        self.here = path.to_owned();
        self.page = answer.body_mut().read_to_string().unwrap();
        // Marks of the whole page, wherever one is shown.
        if answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
        {
            assert!(
                self.page
                    .contains(&format!("<html lang=\"{}\">", self.language))
            );
            assert!(!self.page.contains("<script>") && !self.page.contains("style=\""));
            assert!(self.page.contains("131010001"), "the terminal in the head");
        }
    }

    pub fn go(&mut self, path: &str) {
        let answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .header(
                "Cookie",
                format!("{}; jitsuin-language={}", self.cookie, self.language),
            )
            .call()
            .unwrap();
        self.take(path, answer);
    }

    pub fn open(&mut self) {
        self.go(&format!("/screens/applications/{ID}"));
    }

    /// What the page's forms carry hidden: the secret among them.
    pub fn hidden(&self) -> HashMap<String, String> {
        let attribute = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!("{name}=\""))?;
            Some(rest.split('"').next()?.to_owned())
        };
        let inputs = self.page.split("<input type=\"hidden\"").skip(1);
        inputs
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
            .collect()
    }

    pub fn send(&mut self, path: &str, fields: &[(&str, &str)], origin: &str) {
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let answer = self
            .agent
            .post(format!("{}{path}", self.base))
            .header(
                "Cookie",
                format!("{}; jitsuin-language={}", self.cookie, self.language),
            )
            .header("Origin", origin)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .send(body.join("&"))
            .unwrap();
        self.take(path, answer);
    }

    /// Presses the button of a form that is on the page.
    pub fn press(&mut self, path: &str, fields: &[(&str, &str)]) {
        let action = format!("action=\"{path}\"");
        assert!(
            self.page.contains(&action),
            "no form to {path}:\n{}",
            self.page
        );
        let secret = self.hidden()["local"].clone();
        let all = [&[("local", secret.as_str())], fields].concat();
        let origin = self.base.clone();
        self.send(path, &all, &origin);
    }

    pub fn step(&mut self, button: &str, fields: &[(&str, &str)]) {
        self.press(&format!("/screens/applications/{ID}/{button}"), fields);
    }

    pub fn says(&self, text: &str) {
        assert!(
            self.page.contains(text),
            "{text} is not on {}:\n{}",
            self.here,
            self.page
        );
    }
}
