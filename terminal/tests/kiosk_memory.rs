//! The kiosk's memory, read from outside while it works (`/proc/<pid>/mem` of the real
//! program, a real pcscd, a card in its virtual reader): private key and password are
//! there during the generation, and nowhere in it afterwards, on every way out.
//!
//! The key's true values come from the wire between card and reader: this test knows
//! the visit keys, decrypts the import and unwraps the key. Where the key got as far
//! as the card's file, they are compared with that.

mod kiosk_wire;
mod support;

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kiosk_wire::{Numbers, Wire};
use serde_json::{Value, json};
use support::{Folder, KIOSK_MASTER, TestReader, blank_card, prepare};
use terminal::virtual_card::{FileMemory, Memory};
use xtask::local::Local;
use xtask::process::{Program, Start};
use xtask::stack::pcscd::CardService;

const PASSWORD: &str = "QJ7XK2WV9ZT4";
const PAGE: usize = 4096;
const READY: Duration = Duration::from_secs(30);
/// A card that answers every five seconds is given the visit back in several commands.
const ENDED: Duration = Duration::from_secs(150);
/// How long the kiosk runs between two looks at its memory.
const SLICE: Duration = Duration::from_micros(300);

/// A kiosk with a prepared card in its reader, and the wire between the two.
struct Scene {
    kiosk: Program,
    pages: Local,
    card: Program,
    control: Local,
    wire: Wire,
    state_file: PathBuf,
    _service: CardService,
    folder: Folder,
}

fn scene(name: &str, generate_seconds: u64) -> Scene {
    let folder = Folder::new(name);
    let at = |file: &str| folder.0.join(file);
    let service = CardService::start(&at("pcscd"), at("pcscd.log")).unwrap();
    let [_, _, (_, vpcd), _] = service.slots();
    let wire = Wire::start(vpcd);

    // The gateway has prepared the card.
    let mut memory = blank_card();
    prepare(&TestReader::with(&memory));
    let state_file = at("resident.card");
    drop(FileMemory::create(&state_file, &memory.read().unwrap()).unwrap());
    let mut card = Start::new("card", env!("CARGO_BIN_EXE_virtual-card"), at("card.log"))
        .args(["serve", "--state"])
        .args([&state_file])
        .args([
            "--reader".to_owned(),
            format!("kiosk=127.0.0.1:{}", wire.port()),
        ])
        .args(["--insert", "kiosk"])
        .ready_file(at("card.ready"))
        .start()
        .unwrap();
    let ready = card.wait_ready(READY).unwrap();
    let control = Local::new(ready["listen"]["control"].as_str().unwrap(), None);

    configure(&folder, generate_seconds);
    let mut kiosk = Start::new("kiosk", env!("CARGO_BIN_EXE_keygen-kiosk"), at("kiosk.log"))
        .args(["serve", "--config"])
        .args([at("kiosk.toml")])
        .env("PCSCLITE_CSOCK_NAME", service.socket())
        .ready_file(at("kiosk.ready"))
        .start()
        .unwrap();
    let ready = kiosk.wait_ready(READY).unwrap();
    let pages = Local::new(
        ready["listen"]["kiosk_ui"].as_str().unwrap(),
        ready["local_secret"].as_str().map(str::to_owned),
    );
    let scene = Scene {
        kiosk,
        pages,
        card,
        control,
        wire,
        state_file,
        _service: service,
        folder,
    };
    scene.wait("the card is seen", |s| !s["card"].is_null());
    scene
}

/// Whether this process may read the kiosk's memory, which the kiosk keeps from everybody but root. An ordinary
/// user's run hands the test named `test` over to one of root's, by sudo, and tells what came of it.
fn may_read(test: &str) -> bool {
    #[allow(unsafe_code)]
    // SAFETY: geteuid has no arguments and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        let program = std::env::current_exe().unwrap();
        let status = Command::new("sudo")
            .args(["-n", "--preserve-env=JITSUIN_BUILT,PATH", "--"])
            .arg(program)
            .args(["--exact", test, "--nocapture"])
            .status()
            .unwrap();
        assert!(
            status.success(),
            "{test} as root: {status} (reading a kiosk's memory needs sudo)"
        );
    }
    root
}

/// Key, certificate and configuration; the gateway was reached a moment ago and is away now.
fn configure(folder: &Folder, generate_seconds: u64) {
    let at = |file: &str| folder.0.join(file).to_str().unwrap().to_owned();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=13101K001"])
        .args(["-keyout", &at("kiosk.key"), "-out", &at("kiosk.pem")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let key = std::fs::read(at("kiosk.key")).unwrap();
    folder.private_file("kiosk.key", &key);
    folder.private_file("master.key", &KIOSK_MASTER);
    std::fs::create_dir_all(at("state")).unwrap();
    let contact = json!({"last": jiff::Timestamp::now(), "suspended": false});
    std::fs::write(at("state/contact.json"), contact.to_string()).unwrap();
    let config = format!(
        "kiosk = \"13101K001\"\nlisten = \"127.0.0.1:0\"\nmaster = \"master.key\"\n\
         generate_seconds = {generate_seconds}\n\n[gateway]\nurl = \"https://127.0.0.1:1\"\n\
         trust = \"kiosk.pem\"\ncertificate = \"kiosk.pem\"\nkey = \"kiosk.key\"\n\n\
         [reader]\nname = \"Jitsuin Kiosk 00 00\"\n"
    );
    std::fs::write(at("kiosk.toml"), config).unwrap();
}

impl Scene {
    fn status(&self) -> Value {
        self.pages.get("/api/status").unwrap().json().unwrap()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.pages.post(path, body).unwrap().json().unwrap()
    }

    fn wait(&self, what: &str, seen: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let status = self.status();
            if seen(&status) {
                return status;
            }
            assert!(started.elapsed() < READY, "{what}: {status}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Begins, and generates on a slow card, looking into the kiosk's memory all the
    /// while; `when_imported` happens once the whole key has gone over the wire. Gives
    /// what was seen, when the kiosk is no longer generating.
    fn generate(&self, slice: Duration, when_imported: impl FnOnce(&Self)) -> Seen {
        self.post("/api/begin", &json!({}));
        let memory = ProcessMemory::of(self.kiosk.pid());
        let baseline = memory.pages();
        self.wire.slow(Duration::from_millis(60));
        let twice = json!({"password": PASSWORD, "password_again": PASSWORD});
        self.post("/api/generate", &twice);
        let mut seen = Seen::default();
        while !self.wire.imported() {
            seen.take(memory.changed_since(&baseline));
            let step = self.step();
            assert_eq!(step, "generating", "before the key was imported");
            std::thread::sleep(slice);
        }
        when_imported(self);
        seen
    }

    fn step(&self) -> String {
        let progress = self.pages.get("/api/progress").unwrap().json().unwrap();
        progress["step"].as_str().unwrap().to_owned()
    }

    fn wait_step(&self, wanted: &str) {
        let started = Instant::now();
        while self.step() != wanted {
            assert!(
                started.elapsed() < ENDED,
                "waited for {wanted}, is {}",
                self.step()
            );
            std::thread::sleep(Duration::from_millis(30));
        }
        // What the thread still does after it has told the end.
        std::thread::sleep(Duration::from_millis(300));
    }

    /// Nothing of the key, nothing of the password, in all of the kiosk's memory.
    fn assert_erased(&self, way: &str, numbers: &Numbers) {
        let memory = ProcessMemory::of(self.kiosk.pid());
        let all = memory.pages();
        assert!(all.len() > 100, "only {} pages could be read", all.len());
        for (name, needles) in numbers.needles() {
            for needle in needles {
                let found = count(&all, &needle);
                assert_eq!(found, 0, "{way}: a part of {name} is still there");
            }
        }
        let found = count(&all, PASSWORD.as_bytes());
        assert_eq!(found, 0, "{way}: the password is still there");
        // The scan does find what is there: the kiosk's own id.
        assert!(count(&all, b"13101K001") > 0, "{way}: the scan is blind");
    }
}

/// What was found during a generation.
#[derive(Default)]
struct Seen {
    /// Contents of changed pages, each once.
    contents: HashMap<u64, Vec<u8>>,
    looks: usize,
}

impl Seen {
    fn take(&mut self, pages: Vec<Vec<u8>>) {
        use std::hash::{DefaultHasher, Hash, Hasher};
        self.looks += 1;
        for page in pages {
            let mut hasher = DefaultHasher::new();
            page.hash(&mut hasher);
            self.contents.entry(hasher.finish()).or_insert(page);
        }
    }

    fn holds(&self, needle: &[u8]) -> bool {
        self.contents
            .values()
            .any(|page| page.windows(needle.len()).any(|w| w == needle))
    }

    /// Which of d, p, q were seen, and whether the password was.
    fn found(&self, numbers: &Numbers) -> Vec<&'static str> {
        let mut found: Vec<&'static str> = numbers
            .needles()
            .into_iter()
            .filter(|(_, needles)| needles.iter().any(|needle| self.holds(needle)))
            .map(|(name, _)| name)
            .collect();
        if self.holds(PASSWORD.as_bytes()) {
            found.push("password");
        }
        found
    }
}

fn count(pages: &HashMap<u64, Vec<u8>>, needle: &[u8]) -> usize {
    pages
        .values()
        .filter(|page| page.windows(needle.len()).any(|w| w == needle))
        .count()
}

/// The writable memory of another process. It is stopped while it is read, so that a
/// look is one moment.
struct ProcessMemory {
    pid: i32,
    memory: Arc<File>,
}

impl ProcessMemory {
    fn of(pid: u32) -> Self {
        let path = format!("/proc/{pid}/mem");
        let memory = File::open(&path).unwrap_or_else(|error| {
            panic!("{path}: {error} (reading another's memory needs root)")
        });
        Self {
            pid: pid as i32,
            memory: Arc::new(memory),
        }
    }

    #[allow(unsafe_code)]
    fn signal(&self, signal: i32) {
        // SAFETY: kill takes numbers only; the process is this test's own child.
        assert_eq!(unsafe { libc::kill(self.pid, signal) }, 0);
    }

    /// Every resident writable page with anything in it, by address.
    fn pages(&self) -> HashMap<u64, Vec<u8>> {
        self.look(&HashMap::new())
    }

    /// The pages that are not as they were.
    fn changed_since(&self, baseline: &HashMap<u64, Vec<u8>>) -> Vec<Vec<u8>> {
        self.look(baseline).into_values().collect()
    }

    fn look(&self, baseline: &HashMap<u64, Vec<u8>>) -> HashMap<u64, Vec<u8>> {
        self.signal(libc::SIGSTOP);
        let mut pages = HashMap::new();
        for (start, end) in self.regions() {
            let mut region = vec![0; (end - start) as usize];
            if self.memory.read_exact_at(&mut region, start).is_err() {
                continue;
            }
            for (i, page) in region.chunks(PAGE).enumerate() {
                let address = start + (i * PAGE) as u64;
                let known = baseline.get(&address).is_some_and(|before| before == page);
                if page != [0; PAGE] && !known {
                    pages.insert(address, page.to_vec());
                }
            }
        }
        self.signal(libc::SIGCONT);
        pages
    }

    fn regions(&self) -> Vec<(u64, u64)> {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.pid)).unwrap();
        maps.lines()
            .filter(|line| {
                line.split_whitespace()
                    .nth(1)
                    .is_some_and(|p| p.starts_with("rw"))
            })
            .filter_map(|line| {
                let (from, to) = line.split_whitespace().next()?.split_once('-')?;
                Some((
                    u64::from_str_radix(from, 16).ok()?,
                    u64::from_str_radix(to, 16).ok()?,
                ))
            })
            .collect()
    }
}

/// The numbers in the card's file.
fn on_card(state: &Path) -> Option<Numbers> {
    let state: Value = serde_json::from_slice(&std::fs::read(state).unwrap()).unwrap();
    fn find(value: &Value) -> Option<&str> {
        match value {
            Value::Object(fields) => fields
                .get("pkcs8")
                .and_then(Value::as_str)
                .or_else(|| fields.values().find_map(find)),
            _ => None,
        }
    }
    Some(Numbers::from_pkcs8(&hex::decode(find(&state)?).unwrap()))
}

/// What was seen while the key was made, which must not be nothing: else the scan is
/// blind. The private exponent lives for milliseconds only and may slip through.
fn note(way: &str, seen: &Seen, numbers: &Numbers) -> Vec<&'static str> {
    let found = seen.found(numbers);
    println!(
        "{way}: {} looks, seen during generation: {found:?}",
        seen.looks
    );
    assert!(
        found.contains(&"p") || found.contains(&"q"),
        "{way}: {found:?}"
    );
    assert!(found.contains(&"password"), "{way}: {found:?}");
    found
}

#[test]
fn done_key_and_password_were_in_memory_during_the_generation_and_are_no_more() {
    if !may_read("done_key_and_password_were_in_memory_during_the_generation_and_are_no_more") {
        return;
    }
    let mut ever = Vec::new();
    for _ in 0..5 {
        let scene = scene("memory-done", 120);
        let seen = scene.generate(SLICE, |_| {});
        scene.wait_step("stored");
        scene.post("/api/finish", &json!({}));
        scene.wait_step("done");
        let numbers = scene.wire.numbers();
        assert_eq!(on_card(&scene.state_file).as_ref(), Some(&numbers));
        ever.extend(note("done", &seen, &numbers));
        scene.assert_erased("done", &numbers);
        end(scene);
        if ["d", "p", "q"].iter().all(|number| ever.contains(number)) {
            return;
        }
    }
    panic!("not all of d, p and q were ever seen: {ever:?}");
}

#[test]
fn cancelled_nothing_of_key_and_password_is_left() {
    if !may_read("cancelled_nothing_of_key_and_password_is_left") {
        return;
    }
    let scene = scene("memory-cancel", 120);
    let seen = scene.generate(SLICE, |scene| {
        scene.post("/api/cancel", &json!({}));
    });
    scene.wait_step("cancelled");
    let numbers = scene.wire.numbers();
    assert_eq!(on_card(&scene.state_file), None);
    note("cancelled", &seen, &numbers);
    scene.assert_erased("cancelled", &numbers);
    end(scene);
}

/// Presses a button on the pages; the page after it.
fn press(scene: &Scene, act: &str, form: &str) -> String {
    let path = format!("/do/{act}");
    let media_type = "application/x-www-form-urlencoded";
    let page = scene.pages.post_bytes(&path, media_type, form.as_bytes());
    let page = String::from_utf8(page.unwrap().ok().unwrap()).unwrap();
    assert!(!page.contains(PASSWORD), "the password is in a page");
    page
}

#[test]
fn cancelled_on_the_pages_nothing_of_key_and_password_is_left() {
    if !may_read("cancelled_on_the_pages_nothing_of_key_and_password_is_left") {
        return;
    }
    let scene = scene("memory-pages", 120);
    let typed = format!("password={PASSWORD}");
    press(&scene, "begin", "");
    press(&scene, "choose", "purpose=generate");
    press(&scene, "rules", "");
    press(&scene, "password", &typed);
    let kiosk = ProcessMemory::of(scene.kiosk.pid());
    let held = count(&kiosk.pages(), PASSWORD.as_bytes());
    assert!(held > 0, "held until it is repeated");

    // One page back erases it.
    press(&scene, "back", "");
    // Until the server has closed the connections that carried it: it waits for the client.
    std::thread::sleep(Duration::from_secs(3));
    let held = count(&kiosk.pages(), PASSWORD.as_bytes());
    assert_eq!(held, 0, "gone back: the password is still there");

    // Typed twice, made on a slow card, and cancelled there.
    press(&scene, "password", &typed);
    let baseline = kiosk.pages();
    scene.wire.slow(Duration::from_millis(60));
    press(&scene, "password", &typed);
    let mut seen = Seen::default();
    while !scene.wire.imported() {
        seen.take(kiosk.changed_since(&baseline));
        assert_eq!(scene.step(), "generating", "before the key was imported");
        std::thread::sleep(SLICE);
    }
    press(&scene, "cancel", "");
    scene.wait_step("cancelled");
    let numbers = scene.wire.numbers();
    assert_eq!(on_card(&scene.state_file), None);
    let found = seen.found(&numbers);
    assert!(found.contains(&"p") || found.contains(&"q"), "{found:?}");
    scene.assert_erased("cancelled on the pages", &numbers);
    end(scene);
}

#[test]
fn with_the_card_pulled_nothing_of_key_and_password_is_left() {
    if !may_read("with_the_card_pulled_nothing_of_key_and_password_is_left") {
        return;
    }
    let scene = scene("memory-pulled", 120);
    let seen = scene.generate(SLICE, |scene| {
        scene.control.post("/remove", &json!({})).unwrap();
    });
    scene.wait_step("card-pulled");
    let numbers = scene.wire.numbers();
    note("card pulled", &seen, &numbers);
    scene.assert_erased("card pulled", &numbers);
    end(scene);
}

#[test]
fn out_of_time_nothing_of_key_and_password_is_left() {
    if !may_read("out_of_time_nothing_of_key_and_password_is_left") {
        return;
    }
    // The card answers ever more slowly.
    let scene = scene("memory-time-out", 15);
    let slow = Duration::from_secs(5);
    scene.wire.slow_once_imported(slow);
    let seen = scene.generate(5 * SLICE, |_| {});
    scene.wait_step("timed-out");
    let numbers = scene.wire.numbers();
    assert_eq!(on_card(&scene.state_file), None);
    note("timed out", &seen, &numbers);
    scene.assert_erased("timed out", &numbers);
    end(scene);
}

#[test]
fn a_kiosk_that_is_switched_off_during_a_generation_gives_the_visit_up_and_ends_well() {
    if !may_read(
        "a_kiosk_that_is_switched_off_during_a_generation_gives_the_visit_up_and_ends_well",
    ) {
        return;
    }
    let mut scene = scene("memory-off", 60);
    scene.generate(20 * SLICE, |_| {});
    let status = scene.kiosk.end().unwrap();
    assert!(status.success(), "{status:?}");
    let log = std::fs::read_to_string(scene.folder.0.join("kiosk.log")).unwrap();
    assert!(!log.contains(PASSWORD), "the password is in the log");
    assert_eq!(on_card(&scene.state_file), None);
    end(scene);
}

fn end(mut scene: Scene) {
    let log = std::fs::read_to_string(scene.folder.0.join("kiosk.log")).unwrap();
    assert!(!log.contains(PASSWORD), "the password is in the log");
    scene.kiosk.end().unwrap();
    scene.card.end().unwrap();
}
