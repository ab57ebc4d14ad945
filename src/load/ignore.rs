//! The ignore file `.stackgresignore`: gitignore's patterns, as far as they are useful here.
//!
//! Source: gitignore(5). `*`, `?` and `[…]` do not cross a slash, `**` does; a pattern with a slash is anchored at the file's
//! folder; a trailing slash matches folders; `!` takes back; a backslash takes a character's meaning away. A pattern that
//! cannot be read is named, because the files it should keep out would be read after all.

use super::sort::IgnoreAbove;
use crate::diagnostics::{Diagnostic, Diagnostics, Location};
use crate::model::IGNORE_FILE;
use regex::Regex;

/// Patterns of one ignore file.
#[derive(Debug, Default)]
pub(super) struct Ignore {
    /// How a name begins in the source, and how it begins seen from the ignore file's folder; both empty inside the source.
    seen_as: (String, String),
    patterns: Vec<(bool, Regex)>,
}

impl Ignore {
    /// Reads the patterns of an ignore file that stands in `folder` (empty for the root, else with a trailing slash).
    pub(super) fn parse(folder: &str, text: &str) -> (Self, Diagnostics) {
        let mut problems = Diagnostics::new();
        let mut patterns = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = without_trailing_blanks(line);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (negated, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
            match expression(folder, pattern).and_then(|expression| Regex::new(&expression).ok()) {
                Some(expression) => patterns.push((negated, expression)),
                None => problems.push(
                    Diagnostic::warning("bad-ignore-pattern", format!("the pattern `{line}` cannot be read and matches nothing"))
                        .at(Location { file: format!("{folder}{IGNORE_FILE}"), line: index + 1, column: 1 })
                        .help("close the bracket, or put a backslash before a character that shall stand for itself"),
                ),
            }
        }
        (Self { seen_as: Default::default(), patterns }, problems)
    }

    /// The same for an ignore file that stands above the root of the source.
    pub(super) fn parse_above(above: &IgnoreAbove) -> (Self, Diagnostics) {
        let (mut ignore, mut problems) = Self::parse("", &above.text);
        ignore.seen_as = (above.root.clone(), above.below.clone());
        for problem in &mut problems.0 {
            above.file.clone_into(&mut problem.location.file);
        }
        (ignore, problems)
    }

    /// Whether the last pattern that matches the path says so; `None` if none matches.
    pub(super) fn verdict(&self, path: &str) -> Option<bool> {
        let path = format!("{}{}", self.seen_as.1, path.strip_prefix(&self.seen_as.0)?);
        self.patterns.iter().rev().find(|(_, pattern)| pattern.is_match(&path)).map(|(negated, _)| !negated)
    }
}

/// Blanks at the end do not count, unless a backslash stands before them.
fn without_trailing_blanks(line: &str) -> &str {
    let line = line.trim_end_matches(['\r', '\n']);
    let trimmed = line.trim_end_matches([' ', '\t']);
    if trimmed.ends_with('\\') && trimmed.len() < line.len() { &line[..=trimmed.len()] } else { trimmed }
}

fn expression(folder: &str, pattern: &str) -> Option<String> {
    let directory = pattern.ends_with('/');
    let body = pattern.trim_end_matches('/');
    let anchored = body.contains('/');
    let body = body.strip_prefix('/').unwrap_or(body);
    let mut out = format!("^{}", regex::escape(folder));
    if !anchored {
        out.push_str("(?:.*/)?");
    }
    let mut rest = body;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/") {
            out.push_str("(?:.*/)?");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("**") {
            out.push_str(".*");
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (class, after) = class(after)?;
            out.push_str(&class);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('\\') {
            let literal = after.chars().next()?;
            out.push_str(&regex::escape(&literal.to_string()));
            rest = &after[literal.len_utf8()..];
        } else {
            match character {
                '*' => out.push_str("[^/]*"),
                '?' => out.push_str("[^/]"),
                other => out.push_str(&regex::escape(&other.to_string())),
            }
            rest = &rest[character.len_utf8()..];
        }
    }
    out.push_str(if directory { "/.*$" } else { "(?:/.*)?$" });
    Some(out)
}

/// A bracket expression after its opening bracket: the regular expression, and what follows. `None` if it is not closed.
fn class(text: &str) -> Option<(String, &str)> {
    let (negated, mut rest) = text.strip_prefix(['!', '^']).map_or((false, text), |rest| (true, rest));
    let mut out = if negated { "[^/".to_owned() } else { "[".to_owned() };
    let mut first = true;
    loop {
        let character = rest.chars().next()?;
        rest = &rest[character.len_utf8()..];
        match character {
            ']' if !first => break,
            '[' if rest.starts_with(':') => {
                let end = rest.find(":]")?;
                out.push_str(&format!("[{}]", &rest[..=end]));
                rest = &rest[end + 2..];
            }
            '-' if !first && !rest.starts_with(']') => out.push('-'),
            '\\' => {
                let literal = rest.chars().next()?;
                rest = &rest[literal.len_utf8()..];
                out.push_str(&regex::escape(&literal.to_string()));
            }
            other => out.push_str(&regex::escape(&other.to_string())),
        }
        first = false;
    }
    out.push(']');
    Some((out, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let (ignore, problems) = Ignore::parse(
            "",
            "\u{feff}charts/\n*.tpl.yaml\n/top.yaml\n!keep.tpl.yaml\ndocs/**/x.yaml\n# no\nv[0-9].yaml\n[!a-z]_x.yaml\n\\#y.yaml\nw[[:digit:]]\n",
        );
        assert!(problems.is_empty(), "{problems:?}");
        for (path, verdict) in [
            ("charts/a.yaml", Some(true)),
            ("a/charts/b.yaml", Some(true)),
            ("charts.yaml", None),
            ("a/b.tpl.yaml", Some(true)),
            ("a/keep.tpl.yaml", Some(false)),
            ("top.yaml", Some(true)),
            ("a/top.yaml", None),
            ("docs/x.yaml", Some(true)),
            ("docs/a/b/x.yaml", Some(true)),
            ("a/v3.yaml", Some(true)),
            ("a/vx.yaml", None),
            ("9_x.yaml", Some(true)),
            ("b_x.yaml", None),
            ("#y.yaml", Some(true)),
            ("w7", Some(true)),
        ] {
            assert_eq!(ignore.verdict(path), verdict, "{path}");
        }
    }

    /// A pattern that is dropped without a word leaves files in that somebody meant to keep out.
    #[test]
    fn a_pattern_that_cannot_be_read_is_named() {
        let (ignore, problems) = Ignore::parse("a/", "ok\nx[0-9\n");
        assert_eq!(problems.0[0].location.to_string(), "a/.stackgresignore:2:1");
        assert_eq!(ignore.verdict("a/ok"), Some(true));
        let (above, _) = Ignore::parse_above(&IgnoreAbove {
            file: "../.stackgresignore".to_owned(),
            root: "x/".to_owned(),
            below: "sub/".to_owned(),
            text: "/sub/no.yaml\n".to_owned(),
        });
        assert_eq!((above.verdict("x/no.yaml"), above.verdict("x/yes.yaml"), above.verdict("no.yaml")), (Some(true), None, None));
    }
}
