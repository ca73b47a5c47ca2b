//! Real tokens for tests: SoftHSM in a directory of its own, and SoftHSM at the far
//! end of p11-kit's remoting.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::config::TokenConfig;
use crate::pin::Pin;
use crate::spec::TokenSpec;
use crate::token::{Token, initialise};

/// SoftHSM's module as Debian installs it.
pub const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
const P11_KIT_CLIENT: &str = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so";

/// One initialised SoftHSM token in a directory of its own, removed when dropped.
pub struct SoftHsm {
    dir: PathBuf,
}

impl SoftHsm {
    /// Makes the directory and a token with label `test` and PIN `1234`.
    ///
    /// # Panics
    /// When SoftHSM is not installed or `hsm` was not built.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir =
            std::env::temp_dir().join(format!("jitsuin-token-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(dir.join("tokens")).expect("a directory for the token");
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            dir.join("tokens").display()
        );
        std::fs::write(dir.join("softhsm2.conf"), conf).expect("softhsm2.conf");
        std::fs::write(dir.join("pin"), "1234\n").expect("pin file");
        std::fs::set_permissions(dir.join("pin"), std::fs::Permissions::from_mode(0o600))
            .expect("pin file for its owner alone");
        let hsm = Self { dir };
        let pin = |text: &str| Pin::parse(text.into()).expect("a PIN");
        initialise(&hsm.config(""), &pin("so-pin-5678"), &pin("1234"))
            .expect("an initialised token");
        hsm
    }

    /// The directory: `softhsm2.conf`, `pin`, `tokens/`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The token's checked configuration; `more` is TOML that is added to the table.
    ///
    /// # Panics
    /// When `more` does not fit.
    pub fn config(&self, more: &str) -> TokenConfig {
        let text = format!(
            "module = '{SOFTHSM}'\nlabel = 'test'\npin_file = 'pin'\n\
             environment = {{ SOFTHSM2_CONF = 'softhsm2.conf' }}\n{more}"
        );
        let spec: TokenSpec = toml::from_str(&text).expect("a [token] table");
        spec.check(&self.dir).expect("a usable [token] table")
    }

    /// The token, open and usable.
    ///
    /// # Panics
    /// When it does not become usable.
    pub fn open(&self) -> Token {
        usable(Token::open(self.config("")))
    }

    /// Moves the token's files away, as if it were pulled out.
    ///
    /// # Panics
    /// When they are away already.
    pub fn take_away(&self) {
        std::fs::rename(self.dir.join("tokens"), self.dir.join("away")).expect("files to move");
        std::fs::create_dir(self.dir.join("tokens")).expect("an empty directory");
    }

    /// Brings them back.
    ///
    /// # Panics
    /// When they were not away.
    pub fn bring_back(&self) {
        std::fs::remove_dir(self.dir.join("tokens")).expect("an empty directory");
        std::fs::rename(self.dir.join("away"), self.dir.join("tokens")).expect("files to move");
    }
}

impl Default for SoftHsm {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for SoftHsm {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// `p11-kit server` before a SoftHSM token: the token at the end of a cable.
pub struct P11KitServer {
    hsm: SoftHsm,
    server: Option<Child>,
}

impl P11KitServer {
    /// Makes a token and starts the server.
    ///
    /// # Panics
    /// When p11-kit is not installed or does not start.
    pub fn new() -> Self {
        let mut server = Self {
            hsm: SoftHsm::new(),
            server: None,
        };
        server.plug_in();
        server
    }

    fn socket(&self) -> PathBuf {
        self.hsm.dir().join("p11")
    }

    /// The token behind the server.
    pub fn hsm(&self) -> &SoftHsm {
        &self.hsm
    }

    /// Starts the server.
    ///
    /// # Panics
    /// When it does not start.
    pub fn plug_in(&mut self) {
        let child = Command::new("p11-kit")
            .args(["server", "-f", "-n"])
            .arg(self.socket())
            .args(["-p", SOFTHSM, "pkcs11:token=test"])
            .env("SOFTHSM2_CONF", self.hsm.dir().join("softhsm2.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("p11-kit server");
        self.server = Some(child);
        let patience = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < patience, "p11-kit server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server and what it started for its clients: the cable is cut.
    #[allow(unsafe_code)]
    pub fn cut(&mut self) {
        if let Some(mut server) = self.server.take() {
            if let Ok(group) = i32::try_from(server.id()) {
                // SAFETY: kill takes plain numbers; the group is the one we started and
                // its leader has not been waited for, so the number is still its own.
                unsafe {
                    libc::kill(-group, libc::SIGKILL);
                }
            }
            let _ = server.wait();
        }
        let _ = std::fs::remove_file(self.socket());
    }

    /// The remote token's configuration.
    ///
    /// # Panics
    /// Never, unless `hsm` was not built.
    pub fn config(&self, more: &str) -> TokenConfig {
        let text = format!(
            "module = '{P11_KIT_CLIENT}'\nlabel = 'test'\npin_file = 'pin'\n\
             environment = {{ P11_KIT_SERVER_ADDRESS = 'unix:path={}' }}\n{more}",
            self.socket().display()
        );
        let spec: TokenSpec = toml::from_str(&text).expect("a [token] table");
        spec.check(self.hsm.dir()).expect("a usable [token] table")
    }

    /// The remote token, open and usable.
    ///
    /// # Panics
    /// When it does not become usable.
    pub fn open(&self) -> Token {
        usable(Token::open(self.config("")))
    }
}

impl Default for P11KitServer {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for P11KitServer {
    fn drop(&mut self) {
        self.cut();
    }
}

fn usable(token: Token) -> Token {
    let health = token.wait_usable(Duration::from_secs(20));
    assert!(health.is_usable(), "{health:?}");
    token
}
