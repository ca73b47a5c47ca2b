//! Days at the window, on the real pages, servers, readers and cards, with the clock of the programs moved from
//! the first day to past the end of the first certificates.

mod breaker;
mod first_day;
mod later_years;
mod midnight;
mod people;
mod proxy;
mod register_days;
mod reiwa;
mod world;

use people::{Register, SATO, WATANABE, YAMADA};
use world::{World, issued};
use xtask::stack::Settings;
use xtask::stack::second::CHUO_JIRO;
use xtask::window::{SOUMU_TARO, TAKAHASHI_HANAKO};

fn settings(register: &Register, resident_cards: usize) -> Settings {
    Settings {
        register: register.text(),
        resident_cards,
        ..Settings::default()
    }
}

#[test]
fn a_day_on_which_not_everything_goes_right() {
    let world = World::begin("day", "2026-11-24 09:00:00", settings(&Register::new(), 7));
    let (asked, code) = first_day::morning(&world);
    world.pass_to("2026-11-27 10:00:00");
    proxy::reply_is_brought(&world, &asked, &code);
    midnight::a_visit_spans_the_new_year(&world);
    world.audit_is_whole();
    world.scene.close().unwrap();
}

#[test]
fn a_wrong_governor_stops_every_window_until_two_officers_release_it() {
    let settings = Settings {
        console: true,
        second_window: true,
        ..settings(&Register::new(), 2)
    };
    let world = World::today("breaker", settings);
    breaker::stopped_and_released(&world);
    world.audit_is_whole();
    world.scene.close().unwrap();
}

#[test]
fn what_the_register_tells_is_told_at_the_window() {
    let mut register = Register::new();
    let settings = Settings {
        follow_register: true,
        second_window: true,
        ..settings(&register, 3)
    };
    let mut world = World::begin("register", "2026-11-24 09:00:00", settings);
    let issued_to = [
        ("hanako", &TAKAHASHI_HANAKO),
        ("yamada", &YAMADA),
        ("watanabe", &WATANABE),
    ];
    world.issue_to_all("2026-11-24", &issued_to);
    let second = world.scene.stack().open_second().unwrap();
    let card = second.resident_card();
    let id = issued(&second.window, &CHUO_JIRO, &card, "2026-11-24").unwrap();
    world.keep_der("chuo", &second.window.certificate(&id).unwrap());
    drop(second);

    world.pass_to("2026-12-01 09:00:00");
    register_days::told_at_the_window(&world, &mut register);
    world.later_with("2027-04-01 09:00:00", |settings| {
        settings.successors = vec![("13102".into(), "13101".into())];
    });
    register_days::merged(&world, &mut register);
    world.audit_is_whole();
    world.scene.close().unwrap();
}

#[test]
fn three_years_pass() {
    let mut world = World::begin(
        "years",
        "2026-11-24 09:00:00",
        settings(&Register::new(), 5),
    );
    let first_ones = [("taro", &SOUMU_TARO), ("sato", &SATO)];
    world.issue_to_all("2026-11-24", &first_ones);
    assert_eq!(world.end_of("taro"), "Nov 23 14:59:59 2029 GMT");
    world.later("2028-02-29 10:00:00");
    later_years::leap_day(&world);
    world.later("2028-05-31 10:00:00");
    later_years::last_day_of_a_month(&world);
    world.later("2029-08-23 23:50:00");
    later_years::renewal_opens_at_midnight(&world);
    world.later("2029-11-23 23:50:00");
    later_years::the_first_ones_end(&world);
    world.audit_is_whole();
    world.scene.close().unwrap();
}
