//! The papers that go to who asked: 開示通知書, 不存在, 延長の通知, 訂正の通知, refusals.

use std::{fs, sync::Arc};

use jiff::Timestamp;
use paper::{
    Letter, full_width,
    letter::Block::{self, Heading, Note, Paragraph, Rows},
};
use pki_core::{
    calendar::JapaneseDay,
    disclosure::{Addressee, Case, Decision, Extension, Proxy, Wish},
    person::{
        era::{BirthDate, day_in_era, moment_in_era},
        municipality::Municipality,
    },
};
use sha2::{Digest, Sha256};

use super::{App, records::Record};

/// Why a paper was not made.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    #[error("the font of the papers cannot be read")]
    Font(#[source] std::io::Error),
    #[error(transparent)]
    Paper(#[from] paper::PaperFault),
}

const ACT: &str = "電子署名に係る地方公共団体の認証業務に関する法律（平成１４年法律第１５３号。以下「法」という。）";
/// Art 54.
const APPEAL: &str = "この処分について不服があるときは、法第５４条の規定により、総務大臣に対して審査請求をすることができます。";

fn day(day: JapaneseDay) -> String {
    full_width(&day_in_era(day.date()))
}

fn moment(at: Timestamp) -> String {
    full_width(&moment_in_era(at))
}

fn hexadecimal(digits: &str) -> String {
    full_width(&digits.to_uppercase())
}

fn row(label: &str, value: impl Into<String>) -> (String, String) {
    (label.to_owned(), value.into())
}

/// 文書番号: from the request's id, the same on every paper of it.
pub fn number(case: &Case) -> String {
    let word = match case.request.wish {
        Wish::Disclosure => "開示",
        Wish::Correction(_) => "訂正",
    };
    let id = case.receipt.id.to_string();
    full_width(&format!("{word}第{}号", id[..8].to_uppercase()))
}

fn frame(case: &Case, title: &str, on: JapaneseDay, body: Vec<Block>) -> Letter {
    let person = &case.request.person;
    let mut to = vec![person.address.clone(), format!("{}　様", person.name)];
    if let Some(Proxy { name, .. }) = &case.request.proxy {
        to.push(format!("（代理人　{name}　様）"));
    }
    let from = match &case.addressee {
        Addressee::Governor(name) => vec![name.clone()],
        Addressee::DesignatedBody(name) => vec!["指定認証機関".to_owned(), name.clone()],
    };
    Letter {
        number: number(case),
        date: day(on),
        to,
        from,
        title: title.to_owned(),
        body,
    }
}

fn asked(case: &Case) -> String {
    format!("{}付けで請求のあった", day(case.request.requested_on))
}

/// By which articles a designated body acts in the governor's place.
fn article(case: &Case, number: &str) -> String {
    match case.addressee {
        Addressee::Governor(_) => format!("法第{number}条"),
        Addressee::DesignatedBody(_) => format!("法第５３条において準用する法第{number}条"),
    }
}

/// The answer that a decision makes.
pub fn answer(case: &Case, decision: &Decision, records: &[Record], on: JapaneseDay) -> Letter {
    match decision {
        Decision::Disclose => {
            let mut body = vec![Paragraph(format!(
                "{}認証業務情報の開示について、{ACT}第２９条{}の規定により、次のとおり開示します。",
                asked(case),
                match case.addressee {
                    Addressee::Governor(_) => "",
                    Addressee::DesignatedBody(_) => "（法第５３条において準用する場合）",
                }
            ))];
            let shown: Vec<&Record> = records.iter().filter(|one| one.is_disclosed()).collect();
            for (at, record) in shown.iter().enumerate() {
                let number = full_width(&(at + 1).to_string());
                body.push(Heading(format!("{number}　発行記録")));
                body.push(Rows(issue_record(record)));
                body.push(Heading(format!("{number}の２　失効情報")));
                body.push(Rows(revocation(record)));
                body.push(Heading(format!("{number}の３　失効情報ファイルへの記録")));
                body.push(Rows(files(record)));
            }
            body.push(Paragraph(format!(
                "開示された情報の訂正、追加又は削除を求めるときは、{}の規定により、書面で請求することができます。",
                article(case, "３１")
            )));
            frame(case, "認証業務情報開示通知書", on, body)
        }
        Decision::NoRecord => frame(
            case,
            "認証業務情報不存在通知書",
            on,
            vec![
                Paragraph(format!(
                    "{}認証業務情報の開示について、{ACT}第２９条の規定により調査したところ、請求に係る次の者の認証業務情報（発行記録、失効情報及び失効情報ファイルの記録）は、存在しません。",
                    asked(case)
                )),
                Rows(person(case)),
            ],
        ),
        Decision::Correct { what, revoke } => {
            let mut body = vec![
                Paragraph(format!(
                    "{}認証業務情報の訂正等について、{ACT}第３１条の規定により調査した結果、次のとおり訂正等をしたので通知します。",
                    asked(case)
                )),
                Rows([purport(case), vec![row("訂正等の内容", what.clone())]].concat()),
            ];
            if let Some(serial) = revoke {
                body.push(Paragraph(
                    "次の電子証明書は、記録に誤り又は漏れがあったため、法第１３条の規定によりその旨を記録しました。この電子証明書は効力を失っています。新しい電子証明書は、手数料なしで発行を受けることができます。"
                        .to_owned(),
                ));
                body.push(Rows(vec![row(
                    "発行番号",
                    hexadecimal(&serial.to_string()),
                )]));
            }
            frame(case, "認証業務情報訂正等通知書", on, body)
        }
        Decision::Refuse { reason } => {
            let (what, title) = match case.request.wish {
                Wish::Disclosure => ("開示をしない", "認証業務情報を開示しない旨の通知書"),
                Wish::Correction(_) => ("訂正等をしない", "認証業務情報を訂正しない旨の通知書"),
            };
            let mut rows = purport(case);
            rows.push(row("理由", reason.clone()));
            frame(
                case,
                title,
                on,
                vec![
                    Paragraph(format!(
                        "{}ことについて、{ACT}の規定により調査した結果、次の理由により{what}こととしたので通知します。",
                        asked(case)
                    )),
                    Rows(rows),
                    Note(APPEAL.to_owned()),
                ],
            )
        }
    }
}

/// 延長の通知 (Art 30 ②).
pub fn extension(case: &Case, extension: &Extension, on: JapaneseDay) -> Letter {
    let first = case.first_due().map(day).unwrap_or_default();
    frame(
        case,
        "認証業務情報開示期限延長通知書",
        on,
        vec![
            Paragraph(format!(
                "{}認証業務情報の開示については、法定の期間内に開示することができないので、{ACT}第３０条第２項の規定により、次のとおり通知します。",
                asked(case)
            )),
            Rows(vec![
                row("法定の期限", first),
                row("延長の理由", extension.reason.clone()),
                row("開示できる期日", day(extension.until)),
            ]),
        ],
    )
}

fn person(case: &Case) -> Vec<(String, String)> {
    let person = &case.request.person;
    let born = BirthDate::from_code(&person.birth_date)
        .map_or_else(|_| person.birth_date.clone(), |date| date.to_string());
    vec![
        row("氏名", person.name.clone()),
        row("生年月日", full_width(&born)),
        row("住所", person.address.clone()),
    ]
}

fn purport(case: &Case) -> Vec<(String, String)> {
    match &case.request.wish {
        Wish::Disclosure => person(case),
        Wish::Correction(correction) => vec![
            row("開示を受けた日", day(correction.disclosed_on)),
            row("請求の趣旨", correction.purport.clone()),
            row("請求の理由", correction.reason.clone()),
        ],
    }
}

fn issue_record(record: &Record) -> Vec<(String, String)> {
    let image = &record.certificate;
    let mut rows = vec![row("発行番号", hexadecimal(&record.serial.to_string()))];
    if let Some(items) = &image.personal {
        let born = BirthDate::from_code(&items.birth_date)
            .map_or_else(|_| items.birth_date.clone(), |date| date.to_string());
        let sex = match items.sex.as_str() {
            "1" => "男",
            "2" => "女",
            other => other,
        };
        rows.extend([
            row("氏名", items.name.clone()),
            row("生年月日", full_width(&born)),
            row("男女の別", sex),
            row("住所", items.address.clone()),
        ]);
        let substitutes =
            items.name_substitution.contains('1') || items.address_substitution.contains('1');
        rows.push(row(
            "代替文字の使用",
            if substitutes { "あり" } else { "なし" },
        ));
    }
    if image.user.is_some() {
        // It carries nothing of the person.
        rows.push(row("種類", "利用者証明用電子証明書（氏名等の記載なし）"));
    }
    rows.push(row("発行年月日時", moment(image.not_before)));
    rows.push(row("有効期間の満了", moment(image.not_after)));
    let issuer: Vec<String> = image
        .issuer_directory_name
        .iter()
        .flat_map(|name| name.attributes())
        .filter(|attribute| attribute.key != "C")
        .map(|attribute| attribute.value)
        .collect();
    rows.push(row("発行者", issuer.join("　")));
    let place = record
        .municipality
        .as_deref()
        .and_then(|code| code.parse().ok())
        .and_then(Municipality::find)
        .map_or_else(String::new, |place| place.name.clone());
    rows.push(row("発行窓口の市区町村", place));
    let key = hex::encode(Sha256::digest(image.public_key.spki_der()));
    let key = format!("ＳＨＡ－２５６：{}", hexadecimal(&key));
    rows.push(row("利用者署名検証符号", key));
    rows.push(row(
        "状態",
        match record.status {
            "live" => "有効",
            "expired" => "有効期間満了",
            _ => "失効",
        },
    ));
    rows
}

fn revocation(record: &Record) -> Vec<(String, String)> {
    match &record.revocation {
        None => vec![row("記録", "なし")],
        Some(revoked) => vec![
            row("記録した日時", moment(revoked.revoked_at)),
            row("事由", ground(&revoked.ground)),
        ],
    }
}

fn ground(name: &str) -> &str {
    match name {
        "article9" => "本人の申請（法第９条）",
        "article10-leak" => "署名符号の漏えい（法第１０条）",
        "article10-loss" => "署名符号又はカードの滅失（法第１０条）",
        "article10-damage" => "署名符号又はカードの毀損（法第１０条）",
        "article12" => "異動等（法第１２条）",
        "article13" => "記録誤り等（法第１３条）",
        "article14" => "発行者署名符号の漏えい等（法第１４条）",
        other => other,
    }
}

fn files(record: &Record) -> Vec<(String, String)> {
    if record.lists.is_empty() {
        return vec![row("記録", "なし")];
    }
    record
        .lists
        .iter()
        .map(|span| {
            let label = if span.scope.is_empty() {
                "都道府県全体"
            } else {
                "市区町村別"
            };
            let said = format!(
                "第{}号（{}作成）から第{}号（{}作成）まで{}回",
                span.first,
                moment_in_era(span.first_at),
                span.last,
                moment_in_era(span.last_at),
                span.count
            );
            row(label, full_width(&said))
        })
        .collect()
}

/// The letter as PDF with the office's font.
pub fn to_pdf(app: &App, letter: &Letter, now: Timestamp) -> Result<Vec<u8>, LetterError> {
    let font = Arc::new(fs::read(&app.office.font).map_err(LetterError::Font)?);
    let mut letter = letter.clone();
    if app.mode.is_training() {
        letter.title.insert_str(0, "【見本・訓練】");
    }
    Ok(letter.to_pdf(&font, now)?)
}
