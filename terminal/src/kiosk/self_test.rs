//! The self-test at start, and again before each generation: a kiosk that fails it
//! makes no keys.

use jiff::Timestamp;
use pki_core::card_channel::{Key128, wrap};
use serde::Serialize;

use super::hygiene::Hygiene;

/// Bytes drawn for the health tests of the random source.
const SAMPLE: usize = 4096;
/// SP 800-90B §4.4.1, repetition count: cutoff for 8 bits of entropy per byte and a
/// false alarm in 2^30.
const REPETITIONS: usize = 5;
/// SP 800-90B §4.4.2, adaptive proportion, window 512: more than this many of one
/// value happens by chance less than once in 2^30.
const WINDOW: usize = 512;
const PROPORTION: usize = 18;
/// A clock before this is not set: the product did not exist.
const EARLIEST: i64 = 1_767_225_600; // 2026-01-01T00:00:00Z

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// `random-source`, `memory-locked`, `no-core-dumps`, `key-wrap`, `master`, `clock`.
    pub name: &'static str,
    /// Whether it passed.
    pub passed: bool,
}

/// The self-test's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SelfTest {
    /// `passed` or `failed`.
    pub result: &'static str,
    /// Test by test, for the attendant.
    pub items: Vec<Item>,
}

impl SelfTest {
    /// Whether every test passed.
    pub fn passed(&self) -> bool {
        self.result == "passed"
    }

    fn of(items: Vec<Item>) -> Self {
        let all = items.iter().all(|item| item.passed);
        Self {
            result: if all { "passed" } else { "failed" },
            items,
        }
    }
}

/// What the self-test is told by the program around it.
pub struct Surroundings {
    /// What was locked and forbidden at start.
    pub hygiene: Hygiene,
    /// Whether memory has to be locked.
    pub require_locked_memory: bool,
    /// Whether the master could be read from its sealed file.
    pub master_readable: bool,
    /// Now.
    pub now: Timestamp,
    /// The time of the last known moment (last contact); the clock must not lie before it.
    pub not_before: Option<Timestamp>,
}

/// Runs every test.
pub fn run(around: &Surroundings) -> SelfTest {
    let mut sample = vec![0; SAMPLE];
    let drawn = getrandom::fill(&mut sample).is_ok();
    let item = |name, passed| Item { name, passed };
    SelfTest::of(vec![
        item("random-source", drawn && random_is_healthy(&sample)),
        item(
            "memory-locked",
            around.hygiene.memory_locked || !around.require_locked_memory,
        ),
        item("no-core-dumps", around.hygiene.no_core_dumps),
        item("key-wrap", key_wrap_knows_its_answer()),
        item("master", around.master_readable),
        item("clock", clock_is_plausible(around.now, around.not_before)),
    ])
}

/// The two health tests of NIST SP 800-90B §4.4 over one sample.
fn random_is_healthy(sample: &[u8]) -> bool {
    let repeated = sample
        .windows(REPETITIONS)
        .any(|run| run.iter().all(|&b| b == run[0]));
    let lopsided = sample
        .chunks(WINDOW)
        .any(|window| window.iter().filter(|&&b| b == window[0]).count() > PROPORTION);
    !repeated && !lopsided
}

/// AES-KWP against a known answer (Wycheproof kwp_test 1).
fn key_wrap_knows_its_answer() -> bool {
    const KEY: [u8; 16] = [
        0x6f, 0x67, 0x48, 0x6d, 0x1e, 0x91, 0x44, 0x19, 0xcb, 0x43, 0xc2, 0x85, 0x09, 0xc7, 0xc1,
        0xea,
    ];
    const PLAIN: [u8; 16] = [
        0x8d, 0xc0, 0x63, 0x2d, 0x92, 0xee, 0x0b, 0xe4, 0xf7, 0x40, 0x02, 0x84, 0x10, 0xb0, 0x82,
        0x70,
    ];
    const WRAPPED: [u8; 24] = [
        0x8c, 0xd6, 0x3f, 0xa6, 0x78, 0x8a, 0xa5, 0xed, 0xfa, 0x75, 0x3f, 0xc8, 0x7d, 0x64, 0x5a,
        0x67, 0x2b, 0x14, 0x10, 0x7c, 0x3b, 0x45, 0x19, 0xe7,
    ];
    wrap::kwp_wrap(&Key128::from(KEY), &PLAIN).is_ok_and(|wrapped| wrapped == WRAPPED)
}

fn clock_is_plausible(now: Timestamp, not_before: Option<Timestamp>) -> bool {
    // Five minutes: the gateway's clock and ours may differ by that much.
    let slack = jiff::SignedDuration::from_mins(5);
    now.as_second() >= EARLIEST && not_before.is_none_or(|known| now >= known - slack)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        Surroundings {
            hygiene: Hygiene {
                memory_locked: true,
                no_core_dumps: true,
            },
            require_locked_memory: true,
            master_readable: true,
            now: "2026-11-22T15:00:00Z".parse().unwrap(),
            not_before: None,
        }
    }

    fn failing(around: &Surroundings) -> Vec<&'static str> {
        run(around)
            .items
            .iter()
            .filter(|item| !item.passed)
            .map(|item| item.name)
            .collect()
    }

    #[test]
    fn a_healthy_kiosk_passes() {
        assert!(run(&around()).passed());
    }

    #[test]
    fn each_fault_is_told_by_its_own_name() {
        let mut one = around();
        one.hygiene.memory_locked = false;
        assert_eq!(failing(&one), ["memory-locked"]);
        one.require_locked_memory = false;
        assert!(failing(&one).is_empty());
        one.hygiene.no_core_dumps = false;
        assert_eq!(failing(&one), ["no-core-dumps"]);
        let mut two = around();
        two.master_readable = false;
        assert_eq!(failing(&two), ["master"]);
    }

    #[test]
    fn a_clock_that_was_never_set_or_went_back_is_found() {
        let mut unset = around();
        unset.now = "1970-01-01T00:10:00Z".parse().unwrap();
        assert_eq!(failing(&unset), ["clock"]);
        let mut back = around();
        back.not_before = Some("2026-11-22T16:00:00Z".parse().unwrap());
        assert_eq!(failing(&back), ["clock"]);
    }

    #[test]
    fn a_stuck_or_lopsided_random_source_is_found() {
        assert!(!random_is_healthy(&[0; SAMPLE]));
        let mut lopsided: Vec<u8> = (0..SAMPLE).map(|i| (i * 7) as u8).collect();
        for i in (0..WINDOW).step_by(16) {
            lopsided[i] = lopsided[0];
        }
        assert!(!random_is_healthy(&lopsided));
        let counting: Vec<u8> = (0..SAMPLE).map(|i| (i * 7) as u8).collect();
        assert!(random_is_healthy(&counting));
    }
}
