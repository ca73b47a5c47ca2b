use super::*;

fn parse(text: &str) -> Result<BirthDate, DateFault> {
    text.parse()
}

#[test]
fn every_spelling_of_a_day_gives_the_same_date() {
    let spellings = [
        "昭和25年4月1日",
        "昭和25年04月01日",
        "昭和２５年４月１日",
        "昭25.4.1",
        "S25.4.1",
        "s25.4.1",
        "Ｓ２５．４．１",
        "S25/4/1",
        "S25-04-01",
        "319500401",
        "３１９５００４０１",
    ];
    for spelling in spellings {
        let date = parse(spelling).expect(spelling);
        assert_eq!(date.code(), "319500401", "{spelling}");
        assert_eq!(date.to_string(), "昭和25年4月1日");
    }
}

#[test]
fn the_first_year_is_written_gannen_and_read_both_ways() {
    let date = parse("平成元年1月8日").unwrap();
    assert_eq!(date.code(), "419890108");
    assert_eq!(date.to_string(), "平成元年1月8日");
    assert_eq!(parse("平成1年1月8日"), Ok(date));
    assert_eq!(parse("H1.1.8"), Ok(date));
    assert_eq!(parse("H元.1.8"), Ok(date));
}

#[test]
fn every_day_of_every_era_survives_form_short_form_and_code() {
    let today = date(2030, 12, 31);
    let mut days = 0;
    for data in &ERAS {
        let mut day = data.first;
        while day <= data.last.unwrap_or(today) {
            let born = BirthDate::new(Some(data.era), day.year(), day.month(), day.day()).unwrap();
            assert_eq!(parse(&born.to_string()), Ok(born), "{day}");
            assert_eq!(BirthDate::from_code(&born.code()), Ok(born), "{day}");
            let year = day.year() - data.first.year() + 1;
            let short = format!("{}{year}.{}.{}", data.short[0], day.month(), day.day());
            assert_eq!(parse(&short), Ok(born), "{short}");
            assert!(born.code().ends_with(&day.strftime("%Y%m%d").to_string()));
            day = day.tomorrow().unwrap();
            days += 1;
        }
    }
    assert_eq!(
        days, 59_241,
        "23 October 1868 to the end of 2030, two days twice"
    );
}

#[test]
fn eras_follow_each_other_without_a_gap() {
    for pair in ERAS.windows(2) {
        let last = pair[0].last.unwrap();
        assert!(last == pair[1].first || last.tomorrow().unwrap() == pair[1].first);
        assert_eq!(Era::of(pair[1].first), Some(pair[1].era));
        assert_eq!(
            Era::of(pair[1].first.yesterday().unwrap()),
            Some(pair[0].era)
        );
    }
    assert_eq!(Era::of(date(1868, 10, 22)), None);
}

#[test]
fn the_days_around_each_change_of_era_belong_where_the_law_puts_them() {
    let inside = [
        "明治元年10月23日",
        "明治45年7月30日",
        "大正元年7月30日",
        "大正15年12月25日",
        "昭和元年12月25日",
        "昭和64年1月7日",
        "平成元年1月8日",
        "平成31年4月30日",
        "令和元年5月1日",
    ];
    for text in inside {
        assert!(parse(text).is_ok(), "{text}");
    }
    let outside = [
        ("明治元年10月22日", Era::Meiji),
        ("明治45年7月31日", Era::Meiji),
        ("大正元年7月29日", Era::Taisho),
        ("大正15年12月26日", Era::Taisho),
        ("昭和元年12月24日", Era::Showa),
        ("昭和64年1月8日", Era::Showa),
        ("平成元年1月7日", Era::Heisei),
        ("平成31年5月1日", Era::Heisei),
        ("令和元年4月30日", Era::Reiwa),
        ("昭和100年1月1日", Era::Showa),
        ("昭和64年2月日不詳", Era::Showa),
        ("昭和65年月日不詳", Era::Showa),
    ];
    for (text, era) in outside {
        assert_eq!(parse(text), Err(DateFault::OutsideEra { era }), "{text}");
    }
}

#[test]
fn unknown_parts_are_zeros_in_the_code_and_fusho_on_the_form() {
    let cases = [
        ("昭和25年月日不詳", "319500000"),
        ("昭和25年4月日不詳", "319500400"),
        ("平成年月日不詳", "400000000"),
        ("年月日不詳", "000000000"),
        ("昭和64年月日不詳", "319890000"),
    ];
    for (form, code) in cases {
        let date = parse(form).expect(form);
        assert_eq!(date.code(), code);
        assert_eq!(date.to_string(), form);
        assert_eq!(BirthDate::from_code(code), Ok(date));
    }
    assert_eq!(parse("昭和25年不詳").unwrap().code(), "319500000");
    assert_eq!(parse("昭和25年4月不詳").unwrap().code(), "319500400");
    let known = parse("昭和25年4月日不詳").unwrap();
    assert_eq!(
        (known.year(), known.month(), known.day()),
        (Some(1950), Some(4), None)
    );
}

#[test]
fn a_western_year_is_kept_without_an_era() {
    let date = parse("西暦1980年2月17日").unwrap();
    assert_eq!(date.code(), "019800217");
    assert_eq!(parse("1980-02-17"), Ok(date));
    assert_eq!(parse(&date.to_string()), Ok(date));
    assert_eq!(date.era(), None);
}

#[test]
fn days_that_the_calendar_lacks_are_refused() {
    for text in [
        "昭和50年2月29日",
        "昭和25年4月31日",
        "昭和25年13月1日",
        "昭和25年0月1日",
        "昭和25年4月0日",
        "S25.0.0",
        "平成12年2月30日",
        "319500431",
        "319501301",
        "19800229年".trim_end_matches('年'),
    ] {
        let fault = parse(text).unwrap_err();
        assert!(
            matches!(
                fault,
                DateFault::NotInCalendar | DateFault::Unreadable { .. }
            ),
            "{text}: {fault:?}"
        );
    }
    assert_eq!(parse("昭和50年2月29日"), Err(DateFault::NotInCalendar));
    assert_eq!(parse("昭和25年4月0日"), Err(DateFault::NotInCalendar));
    assert!(parse("昭和51年2月29日").is_ok());
    assert!(parse("平成12年2月29日").is_ok());
    assert_eq!(
        parse("明治33年2月29日"),
        Err(DateFault::NotInCalendar),
        "1900 was no leap year"
    );
}

#[test]
fn each_fault_is_named_and_says_where() {
    let at = |position| DateFault::Unreadable { position };
    let cases = [
        ("", DateFault::Missing),
        ("昭和25年4月1日昭和25年4月1日", DateFault::TooLong),
        ("慶応3年1月1日", DateFault::NoEra),
        ("X25.4.1", DateFault::NoEra),
        ("619500401", DateFault::NoEra),
        ("昭和0年1月1日", DateFault::YearZero),
        ("西暦0年1月1日", DateFault::YearZero),
        ("319500001", DateFault::PartWithoutWhole),
        ("300000401", DateFault::PartWithoutWhole),
        ("昭和25年", at(5)),
        ("昭和25年4月", at(7)),
        ("昭和25年4月1", at(8)),
        ("昭和25年4月1日生", at(9)),
        ("昭和二十五年四月一日", at(2)),
        ("昭和25年123月1日", at(7)),
        ("S25.4-1", at(5)),
        ("31950040", at(8)),
        ("3195004011", at(9)),
    ];
    for (text, fault) in cases {
        assert_eq!(parse(text), Err(fault), "{text}");
    }
}

#[test]
fn a_birth_date_after_today_is_seen_even_when_its_day_is_unknown() {
    let today = JapaneseDay::new(2026, 11, 22).unwrap();
    assert!(parse("令和8年11月23日").unwrap().is_after(today));
    assert!(parse("令和8年12月日不詳").unwrap().is_after(today));
    assert!(!parse("令和8年11月22日").unwrap().is_after(today));
    assert!(!parse("令和8年月日不詳").unwrap().is_after(today));
    assert!(!parse("令和年月日不詳").unwrap().is_after(today));
}

#[test]
fn debug_shows_nothing_of_the_person() {
    assert_eq!(format!("{:?}", parse("S25.4.1").unwrap()), "BirthDate(…)");
}

/// Pieces of spellings, put together in ways that nobody writes.
#[test]
fn whatever_is_written_is_read_into_a_date_that_comes_back_or_is_refused() {
    const PIECES: [&str; 24] = [
        "昭和",
        "平成",
        "S",
        "h",
        "西暦",
        "元",
        "年",
        "月",
        "日",
        "不詳",
        "月日不詳",
        ".",
        "/",
        "-",
        "0",
        "1",
        "2",
        "12",
        "29",
        "31",
        "64",
        "1950",
        "319500401",
        "２",
    ];
    let mut state = 20_261_122_u32;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let mut dates = 0;
    for _ in 0..200_000 {
        let text: String = (0..=next(7)).map(|_| PIECES[next(PIECES.len())]).collect();
        if let Ok(date) = parse(&text) {
            assert_eq!(BirthDate::from_code(&date.code()), Ok(date), "{text}");
            assert_eq!(parse(&date.to_string()), Ok(date), "{text}");
            dates += 1;
        }
    }
    assert!(dates > 100, "{dates} dates came about");
}
