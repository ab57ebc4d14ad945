//! Tables of plain text within the width of a terminal.

use super::line::fit;
use unicode_width::UnicodeWidthStr as _;

/// What may happen to a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Column {
    /// Always whole: a name, a code, a commit that somebody copies.
    Whole,
    /// Shortened where the terminal is too narrow.
    Text,
}

/// Space between two columns.
const GAP: usize = 2;

/// Narrowest a text becomes; below that the line is wider than the terminal.
const NARROWEST: usize = 12;

/// Rows below each other. Without a width, as where output is no terminal, nothing is shortened.
pub(in crate::cli) fn table(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> String {
    let widest = |index: usize| rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.width()).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns.len()).map(widest).collect();
    if let Some(width) = width {
        shrink(columns, &mut widths, width);
    }
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, width), column) in row.iter().zip(&widths).zip(columns) {
            let cell = if *column == Column::Text { fit(cell, *width) } else { cell.clone() };
            let fill = width.saturating_sub(cell.width()) + GAP;
            line.push_str(&cell);
            line.push_str(&" ".repeat(fill));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Takes what is too much from the widest text again and again.
fn shrink(columns: &[Column], widths: &mut [usize], width: usize) {
    let gaps = GAP * columns.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        let texts = (0..columns.len()).filter(|index| columns[*index] == Column::Text && widths[*index] > NARROWEST);
        let Some(widest) = texts.max_by_key(|index| widths[*index]) else { return };
        widths[widest] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![row(["storage-shrinks", "error", "a volume cannot become smaller"]), row(["注文", "warning", "short"])]
    }

    /// A code that is cut cannot be asked for; a sentence that is cut is still one line.
    #[test]
    fn names_stay_whole_and_texts_give_way() {
        let columns = [Column::Whole, Column::Whole, Column::Text];
        let narrow = table(&columns, &rows(), Some(48));
        assert_eq!(narrow, "storage-shrinks  error    a volume cannot becom…\n注文             warning  short\n");
        assert!(narrow.lines().all(|line| line.width() <= 48));
        assert!(table(&columns, &rows(), Some(10)).contains("storage-shrinks"), "a name is wider than the terminal rather than cut");
    }

    #[test]
    fn a_pipe_gets_everything() {
        let columns = [Column::Whole, Column::Whole, Column::Text];
        assert!(table(&columns, &rows(), None).contains("a volume cannot become smaller"));
    }
}
