//! What is written for people: as wide as their terminal, in colour where they want it, in place where that is possible.
//!
//! Where output is no terminal (a pipe, a file, a log of CI) it is the same text without any of that, so programs and records get whole
//! lines.

mod findings;
mod line;
mod screen;
mod table;

pub(super) use findings::painted;
pub use line::{Line, Paint};
pub use screen::Screen;
pub(super) use table::{Column, table};

use anstream::{AutoStream, ColorChoice};
use std::io::IsTerminal as _;

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// What standard output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Whether lines can be drawn again in place.
    pub live: bool,
    /// Whether colour is wanted: `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` decide, and then what the terminal can.
    pub colour: bool,
}

impl Output {
    /// Looks at standard output and the environment.
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let colour = AutoStream::choice(&stdout) != ColorChoice::Never;
        Self { live: stdout.is_terminal() && !is_set("CI") && !is_dumb(), colour }
    }
}

#[expect(clippy::disallowed_methods, reason = "what a terminal can is told by the environment alone")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn is_set(name: &str) -> bool {
    variable(name).is_some_and(|value| value != "false" && value != "0")
}

/// A terminal that cannot move its cursor.
fn is_dumb() -> bool {
    variable("TERM").is_none_or(|terminal| terminal == "dumb")
}

/// The size of the terminal behind standard output; `COLUMNS` and `LINES` where it does not tell. `None` without a terminal.
pub fn size() -> Option<Size> {
    let number = |name: &str| variable(name).and_then(|value| value.parse::<usize>().ok()).filter(|value| *value > 0);
    if !std::io::stdout().is_terminal() {
        // Whoever says how wide it is wants it so.
        return number("COLUMNS").map(|width| Size { width, height: usize::MAX });
    }
    let told = terminal_size::terminal_size_of(std::io::stdout()).filter(|(width, height)| width.0 > 0 && height.0 > 0);
    Some(match told {
        Some((width, height)) => Size { width: width.0.into(), height: height.0.into() },
        None => Size { width: number("COLUMNS").unwrap_or(80), height: number("LINES").unwrap_or(24) },
    })
}
