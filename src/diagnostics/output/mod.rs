//! Diagnostics for people and for programs: one file a form.

mod document;
mod github;
mod sarif;
mod text;

pub use document::{Document, FORMAT, Silenced, Summary, Untouched};
pub use github::github;
pub use sarif::sarif;
pub use text::{Look, Piece, pieces, summary, text};

use super::printable;

/// The lines of a help: what to do, and then text to write into a manifest, if there is some.
pub fn help_lines(help: &str) -> impl Iterator<Item = String> + '_ {
    help.lines().map(printable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::{Diagnostic, Diagnostics, Location};

    pub(super) fn place(file: &str, line: usize) -> Location {
        Location { file: file.to_owned(), line, column: 1 }
    }

    pub(super) fn one(message: &str, file: &str, line: usize) -> Diagnostics {
        Diagnostics(vec![Diagnostic::error("unknown-field", message.to_owned()).at(place(file, line))])
    }

    /// A key of a manifest must not begin a line of its own: a workflow would run it as a command. A runner takes blanks before it away.
    #[test]
    fn no_manifest_begins_a_line() {
        let mut found = one("there is no field `bad\n::error::y\u{202e}`", "a.yaml", 1);
        found.0[0] =
            found.0[0].clone().help("write\n::error::y\u{202e}").related(place("b\n::error::y\u{202e}", 2), "x\n::error::y\u{202e}");
        for out in [text(&found, |_| None), github(&found)] {
            assert!(out.lines().all(|line| !line.trim_start().starts_with("::error::y")), "{out}");
            assert!(!out.contains('\u{202e}'), "{out}");
        }
    }

    /// Who sees one of two places has to search for the other one.
    #[test]
    fn the_other_place_is_in_every_form() {
        let mut found = one("x", "a.yaml", 3);
        found.0[0] = found.0[0].clone().related(place("b.yaml", 7), "the first one").related(place("a.yaml", 3), "itself");
        assert!(text(&found, |_| None).contains("\n  --> b.yaml:7:1  the first one\n"));
        assert!(github(&found).contains("%0Ab.yaml:7:1: the first one"));
        let sarif = sarif(&found, &[], |_| None);
        let related = &sarif["runs"][0]["results"][0]["relatedLocations"];
        assert_eq!(
            (&related[0]["message"]["text"], &related[0]["physicalLocation"]["region"]["startLine"]),
            (&"the first one".into(), &7.into())
        );
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json[0]["related"], serde_json::json!([{"message": "the first one", "file": "b.yaml", "line": 7, "column": 1}]));
        assert_eq!(serde_json::from_value::<Diagnostics>(json).unwrap(), found, "what is stored is read again");
    }
}
