//! A kept paper on hold.

use crate::desk::desk;
use crate::{PAPER, PIN};

#[test]
fn a_paper_is_held_by_the_clerk_with_a_supervisors_word_and_released_the_same_way() {
    let mut desk = desk("office-paper");
    desk.go("/screens/office/papers");
    desk.says("保全している書類はありません。");
    let paper = format!("/screens/office/papers/{PAPER}");
    desk.go(&paper);
    desk.says("この書類を保全する");
    let ask = format!("{paper}/ask");
    // Nobody holds without a reason, and nothing is released that is not held.
    desk.press(&ask, &[("order", "hold"), ("reason", " ")]);
    assert_eq!(desk.status, 422);
    desk.says("理由");
    desk.press(&ask, &[("order", "release"), ("reason", "係争中")]);
    desk.says("この書類を保全する");
    assert!(desk.office.0.lock().unwrap().approval.is_none());

    for (order, act, reason, after) in [
        (
            "hold",
            "保存書類の保全",
            "係争中",
            "この書類の保全を解除する",
        ),
        ("release", "保全の解除", "判決の確定", "この書類を保全する"),
    ] {
        desk.go(&paper);
        desk.press(&ask, &[("order", order), ("reason", reason)]);
        let approval = desk.here.clone();
        assert!(approval.starts_with("/screens/office/approvals/"));
        for said in [act, reason, "対象の書類を見る", &paper] {
            desk.says(said);
        }
        assert!(!desk.page.contains("carry-out"), "it waits");
        let chief = desk.chief.clone();
        desk.decide(&chief, PIN, "approve");
        desk.clerk_returns();
        desk.go(&approval);
        desk.press(&format!("{approval}/carry-out"), &[]);
        assert_eq!(desk.here, paper);
        desk.says(after);
        desk.says(reason);
        desk.go("/screens/office/papers");
        assert_eq!(desk.page.contains(&paper), order == "hold");
    }
}
