//! Setting of Japanese text on a page: full-width cells, line breaks by the usual
//! prohibitions (禁則), rules and boxes. Measures are in points from the top left.

use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};

/// Characters that never begin a line.
const NOT_FIRST: &str = "、。，．・）」』】〕］｝ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ";
/// Characters that never end a line.
const NOT_LAST: &str = "（「『【〔［｛";

/// Ink.
pub const INK: (u8, u8, u8) = (0x1B, 0x1F, 0x2A);
/// Labels and small print.
pub const SOFT: (u8, u8, u8) = (0x4A, 0x52, 0x63);
/// The colour of rules and titles: a deep indigo.
pub const INDIGO: (u8, u8, u8) = (0x22, 0x36, 0x6B);
/// Background of labels.
pub const MIST: (u8, u8, u8) = (0xEE, 0xF1, 0xF7);

/// The page under the pen.
pub struct Sheet<'s, 'p> {
    surface: &'s mut Surface<'p>,
    font: Font,
}

impl<'s, 'p> Sheet<'s, 'p> {
    /// A page and the font for all its text.
    pub fn new(surface: &'s mut Surface<'p>, font: Font) -> Self {
        Self { surface, font }
    }

    fn ink(&mut self, colour: (u8, u8, u8)) {
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(Fill {
            paint: rgb::Color::new(colour.0, colour.1, colour.2).into(),
            opacity: NormalizedF32::ONE,
            rule: Default::default(),
        }));
    }

    fn pen(&mut self, colour: (u8, u8, u8), width: f32) {
        self.surface.set_fill(None);
        self.surface.set_stroke(Some(Stroke {
            paint: rgb::Color::new(colour.0, colour.1, colour.2).into(),
            width,
            ..Stroke::default()
        }));
    }

    /// Text with its baseline at `y`.
    pub fn text(&mut self, x: f32, y: f32, size: f32, colour: (u8, u8, u8), text: &str) {
        self.ink(colour);
        let at = Point::from_xy(x, y);
        let font = self.font.clone();
        self.surface
            .draw_text(at, font, size, text, false, TextDirection::LeftToRight);
    }

    /// Text character by character, each in a cell of `advance`.
    pub fn spaced(
        &mut self,
        at: (f32, f32),
        size: f32,
        advance: f32,
        colour: (u8, u8, u8),
        text: &str,
    ) {
        for (i, c) in text.chars().enumerate() {
            if c != '　' {
                let mut buffer = [0; 4];
                let x = at.0 + advance * i as f32;
                self.text(x, at.1, size, colour, c.encode_utf8(&mut buffer));
            }
        }
    }

    /// Full-width text in cells, centred between `left` and `right`.
    pub fn centred(
        &mut self,
        span: (f32, f32),
        y: f32,
        size: f32,
        colour: (u8, u8, u8),
        text: &str,
    ) {
        let width = size * text.chars().count() as f32;
        let x = (span.0 + span.1 - width) / 2.0;
        self.spaced((x, y), size, size, colour, text);
    }

    /// Full-width text in cells, ending at `right`.
    pub fn right(&mut self, right: f32, y: f32, size: f32, colour: (u8, u8, u8), text: &str) {
        let x = right - size * text.chars().count() as f32;
        self.spaced((x, y), size, size, colour, text);
    }

    /// A label spread over `width` as forms do (均等割付).
    pub fn spread(
        &mut self,
        at: (f32, f32),
        width: f32,
        size: f32,
        colour: (u8, u8, u8),
        text: &str,
    ) {
        let count = text.chars().count();
        let advance = if count > 1 {
            (width - size) / (count - 1) as f32
        } else {
            0.0
        };
        self.spaced(at, size, advance, colour, text);
    }

    /// A straight rule.
    pub fn rule(&mut self, from: (f32, f32), to: (f32, f32), width: f32, colour: (u8, u8, u8)) {
        self.pen(colour, width);
        let mut path = PathBuilder::new();
        path.move_to(from.0, from.1);
        path.line_to(to.0, to.1);
        if let Some(path) = path.finish() {
            self.surface.draw_path(&path);
        }
    }

    /// A rectangle's outline: left, top, right, bottom.
    pub fn frame(&mut self, edges: [f32; 4], width: f32, colour: (u8, u8, u8)) {
        self.pen(colour, width);
        self.rectangle(edges);
    }

    /// A filled rectangle.
    pub fn fill(&mut self, edges: [f32; 4], colour: (u8, u8, u8)) {
        self.ink(colour);
        self.rectangle(edges);
    }

    fn rectangle(&mut self, [left, top, right, bottom]: [f32; 4]) {
        let mut path = PathBuilder::new();
        if let Some(rect) = Rect::from_ltrb(left, top, right, bottom) {
            path.push_rect(rect);
        }
        if let Some(path) = path.finish() {
            self.surface.draw_path(&path);
        }
    }
}

/// Breaks full-width text into lines of at most `cells` characters; no line begins or
/// ends with a character that must not (追い出し).
pub fn lines(text: &str, cells: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    let mut start = 0;
    while start < characters.len() {
        let mut end = (start + cells).min(characters.len());
        while end < characters.len()
            && end > start + 1
            && (NOT_FIRST.contains(characters[end]) || NOT_LAST.contains(characters[end - 1]))
        {
            end -= 1;
        }
        lines.push(characters[start..end].iter().collect());
        start = end;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_begins_with_a_full_stop_or_ends_with_an_opening_bracket() {
        assert_eq!(lines("あいうえお。かき", 5), ["あいうえ", "お。かき"]);
        assert_eq!(lines("あいうえ（かき）", 5), ["あいうえ", "（かき）"]);
        assert_eq!(lines("あいう", 5), ["あいう"]);
        assert!(lines("", 5).is_empty());
        assert_eq!(lines("。。。。。。", 2).concat(), "。。。。。。");
    }
}
