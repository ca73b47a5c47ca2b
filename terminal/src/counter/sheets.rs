//! Papers about money: receipt (領収証書), close of day (収納日計表), remittance (納付書).

use jiff::Timestamp;
use paper::letter::{Block, Letter};
use pki_core::id::ApplicationId;
use schema::wire::v1::ra::{KindTotalMessage, RemittanceView, TillDay};

use super::app::Counter;
use super::screens::{Language, Words, days, place, yen_signed};
use crate::local::{Kind, Problem};

/// A kind of application in Japanese, as papers name it.
fn kind(code: &str) -> String {
    let key = format!("fee-kind.{code}");
    Words(Language::Japanese).t(&key).to_owned()
}

fn sums(totals: &[KindTotalMessage]) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = totals
        .iter()
        .map(|total| {
            let mut text = format!("{}件　{}円", total.taken, yen_signed(total.taken_yen));
            if total.taken_back > 0 {
                let back = yen_signed(-total.taken_back_yen);
                text.push_str(&format!("　取消{}件　{back}円", total.taken_back));
            }
            (kind(&total.kind), text)
        })
        .collect();
    if rows.is_empty() {
        rows.push(("収納".to_owned(), "なし".to_owned()));
    }
    rows
}

fn row(label: &str, value: String) -> (String, String) {
    (label.to_owned(), value)
}

impl Counter {
    fn paper(&self, mut letter: Letter) -> Result<Vec<u8>, Problem> {
        if self.config.mode.is_training() {
            letter.title.insert_str(0, "【見本・訓練】");
        }
        letter
            .to_pdf(&self.font, Timestamp::now())
            .map_err(|error| Problem::internal(&error))
    }

    fn sender(&self) -> Vec<String> {
        let office = place(self, Language::Japanese);
        let window = format!("受付窓口　{}", self.config.terminal);
        vec![self.config.print.window.clone().unwrap_or(office), window]
    }

    /// The receipt of an application's fee.
    ///
    /// # Errors
    /// Before the fee was taken; what the gateway says.
    pub fn receipt(&self, id: &ApplicationId) -> Result<Vec<u8>, Problem> {
        let application = self.application(id)?;
        let receipt = application.receipt.ok_or_else(|| {
            Problem::new(
                Kind::NotDue,
                "no fee was taken for this application",
                "手数料はまだ収納されていません。",
                "No fee was taken yet.",
            )
        })?;
        self.paper(Letter {
            number: format!("第 {} 号", receipt.number),
            date: days::era(days::today()),
            to: vec![format!("{}　様", application.items.name)],
            from: self.sender(),
            title: "領収証書".to_owned(),
            body: vec![
                Block::Paragraph(
                    "次の金額を、電子証明書の発行手数料として領収しました。".to_owned(),
                ),
                Block::Rows(vec![
                    row(
                        "金額",
                        format!("{}円", yen_signed(i64::from(receipt.amount_yen))),
                    ),
                    row("領収日時", days::moment(&receipt.received_at)),
                    row("領収番号", receipt.number.clone()),
                ]),
                Block::Note("この領収証書は再発行できません。大切に保管してください。".to_owned()),
            ],
        })
    }
}

/// The sheet of a closed day.
///
/// # Errors
/// While the day is open.
pub fn day(counter: &Counter, till: &TillDay) -> Result<Vec<u8>, Problem> {
    let close = till.close.as_ref().ok_or_else(|| {
        Problem::new(
            Kind::NotDue,
            "the day is not closed",
            "この日はまだ締められていません。締めてから印刷してください。",
            "This day is not closed yet. Close it, then print.",
        )
    })?;
    let mut counted = vec![
        row("帳簿の合計", format!("{}円", yen_signed(till.booked_yen))),
        row("現金の合計", format!("{}円", yen_signed(close.counted_yen))),
        row("過不足", format!("{}円", yen_signed(close.difference_yen))),
    ];
    if let Some(reason) = &close.reason {
        counted.push(row("過不足の理由", reason.clone()));
    }
    for application in &till.handed_over_unpaid {
        counted.push(row("交付済み・手数料取消", format!("申請 {application}")));
    }
    counted.push(row("締めた者", close.operator.clone()));
    counted.push(row("締めた時刻", days::moment(&close.closed_at)));
    let numbers: Vec<(String, String)> = till
        .entries
        .iter()
        .map(|entry| {
            let mut text = format!(
                "{}　{}円　{}",
                entry.number,
                yen_signed(entry.amount_yen),
                kind(&entry.kind)
            );
            if let Some(number) = &entry.counter_of {
                text.push_str(&format!("　{number} の取消"));
            }
            (days::short(&entry.at), text)
        })
        .collect();
    let mut body = vec![
        Block::Heading("種別ごとの合計".to_owned()),
        Block::Rows(sums(&till.totals)),
        Block::Heading("現金との照合".to_owned()),
        Block::Rows(counted),
    ];
    if !numbers.is_empty() {
        body.push(Block::Heading("収納の明細".to_owned()));
        body.push(Block::Rows(numbers));
    }
    counter.paper(Letter {
        number: String::new(),
        date: days::day(&till.day),
        to: Vec::new(),
        from: counter.sender(),
        title: "収納日計表".to_owned(),
        body,
    })
}

/// The sheet that goes to the prefecture with a month's money.
///
/// # Errors
/// Before the month was remitted.
pub fn remittance(counter: &Counter, view: &RemittanceView) -> Result<Vec<u8>, Problem> {
    let (Some(at), Some(by)) = (&view.remitted_at, &view.remitted_by) else {
        return Err(Problem::new(
            Kind::NotDue,
            "the month was not remitted",
            "この月はまだ納付として確定していません。",
            "This month was not made final yet.",
        ));
    };
    let code = counter.config.terminal.municipality();
    let governor = pki_core::person::municipality::Prefecture::of(code.prefecture())
        .name
        .to_owned()
        + "知事　様";
    let rows = view
        .days
        .iter()
        .map(|day| {
            let text = format!("{}件　{}円", day.lines, yen_signed(day.booked_yen));
            (days::day(&day.day), text)
        })
        .collect::<Vec<_>>();
    let mut body = vec![
        Block::Paragraph(format!(
            "{}分の電子証明書発行手数料を、次のとおり納付します。",
            days::month(&view.month)
        )),
        Block::Rows(vec![
            row("納付額", format!("{}円", yen_signed(view.booked_yen))),
            row("件数", format!("{}件", view.lines)),
            row("確定した時刻", days::moment(at)),
            row("確定した者", by.clone()),
        ]),
        Block::Heading("種別ごとの合計".to_owned()),
        Block::Rows(sums(&view.totals)),
    ];
    if !rows.is_empty() {
        body.push(Block::Heading("日ごとの合計".to_owned()));
        body.push(Block::Rows(rows));
    }
    counter.paper(Letter {
        number: format!("{}　{}", view.municipality, view.month),
        date: days::era(days::today()),
        to: vec![governor],
        from: counter.sender(),
        title: "手数料納付書".to_owned(),
        body,
    })
}
