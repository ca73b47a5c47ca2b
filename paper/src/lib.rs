//! Official papers: PDF/A-2b with the font embedded, Japanese text set as it is set on forms.
//! What stands on a paper is the caller's; this crate knows ink, cells, rules and pages.

pub mod letter;
pub mod typeset;

use std::sync::Arc;

use jiff::Timestamp;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::text::Font;
use krilla::{Document, SerializeSettings};

pub use letter::Letter;
pub use typeset::Sheet;

/// Width of an A4 page in points.
pub const WIDTH: f32 = 595.28;
/// Height of an A4 page in points.
pub const HEIGHT: f32 = 841.89;

/// Why no paper was made.
#[derive(Debug, thiserror::Error)]
pub enum PaperFault {
    /// The font file is no font.
    #[error("the configured font cannot be read")]
    Font,
    /// A page could not be made.
    #[error("the page could not be made: {0}")]
    Page(String),
}

/// Makes a PDF of `pages` A4 pages, each painted by `paint` with its number, 0 the first.
///
/// # Errors
/// [`PaperFault`].
pub fn make(
    title: &str,
    font: &Arc<Vec<u8>>,
    now: Timestamp,
    pages: usize,
    mut paint: impl FnMut(&mut Sheet<'_, '_>, usize),
) -> Result<Vec<u8>, PaperFault> {
    let font = Font::new(Arc::clone(font).into(), 0).ok_or(PaperFault::Font)?;
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_B)
        .finish()
        .map_err(|error| PaperFault::Page(format!("{error:?}")))?;
    let mut document = Document::new_with(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    });
    document.set_metadata(metadata(title, now));
    for number in 0..pages {
        let size = PageSettings::from_wh(WIDTH, HEIGHT)
            .ok_or_else(|| PaperFault::Page("page size".to_owned()))?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        paint(&mut Sheet::new(&mut surface, font.clone()), number);
        surface.finish();
        page.finish();
    }
    document
        .finish()
        .map_err(|error| PaperFault::Page(format!("{error:?}")))
}

fn metadata(title: &str, now: Timestamp) -> Metadata {
    let local = jiff::tz::Offset::constant(9).to_datetime(now);
    let number = |n: i8| n.unsigned_abs();
    Metadata::new()
        .title(title.to_owned())
        .language("ja-JP".to_owned())
        .creator("Jitsuin".to_owned())
        .creation_date(
            DateTime::new(local.year().unsigned_abs())
                .month(number(local.month()))
                .day(number(local.day()))
                .hour(number(local.hour()))
                .minute(number(local.minute()))
                .second(number(local.second()))
                .utc_offset_hour(9)
                .utc_offset_minute(0),
        )
}

/// Digits, capitals and spaces as wide as kanji, as official papers write them.
#[must_use]
pub fn full_width(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '0'..='9' | 'A'..='Z' => {
                char::from_u32(c as u32 - '0' as u32 + '０' as u32).unwrap_or(c)
            }
            ' ' => '　',
            other => other,
        })
        .collect()
}
