//! What went wrong, told so that the reader can act on it.

use std::fmt;
use std::path::{Path, PathBuf};

/// A failed step: one sentence, the lines of output that matter, and where to look further.
#[derive(Debug, Clone)]
pub struct Fault {
    what: String,
    lines: Vec<String>,
    log: Option<PathBuf>,
}

/// Result of everything in this crate.
pub type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    /// A fault that its sentence explains.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            lines: Vec::new(),
            log: None,
        }
    }

    /// Adds the lines that matter, the last `most` of `text`.
    #[must_use]
    pub fn with_lines(mut self, text: &str, most: usize) -> Self {
        let all: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let from = all.len().saturating_sub(most);
        self.lines
            .extend(all[from..].iter().map(|line| shorten(line, 400)));
        self
    }

    /// Names a log file and quotes the lines of it that matter: those of warnings and errors when
    /// the log is structured, the last ones otherwise.
    #[must_use]
    pub fn with_log(mut self, log: &Path) -> Self {
        let text = String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
        let grave: Vec<&str> = text
            .lines()
            .filter(|line| {
                line.contains("\"ERROR\"")
                    || line.contains("\"WARN\"")
                    || line.contains("panicked at")
            })
            .collect();
        self.log = Some(log.to_owned());
        if grave.is_empty() {
            self.with_lines(&text, 15)
        } else {
            let grave = grave.join("\n");
            let tail: Vec<&str> = text.lines().rev().take(4).collect();
            let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
            self.with_lines(&grave, 12).with_lines(&tail, 4)
        }
    }

    /// Puts what was being done in front of the sentence.
    #[must_use]
    pub fn during(mut self, doing: &str) -> Self {
        self.what = format!("{doing}: {}", self.what);
        self
    }

    /// The sentence alone.
    pub fn sentence(&self) -> &str {
        &self.what
    }
}

fn shorten(line: &str, most: usize) -> String {
    if line.chars().count() <= most {
        return line.to_owned();
    }
    let head: String = line.chars().take(most).collect();
    format!("{head} …")
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        for line in &self.lines {
            write!(f, "\n    │ {line}")?;
        }
        if let Some(log) = &self.log {
            write!(f, "\n    log: {}", log.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::new(format!("unexpected JSON: {error}"))
    }
}

/// Says on which file or directory an operation failed.
pub trait OnPath<T> {
    /// Names the path in the fault.
    fn on(self, path: &Path) -> Result<T>;
}

impl<T> OnPath<T> for std::io::Result<T> {
    fn on(self, path: &Path) -> Result<T> {
        self.map_err(|error| Fault::new(format!("{}: {error}", path.display())))
    }
}
