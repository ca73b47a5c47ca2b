//! The till: a day closed short, an entry taken back.

use crate::desk::desk;
use crate::{NUMBER, PIN};

#[test]
fn a_till_that_is_short_is_closed_after_a_supervisors_card_at_the_same_terminal() {
    let mut desk = desk("office-till");
    desk.go("/screens/office");
    desk.says("締められていない日があります");
    desk.go("/screens/office/till");
    desk.says("令和8年11月20日");
    desk.says("1,500");
    desk.says("交付済みの申請で、手数料が取り消された");
    desk.says("…a1a1a1a1");
    let close = "/screens/office/till/2026-11-20/close";
    desk.press(close, &[("counted", "many")]);
    assert_eq!(desk.status, 400);
    desk.press(close, &[("counted", "1,400")]);
    assert_eq!(desk.status, 400);
    desk.says("数え直してください");
    desk.says("-100");
    desk.press(close, &[("counted", "1400"), ("reason", "釣銭の渡し誤り")]);
    let approval = format!("/screens/office/approvals/{}", "07".repeat(16));
    assert_eq!(desk.here, approval);
    desk.says("釣銭の渡し誤り");
    desk.says("過不足のある締め");
    desk.says("-100 円");

    // The clerk's own card does not do, nor a wrong PIN; nothing is done without approval.
    let clerk = desk.clerk.clone();
    desk.decide(&clerk, PIN, "approve");
    assert_eq!(desk.status, 403);
    desk.says("13101-0001");
    let chief = desk.chief.clone();
    desk.decide(&chief, "999999", "approve");
    assert_eq!(desk.status, 409);
    assert!(!desk.page.contains("999999"));
    desk.clerk_returns();
    desk.go(&approval);
    assert!(!desk.page.contains("carry-out"), "it waits");

    // The supervisor's card and PIN; the clerk signs in again and does it.
    desk.decide(&chief, PIN, "approve");
    assert_eq!(desk.status, 200);
    desk.says("承認されました");
    assert!(desk.counter.token().is_err(), "nobody is at work now");
    desk.go(&approval);
    assert_eq!(desk.here, format!("/screens/sign-in?next={approval}"));
    desk.clerk_returns();
    desk.go(&approval);
    desk.press(&format!("{approval}/carry-out"), &[]);
    assert_eq!(desk.here, "/screens/office/till/2026-11-20");
    desk.says("この日は締められています");
    desk.says("釣銭の渡し誤り");
    let state = desk.office.0.lock().unwrap();
    let closed = state.closed.as_ref().unwrap();
    assert_eq!(
        (closed.day.as_str(), closed.counted_yen),
        ("2026-11-20", 1_400)
    );
    drop(state);
    desk.go("/screens/office/till/2026-11-20/sheet");
    assert!(desk.page.starts_with("%PDF-"));
}

#[test]
fn a_supervisor_at_work_approves_with_the_own_pin_and_stays_at_work() {
    let mut desk = desk("office-correction");
    desk.go(&format!("/screens/office/fees/{NUMBER}"));
    desk.says("反対仕訳で全額を取り消します");
    desk.says("この申請は交付済みです");
    desk.press(
        &format!("/screens/office/fees/{NUMBER}/correct"),
        &[("reason", "減免の対象")],
    );
    let approval = desk.here.clone();
    desk.says("収納の取消");
    // At another terminal: here the supervisor signs in with their own card.
    let chief = desk.chief.clone();
    desk.reader.remove();
    desk.reader.insert(&chief);
    desk.counter
        .sign_in(&zeroize::Zeroizing::new(PIN.to_owned()))
        .unwrap();
    desk.go("/screens/office/approvals");
    desk.says("減免の対象");
    desk.go(&approval);
    let shown = ["act", "subject", "requested_by"].map(|name| desk.hidden(name));
    desk.press(
        &format!("{approval}/decide"),
        &[
            ("act", &shown[0]),
            ("subject", &shown[1]),
            ("requested_by", &shown[2]),
            ("pin", PIN),
            ("verdict", "reject"),
        ],
    );
    desk.says("承認されませんでした");
    assert!(desk.counter.token().is_ok(), "the supervisor stays at work");
    desk.go(&approval);
    assert!(!desk.page.contains("carry-out"));
    assert!(!desk.office.0.lock().unwrap().countered);
}
