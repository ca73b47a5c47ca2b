//! The layout of the copy.

use std::sync::Arc;

use jiff::Timestamp;
use paper::typeset::{INDIGO, INK, MIST, SOFT, Sheet, lines};
use paper::{HEIGHT, WIDTH, full_width};

use super::{Content, CopyFault, Item};

/// Text stands between these.
const LEFT: f32 = 68.0;
const RIGHT: f32 = WIDTH - 68.0;
/// Where the values begin; labels stand left of it.
const VALUES: f32 = LEFT + 112.0;

/// Stands on every paper about a training certificate.
const TRAINING: &str = "見本・訓練";
/// The mark at the head.
const RED: (u8, u8, u8) = (0xB0, 0x00, 0x00);
/// The mark across the page, under the text.
const PALE: (u8, u8, u8) = (0xF6, 0xDF, 0xDF);

const NOTES: [&str; 5] = [
    "氏名、生年月日、男女の別または住所に変更があったときは、この電子証明書は効力を失います。",
    "カードもしくはその鍵を失ったとき、または鍵が他人に知られたおそれがあるときは、直ちに発行窓口に届け出て、失効の申請をしてください。",
    "失効の申請をするときは、上の確認コードまたは発行番号を窓口に示してください。",
    "パスワードを他人に知らせたり、カードとともに保管したりしないでください。",
    "この写しは電子証明書の記載事項を印刷したものであり、この写しで署名をすることはできません。",
];

/// Draws the page.
pub fn draw(content: &Content, font: &Arc<Vec<u8>>, now: Timestamp) -> Result<Vec<u8>, CopyFault> {
    let pdf = paper::make("電子証明書の写し", font, now, 1, |sheet, _| {
        paint(sheet, content);
    })?;
    Ok(pdf)
}

fn paint(sheet: &mut Sheet<'_, '_>, content: &Content) {
    if content.training {
        sheet.centred((LEFT, RIGHT), 480.0, 84.0, PALE, TRAINING);
        sheet.centred((LEFT, RIGHT), 88.0, 16.0, RED, TRAINING);
    }
    border(sheet);
    title(sheet, content);
    let mut y = 190.0;
    y = items(sheet, y, &content.items);
    if content.substitutes_used {
        y += 16.0;
        sheet.rule((LEFT + 2.0, y + 2.2), (LEFT + 20.0, y + 2.2), 1.1, INDIGO);
        let legend = "を付した文字は、電子証明書で使えない文字の代わりに用いた代替文字です。";
        sheet.text(LEFT + 25.0, y, 9.0, SOFT, legend);
    }
    y = certificate(sheet, y + 29.0, content);
    y = check_code(sheet, y + 19.0, &content.check_code);
    y = notes(sheet, y + 25.0);
    issued_by(sheet, (y + 14.0).max(722.0), content);
}

/// A thick and a thin line around the page.
fn border(sheet: &mut Sheet<'_, '_>) {
    let edges = |inset: f32| [inset, inset, WIDTH - inset, HEIGHT - inset];
    sheet.frame(edges(34.0), 2.2, INDIGO);
    sheet.frame(edges(38.5), 0.5, INDIGO);
}

fn title(sheet: &mut Sheet<'_, '_>, content: &Content) {
    let printed = format!("{}　印刷", content.printed_on);
    sheet.right(RIGHT, 76.0, 9.5, SOFT, &printed);
    sheet.centred((LEFT, RIGHT), 120.0, 25.0, INDIGO, "電子証明書の写し");
    let below = format!("公的個人認証サービス　{}", content.kind);
    sheet.centred((LEFT, RIGHT), 142.0, 10.5, SOFT, &below);
    let says = "次の電子証明書を発行したので、その記載事項を電子証明書から印刷して交付します。";
    sheet.text(LEFT, 174.0, 10.0, INK, says);
}

/// The four items in a table. Gives the lower edge. A text that needs more than three
/// lines is set smaller.
fn items(sheet: &mut Sheet<'_, '_>, top: f32, items: &[Item]) -> f32 {
    let mut y = top;
    let mut edges = Vec::with_capacity(items.len());
    for item in items {
        let (size, rows) = set(&item.text);
        let leading = size + 8.0;
        let height = 12.0 + leading * rows.len().max(1) as f32;
        sheet.fill([LEFT, y, VALUES, y + height], MIST);
        let middle = y + height / 2.0;
        sheet.spread((LEFT + 20.0, middle + 4.2), 72.0, 11.5, INDIGO, item.label);
        let mut position = 0;
        for (i, row) in rows.iter().enumerate() {
            let baseline = y + 6.0 + leading * i as f32 + size + 2.0;
            sheet.spaced((VALUES + 16.0, baseline), size, size, INK, row);
            for cell in 0..row.chars().count() {
                if item.substitutes.contains(&position) {
                    let x = VALUES + 16.0 + size * cell as f32;
                    let y = baseline + 4.0;
                    sheet.rule((x + 0.5, y), (x + size - 0.5, y), 1.1, INDIGO);
                }
                position += 1;
            }
        }
        y += height;
        edges.push(y);
    }
    for edge in edges {
        sheet.rule((LEFT, edge), (RIGHT, edge), 0.5, INDIGO);
    }
    sheet.frame([LEFT, top, RIGHT, y], 1.2, INDIGO);
    sheet.rule((VALUES, top), (VALUES, y), 0.5, INDIGO);
    y
}

/// The largest size in which a text takes at most three lines, and those lines.
fn set(text: &str) -> (f32, Vec<String>) {
    let at = |size: f32| lines(text, ((RIGHT - VALUES - 28.0) / size) as usize);
    [15.0, 12.0, 9.5]
        .into_iter()
        .map(|size| (size, at(size)))
        .find(|(_, rows)| rows.len() <= 3)
        .unwrap_or_else(|| (7.0, at(7.0)))
}

/// Issuer, validity, serial, fingerprint. Gives the last baseline.
fn certificate(sheet: &mut Sheet<'_, '_>, top: f32, content: &Content) -> f32 {
    let mut y = top;
    let label = |sheet: &mut Sheet<'_, '_>, y: f32, text: &str| {
        sheet.spread((LEFT + 6.0, y), 88.0, 10.0, INDIGO, text);
    };
    label(sheet, y, "発行者");
    // A prefecture's name may be long, and the line is one.
    let fitting = (RIGHT - VALUES - 18.0) / content.issuer.chars().count().max(1) as f32;
    sheet.text(VALUES + 16.0, y, fitting.min(10.5), INK, &content.issuer);
    y += 22.0;
    label(sheet, y, "有効期間");
    sheet.text(
        VALUES + 16.0,
        y,
        11.0,
        INK,
        &format!("{}から", content.valid_from),
    );
    y += 17.0;
    sheet.text(
        VALUES + 16.0,
        y,
        11.0,
        INK,
        &format!("{}まで", content.valid_until),
    );
    y += 22.0;
    label(sheet, y, "発行番号");
    y = groups(sheet, y, &content.serial, 9);
    y += 22.0;
    label(sheet, y, "フィンガープリント");
    y = groups(sheet, y, &content.fingerprint, 8);
    sheet.text(LEFT + 6.0, y, 8.0, SOFT, "SHA-256");
    y
}

/// Hexadecimal digits in groups of four, each digit in its own cell. Gives the last baseline.
fn groups(sheet: &mut Sheet<'_, '_>, top: f32, digits: &str, per_line: usize) -> f32 {
    const DIGIT: f32 = 7.0;
    const GROUP: f32 = DIGIT * 4.0 + 8.5;
    let digits: Vec<char> = digits.to_uppercase().chars().collect();
    let mut y = top;
    for (line, row) in digits.chunks(4 * per_line).enumerate() {
        y = top + 15.0 * line as f32;
        for (i, group) in row.chunks(4).enumerate() {
            let group: String = group.iter().collect();
            let x = VALUES + 16.0 + GROUP * i as f32;
            sheet.spaced((x, y), 10.5, DIGIT, INK, &group);
        }
    }
    y
}

/// The code that finds the certificate again. Gives the lower edge.
fn check_code(sheet: &mut Sheet<'_, '_>, top: f32, code: &str) -> f32 {
    let bottom = top + 44.0;
    sheet.fill([LEFT, top, RIGHT, bottom], MIST);
    sheet.frame([LEFT, top, RIGHT, bottom], 0.8, INDIGO);
    sheet.spread((LEFT + 20.0, top + 20.0), 72.0, 11.5, INDIGO, "確認コード");
    sheet.text(LEFT + 20.0, top + 34.0, 8.0, SOFT, "失効の申請に用います");
    // Letters as wide as kanji: each stands in the middle of its own cell.
    const CELL: f32 = 15.5;
    const GAP: f32 = 20.0;
    let mut x = VALUES + 14.0;
    for (i, group) in code.split('-').enumerate() {
        if i > 0 {
            let dash = x - GAP / 2.0;
            sheet.rule(
                (dash - 3.5, top + 22.5),
                (dash + 3.5, top + 22.5),
                0.9,
                SOFT,
            );
        }
        sheet.spaced((x, top + 28.5), 17.0, CELL, INK, &full_width(group));
        x += CELL * 4.0 + GAP;
    }
    bottom
}

/// What the holder has to know. Gives the last baseline.
fn notes(sheet: &mut Sheet<'_, '_>, top: f32) -> f32 {
    const SIZE: f32 = 9.0;
    sheet.text(LEFT, top, 10.5, INDIGO, "ご注意");
    let cells = ((RIGHT - LEFT - 20.0) / SIZE) as usize;
    let mut y = top + 4.0;
    for (i, note) in NOTES.iter().enumerate() {
        y += 2.5;
        for (row, line) in lines(note, cells).iter().enumerate() {
            y += 13.0;
            if row == 0 {
                let number = char::from_u32('１' as u32 + i as u32).unwrap_or('・');
                sheet.text(LEFT + 2.0, y, SIZE, INDIGO, &number.to_string());
            }
            sheet.spaced((LEFT + 18.0, y), SIZE, SIZE, INK, line);
        }
    }
    y
}

/// Who handed it out, where and when.
fn issued_by(sheet: &mut Sheet<'_, '_>, top: f32, content: &Content) {
    sheet.rule((LEFT, top), (RIGHT, top), 0.5, INDIGO);
    sheet.text(LEFT, top + 24.0, 12.0, INK, &content.printed_on);
    sheet.right(RIGHT - 8.0, top + 26.0, 17.0, INK, &content.governor);
    sheet.text(LEFT, top + 48.0, 9.5, SOFT, "発行窓口");
    sheet.text(LEFT + 52.0, top + 48.0, 10.5, INK, &content.window);
    sheet.text(LEFT, top + 64.0, 9.5, SOFT, "窓口記号");
    sheet.text(LEFT + 52.0, top + 64.0, 10.5, INK, &content.terminal);
}
