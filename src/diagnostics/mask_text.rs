//! Secrets inside a text: SQL, connection strings, addresses, commands, configuration files.
//!
//! A regular expression finds where a secret may begin (`PASSWORD`, `token=`, `"secret": `); where it ends is read by hand, because
//! SQL's literals (`E'..\'..'`, `$tag$a$b$tag$`) need memory that an expression does not have.

use super::mask_names::{is_plain_key, is_secret_name};
use crate::model::pointer::segments;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// What stands in place of a secret value.
pub const HIDDEN: &str = "(hidden)";

/// What may stand between an SQL keyword and its literal.
const GAP: &str = r"(?:\s|/\*(?s:.*?)\*/|--[^\n]*\n)";

fn expression(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "a literal expression, compiled by every test of this module")]
    Regex::new(text).expect("a literal expression")
}

/// `name = `, `"name": `, `name TO `, and `'name', ` of `set_config`.
static ASSIGNMENT: LazyLock<Regex> =
    LazyLock::new(|| expression(r#"(?i)([a-z_][\w.-]*)(?:[\\"'\]]*\s*(?:=>|:=|==|=|:)[ \t]*|\s+to\s+|\\?["']\s*,\s*)"#));
/// `name 'literal'` with comments between.
static LITERAL: LazyLock<Regex> = LazyLock::new(|| expression(&format!(r#"(?i)([a-z_][\w.-]*)["`]?({GAP}*)((?:e|n|b|x|u&)?'|"|\$\w*\$)"#)));
/// `PASSWORD x` where x is no literal.
static WORD: LazyLock<Regex> = LazyLock::new(|| expression(&format!(r"(?i)\bpassword{GAP}+")));
/// `--token x`.
static FLAG: LazyLock<Regex> = LazyLock::new(|| expression(r"(?i)(--?[a-z][\w-]*)[ \t]+"));
/// `Authorization: Bearer x`, `curl -u user:x`.
static SCHEME: LazyLock<Regex> =
    LazyLock::new(|| expression(r"(?i)\b(?:bearer|basic)[ \t]+[\w.~+/=-]+|(?:^|\s)(?:-u|--user)[ =]+[^\s:]+:"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| expression(r"(?i)([a-z][a-z0-9+.-]*)://"));

/// Replaces what may be a secret inside a text.
pub fn mask_text(text: &str) -> String {
    replace(text, secrets(text), 0)
}

/// How many lines before a line decide what of it is a secret: a password may be a block or a literal of several lines.
const CONTEXT: usize = 200;

/// One line of a text, counted from 1, with what may be a secret replaced, also where the secret began on a line before.
pub fn mask_line(text: &str, number: usize) -> Option<String> {
    let index = number.checked_sub(1)?;
    let line = text.lines().nth(index)?;
    let start = line.as_ptr() as usize - text.as_ptr() as usize;
    let before = text[..start].rmatch_indices('\n').nth(CONTEXT).map_or(0, |(end, _)| end + 1);
    let window = &text[before..start + line.len()];
    Some(replace(window, secrets(window), start - before))
}

/// Most characters of a value that a message repeats.
const REPEATED: usize = 200;

/// A value as a message may repeat it: hidden where its path says that it is secret (a JSON pointer, or a name), masked inside, and cut.
pub fn repeated(path: &str, value: &str) -> String {
    let secret = |name: String| is_secret_name(&name) && !is_plain_key(path.rsplit('/').next().unwrap_or_default());
    let named = if path.starts_with('/') { segments(path).any(secret) } else { secret(path.to_owned()) };
    let masked = if named && !value.is_empty() { HIDDEN.to_owned() } else { mask_text(value) };
    match masked.char_indices().nth(REPEATED) {
        Some((end, _)) => format!("{}…", &masked[..end]),
        None => masked,
    }
}

/// Where a text may hold secrets: begin and end of each, in bytes.
fn secrets(text: &str) -> Vec<(usize, usize)> {
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    let mut ends = Ends { text, plain: 0..0, line: 0..0 };
    for found in ASSIGNMENT.captures_iter(text) {
        if let (Some(all), Some(name)) = (found.get(0), found.get(1))
            && is_secret_name(name.as_str())
        {
            let yaml = text[name.end()..all.end()].trim_end().ends_with(':') && all.as_str().ends_with([' ', '\t']);
            hidden.push((all.end(), ends.of(all.end(), yaml)));
        }
    }
    for found in LITERAL.captures_iter(text) {
        if let (Some(name), Some(gap), Some(open)) = (found.get(1), found.get(2), found.get(3))
            && is_secret_name(name.as_str())
            && !closes(text, name.start(), gap.as_str(), open.as_str())
        {
            // A comment in between may hold the old one.
            let start = if gap.as_str().trim().is_empty() { open.start() } else { gap.start() };
            hidden.push((start, ends.of(open.start(), false)));
        }
    }
    for found in WORD.find_iter(text) {
        let rest = &text[found.end()..];
        let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        let end = match word.to_ascii_lowercase().as_str() {
            "null" | "valid" | "for" | "is" | "in" | "to" => continue,
            // A value put together at run time: the rest of the statement may hold it.
            "" if rest.starts_with(['%', '(', ':']) => rest.find(';').map_or(text.len(), |end| found.end() + end),
            _ => ends.of(found.end(), false),
        };
        hidden.push((found.end(), end));
    }
    for found in FLAG.captures_iter(text) {
        if let (Some(all), Some(name)) = (found.get(0), found.get(1))
            && is_secret_name(name.as_str())
        {
            hidden.push((all.end(), ends.of(all.end(), false)));
        }
    }
    for found in SCHEME.find_iter(text) {
        if found.as_str().ends_with(':') {
            hidden.push((found.end(), ends.of(found.end(), false)));
        } else if let Some(blank) = found.as_str().find([' ', '\t']) {
            let credential = found.as_str()[blank..].trim_start();
            // `basic auth` and the like are words.
            if found.as_str().to_ascii_lowercase().starts_with("bearer") || credential.len() >= 8 {
                hidden.push((found.end() - credential.len(), found.end()));
            }
        }
    }
    let mut hidden_to = 0;
    for found in ADDRESS.captures_iter(text) {
        if let (Some(all), Some(scheme)) = (found.get(0), found.get(1))
            && all.end() >= hidden_to
        {
            let rest = &text[all.end()..];
            if rest.len() > LONGEST_ADDRESS && address_end(&rest[..rest.floor_char_boundary(LONGEST_ADDRESS)]).is_none() {
                hidden_to = all.end() + address_end(rest).unwrap_or(rest.len());
                hidden.push((all.end(), hidden_to));
            } else {
                hidden.extend(user_part(text, all.end(), &scheme.as_str().to_ascii_lowercase()));
            }
        }
    }
    hidden
}

/// Whether the quote after a name closes a text that holds only this name, as in `'my.secret'`.
fn closes(text: &str, name: usize, gap: &str, open: &str) -> bool {
    gap.is_empty() && matches!(open, "'" | "\"") && text[..name].ends_with(open)
}

/// The text from `from` on, with these parts replaced.
fn replace(text: &str, mut hidden: Vec<(usize, usize)>, from: usize) -> String {
    for (start, _) in &mut *hidden {
        *start = (*start).max(from);
    }
    hidden.retain(|(start, end)| start < end);
    hidden.sort_unstable();
    let mut out = String::with_capacity(text.len() - from);
    let mut position = from;
    for (start, end) in hidden {
        if end <= position {
            continue;
        }
        if start >= position {
            out.push_str(&text[position..start]);
            // A comment that was swallowed leaves no blank behind.
            if text[..start].ends_with(|last: char| last.is_alphanumeric()) {
                out.push(' ');
            }
            out.push_str(HIDDEN);
        }
        position = end;
    }
    out.push_str(&text[position..]);
    out
}

/// Finds where values end. What is found for a value without quotes holds for those that begin inside of it: without that memory a text
/// of nothing but `password=password=` would take hours.
struct Ends<'t> {
    text: &'t str,
    plain: Range<usize>,
    line: Range<usize>,
}

impl Ends<'_> {
    /// Where the value that begins at `start` ends. A literal that is never closed takes the rest of the text.
    fn of(&mut self, start: usize, to_line_end: bool) -> usize {
        let rest = &self.text[start..];
        let prefix = ["U&", "u&", "E", "e", "N", "n", "B", "b", "X", "x"]
            .into_iter()
            .find(|prefix| rest.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('\'')))
            .map_or(0, str::len);
        let body = &rest[prefix..];
        let length = if let Some(length) = nested(body) {
            length
        } else if body.starts_with('\'') {
            strings(body)
        } else if body.starts_with('"') {
            quoted(body, '"')
        } else if let Some(inner) = body.strip_prefix("\\\"") {
            inner.find("\\\"").map_or(body.len(), |end| end + 4)
        } else if let Some(length) = dollar(body) {
            length
        } else if body.starts_with(['|', '>', '&', '!']) && to_line_end {
            block(self.text, start, body)
        } else if to_line_end && !body.starts_with(['{', '[']) {
            if !self.line.contains(&start) {
                self.line = start..start + body.find(['\n', '\r']).unwrap_or(body.len());
            }
            return self.line.end;
        } else {
            if !self.plain.contains(&start) {
                self.plain = start..start + bare(body);
            }
            return self.plain.end;
        };
        start + prefix + length
    }
}

/// A literal inside of a literal, `''x''`: where several quotes open it, the last such run of the text closes it.
fn nested(body: &str) -> Option<usize> {
    let count = body.len() - body.trim_start_matches('\'').len();
    let inside = body[count..].chars().next().is_some_and(|next| !next.is_whitespace() && !matches!(next, ',' | ';' | ')'));
    if count < 2 || !inside {
        return None;
    }
    let run = "'".repeat(count);
    Some(body[count..].rfind(&run).map_or(body.len(), |end| count + end + count))
}

/// A literal in single quotes; `''` and `\'` do not end it, and one on the next line goes on with it.
fn strings(body: &str) -> usize {
    let mut length = quoted(body, '\'');
    loop {
        let rest = &body[length..];
        let next = rest.trim_start();
        let gap = rest.len() - next.len();
        if !next.starts_with('\'') || !rest[..gap].contains('\n') {
            return length;
        }
        length += gap + quoted(next, '\'');
    }
}

fn quoted(body: &str, quote: char) -> usize {
    let mut characters = body.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            if characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
            } else {
                return index + quote.len_utf8();
            }
        }
    }
    body.len()
}

/// `$tag$ … $tag$`.
fn dollar(body: &str) -> Option<usize> {
    let inner = body.strip_prefix('$')?;
    let tag = inner.find('$').filter(|end| inner[..*end].chars().all(|character| character.is_alphanumeric() || character == '_'))?;
    let delimiter = &body[..tag + 2];
    let content = &body[delimiter.len()..];
    Some(content.find(delimiter).map_or(body.len(), |end| delimiter.len() + end + delimiter.len()))
}

/// A YAML block scalar: every following line that is blank or stands further in than the line of its key.
fn block(text: &str, start: usize, body: &str) -> usize {
    // Dashes of a list count, `- - a`; those of a comment of SQL do not.
    let indent = |line: &str| {
        let mut rest = line.trim_start_matches(' ');
        while let Some(inner) = rest.strip_prefix("- ") {
            rest = inner.trim_start_matches(' ');
        }
        line.len() - rest.len()
    };
    let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let least = indent(&text[line_start..]);
    let mut length = body.find('\n').map_or(body.len(), |end| end + 1);
    for line in body[length..].split_inclusive('\n') {
        if !line.trim().is_empty() && indent(line) <= least {
            break;
        }
        length += line.len();
    }
    length
}

fn bare(body: &str) -> usize {
    let mut escaped = false;
    for (index, character) in body.char_indices() {
        if !escaped && (character.is_whitespace() || matches!(character, '\'' | '"' | ',' | ';' | '&' | '}' | ']' | '{' | '[')) {
            // `{` and `[` open a structure whose members have names of their own, unless they stand inside of the value.
            if !(matches!(character, '{' | '[') && index > 0) {
                return index;
            }
        }
        escaped = character == '\\' && !escaped;
    }
    body.len()
}

/// Longest address that is looked into, in bytes; a longer one is hidden as a whole.
const LONGEST_ADDRESS: usize = 4_096;

fn address_end(text: &str) -> Option<usize> {
    text.find(|end: char| end.is_whitespace() || matches!(end, '"' | '\'' | '<' | '>' | '`'))
}

/// The secret in `user:secret@host`, also where it holds `@` or `/` itself.
fn user_part(text: &str, start: usize, scheme: &str) -> Option<(usize, usize)> {
    let rest = &text[start..];
    let token = &rest[..address_end(rest).unwrap_or(rest.len())];
    let before_query = &token[..token.find('?').unwrap_or(token.len())];
    let cut = if before_query.contains('@') { before_query } else { token };
    let at = cut.rfind('@')?;
    let authority = &cut[..cut.find('/').unwrap_or(cut.len())];
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let is_user = authority.contains('@') || port.is_some_and(|port| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_user {
        return None;
    }
    match cut[..at].find(':') {
        // A user name alone is no secret where logging in needs more than it; elsewhere it may be a token.
        None if matches!(scheme, "ssh" | "git+ssh" | "postgres" | "postgresql") => None,
        Some(colon) if !matches!(scheme, "http" | "https") => Some((start + colon + 1, start + at)),
        _ => Some((start, start + at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn passwords_do_not_survive() {
        for (text, masked) in [
            ("ALTER ROLE app PASSWORD 'it''s'; SELECT 1", "ALTER ROLE app PASSWORD (hidden); SELECT 1"),
            ("create role a login encrypted password $$x y$$;", "create role a login encrypted password (hidden);"),
            ("PASSWORD E'a\\'b' VALID UNTIL '2030'", "PASSWORD (hidden) VALID UNTIL '2030'"),
            ("PASSWORD U&'d\\0061t' x", "PASSWORD (hidden) x"),
            ("PASSWORD/*c*/'x'; y", "PASSWORD (hidden); y"),
            ("PASSWORD -- the old one was 'z'\n 'x'; y", "PASSWORD (hidden); y"),
            ("PASSWORD $tag$a$b$tag$; y", "PASSWORD (hidden); y"),
            ("PASSWORD NULL; y", "PASSWORD NULL; y"),
            ("EXECUTE 'ALTER ROLE a PASSWORD ''it''''s'' VALID'; y", "EXECUTE 'ALTER ROLE a PASSWORD (hidden) VALID'; y"),
            ("PASSWORD ''; y", "PASSWORD (hidden); y"),
            ("EXECUTE format('ALTER ROLE a PASSWORD %L', 'x'); y", "EXECUTE format('ALTER ROLE a PASSWORD (hidden); y"),
            ("SELECT set_config('my.secret', 'x', false)", "SELECT set_config('my.secret', (hidden), false)"),
            ("SET my.token TO 'x'; y", "SET my.token TO (hidden); y"),
            ("OPTIONS (secret_access_key 'x', region 'eu')", "OPTIONS (secret_access_key (hidden), region 'eu')"),
            ("host=a password=secret dbname=b", "host=a password=(hidden) dbname=b"),
            ("host=a password='a b' dbname=b", "host=a password=(hidden) dbname=b"),
            ("host=a password=a\\ b dbname=b", "host=a password=(hidden) dbname=b"),
            ("ldapbindpasswd=\"x\" y", "ldapbindpasswd=(hidden) y"),
            ("{\"password\": \"x\", \"user\":\"u\"}", "{\"password\": (hidden), \"user\":\"u\"}"),
            ("{\\\"password\\\":\\\"x\\\",\\\"user\\\":1}", "{\\\"password\\\":(hidden),\\\"user\\\":1}"),
            ("{\"tokens\": {\"level\": 1}}", "{\"tokens\": {\"level\": 1}}"),
            ("password: my long one\nuser: u", "password: (hidden)\nuser: u"),
            ("key:\n  password: |\n    one\n    two\n  user: u", "key:\n  password: (hidden)  user: u"),
            ("-- c password: |\n  x", "-- c password: (hidden)"),
            ("- - password: |\n      x\n  - y", "- - password: (hidden)  - y"),
            ("pwd=x passwd=y z", "pwd=(hidden) passwd=(hidden) z"),
            ("Authorization: Bearer x", "Authorization: (hidden)"),
            ("-H 'Bearer abc' y", "-H 'Bearer (hidden)' y"),
            ("export AWS_SECRET_ACCESS_KEY=x; aws s3 ls", "export AWS_SECRET_ACCESS_KEY=(hidden); aws s3 ls"),
            ("psql --password x -c y", "psql --password (hidden) -c y"),
            ("curl -u me:x https://h", "curl -u me:(hidden) https://h"),
            ("postgres://app:hunter2@db/x", "postgres://app:(hidden)@db/x"),
            ("postgres://u:p@rest@h/x", "postgres://u:(hidden)@h/x"),
            ("postgres://u:p/w@h/x", "postgres://u:(hidden)@h/x"),
            ("https://TOKEN@host/x.git", "https://(hidden)@host/x.git"),
            ("https://ghp_abc:x-oauth-basic@host/x.git", "https://(hidden)@host/x.git"),
            ("https://host/x?sig=1&token=abc&y=2", "https://host/x?sig=1&token=(hidden)&y=2"),
        ] {
            assert_eq!(mask_text(text), masked);
        }
    }

    /// A finding inside of a password of several lines would show one of them.
    #[test]
    fn a_line_is_judged_with_those_before_it() {
        let text = "a: 1\npassword: |\n  one\n  two\nb: 2\nsql: ALTER ROLE x PASSWORD 'three\n  four'; SELECT 1\n";
        let lines: Vec<String> = (1..=7).map(|number| mask_line(text, number).unwrap()).collect();
        let hidden =
            ["a: 1", "password: (hidden)", "(hidden)", "(hidden)", "b: 2", "sql: ALTER ROLE x PASSWORD (hidden)", "(hidden); SELECT 1"];
        assert_eq!(lines, hidden);
        assert_eq!((mask_line(text, 0), mask_line(text, 8)), (None, None));
    }

    /// A number where text belongs is the password without its quotes.
    #[test]
    fn messages_repeat_no_secret_and_no_end_of_text() {
        for (path, value, shown) in [
            ("/data/password", "0777", HIDDEN),
            ("/spec/users/superuser/password", "x", HIDDEN),
            ("my.api_token", "x", HIDDEN),
            ("/spec/pods/size", "5Gb", "5Gb"),
            ("/spec/secretKeyRef/name", "a b", "a b"),
            ("work_mem", "password=x", "password=(hidden)"),
        ] {
            assert_eq!(repeated(path, value), shown, "{path}");
        }
        assert_eq!(repeated("a", &"é".repeat(300)), format!("{}…", "é".repeat(200)));
    }

    /// A text of a repository that is made for it would stop every pass: with a look at the rest of the text for each of the half million
    /// places below this would not end while anybody waits.
    #[test]
    fn a_text_made_to_be_slow_is_not() {
        for (form, most) in [("password=", 6_000_000), ("password: ", 6_000_000), ("a://", 2_000_000), ("password 'x ", 1_000_000)] {
            let masked = mask_text(&form.repeat(most / form.len()));
            assert!(masked.contains(HIDDEN) && masked.len() <= most + HIDDEN.len(), "{form}");
        }
    }

    /// Text without a secret is shown as it is.
    #[test]
    fn the_rest_stays_readable() {
        for text in [
            "SELECT now()",
            "ssh://git@host/x.git",
            "postgres://app@db/x",
            "https://host:8443/@scope/package",
            "password_encryption = scram-sha-256",
            "auth_query = SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename = $1",
            "basic auth",
            "host all all all scram-sha-256",
            "max_connections = 100\nwork_mem = 4MB",
        ] {
            assert_eq!(mask_text(text), text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        /// Whatever surrounds it, a secret after its name is gone; and nothing panics on any text.
        #[test]
        fn no_form_leaks(
            before in "[ a-z'\"$\\\\;,/*:=\n-]{0,12}", after in "[ a-z'\"$\\\\;,/*:=\n-]{0,12}", form in 0_usize..14, secret in "[A-Z][A-Z0-9]{5,9}",
        ) {
            let inner = match form {
                0 => format!("PASSWORD '{secret}'"),
                1 => format!("PASSWORD E'\\'{secret}'"),
                2 => format!("PASSWORD $a${secret}$b$a$"),
                3 => format!("password={secret}"),
                4 => format!("\"password\": \"{secret}\""),
                5 => format!("DB_TOKEN={secret}"),
                6 => format!("--client-secret {secret}"),
                7 => format!("postgres://u:a@{secret}@h"),
                8 => format!("https://{secret}@h"),
                9 => format!("Bearer {secret}"),
                10 => format!("PASSWORD/*'*/'{secret}'"),
                11 => format!("EXECUTE 'ALTER ROLE a PASSWORD ''{secret}'''"),
                12 => format!("{{\\\"my.token\\\":\\\"{secret}\\\"}}"),
                _ => format!("secret_access_key '{secret}'"),
            };
            let masked = mask_text(&format!("{before} {inner} {after}"));
            prop_assert!(!masked.contains(&secret), "{masked}");
        }

        #[test]
        fn any_text_is_taken(text in "\\PC*") {
            mask_text(&text);
        }
    }
}
