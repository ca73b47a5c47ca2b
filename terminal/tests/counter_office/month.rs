//! What the office makes and tells by the month, and who takes the window over.

use crate::desk::desk;

#[test]
fn a_month_is_made_final_and_the_counts_are_told_with_their_tables() {
    let mut desk = desk("office-month");
    desk.go("/screens/office/remittance/2026-10");
    desk.says("令和8年10月");
    desk.press("/screens/office/remittance/2026-10/remit", &[]);
    desk.says("納付額は確定しています");
    desk.go("/screens/office/remittance/2026-10/sheet");
    assert!(desk.page.starts_with("%PDF-"));
    desk.go("/screens/office/remittance/2026-10/csv");
    assert_eq!(
        desk.page,
        "municipality,month,kind,taken,taken_yen,taken_back,taken_back_yen,yen\r\n\
         13101,2026-10,first,3,1500,0,0,1500\r\n"
    );
    desk.go("/screens/office/statistics/2026-11");
    desk.says("<svg");
    desk.says("7:05");
    desk.says("カードの紛失");
    assert!(!desk.page.contains("style=\""));
    desk.go("/screens/office/statistics/2026-11/csv");
    desk.says("13101,2026-11,waiting-median-s,,425\r\n");
    desk.go("/screens/office/shift");
    desk.says("千代田区役所");
    desk.press("/screens/office/shift/take-over", &[]);
    assert_eq!(desk.here, "/screens/office/shift");
}
