//! What the person at the terminal sees: a line for each step with its time, and the same text for
//! the transcript.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Result;

/// Prints the course of a command and keeps it for the transcript.
pub struct Report {
    colour: bool,
    quiet: bool,
    begun: Instant,
    lines: Mutex<Vec<String>>,
    sections: Mutex<Vec<(String, Instant, Option<Duration>)>>,
}

impl Report {
    /// A report on standard output, in colour when that is a terminal.
    pub fn on_stdout() -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self::make(colour, false)
    }

    /// A report that is only kept (tests).
    pub fn kept() -> Self {
        Self::make(false, true)
    }

    fn make(colour: bool, quiet: bool) -> Self {
        Self {
            colour,
            quiet,
            begun: Instant::now(),
            lines: Mutex::new(Vec::new()),
            sections: Mutex::new(Vec::new()),
        }
    }

    /// Heading of a part of the command; times are summed per part for the closing summary.
    pub fn section(&self, title: &str) {
        self.close_section();
        self.hold_sections()
            .push((title.to_owned(), Instant::now(), None));
        let width = 76usize.saturating_sub(columns(title));
        self.put("");
        self.paint(&format!("── {title} {}", "─".repeat(width)), "1;34");
    }

    /// Carries out one step and prints its line: what, how long, and whether it went well.
    pub fn step<T>(&self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        if self.colour {
            print!("  … {what}\r");
            let _ = std::io::stdout().flush();
        }
        let result = work();
        let took = seconds(begun.elapsed());
        match &result {
            Ok(_) => self.mark("✓", "32", what, &took),
            Err(_) => self.mark("✗", "31", what, &took),
        }
        result
    }

    /// As [`Report::step`], for work of many seconds: says at once that it has begun.
    pub fn long_step<T>(&self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.colour {
            self.put(&format!("  … {what}"));
        }
        self.step(what, work)
    }

    /// An explaining line under the step before.
    pub fn detail(&self, text: &str) {
        for line in text.lines() {
            self.put(&format!("             {line}"));
        }
    }

    /// A line as it is.
    pub fn line(&self, text: &str) {
        self.put(text);
    }

    /// A line for the eye only: the transcript does not keep it.
    pub fn aside(&self, text: &str) {
        if !self.quiet {
            println!("{text}");
        }
    }

    /// Everything printed so far, without colours.
    pub fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = lines.join("\n");
        text.push('\n');
        text
    }

    /// The closing summary: each part with its time, and the whole.
    pub fn summary(&self, verdict: &str) {
        self.close_section();
        self.put("");
        let sections: Vec<_> = self
            .hold_sections()
            .iter()
            .map(|(title, _, took)| (title.clone(), took.unwrap_or_default()))
            .collect();
        for (title, took) in sections {
            self.put(&format!("  {:>9}  {title}", seconds(took)));
        }
        self.paint(
            &format!("  {:>9}  {verdict}", seconds(self.begun.elapsed())),
            "1",
        );
    }

    fn close_section(&self) {
        if let Some((_, begun, took @ None)) = self.hold_sections().last_mut() {
            *took = Some(begun.elapsed());
        }
    }

    fn hold_sections(&self) -> std::sync::MutexGuard<'_, Vec<(String, Instant, Option<Duration>)>> {
        self.sections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, sign: &str, colour: &str, what: &str, took: &str) {
        self.keep(&format!("  {sign} {took:>8}  {what}"));
        if self.quiet {
            return;
        }
        if self.colour {
            println!("\r\x1b[2K  \x1b[{colour}m{sign}\x1b[0m \x1b[2m{took:>8}\x1b[0m  {what}");
        } else {
            println!("  {sign} {took:>8}  {what}");
        }
    }

    fn paint(&self, text: &str, colour: &str) {
        self.keep(text);
        if self.quiet {
        } else if self.colour {
            println!("\x1b[{colour}m{text}\x1b[0m");
        } else {
            println!("{text}");
        }
    }

    fn put(&self, text: &str) {
        self.keep(text);
        if !self.quiet {
            println!("{text}");
        }
    }

    fn keep(&self, text: &str) {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text.to_owned());
    }
}

/// `0.34 s`, `12.1 s`, `3 min 05 s`.
pub fn seconds(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 10.0 {
        format!("{seconds:.2} s")
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = took.as_secs();
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// Width on a terminal: kanji and kana take two columns.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| if u32::from(c) >= 0x1100 { 2 } else { 1 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn a_step_is_told_with_its_sign_and_its_time() {
        let report = Report::kept();
        report.step("goes well", || Ok(())).unwrap();
        report
            .step("goes wrong", || Err::<(), _>(Fault::new("why")))
            .unwrap_err();
        let text = report.text();
        assert!(text.contains("✓   0.00 s  goes well"), "{text}");
        assert!(text.contains("✗   0.00 s  goes wrong"), "{text}");
    }

    #[test]
    fn times_are_told_as_people_read_them() {
        assert_eq!(seconds(Duration::from_millis(340)), "0.34 s");
        assert_eq!(seconds(Duration::from_millis(12_140)), "12.1 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
    }
}
