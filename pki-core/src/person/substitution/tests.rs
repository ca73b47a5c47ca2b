use super::*;
use crate::person::four_items::NAME_CHARACTERS_MAX;

fn items(name: &str, address: &str) -> FourItems {
    FourItems::parse(FourItemsInput {
        name,
        birth_date: "H2.2.3",
        sex: "女",
        address,
    })
    .expect("well-formed items")
}

fn hanako() -> FourItems {
    items("髙橋　花子", "東京都千代田区丸の内１丁目１番１号")
}

fn choice(item: Item, position: usize, substitute: &str) -> Choice {
    Choice {
        item,
        position,
        substitute: substitute.to_owned(),
    }
}

fn texts_of(candidates: &[Candidate]) -> Vec<&str> {
    candidates.iter().map(|c| c.text.as_str()).collect()
}

fn faults(items: &FourItems, choices: &[Choice]) -> Vec<SettleFault> {
    settle(items, choices, &SubstitutionList::standard()).unwrap_err()
}

#[test]
fn the_ladder_high_is_found_with_its_place_and_its_candidates() {
    let found = findings(&hanako(), &SubstitutionList::standard());
    assert_eq!(found.len(), 1);
    let finding = &found[0];
    assert_eq!(
        (finding.item, finding.position, finding.written.as_str()),
        (Item::Name, 0, "髙")
    );
    assert_eq!(code_points(&finding.written), "U+9AD9");
    assert_eq!(texts_of(&finding.candidates), ["高"]);
    assert_eq!(finding.candidates[0].code_points(), "U+9AD8");
    assert_eq!(finding.candidates[0].source.as_str(), "jis-unification");
    assert!(finding.kana_allowed);
}

#[test]
fn the_chosen_substitute_stands_in_its_place_and_is_flagged() {
    let list = SubstitutionList::standard();
    let settled = settle(&hanako(), &[choice(Item::Name, 0, "高")], &list).unwrap();
    assert_eq!(settled.name(), "高橋　花子");
    assert_eq!(settled.name_substitution(), "10000");
    assert_eq!(settled.address_substitution(), "0".repeat(17));
    assert_eq!(settled.birth_date().code(), "419900203");
}

#[test]
fn kana_may_stand_for_a_character_and_each_of_its_letters_is_flagged() {
    let list = SubstitutionList::standard();
    let settled = settle(&hanako(), &[choice(Item::Name, 0, "たか")], &list).unwrap();
    assert_eq!(settled.name(), "たか橋　花子");
    assert_eq!(settled.name_substitution(), "110000");
    let private = items("\u{E001}田　花子", "東京都千代田区１");
    let found = findings(&private, &list);
    assert!(found[0].candidates.is_empty() && found[0].kana_allowed);
    let settled = settle(&private, &[choice(Item::Name, 0, "ツジ")], &list).unwrap();
    assert_eq!(settled.name(), "ツジ田　花子");
}

#[test]
fn what_needs_no_substitute_has_no_finding_and_no_flag() {
    let taro = items("総務　太郎", "東京都千代田区霞が関２－１－２");
    let list = SubstitutionList::standard();
    assert!(findings(&taro, &list).is_empty());
    let settled = settle(&taro, &[], &list).unwrap();
    assert_eq!(settled.name_substitution(), "00000");
    assert_eq!(
        settled.address_substitution().len(),
        settled.address().chars().count()
    );
}

#[test]
fn known_variants_have_the_candidates_that_clerks_expect() {
    let list = SubstitutionList::standard();
    for (c, expected) in [
        ('𠮷', "吉"),
        ('﨑', "崎"),
        ('德', "徳"),
        ('Ⅲ', "ＩＩＩ"),
        ('㈱', "（株）"),
        ('①', "１"),
    ] {
        let candidates = list.candidates(c);
        assert!(texts_of(&candidates).contains(&expected), "{c}");
        assert!(
            candidates
                .iter()
                .flat_map(|c| c.text.chars())
                .all(repertoire::allows)
        );
    }
}

#[test]
fn a_variation_selector_falls_away_and_is_still_flagged() {
    let list = SubstitutionList::standard();
    let tsuji = items("辻\u{E0100}　花子", "東京都千代田区辻\u{E0101}町１");
    let found = findings(&tsuji, &list);
    assert_eq!(found.len(), 2);
    assert_eq!((found[1].item, found[1].position), (Item::Address, 7));
    assert_eq!(
        found[0].candidates[0],
        Candidate {
            text: "辻".to_owned(),
            source: Source::WithoutSelector
        }
    );
    assert!(!found[0].kana_allowed);
    let choices = [choice(Item::Name, 0, "辻"), choice(Item::Address, 7, "辻")];
    let settled = settle(&tsuji, &choices, &list).unwrap();
    assert_eq!(
        (settled.name(), settled.name_substitution()),
        ("辻　花子", "1000")
    );
    assert_eq!(
        (settled.address(), settled.address_substitution()),
        ("東京都千代田区辻町１", "0000000100")
    );
    let kana = [choice(Item::Name, 0, "つじ"), choices[1].clone()];
    assert_eq!(
        faults(&tsuji, &kana),
        [SettleFault::NotInList {
            item: Item::Name,
            position: 0
        }]
    );
}

#[test]
fn the_geta_of_a_missing_glyph_is_never_taken_for_a_name() {
    let unknown = items("〓田　花子", "東京都千代田区１");
    let found = findings(&unknown, &SubstitutionList::standard());
    assert_eq!((found[0].written.as_str(), found[0].position), ("〓", 0));
}

#[test]
fn each_wrong_choice_is_refused_for_its_reason() {
    let at = |position| (Item::Name, position);
    let (item, position) = at(0);
    assert_eq!(
        faults(&hanako(), &[]),
        [SettleFault::Missing { item, position }]
    );
    for wrong in [
        "橋",
        "髙",
        "高高",
        "",
        "たカ",
        "taka",
        "たかたかたかたかた",
        "￮",
        "〓",
    ] {
        let refused = faults(&hanako(), &[choice(Item::Name, 0, wrong)]);
        assert_eq!(
            refused,
            [SettleFault::NotInList { item, position }],
            "{wrong}"
        );
    }
    let good = choice(Item::Name, 0, "高");
    assert_eq!(
        faults(&hanako(), &[good.clone(), good.clone()]),
        [SettleFault::Twice { item, position }]
    );
    for (item, position) in [
        (Item::Name, 1),
        (Item::Name, 99),
        (Item::Address, 0),
        (Item::Sex, 0),
    ] {
        let extra = choice(item, position, "高");
        assert_eq!(
            faults(&hanako(), &[good.clone(), extra]),
            [SettleFault::NotAsked { item, position }]
        );
    }
}

#[test]
fn an_item_that_grows_too_long_is_refused() {
    let mut name = "　髙".to_owned();
    name.insert_str(0, &"田".repeat(NAME_CHARACTERS_MAX - 2));
    let long = items(&name, "東京都");
    let at = NAME_CHARACTERS_MAX - 1;
    assert!(
        settle(
            &long,
            &[choice(Item::Name, at, "高")],
            &SubstitutionList::standard()
        )
        .is_ok()
    );
    assert_eq!(
        faults(&long, &[choice(Item::Name, at, "たか")]),
        [SettleFault::TooLong { item: Item::Name }]
    );
}

#[test]
fn a_prefectures_table_comes_first_and_shows_in_the_version() {
    let list = SubstitutionList::with_extension(
        "version = \"tokyo-3\"\n[substitutes]\n\"髙\" = [\"孝\"]\n\"\\uE001\" = [\"辻\", \"逗子\"]\n",
    )
    .unwrap();
    assert_eq!(list.version(), "mj-1.2.0+standard-1+tokyo-3");
    assert_eq!(texts_of(&list.candidates('髙')), ["孝", "高"]);
    assert_eq!(list.candidates('髙')[0].source, Source::Extension);
    assert_eq!(texts_of(&list.candidates('\u{E001}')), ["辻", "逗子"]);
    assert_eq!(
        SubstitutionList::standard().version(),
        "mj-1.2.0+standard-1"
    );
}

#[test]
fn a_table_that_cannot_be_used_says_which_entry() {
    let fault = |body: &str| {
        let toml = format!("version = \"x\"\n[substitutes]\n{body}");
        SubstitutionList::with_extension(&toml)
            .err()
            .expect("a fault")
    };
    assert!(
        matches!(fault("\"髙橋\" = [\"高\"]"), ListFault::Key { code_points } if code_points == "U+9AD9 U+6A4B")
    );
    assert!(
        matches!(fault("\"高\" = [\"孝\"]"), ListFault::Key { .. }),
        "allowed as it is"
    );
    assert!(matches!(fault("\"\" = [\"孝\"]"), ListFault::Key { .. }));
    assert!(matches!(
        fault("\"\\U000E0100\" = [\"孝\"]"),
        ListFault::Key { .. }
    ));
    for body in [
        "\"髙\" = []",
        "\"髙\" = [\"\"]",
        "\"髙\" = [\"髙\"]",
        "\"髙\" = [\"高高高高高高高高高\"]",
    ] {
        assert!(
            matches!(fault(body), ListFault::Substitute { .. }),
            "{body}"
        );
    }
    let fault = |toml: &str| {
        SubstitutionList::with_extension(toml)
            .err()
            .expect("a fault")
    };
    assert!(matches!(
        fault("version = \"a b\"\n[substitutes]"),
        ListFault::Version
    ));
    assert!(matches!(
        fault("version = \"a\"\nnote = 1\n[substitutes]"),
        ListFault::Unreadable(_)
    ));
    assert!(matches!(fault("[substitutes]"), ListFault::Unreadable(_)));
}

#[test]
fn without_a_choice_what_cannot_be_carried_is_marked() {
    let marked = unchosen(&hanako()).to_text();
    assert_eq!(
        (marked.name.as_str(), marked.name_substitution.as_str()),
        ("＊橋　花子", "10000")
    );
    assert!(!marked.address_substitution.contains('1'));
    assert!(repertoire::allows(UNCHOSEN));
    // A selector falls under the mark with its character; the longest address stays as long.
    let place = format!("東京都千代田区{}", "髙".repeat(193));
    let long = FourItems::parse(FourItemsInput {
        name: "辻\u{E0100}　花子",
        birth_date: "419900203",
        sex: "2",
        address: &place,
    })
    .unwrap();
    let marked = unchosen(&long).to_text();
    assert_eq!(
        (marked.name.as_str(), marked.name_substitution.as_str()),
        ("＊　花子", "1000")
    );
    assert_eq!(marked.address.chars().count(), place.chars().count());
}
