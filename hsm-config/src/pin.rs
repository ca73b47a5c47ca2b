//! The user PIN: where it comes from, and a type that cannot be printed.

use std::fmt;
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::OnceLock;

use subtle_eq::same_bytes;
use zeroize::{Zeroize, Zeroizing};

/// Longest PIN we take, in bytes. PKCS#11 leaves the limit to the token.
const LONGEST_PIN: usize = 255;

/// A user or security officer PIN. Wiped when dropped; has no `Debug` that shows it.
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Takes a PIN that came from a person or file; a line end is taken off.
    ///
    /// # Errors
    /// When it is empty, longer than 255 bytes, or holds control characters.
    pub fn parse(mut text: String) -> Result<Self, PinFault> {
        while text.ends_with(['\n', '\r']) {
            text.pop();
        }
        let pin = Self(Zeroizing::new(text));
        if pin.0.is_empty() {
            return Err(PinFault::Empty);
        }
        if pin.0.len() > LONGEST_PIN || pin.0.chars().any(char::is_control) {
            return Err(PinFault::Malformed);
        }
        Ok(pin)
    }

    /// The PIN itself, for `C_Login` and the worker's socket alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Compares without an early end.
    pub(crate) fn same_as(&self, other: &Pin) -> bool {
        same_bytes(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(hidden)")
    }
}

mod subtle_eq {
    pub(super) fn same_bytes(a: &[u8], b: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
    }
}

/// Where the PIN is read from.
#[derive(Debug)]
pub enum PinSource {
    /// The first line of a file. Read again at each start of a worker, so that
    /// a corrected file heals a token that refused its PIN.
    File(PathBuf),
    /// An environment variable of this program; never passed on to the worker.
    Environment(String),
    /// Asked for on the terminal, once.
    Prompt(OnceLock<Pin>),
    /// Handed over by the program (tests, ceremonies).
    Given(Pin),
}

impl PinSource {
    /// Reads the PIN.
    ///
    /// # Errors
    /// When the source cannot be read or holds no PIN; the PIN is in no message.
    pub fn read(&self) -> Result<Pin, PinFault> {
        match self {
            Self::File(path) => {
                let mut text = std::fs::read_to_string(path).map_err(|source| PinFault::File {
                    path: path.clone(),
                    source,
                })?;
                let first = text.lines().next().unwrap_or_default().to_owned();
                text.zeroize();
                Pin::parse(first)
            }
            Self::Environment(name) => match std::env::var(name) {
                Ok(text) => Pin::parse(text),
                Err(_) => Err(PinFault::NoVariable(name.clone())),
            },
            Self::Prompt(kept) => {
                if let Some(pin) = kept.get() {
                    return Ok(pin.clone());
                }
                let pin = ask("User PIN: ")?;
                Ok(kept.get_or_init(|| pin).clone())
            }
            Self::Given(pin) => Ok(pin.clone()),
        }
    }
}

impl Clone for PinSource {
    fn clone(&self) -> Self {
        match self {
            Self::File(path) => Self::File(path.clone()),
            Self::Environment(name) => Self::Environment(name.clone()),
            Self::Prompt(kept) => Self::Prompt(kept.clone()),
            Self::Given(pin) => Self::Given(pin.clone()),
        }
    }
}

/// Asks on the terminal, without echo.
///
/// # Errors
/// When no terminal is attached.
pub fn ask(question: &str) -> Result<Pin, PinFault> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(PinFault::NoTerminal);
    }
    let mut err = std::io::stderr();
    let _ = write!(err, "{question}");
    let _ = err.flush();
    let quiet = echo::Quiet::begin();
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    drop(quiet);
    let _ = writeln!(err);
    read.map_err(|_| PinFault::NoTerminal)?;
    Pin::parse(line)
}

/// Why there is no PIN.
#[derive(Debug, thiserror::Error)]
pub enum PinFault {
    /// The file cannot be read.
    #[error("PIN file {path} cannot be read", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The environment variable is not set.
    #[error("environment variable {0} with the PIN is not set")]
    NoVariable(String),
    /// Neither file nor variable was named and no terminal is attached.
    #[error("no PIN: name pin_file or pin_env, or start on a terminal to be asked")]
    NoTerminal,
    /// The source is empty.
    #[error("the PIN is empty")]
    Empty,
    /// Too long, or control characters.
    #[error("the PIN is longer than 255 bytes or holds control characters")]
    Malformed,
}

mod echo {
    /// Switches the terminal's echo off until dropped.
    pub(super) struct Quiet(Option<libc::termios>);

    impl Quiet {
        #[allow(unsafe_code)]
        pub(super) fn begin() -> Self {
            // SAFETY: tcgetattr and tcsetattr read and write the termios that we own.
            unsafe {
                let mut now: libc::termios = std::mem::zeroed();
                if libc::tcgetattr(0, &mut now) != 0 {
                    return Self(None);
                }
                let mut quiet = now;
                quiet.c_lflag &= !libc::ECHO;
                libc::tcsetattr(0, libc::TCSAFLUSH, &quiet);
                Self(Some(now))
            }
        }
    }

    impl Drop for Quiet {
        #[allow(unsafe_code)]
        fn drop(&mut self) {
            if let Some(before) = self.0 {
                // SAFETY: puts back what tcgetattr gave.
                unsafe {
                    libc::tcsetattr(0, libc::TCSAFLUSH, &before);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_the_first_line_without_its_end() {
        let dir = std::env::temp_dir().join(format!("pin-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("pin");
        std::fs::write(&path, "1234\r\n# a remark\n").unwrap();
        assert_eq!(PinSource::File(path).read().unwrap().expose(), "1234");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_pin_cannot_be_printed() {
        let pin = Pin::parse("very-secret".into()).unwrap();
        let source = PinSource::Given(pin.clone());
        assert!(!format!("{pin:?} {source:?}").contains("secret"));
    }

    #[test]
    fn empty_and_strange_pins_are_refused() {
        assert!(matches!(Pin::parse("\n".into()), Err(PinFault::Empty)));
        assert!(matches!(
            Pin::parse("12\u{7}34".into()),
            Err(PinFault::Malformed)
        ));
        assert!(matches!(
            Pin::parse("1".repeat(256)),
            Err(PinFault::Malformed)
        ));
        assert!(matches!(
            PinSource::Environment("JITSUIN_NO_SUCH_VARIABLE".into()).read(),
            Err(PinFault::NoVariable(_))
        ));
    }
}
