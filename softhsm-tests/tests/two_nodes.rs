//! Two nodes publish into one folder, on one PostgreSQL, and one of them is stopped (SIGSTOP) in the
//! middle of it and goes on later: numbers only rise, and no older list takes the place of a newer
//! one, not for a moment. Beside them `ca-server issue` publishes by itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pki_core::certificate::image::CertificateImage;
use pki_core::revocation::crl::{CrlImage, CrlOutline};
use xtask::bench::Room;
use xtask::process;
use xtask::report::Report;
use xtask::stack::ISSUER;
use xtask::stack::layout::Database;
use xtask::text;
use xtask::workspace::{Profile, Programs, target_dir};

/// Publications of a node that is stopped; the long version is an hour in which each of three
/// publishers makes its lists every ten seconds.
fn rounds() -> usize {
    if xtask::test::long() { 360 } else { 10 }
}

/// A node that publishes all lists once and ends.
struct Node {
    config: PathBuf,
    programs: Programs,
}

impl Node {
    fn start(&self) -> Child {
        let mut command = self.programs.command("ca-server");
        command.args(["crl", "--config"]).arg(&self.config);
        process::die_with_parent(&mut command);
        command
            .arg("publish")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

/// Whether it published. It may have waited in vain for one who was stopped with the turn or a
/// database's lock in hand, or have lost its transaction while it was stopped; nothing else is
/// forgiven.
fn ended(child: Child) -> bool {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let waited = [
        "another process has held the folder's turn",
        "terminating connection due to idle-in-transaction timeout",
        "lock timeout",
    ];
    assert!(
        output.status.success() || waited.iter().any(|reason| said.contains(reason)),
        "{said}"
    );
    output.status.success()
}

#[allow(unsafe_code)]
fn signal(child: &Child, number: i32) {
    // SAFETY: kill takes two integers; the process is our own child and has not been waited for.
    let done = unsafe { libc::kill(child.id().cast_signed(), number) };
    assert_eq!(done, 0, "signal {number}");
}

/// The numbers of all lists in a folder, which may be renamed meanwhile.
fn numbers(folder: &Path, into: &mut BTreeMap<PathBuf, u64>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            numbers(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "crl")
            && let Ok(mut file) = File::open(&path)
        {
            let outline = CrlOutline::read(&mut file).unwrap();
            into.insert(path, outline.number);
        }
    }
}

#[test]
fn numbers_only_rise_while_two_nodes_publish_and_one_is_stopped_in_the_middle() {
    let dir = target_dir()
        .join("scenes")
        .join(format!("two-nodes-{}", text::random_hex(4).unwrap()));
    let programs = Programs::build(&Report::kept(), Profile::Dev).unwrap();
    let room = Room::open(&programs, &dir, Database::Postgres, "p256").unwrap();
    let folder = room.layout().path("ca/crl");
    let first = room.layout().path("ca/ca.toml");
    let second = room.layout().path("ca/ca-2.toml");
    let config = fs::read_to_string(&first).unwrap();
    fs::write(
        &second,
        config.replace("node = \"ca-1\"", "node = \"ca-2\""),
    )
    .unwrap();
    let node = |config: PathBuf| Node {
        config,
        programs: programs.clone(),
    };
    let (stopped, other) = (node(first), node(second));

    // How long one publication takes here and now: it is stopped somewhere within.
    let begun = Instant::now();
    assert!(ended(other.start()));
    let whole = begun.elapsed();

    let over = AtomicBool::new(false);
    let seen = AtomicU64::new(0);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut before = BTreeMap::new();
            while !over.load(Ordering::Acquire) {
                let mut now = BTreeMap::new();
                numbers(&folder, &mut now);
                for (path, number) in &now {
                    let was = before.insert(path.clone(), *number).unwrap_or(0);
                    assert!(
                        *number >= was,
                        "{} went from {was} to {number}",
                        path.display()
                    );
                }
                seen.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(1));
            }
            before
        });
        let mut held = 0;
        for round in 0..rounds() {
            assert!(!watcher.is_finished(), "the watcher saw something");
            revoke_one(&room);
            let one = stopped.start();
            let share = f64::from(u32::from_str_radix(&text::random_hex(2).unwrap(), 16).unwrap());
            thread::sleep(whole.mul_f64(share / 65_536.0));
            signal(&one, libc::SIGSTOP);
            // Meanwhile the other one makes lists of its own, with one revocation more.
            revoke_one(&room);
            let published = ended(other.start());
            held += usize::from(!published);
            signal(&one, libc::SIGCONT);
            let went_on = ended(one);
            assert!(published || went_on, "round {round}: nobody published");
        }
        // What stands at last has everything, whoever made it.
        assert!(ended(other.start()));
        over.store(true, Ordering::Release);
        let last = watcher.join().expect("numbers only rise");
        println!(
            "{} looks, {held} rounds in which the turn was held, {last:?}",
            seen.load(Ordering::Relaxed)
        );
        let full = last[&folder.join(format!("{ISSUER}.crl"))];
        assert!(full >= 2 * rounds() as u64 / 2, "{full}");
    });
    assert!(
        seen.load(Ordering::Relaxed) > rounds() as u64,
        "the watcher looked"
    );

    let list = fs::read(folder.join(format!("{ISSUER}.crl"))).unwrap();
    let image = CrlImage::decode(&list).unwrap();
    let authority = fs::read(room.layout().path("ceremony/ca/sign.cer")).unwrap();
    let authority = CertificateImage::decode(&authority).unwrap();
    image.verify_signature(&authority.public_key).unwrap();
    assert_eq!(image.entries().count(), 2 * rounds());
    room.close().unwrap();
}

fn revoke_one(room: &Room) {
    let mut load: Command = room.load("rows");
    load.args(["--database", &room.database_url(), "--issuer", ISSUER]);
    load.args(["--entries", "1", "--revoked", "yes"]);
    process::run(&mut load).unwrap();
}
