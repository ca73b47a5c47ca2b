//! An official letter (公文書): number and date at the right, whom it goes to, who sends it,
//! title, and text that flows over as many pages as it needs.

use std::sync::Arc;

use jiff::Timestamp;

use crate::typeset::{INDIGO, INK, MIST, SOFT, Sheet, lines};
use crate::{HEIGHT, PaperFault, WIDTH, make};

const LEFT: f32 = 72.0;
const RIGHT: f32 = WIDTH - 72.0;
/// Where the values of a table begin.
const VALUES: f32 = LEFT + 122.0;
/// Text stands above this.
const BOTTOM: f32 = HEIGHT - 72.0;
const SIZE: f32 = 10.5;
const LEADING: f32 = 19.0;

/// A piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Running text, its first line indented by one cell.
    Paragraph(String),
    /// A heading in the text.
    Heading(String),
    /// A table of labels and values.
    Rows(Vec<(String, String)>),
    /// Small print (教示, notes).
    Note(String),
}

/// What stands in a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Reference number of the paper.
    pub number: String,
    /// Day of the paper, as papers write it.
    pub date: String,
    /// Whom it goes to: address and name, line by line.
    pub to: Vec<String>,
    /// Who sends it, line by line.
    pub from: Vec<String>,
    /// Title.
    pub title: String,
    /// The text.
    pub body: Vec<Block>,
}

/// One thing to paint at its place.
enum Mark {
    Text(f32, f32, f32, (u8, u8, u8), String),
    Rule(f32, f32, f32),
    Fill([f32; 4]),
}

/// Pages being filled from the top.
struct Flow {
    pages: Vec<Vec<Mark>>,
    y: f32,
}

impl Flow {
    fn page(&mut self) -> &mut Vec<Mark> {
        if self.pages.is_empty() {
            self.pages.push(Vec::new());
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// Room for `height` below the pen, on a new page where there is none.
    fn room(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.pages.push(Vec::new());
            self.y = 84.0;
        }
    }

    fn put(&mut self, x: f32, size: f32, colour: (u8, u8, u8), text: String) {
        let y = self.y;
        self.page().push(Mark::Text(x, y, size, colour, text));
    }

    fn running(&mut self, text: &str, size: f32, leading: f32, colour: (u8, u8, u8), indent: bool) {
        let cells = ((RIGHT - LEFT) / size) as usize;
        let text = if indent {
            format!("　{text}")
        } else {
            text.to_owned()
        };
        for line in lines(&text, cells) {
            self.room(leading);
            self.y += leading;
            self.put(LEFT, size, colour, line);
        }
    }

    fn row(&mut self, label: &str, value: &str) {
        let cells = ((RIGHT - VALUES - 16.0) / SIZE) as usize;
        let rows = lines(value, cells);
        let height = 11.0 + 16.0 * rows.len().max(1) as f32;
        self.room(height);
        let top = self.y;
        self.page()
            .push(Mark::Fill([LEFT, top, VALUES, top + height]));
        // The fill lies over the rule above it.
        self.page().push(Mark::Rule(LEFT, RIGHT, top));
        self.y = top + height / 2.0 + 3.8;
        self.put(LEFT + 10.0, SIZE - 0.5, INDIGO, label.to_owned());
        for (i, line) in rows.into_iter().enumerate() {
            self.y = top + 17.5 + 16.0 * i as f32;
            self.put(VALUES + 10.0, SIZE, INK, line);
        }
        self.y = top + height;
        let y = self.y;
        self.page().push(Mark::Rule(LEFT, RIGHT, y));
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(text) => {
                self.running(text, SIZE, LEADING, INK, true);
                self.y += 5.0;
            }
            Block::Heading(text) => {
                self.room(60.0);
                self.y += 26.0;
                self.put(LEFT, 12.0, INDIGO, text.clone());
                self.y += 3.0;
            }
            Block::Rows(rows) => {
                self.room(40.0);
                self.y += 9.0;
                let y = self.y;
                self.page().push(Mark::Rule(LEFT, RIGHT, y));
                for (label, value) in rows {
                    self.row(label, value);
                }
                self.y += 6.0;
            }
            Block::Note(text) => self.running(text, 9.0, 14.5, SOFT, false),
        }
    }
}

fn ends(text: &str, size: f32) -> f32 {
    RIGHT - size * text.chars().count() as f32
}

impl Letter {
    /// The letter as PDF.
    ///
    /// # Errors
    /// [`PaperFault`].
    pub fn to_pdf(&self, font: &Arc<Vec<u8>>, now: Timestamp) -> Result<Vec<u8>, PaperFault> {
        let mut flow = Flow {
            pages: Vec::new(),
            y: 72.0,
        };
        for text in [&self.number, &self.date] {
            flow.y += 16.0;
            flow.put(ends(text, SIZE), SIZE, INK, text.clone());
        }
        flow.y += 24.0;
        for text in &self.to {
            for line in lines(text, 34) {
                flow.y += 17.0;
                flow.put(LEFT, 11.0, INK, line);
            }
        }
        flow.y += 22.0;
        for text in &self.from {
            flow.y += 18.0;
            flow.put(ends(text, 12.0), 12.0, INK, text.clone());
        }
        flow.y += 40.0;
        let width = 16.0 * self.title.chars().count() as f32;
        flow.put((WIDTH - width) / 2.0, 16.0, INDIGO, self.title.clone());
        flow.y += 16.0;
        for block in &self.body {
            flow.block(block);
        }
        let count = flow.pages.len();
        make(&self.title, font, now, count, |sheet, number| {
            for mark in &flow.pages[number] {
                paint(sheet, mark);
            }
            if count > 1 {
                let text = crate::full_width(&format!("{} / {count}", number + 1));
                sheet.centred((LEFT, RIGHT), HEIGHT - 40.0, 9.0, SOFT, &text);
            }
        })
    }
}

fn paint(sheet: &mut Sheet<'_, '_>, mark: &Mark) {
    match mark {
        Mark::Text(x, y, size, colour, text) => {
            sheet.spaced((*x, *y), *size, *size, *colour, text);
        }
        Mark::Rule(from, to, y) => sheet.rule((*from, *y), (*to, *y), 0.5, INDIGO),
        Mark::Fill(edges) => sheet.fill(*edges, MIST),
    }
}
