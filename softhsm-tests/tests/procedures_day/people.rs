//! The residents of the days, and the register as it stands.

use xtask::window::Applicant;

/// Columns of the register's export; `formerly` for those whose municipality was merged.
const HEADER: &str = "resident,municipality,name,birth_date,sex,address,status,formerly\n";

/// A line of the register.
#[derive(Clone)]
struct Line {
    resident: String,
    municipality: &'static str,
    rest: [String; 4],
    status: &'static str,
    formerly: String,
}

/// The resident register, written anew as life goes on.
#[derive(Clone)]
pub struct Register(Vec<Line>);

impl Register {
    /// As it stands on the first day.
    pub fn new() -> Self {
        let line =
            |(resident, birth_date, sex, name, address): (&str, &str, &str, &str, &str)| Line {
                resident: resident.to_owned(),
                municipality: if resident.starts_with("13102") {
                    "13102"
                } else {
                    "13101"
                },
                rest: [name, birth_date, sex, address].map(str::to_owned),
                status: "resident",
                formerly: String::new(),
            };
        Self(PEOPLE.iter().copied().map(line).collect())
    }

    /// As it is exported.
    pub fn text(&self) -> String {
        let lines = self.0.iter().map(|line| {
            let Line {
                resident,
                municipality,
                rest: [name, birth_date, sex, address],
                status,
                formerly,
            } = line;
            format!("{resident},{municipality},{name},{birth_date},{sex},{address},{status},{formerly}\n")
        });
        std::iter::once(HEADER.to_owned()).chain(lines).collect()
    }

    fn line(&mut self, person: &Applicant) -> &mut Line {
        let mut lines = self.0.iter_mut();
        lines
            .find(|line| line.resident == person.resident)
            .expect("whoever is in these tests is in the register")
    }

    /// The resident is one no more: `moved`, `deceased`.
    pub fn gone(&mut self, person: &Applicant, status: &'static str) {
        self.line(person).status = status;
    }

    /// The address is written in another way.
    pub fn readdress(&mut self, person: &Applicant, address: &str) {
        self.line(person).rest[3] = address.to_owned();
    }

    /// The municipality became part of 千代田区, where the resident has this number and address.
    pub fn merged(&mut self, person: &Applicant, now: &Applicant) {
        let line = self.line(person);
        line.formerly = format!("{}/{}", line.municipality, line.resident);
        line.municipality = "13101";
        line.resident = now.resident.to_owned();
        line.rest[3] = now.address.to_owned();
    }
}

const PEOPLE: &[(&str, &str, &str, &str, &str)] = &[
    (
        "1310100001",
        "319500401",
        "1",
        "総務　太郎",
        "東京都千代田区霞が関２丁目１番２号",
    ),
    (
        "1310100002",
        "419900203",
        "2",
        "髙橋　花子",
        "東京都千代田区丸の内１丁目１番１号",
    ),
    (
        "1310100003",
        "319700805",
        "1",
        "山田　一郎",
        "東京都千代田区九段南１丁目２番１号",
    ),
    (
        "1310100006",
        "319890107",
        "1",
        "佐藤　三郎",
        "東京都千代田区麹町１丁目４番",
    ),
    (
        "1310100007",
        "319280229",
        "2",
        "伊藤　梅",
        "東京都千代田区神田駿河台２丁目５番",
    ),
    (
        "1310100008",
        "419890108",
        "1",
        "渡辺　実",
        "東京都千代田区外神田３丁目１２番８号",
    ),
    (
        "1310100009",
        "419960229",
        "2",
        "小林　閏",
        "東京都千代田区飯田橋４丁目１番",
    ),
    (
        "1310100010",
        "420190430",
        "1",
        "木村　平",
        "東京都千代田区三番町６番",
    ),
    (
        "1310100011",
        "520190501",
        "2",
        "木村　令",
        "東京都千代田区三番町６番",
    ),
    (
        "1310100013",
        "420000101",
        "2",
        "年越　花",
        "東京都千代田区神田須田町１丁目９番",
    ),
    (
        "1310100012",
        "319851231",
        "1",
        "鈴木　晦",
        "東京都千代田区岩本町２丁目１番",
    ),
    (
        "1310200001",
        "319800217",
        "1",
        "中央　次郎",
        "東京都中央区築地１丁目１番１号",
    ),
];

const fn applicant(
    resident: &'static str,
    (name, birth_date, sex): (&'static str, &'static str, &'static str),
    address: &'static str,
    password: &'static str,
) -> Applicant {
    Applicant {
        name,
        birth_date,
        sex,
        address,
        resident,
        password,
    }
}

/// Born on the last day of 昭和, as forms write it.
pub const SATO: Applicant = applicant(
    "1310100006",
    ("佐藤　三郎", "昭和64年1月7日", "男"),
    "東京都千代田区麹町１丁目４番",
    "SATO1989",
);
/// Cannot leave the house.
pub const ITO: Applicant = applicant(
    "1310100007",
    ("伊藤　梅", "昭和3年2月29日", "女"),
    "東京都千代田区神田駿河台２丁目５番",
    "UME19280",
);
/// Comes on New Year's Eve.
pub const TOSHIKOSHI: Applicant = applicant(
    "1310100013",
    ("年越　花", "平成12年1月1日", "女"),
    "東京都千代田区神田須田町１丁目９番",
    "TOSHI2000",
);
/// Born on the first day of 平成.
pub const WATANABE: Applicant = applicant(
    "1310100008",
    ("渡辺　実", "平成元年1月8日", "男"),
    "東京都千代田区外神田３丁目１２番８号",
    "MINORU01",
);
/// 渡辺 after the address notation was changed.
pub const WATANABE_AFTER: Applicant = Applicant {
    address: "東京都千代田区外神田３丁目１２－８",
    ..WATANABE
};
/// Born on a 29 February.
pub const KOBAYASHI: Applicant = applicant(
    "1310100009",
    ("小林　閏", "平成8年2月29日", "女"),
    "東京都千代田区飯田橋４丁目１番",
    "URUU1996",
);
/// Comes on the last day of a month.
pub const SUZUKI: Applicant = applicant(
    "1310100012",
    ("鈴木　晦", "昭和60年12月31日", "男"),
    "東京都千代田区岩本町２丁目１番",
    "MISOKA31",
);
/// 山田 of the register.
pub const YAMADA: Applicant = applicant(
    "1310100003",
    ("山田　一郎", "昭和45年8月5日", "男"),
    "東京都千代田区九段南１丁目２番１号",
    "YAMADA70",
);
/// 中央　次郎 after 中央区 became part of 千代田区.
pub const CHUO_AFTER: Applicant = applicant(
    "1310190001",
    ("中央　次郎", "昭和55年2月17日", "男"),
    "東京都千代田区築地１丁目１番１号",
    "CHUO1980",
);
