use super::*;

const TARO: FourItemsInput<'static> = FourItemsInput {
    name: "総務　太郎",
    birth_date: "昭和25年4月1日",
    sex: "男",
    address: "東京都千代田区霞が関２丁目１番２号",
};

fn taro() -> FourItems {
    FourItems::parse(TARO).unwrap()
}

fn faults(input: FourItemsInput<'_>) -> Vec<(Item, FaultReason, Option<usize>)> {
    let faults = FourItems::parse(input).unwrap_err();
    faults
        .into_iter()
        .map(|fault| (fault.item, fault.reason, fault.position))
        .collect()
}

fn name_faults(name: &str) -> Vec<(FaultReason, Option<usize>)> {
    faults(FourItemsInput { name, ..TARO })
        .into_iter()
        .map(|(_, reason, at)| (reason, at))
        .collect()
}

fn address(text: &str) -> String {
    Address::parse(text).unwrap().to_string()
}

#[test]
fn the_items_of_the_form_are_read_as_the_register_holds_them() {
    let items = taro();
    assert_eq!(items.name().as_str(), "総務　太郎");
    assert_eq!(items.birth_date().code(), "319500401");
    assert_eq!(
        (items.sex().code(), items.sex().to_string().as_str()),
        ("1", "男")
    );
    assert_eq!(
        items.address().as_str(),
        "東京都千代田区霞が関２丁目１番２号"
    );
}

#[test]
fn ascii_and_its_likes_become_full_width() {
    assert_eq!(Name::parse("総務 太郎").unwrap().as_str(), "総務　太郎");
    assert_eq!(
        Name::parse("SOMU TARO").unwrap().as_str(),
        "ＳＯＭＵ　ＴＡＲＯ"
    );
    for hyphen in ['-', '－', '−', '‐', '‑', '‒', '–'] {
        assert_eq!(
            address(&format!("南12{hyphen}7")),
            "南１２－７",
            "{hyphen:?}"
        );
    }
    assert_eq!(address("１丁目〜３"), "１丁目～３");
    assert_eq!(
        address("センター2"),
        "センター２",
        "the long vowel is no hyphen"
    );
    assert_eq!(
        address("㈱ビル①"),
        "㈱ビル①",
        "compatibility forms are settled with the applicant"
    );
    assert_eq!(Name::parse("﨑　花子").unwrap().as_str(), "﨑　花子");
}

#[test]
fn reading_an_item_again_changes_nothing() {
    let all = (char::from_u32(0x20).unwrap()..='\u{FFFF}').filter(|c| *c != ' ');
    for c in all {
        let Ok(once) = Address::parse(&c.to_string()) else {
            continue;
        };
        assert_eq!(Address::parse(once.as_str()).unwrap(), once, "{c}");
    }
}

#[test]
fn all_faults_are_collected_in_the_order_of_the_form() {
    let input = FourItemsInput {
        name: "総務",
        birth_date: "昭和25年2月30日",
        sex: "M",
        address: "",
    };
    assert_eq!(
        faults(input),
        [
            (Item::Name, FaultReason::OnePart, None),
            (
                Item::BirthDate,
                FaultReason::Date(DateFault::NotInCalendar),
                None
            ),
            (Item::Sex, FaultReason::NotASex, None),
            (Item::Address, FaultReason::Missing, None),
        ]
    );
    let nothing = FourItemsInput {
        name: "",
        birth_date: "",
        sex: "",
        address: "",
    };
    let expected = Item::ALL.map(|item| (item, FaultReason::Missing, None));
    assert_eq!(faults(nothing), expected);
}

#[test]
fn a_fault_says_its_item_its_reason_and_its_place() {
    use FaultReason::{CombiningMark, Control, HalfWidthKatakana, LoneSelector, StraySpace};
    assert_eq!(name_faults("総務　ﾀﾛｳ")[0], (HalfWidthKatakana, Some(3)));
    assert_eq!(name_faults("総務　ﾀﾛｳ").len(), 3);
    assert_eq!(name_faults("かき　か\u{3099}"), [(CombiningMark, Some(4))]);
    assert_eq!(name_faults("総務　太\n郎"), [(Control, Some(4))]);
    assert_eq!(name_faults("総務\u{A0}太郎")[0], (Control, Some(2)));
    assert_eq!(name_faults("総務　太\u{200B}郎"), [(Control, Some(4))]);
    assert_eq!(name_faults("総務　太\u{202E}郎"), [(Control, Some(4))]);
    assert_eq!(
        name_faults("\u{E0100}総務　太郎"),
        [(LoneSelector, Some(0))]
    );
    assert_eq!(
        name_faults("総\u{E0100}\u{E0101}務　太郎"),
        [(LoneSelector, Some(0))]
    );
    assert_eq!(name_faults("　総務　太郎"), [(StraySpace, Some(0))]);
    assert_eq!(name_faults("総務　　太郎"), [(StraySpace, Some(3))]);
    assert_eq!(name_faults("総務　太郎 "), [(StraySpace, Some(5))]);
    let spaced = FourItemsInput {
        address: "東京都 千代田区",
        ..TARO
    };
    assert_eq!(
        faults(spaced),
        [(Item::Address, FaultReason::SpaceInAddress, Some(3))]
    );
    let dated = FourItemsInput {
        birth_date: "昭和25年4月X日",
        ..TARO
    };
    let date = FaultReason::Date(DateFault::Unreadable { position: 7 });
    assert_eq!(faults(dated), [(Item::BirthDate, date, Some(7))]);
}

#[test]
fn every_item_has_its_limit() {
    let name = |characters: usize| format!("総　{}", "太".repeat(characters - 2));
    assert!(Name::parse(&name(NAME_CHARACTERS_MAX)).is_ok());
    let long = name_faults(&name(NAME_CHARACTERS_MAX + 1));
    assert_eq!(
        long,
        [(
            FaultReason::TooLong {
                max: NAME_CHARACTERS_MAX
            },
            None
        )]
    );
    let selected = name(NAME_CHARACTERS_MAX).replace('太', "太\u{E0100}");
    assert!(Name::parse(&selected).is_ok(), "selectors do not count");
    let flood = format!("総　太{}", "\u{E0100}".repeat(2 * NAME_CHARACTERS_MAX));
    assert_eq!(
        name_faults(&flood),
        [(
            FaultReason::TooLong {
                max: NAME_CHARACTERS_MAX
            },
            None
        )]
    );
    assert!(Address::parse(&"区".repeat(ADDRESS_CHARACTERS_MAX)).is_ok());
    assert!(Address::parse(&"区".repeat(ADDRESS_CHARACTERS_MAX + 1)).is_err());
}

#[test]
fn sexes_are_those_of_the_form_and_the_code() {
    for (text, sex) in [
        ("男", "1"),
        ("1", "1"),
        ("１", "1"),
        ("女", "2"),
        ("2", "2"),
        ("２", "2"),
    ] {
        let items = FourItems::parse(FourItemsInput { sex: text, ..TARO }).unwrap();
        assert_eq!(items.sex().code(), sex);
    }
    for text in ["0", "3", "9", "男性", "male", " 男"] {
        let fault = faults(FourItemsInput { sex: text, ..TARO });
        assert_eq!(fault, [(Item::Sex, FaultReason::NotASex, None)], "{text}");
    }
}

#[test]
fn a_comparison_names_each_item_that_differs() {
    assert!(taro().compare(&taro()).agrees());
    let spelled = FourItemsInput {
        name: "総務 太郎",
        birth_date: "S25.4.1",
        sex: "1",
        address: "東京都千代田区霞が関2丁目1番2号",
    };
    assert!(
        taro().compare(&FourItems::parse(spelled).unwrap()).agrees(),
        "spelling does not count"
    );
    for (input, item) in [
        (
            FourItemsInput {
                name: "総務　次郎",
                ..TARO
            },
            Item::Name,
        ),
        (
            FourItemsInput {
                name: "総\u{E0100}務　太郎",
                ..TARO
            },
            Item::Name,
        ),
        (
            FourItemsInput {
                birth_date: "昭和25年4月2日",
                ..TARO
            },
            Item::BirthDate,
        ),
        (FourItemsInput { sex: "女", ..TARO }, Item::Sex),
        (
            FourItemsInput {
                address: "東京都千代田区霞が関２丁目１番３号",
                ..TARO
            },
            Item::Address,
        ),
    ] {
        let comparison = taro().compare(&FourItems::parse(input).unwrap());
        assert_eq!(comparison.differing(), [item]);
        assert!(!comparison.agrees());
    }
}

#[test]
fn items_are_stored_as_text_and_checked_on_reading() {
    let json = serde_json::to_string(&taro()).unwrap();
    assert_eq!(
        json,
        r#"{"name":"総務　太郎","birth_date":"319500401","sex":"1","address":"東京都千代田区霞が関２丁目１番２号"}"#
    );
    assert_eq!(serde_json::from_str::<FourItems>(&json).unwrap(), taro());
    for (from, to) in [
        ("総務　太郎", "総務"),
        ("319500401", "319500431"),
        ("\"1\"", "\"0\""),
    ] {
        assert!(
            serde_json::from_str::<FourItems>(&json.replace(from, to)).is_err(),
            "{to}"
        );
    }
}

#[test]
fn neither_debug_nor_a_fault_shows_anything_of_the_person() {
    let fault = Name::parse("総務　ﾀ").unwrap_err()[0];
    assert_eq!(
        fault.to_string(),
        "name has half-width katakana: write full-width"
    );
    let shown = format!(
        "{:?} {:?} {:?} {:?} {fault:?}",
        taro(),
        taro().name(),
        taro().address(),
        taro().sex()
    );
    assert_eq!(shown.matches(['総', '霞', 'ﾀ', '男']).count(), 0, "{shown}");
    assert!(!shown.contains("Male"));
}
