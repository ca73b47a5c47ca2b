//! A card service of the stack's own: `pcscd` in a mount namespace of its own, so that its socket is in
//! nobody's way, with two virtual readers of two slots each.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fault::{Fault, OnPath, Result};
use crate::port;
use crate::process::{Program, Start};
use crate::setup;

/// The driver of the virtual readers.
const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

/// What each reader is called; slots are `NAME 00 00` and `NAME 00 01`.
pub const COUNTER_READER: &str = "Jitsuin Counter";
/// The reader of the kiosk.
pub const KIOSK_READER: &str = "Jitsuin Kiosk";

/// The running service.
pub struct CardService {
    program: Program,
    counter: u16,
    kiosk: u16,
}

impl CardService {
    /// Starts the service with its configuration under `dir`.
    pub fn start(dir: &Path, log: PathBuf) -> Result<Self> {
        let mut last = None;
        // Between looking for a free port and the driver taking it another program may be quicker.
        for _ in 0..3 {
            match Self::try_start(dir, log.clone()) {
                Ok(service) => return Ok(service),
                Err(fault) => last = Some(fault),
            }
        }
        Err(last.unwrap_or_else(|| Fault::new("pcscd was not tried")))
    }

    fn try_start(dir: &Path, log: PathBuf) -> Result<Self> {
        let conf = dir.join("conf");
        fs::create_dir_all(&conf).on(&conf)?;
        let (counter, kiosk) = (port::free_row(2)?, port::free_row(2)?);
        let mut table = Vec::new();
        for (name, port) in [(COUNTER_READER, counter), (KIOSK_READER, kiosk)] {
            // The driver keeps its slots in one table per loaded library: a second reader of the same
            // file would take the first one's sockets over. A copy is another library to the loader.
            let driver = dir.join(format!("driver-{port}.so"));
            fs::copy(DRIVER, &driver).on(&driver)?;
            let driver = driver.display();
            table.push(format!(
                "FRIENDLYNAME \"{name}\"\nDEVICENAME /dev/null:0x{port:04X}\nLIBPATH {driver}\nCHANNELID 0x{port:04X}\n"
            ));
        }
        let table = table.join("\n");
        fs::write(conf.join("vpcd"), table).on(&conf)?;
        let pcscd =
            setup::find_program("pcscd").ok_or_else(|| Fault::new("pcscd is not installed"))?;
        // In a container /run/pcscd may not exist and an account that is not root may not make it, so
        // the whole of /run is covered; only this process sees it.
        let script = "mount -t tmpfs -o size=1m,mode=755 none /run && mkdir /run/pcscd && exec \"$0\" -f -c \"$1\"";
        let namespace = if setup::is_root() { "-m" } else { "-rm" };
        let mut program = Start::new("pcscd", "unshare", log)
            .args([namespace, "sh", "-c", script])
            .args([pcscd.as_path(), conf.as_path()])
            .start()?;
        let socket = socket(program.pid());
        let ports = [counter, counter + 1, kiosk, kiosk + 1];
        program
            .wait_until("ready", Duration::from_secs(10), || {
                (socket.exists() && ports.iter().all(|port| port::is_listening(*port))).then_some(())
            })
            .map_err(|fault| {
                fault.during("card service (it needs mount namespaces: `unshare -m` as root, `unshare -rm` otherwise)")
            })?;
        Ok(Self {
            program,
            counter,
            kiosk,
        })
    }

    /// What clients set `PCSCLITE_CSOCK_NAME` to.
    pub fn socket(&self) -> PathBuf {
        socket(self.program.pid())
    }

    /// Slot names with the port at which a card plugs itself in.
    pub fn slots(&self) -> [(String, u16); 4] {
        [
            (format!("{COUNTER_READER} 00 00"), self.counter),
            (format!("{COUNTER_READER} 00 01"), self.counter + 1),
            (format!("{KIOSK_READER} 00 00"), self.kiosk),
            (format!("{KIOSK_READER} 00 01"), self.kiosk + 1),
        ]
    }

    /// The program behind it.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Ends the service.
    pub fn end(&mut self) -> Result<()> {
        self.program.end().map(drop)
    }
}

fn socket(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/root/run/pcscd/pcscd.comm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_card_services_run_side_by_side_and_leave_nothing() {
        if !setup::missing().is_empty() {
            panic!(
                "run `cargo xtask setup` first; missing: {:?}",
                setup::missing()
            );
        }
        let dir = std::env::temp_dir().join(format!("jitsuin-pcscd-{}", std::process::id()));
        let (one, two) = (dir.join("one"), dir.join("two"));
        fs::create_dir_all(&one).unwrap();
        fs::create_dir_all(&two).unwrap();
        let mut first = CardService::start(&one, one.join("log")).unwrap();
        let mut second = CardService::start(&two, two.join("log")).unwrap();
        assert_ne!(first.slots(), second.slots());
        assert!(first.socket().exists() && second.socket().exists());
        let ports = first.slots();
        first.end().unwrap();
        assert!(second.socket().exists());
        second.end().unwrap();
        for (slot, port) in ports {
            assert!(!port::is_listening(port), "{slot} still listens");
        }
        let _ = fs::remove_dir_all(dir);
    }
}
