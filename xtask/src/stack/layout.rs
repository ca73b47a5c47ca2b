//! Where a stack keeps what it keeps: one directory, the same names in each.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::fault::{Fault, OnPath, Result};
use crate::{port, text};

/// Which database the authority and the gateway use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// One file each.
    Sqlite,
    /// One cluster of the stack's own, one database each.
    Postgres,
}

impl Database {
    /// Reads the name used on command lines.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" => Ok(Self::Postgres),
            other => Err(Fault::new(format!(
                "--database is sqlite or postgres, not {other}"
            ))),
        }
    }

    /// The name used on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// The state directory and what was settled when it was made.
pub struct Layout {
    dir: PathBuf,
    /// The database it was made with.
    pub database: Database,
    /// Port of the public address, which the certificates name.
    pub public_port: u16,
    /// Password of the PostgreSQL role.
    pub password: String,
    /// Whether it was made for training; a directory stays what it is.
    pub training: bool,
}

/// Format of `state.json`; a directory of another one is not touched.
const VERSION: u64 = 1;

impl Layout {
    /// Opens a state directory or makes a new one. `Some(true)` in the second place: it is complete and is
    /// started again. `training` asks for a directory for training; one that was made without is refused.
    pub fn open(dir: &Path, database: Option<Database>, training: bool) -> Result<(Self, bool)> {
        private_dir(dir)?;
        let dir = fs::canonicalize(dir).on(dir)?;
        let file = dir.join("state.json");
        if !file.exists() {
            if fs::read_dir(&dir).on(&dir)?.next().is_some() {
                return Err(Fault::new(format!(
                    "{} is neither empty nor a complete state directory; name another one or remove it",
                    dir.display()
                )));
            }
            let layout = Self {
                dir,
                database: database.unwrap_or(Database::Sqlite),
                public_port: port::free()?,
                password: text::random_hex(16)?,
                training,
            };
            return Ok((layout, false));
        }
        let state: Value = serde_json::from_slice(&fs::read(&file).on(&file)?)?;
        if state["version"].as_u64() != Some(VERSION) {
            return Err(Fault::new(format!(
                "{} is of another version of these programs",
                file.display()
            )));
        }
        let made_with = Database::parse(state["database"].as_str().unwrap_or_default())?;
        if database.is_some_and(|asked| asked != made_with) {
            return Err(Fault::new(format!(
                "{} was made with --database {}; it cannot be started with another",
                dir.display(),
                made_with.name()
            )));
        }
        let made_for_training = state["training"].as_bool().unwrap_or(false);
        if training && !made_for_training {
            return Err(Fault::new(format!(
                "{} was not made for training; name another directory",
                dir.display()
            )));
        }
        let public_port = state["public_port"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .ok_or_else(|| Fault::new(format!("{} names no public port", file.display())))?;
        let layout = Self {
            dir,
            database: made_with,
            public_port,
            password: state["password"].as_str().unwrap_or_default().to_owned(),
            training: made_for_training,
        };
        Ok((layout, true))
    }

    /// Says that everything has been made: from now on the directory is started again.
    pub fn complete(&self) -> Result<()> {
        let state = json!({
            "version": VERSION,
            "database": self.database.name(),
            "public_port": self.public_port,
            "password": self.password,
            "training": self.training,
        });
        self.write_private("state.json", &format!("{state:#}\n"))
            .map(drop)
    }

    /// The state directory itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A file or directory below it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A directory below it, made when missing, for this account alone.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let dir = self.path(name);
        private_dir(&dir)?;
        Ok(dir)
    }

    /// The log file of a program.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        Ok(self.folder("logs")?.join(format!("{name}.log")))
    }

    /// The ready file of a program.
    pub fn ready(&self, name: &str) -> Result<PathBuf> {
        Ok(self.folder("ready")?.join(format!("{name}.json")))
    }

    /// Writes a file that only this account can read.
    pub fn write_private(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            private_dir(parent)?;
        }
        let _ = fs::remove_file(&path);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .on(&path)?;
        std::io::Write::write_all(&mut file, text.as_bytes()).on(&path)?;
        Ok(path)
    }

    /// The line of each program's configuration that says what it is for.
    pub fn mode_line(&self) -> &'static str {
        if self.training {
            "mode = \"training\"\n"
        } else {
            ""
        }
    }

    /// Removes a file, which may be gone already.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => Err(fault).on(&path),
            _ => Ok(()),
        }
    }

    /// Address of the public side.
    pub fn public_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.public_port)
    }
}

fn private_dir(dir: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .on(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir =
            std::env::temp_dir().join(format!("jitsuin-layout-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    #[test]
    fn a_complete_directory_is_started_again_with_what_was_settled() {
        let dir = scratch("again");
        let (made, complete) = Layout::open(&dir, Some(Database::Postgres), false).unwrap();
        assert!(!complete);
        made.complete().unwrap();
        let (again, complete) = Layout::open(&dir, None, false).unwrap();
        assert!(complete);
        assert_eq!(
            (again.database, again.public_port),
            (Database::Postgres, made.public_port)
        );
        assert!(Layout::open(&dir, Some(Database::Sqlite), false).is_err());
        assert!(Layout::open(&dir, None, true).is_err());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_directory_for_training_stays_one() {
        let dir = scratch("training");
        let (made, _) = Layout::open(&dir, None, true).unwrap();
        made.complete().unwrap();
        let (again, _) = Layout::open(&dir, None, false).unwrap();
        assert!(again.training && !again.mode_line().is_empty());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_directory_of_somebody_else_is_not_touched() {
        let dir = scratch("else");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("thesis.txt"), "years of work").unwrap();
        let fault = Layout::open(&dir, None, false).err().unwrap().to_string();
        assert!(fault.contains("neither empty nor"), "{fault}");
        fs::remove_dir_all(dir).unwrap();
    }
}
