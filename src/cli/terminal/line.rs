//! One line of a terminal, in pieces of one look each.

use crate::diagnostics::output::printable;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How a piece looks. Colour is never alone: the words say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As everything.
    Plain,
    /// A name or a heading.
    Strong,
    /// Beside the point.
    Quiet,
    /// All is well.
    Good,
    /// On its way.
    Busy,
    /// Needs a person.
    Bad,
}

impl Paint {
    /// Parameters of Select Graphic Rendition (ECMA-48, 8.3.117).
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Quiet => "2",
            Self::Good => "32",
            Self::Busy => "36",
            Self::Bad => "31",
        }
    }
}

/// One line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<(Paint, String)>);

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece. Characters that could move the cursor or turn the text around never reach the terminal.
    #[must_use]
    pub fn with(mut self, paint: Paint, text: &str) -> Self {
        self.0.push((paint, printable(text)));
        self
    }

    /// Adds a piece and fills up to a width.
    #[must_use]
    pub fn cell(self, paint: Paint, text: &str, width: usize) -> Self {
        let text = printable(text);
        let fill = " ".repeat(width.saturating_sub(text.width()));
        self.with(paint, &text).with(Paint::Plain, &fill)
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// The line within a width, with an ellipsis for what is left out.
    pub(super) fn text(&self, width: usize, colour: bool) -> String {
        let mut left = if self.width() > width { width.saturating_sub(1) } else { width };
        let cut = self.width() > width;
        let mut out = String::new();
        for (paint, text) in &self.0 {
            let shown = head(text, left);
            left -= shown.width().min(left);
            if colour && *paint != Paint::Plain && !shown.is_empty() {
                out.push_str(&format!("\u{1b}[{}m{shown}\u{1b}[0m", paint.code()));
            } else {
                out.push_str(shown);
            }
            if shown.len() < text.len() {
                break;
            }
        }
        if cut && width > 0 {
            out.push('…');
        }
        out
    }
}

/// The beginning of a text that fits.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// A text within a width, with an ellipsis for what is left out.
pub(super) fn fit(text: &str, width: usize) -> String {
    if text.width() <= width { text.to_owned() } else { format!("{}…", head(text, width.saturating_sub(1))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that is one column too long wraps, and everything drawn in place after it stands one row too low.
    #[test]
    fn a_line_never_takes_more_columns_than_there_are() {
        let line = Line::new().with(Paint::Good, "✓ 東京/注文").with(Paint::Plain, " waits for a window");
        for width in 0..40 {
            let shown = line.text(width, false);
            assert!(shown.width() <= width, "{shown:?} in {width}");
            assert_eq!(shown.contains('…'), width > 0 && width < line.width(), "{shown:?} in {width}");
        }
        assert_eq!(line.text(6, true), "\u{1b}[32m✓ 東\u{1b}[0m…");
        assert_eq!(Line::new().with(Paint::Plain, "a\u{1b}[2Jb").text(20, true), "a\u{fffd}[2Jb");
    }
}
