//! The ignore file `.stackgresignore`: gitignore's patterns, as far as they are useful here.
//!
//! Source: gitignore(5). `*` and `?` do not cross a slash, `**` does; a pattern with a slash is anchored at the file's
//! folder; a trailing slash matches folders; `!` takes back. Character classes are not supported and match literally.

use regex::Regex;

/// Name of the file.
pub(super) const FILE: &str = ".stackgresignore";

/// Patterns of one ignore file.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<(bool, Regex)>);

impl Ignore {
    /// Reads the patterns of an ignore file that stands in `folder` (empty for the root, else with a trailing slash).
    pub(super) fn parse(folder: &str, text: &str) -> Self {
        Self(
            text.lines()
                .map(str::trim_end)
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .filter_map(|line| {
                    let (negated, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
                    Some((negated, Regex::new(&expression(folder, pattern)).ok()?))
                })
                .collect(),
        )
    }

    /// Whether the last pattern that matches the path says so; `None` if none matches.
    pub(super) fn verdict(&self, path: &str) -> Option<bool> {
        self.0.iter().rev().find(|(_, pattern)| pattern.is_match(path)).map(|(negated, _)| !negated)
    }
}

fn expression(folder: &str, pattern: &str) -> String {
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
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let ignore = Ignore::parse("", "charts/\n*.tpl.yaml\n/top.yaml\n!keep.tpl.yaml\ndocs/**/x.yaml\n# no\n");
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
        ] {
            assert_eq!(ignore.verdict(path), verdict, "{path}");
        }
    }
}
