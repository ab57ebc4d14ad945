//! Lines that are drawn again in place, below text that scrolls.
//!
//! The cursor stands below the lines. To draw again it goes up over what was drawn, clears from there, and writes. It is hidden meanwhile,
//! and comes back when the screen is dropped: at the end, after a signal that ends the program in order, and when a panic unwinds.

use super::Size;
use super::line::Line;
use std::io::Write;

/// Hide and show the cursor (DEC private mode 25), begin and end one picture (mode 2026; terminals that do not know it ignore it).
const HIDE: &str = "\u{1b}[?25l";
const SHOW: &str = "\u{1b}[?25h";
const BEGIN: &str = "\u{1b}[?2026h";
const END: &str = "\u{1b}[?2026l";

/// Lines in place.
pub struct Screen<W: Write> {
    out: W,
    colour: bool,
    /// How large the terminal is, asked before each picture: it may change at any time.
    size: Box<dyn Fn() -> Size + Send>,
    /// Columns of each line that is drawn.
    drawn: Vec<usize>,
    /// What is drawn.
    lines: Vec<Line>,
}

impl<W: Write> Screen<W> {
    /// An empty screen at the cursor.
    pub fn new(mut out: W, colour: bool, size: impl Fn() -> Size + Send + 'static) -> Self {
        // A terminal that went away is no failure of the program.
        drop(out.write_all(HIDE.as_bytes()).and_then(|()| out.flush()));
        Self { out, colour, size: Box::new(size), drawn: Vec::new(), lines: Vec::new() }
    }

    /// Writes text that stays, above the lines.
    pub fn scroll(&mut self, text: &str) {
        let lines = std::mem::take(&mut self.lines);
        self.picture(&format!("{text}\n"), lines);
    }

    /// Replaces the lines.
    pub fn draw(&mut self, lines: Vec<Line>) {
        self.picture("", lines);
    }

    fn picture(&mut self, text: &str, lines: Vec<Line>) {
        let Size { width, height } = (self.size)();
        // The last column stays free: some terminals wrap as soon as it is written.
        let width = width.saturating_sub(1);
        // One row is the cursor's.
        let shown = lines.len().min(height.saturating_sub(1));
        let mut out = format!("{BEGIN}{}\r\u{1b}[J{text}", self.up(width + 1));
        self.drawn.clear();
        for line in &lines[..shown] {
            out.push_str(&line.text(width, self.colour));
            out.push('\n');
            self.drawn.push(line.width().min(width));
        }
        out.push_str(END);
        self.lines = lines;
        drop(self.out.write_all(out.as_bytes()).and_then(|()| self.out.flush()));
    }

    /// Over what was drawn. In a terminal that has become narrower each line takes as many rows as it needs there.
    fn up(&self, width: usize) -> String {
        let rows: usize = self.drawn.iter().map(|columns| columns.div_ceil(width.max(1)).max(1)).sum();
        if rows == 0 { String::new() } else { format!("\u{1b}[{rows}A") }
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        drop(self.out.write_all(SHOW.as_bytes()).and_then(|()| self.out.flush()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Paint;
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Sink {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn line(text: &str) -> Line {
        Line::new().with(Paint::Plain, text)
    }

    /// A terminal whose cursor stays hidden is one that its owner has to reset.
    #[test]
    fn the_cursor_comes_back_after_a_panic() {
        let sink = Sink::default();
        let into = sink.clone();
        let ended = std::panic::catch_unwind(move || {
            let mut screen = Screen::new(into, false, || Size { width: 80, height: 24 });
            screen.draw(vec![line("one")]);
            panic!("on purpose");
        });
        assert!(ended.is_err());
        assert!(sink.text().ends_with(SHOW), "{:?}", sink.text());
    }

    #[test]
    fn a_narrower_terminal_wraps_what_was_drawn() {
        let sink = Sink::default();
        let width = Arc::new(Mutex::new(80));
        let told = width.clone();
        let mut screen = Screen::new(sink.clone(), false, move || Size { width: *told.lock().unwrap(), height: 24 });
        screen.draw(vec![line(&"x".repeat(70)), line("short")]);
        *width.lock().unwrap() = 30;
        screen.draw(vec![line("y")]);
        assert!(sink.text().contains("\u{1b}[4A\r\u{1b}[J"), "70 columns are three rows of 30, and one more line: {:?}", sink.text());
    }

    #[test]
    fn no_more_lines_than_rows() {
        let sink = Sink::default();
        let mut screen = Screen::new(sink.clone(), false, || Size { width: 20, height: 4 });
        screen.draw((0..9).map(|number| line(&format!("line {number}"))).collect());
        assert!(sink.text().contains("line 2\n") && !sink.text().contains("line 3"), "{:?}", sink.text());
    }
}
