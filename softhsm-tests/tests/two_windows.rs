//! Two windows issue for two residents at the same moment, again and again: nobody's image, print or card is
//! ever the other's. Some rounds in every run; a thousand with `cargo xtask test --long`.

use std::fs;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use softhsm_tests::scene::{Scene, text_of};
use xtask::judge::Judge;
use xtask::process;
use xtask::stack::layout::Database;
use xtask::stack::second::CHUO_JIRO;
use xtask::stack::{self, Settings};
use xtask::window::{Applicant, Card, SOUMU_TARO, Window};

/// Rounds where nothing else is asked for: enough to see that nothing is shared by two requests at once.
const ROUNDS: usize = 4;
/// Rounds with `--long`.
const MANY: usize = 1_000;

/// One of the two.
struct Side<'a> {
    window: &'a Window,
    applicant: &'a Applicant,
    other: &'a Applicant,
    card: Card,
}

/// Does the same at both windows, begun at the same moment. Gives what came of it, and how far apart
/// both began.
fn both<T: Send>(sides: &[Side<'_>; 2], act: impl Fn(&Side<'_>) -> T + Sync) -> ([T; 2], Duration) {
    let together = Barrier::new(2);
    let at = |side| {
        together.wait();
        let begun = Instant::now();
        (act(side), begun)
    };
    let ((one, first), (two, second)) = thread::scope(|scope| {
        let other = scope.spawn(|| at(&sides[1]));
        let one = at(&sides[0]);
        match other.join() {
            Ok(two) => (one, two),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    let apart = first.max(second) - first.min(second);
    ([one, two], apart)
}

impl Side<'_> {
    fn carry(&self, reader: &str) {
        self.card.remove().unwrap();
        self.card.insert(reader).unwrap();
        let seen = match reader {
            "kiosk" => self.window.wait_at_kiosk(),
            _ => self.window.wait_at_counter(),
        };
        seen.unwrap();
    }

    fn step(&self, id: &str, step: &str, body: &Value) -> Value {
        self.window.step(id, step, body).unwrap()
    }

    /// From the form to the point at which the certificate is due. From the second round on the card
    /// has a password.
    fn up_to_the_request(&self, first: bool) -> String {
        let resident = Some(self.applicant.resident);
        let mut form = Window::form(self.applicant, resident, &stack::today_in_japan());
        if !first {
            form["kind"] = json!("reissue-holder");
        }
        let id = text_of(&self.window.receive(&form).unwrap()["id"]);
        self.window.identify(&id).unwrap();
        self.carry("counter");
        self.step(&id, "prepare-card", &json!({}));
        self.carry("kiosk");
        let password = self.applicant.password;
        let present = (!first).then_some(password);
        self.window.make_another_key(present, password).unwrap();
        self.carry("counter");
        self.step(&id, "read-public-key", &json!({}));
        self.step(&id, "characters", &json!({ "choices": [] }));
        id
    }

    #[track_caller]
    fn is_of_the_applicant(&self, what: &str, text: &str) {
        let plain = |text: &str| text.split_whitespace().collect::<String>();
        let (text, own, other) = (
            plain(text),
            plain(self.applicant.name),
            plain(self.other.name),
        );
        assert!(text.contains(&own), "{what} is not of {own}: {text}");
        assert!(
            !text.contains(&other),
            "{what} of {own} names {other}: {text}"
        );
    }
}

#[test]
fn nothing_of_two_residents_is_crossed() {
    let rounds = if std::env::var_os("JITSUIN_LONG").is_some() {
        MANY
    } else {
        ROUNDS
    };
    let settings = Settings {
        second_window: true,
        ..Settings::default()
    };
    let scene = Scene::open("two-windows", Database::Sqlite, settings).unwrap();
    let second = scene.stack().open_second().unwrap();
    let sides = [
        Side {
            window: &scene.window,
            applicant: &SOUMU_TARO,
            other: &CHUO_JIRO,
            card: scene.stack().resident_card(0),
        },
        Side {
            window: &second.window,
            applicant: &CHUO_JIRO,
            other: &SOUMU_TARO,
            card: second.resident_card(),
        },
    ];
    let scratch = scene.stack().scratch("two-windows").unwrap();
    let begun = Instant::now();
    let mut apart = Vec::new();
    for number in 0..rounds {
        let (ids, _) = both(&sides, |side| side.up_to_the_request(number == 0));
        apart.push(round(&sides, &ids, &scratch));
    }
    let took = begun.elapsed();
    apart.sort_unstable();
    println!(
        "{rounds} rounds in {took:.1?}, {:.2} s each; the requests began {:?} apart in the middle, {:?} at most",
        took.as_secs_f64() / rounds as f64,
        apart[apart.len() / 2],
        apart[apart.len() - 1],
    );
    drop(second);
    scene.close().unwrap();
}

/// Issues to both at once and compares everything that came of it. Gives how far apart both requests began.
fn round(sides: &[Side<'_>; 2], ids: &[String; 2], scratch: &std::path::Path) -> Duration {
    let own = |side: &Side<'_>| {
        let mine = sides[0].applicant.resident == side.applicant.resident;
        &ids[usize::from(!mine)]
    };
    let (issued, apart) = both(sides, |side| side.step(own(side), "issue", &json!({})));
    let (images, _) = both(sides, |side| side.window.image(own(side)).unwrap());
    for (side, (issued, image)) in sides.iter().zip(issued.iter().zip(&images)) {
        side.is_of_the_applicant("the image", &image["items"].to_string());
        assert_eq!(image["serial"], issued["certificate"]["serial"]);
    }
    assert_ne!(
        issued[0]["certificate"]["serial"],
        issued[1]["certificate"]["serial"]
    );

    let right = json!({ "verdict": "right" });
    both(sides, |side| side.step(own(side), "confirm-image", &right));
    both(sides, |side| {
        side.step(
            own(side),
            "write-card",
            &json!({ "password": side.applicant.password }),
        )
    });
    let message = b"which card is this?";
    let (signed, _) = both(sides, |side| {
        let certificate = side.window.certificate(own(side)).unwrap();
        let signature = side
            .window
            .sign(own(side), side.applicant.password, message)
            .unwrap();
        (certificate, signature)
    });
    for (side, (certificate, signature)) in sides.iter().zip(&signed) {
        side.is_of_the_applicant("the certificate", &String::from_utf8_lossy(certificate));
        let files = [
            ("c.cer", certificate.as_slice()),
            ("m", message),
            ("s", signature),
        ];
        for (name, bytes) in files {
            fs::write(scratch.join(name), bytes).unwrap();
        }
        let judge = Judge::new(scratch, scratch).unwrap();
        judge.signature("c.cer", "m", "s").unwrap();
    }
    both(sides, |side| {
        let fee = json!({ "amount_yen": issued[0]["fee_yen"] });
        side.step(own(side), "fee", &fee)
    });
    let (copies, _) = both(sides, |side| side.window.copy(own(side)).unwrap());
    for (side, copy) in sides.iter().zip(&copies) {
        let file = scratch.join("copy.pdf");
        fs::write(&file, copy).unwrap();
        let text = process::run(Command::new("pdftotext").arg(&file).arg("-")).unwrap();
        side.is_of_the_applicant("the print", &String::from_utf8_lossy(&text));
    }
    both(sides, |side| side.step(own(side), "hand-over", &json!({})));
    // The next round is another application of the same two.
    both(sides, |side| {
        side.window.revoke(own(side), "article9").unwrap()
    });
    apart
}
