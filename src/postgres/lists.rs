//! Parameters whose text has a grammar: lists of words, and what the server makes of them.
//!
//! Source: PostgreSQL documentation, the section of each parameter; pgAudit's for `pgaudit.log`. Measured on servers 15, 17 and 18.

use super::value::ValueProblem;

const SELF_GRANT: &[&str] = &["inherit", "set"];
const RELATION_KINDS: &[&str] = &["foreign-table", "view"];
/// Kinds of WAL whose pages can be compared.
const RESOURCES: &[&str] = &["all", "brin", "btree", "generic", "gin", "gist", "hash", "heap", "heap2", "sequence", "spgist"];
const DIRECT: &[&str] = &["data", "wal", "wal_init"];
const CONNECTIONS: &[&str] = &["all", "authentication", "authorization", "receipt", "setup_durations"];
const SWITCHES: &[&str] = &["0", "1", "false", "no", "off", "on", "true", "yes"];
const CHECKS: &[&str] = &["shadowed_variables", "strict_multi_assignment", "too_many_rows"];
const AUDITED: &[&str] = &["all", "ddl", "function", "misc", "misc_set", "none", "read", "role", "write"];
const AUDIT_LEVELS: &[&str] = &["debug", "debug1", "debug2", "debug3", "debug4", "debug5", "info", "log", "notice", "warning"];

/// The text as the server keeps it, where it would take it.
pub(super) fn text(major: u32, name: &str, text: &str) -> Result<String, ValueProblem> {
    let words = |allowed: &[&str]| words(text, allowed);
    match name {
        "DateStyle" => return date_style(text),
        "application_name" => return Ok(visible(major, text)),
        "search_path" => drop(names(text)?),
        // 18.6 looks at it when it is used.
        "output_plugin_libraries" if major < 18 => drop(names(text)?),
        "createrole_self_grant" => words(SELF_GRANT)?,
        "restrict_nonsystem_relation_kind" => words(RELATION_KINDS)?,
        "wal_consistency_checking" => words(RESOURCES)?,
        "debug_io_direct" => words(DIRECT)?,
        "log_connections" if names(text)?.len() == 1 => words(&[CONNECTIONS, SWITCHES].concat())?,
        "log_connections" => words(CONNECTIONS)?,
        "plpgsql.extra_errors" | "plpgsql.extra_warnings" if !["all", "none"].contains(&text.to_ascii_lowercase().as_str()) => {
            words(CHECKS)?;
        }
        "pgaudit.log" => one_of(names(text)?.iter().map(|name| name.strip_prefix('-').unwrap_or(name)), AUDITED)?,
        "pgaudit.log_level" => one_of(std::iter::once(text), AUDIT_LEVELS)?,
        "backtrace_functions" if !text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_, \n\t".contains(letter)) => {
            return Err(ValueProblem::Other("needs names of functions, separated by commas"));
        }
        _ => {}
    }
    Ok(text.to_owned())
}

fn words(text: &str, allowed: &[&str]) -> Result<(), ValueProblem> {
    one_of(names(text)?.iter().map(String::as_str), allowed)
}

fn one_of<'a>(mut found: impl Iterator<Item = &'a str>, allowed: &[&str]) -> Result<(), ValueProblem> {
    if found.all(|word| allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(word))) {
        return Ok(());
    }
    Err(ValueProblem::NotAWord(allowed.iter().map(|word| (*word).to_owned()).collect()))
}

/// The names of a list: separated by commas, in double quotes where a name has blanks, commas or capitals.
fn names(text: &str) -> Result<Vec<String>, ValueProblem> {
    let wrong = ValueProblem::Other("needs names separated by commas, in double quotes where one has a blank or a comma");
    let blank = |letter: char| matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
    let mut rest = text.trim_start_matches(blank);
    let mut found = Vec::new();
    if rest.is_empty() {
        return Ok(found);
    }
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (mut name, mut after) = (String::new(), quoted);
            loop {
                let (part, next) = after.split_once('"').ok_or_else(|| wrong.clone())?;
                name.push_str(part);
                after = next;
                // A doubled quote is one.
                let Some(more) = after.strip_prefix('"') else { break };
                name.push('"');
                after = more;
            }
            found.push(name);
            rest = after;
        } else {
            let end = rest.find(|letter| letter == ',' || blank(letter)).unwrap_or(rest.len());
            if end == 0 {
                return Err(wrong);
            }
            found.push(rest[..end].to_ascii_lowercase());
            rest = &rest[end..];
        }
        rest = rest.trim_start_matches(blank);
        if rest.is_empty() {
            return Ok(found);
        }
        rest = rest.strip_prefix(',').ok_or_else(|| wrong.clone())?.trim_start_matches(blank);
    }
}

/// A style and an order of day, month and year. Where one is not written the server keeps its own, so the text stays as it is.
fn date_style(text: &str) -> Result<String, ValueProblem> {
    let wrong = ValueProblem::Other("needs a style (ISO, SQL, Postgres, German), an order (DMY, MDY, YMD), or both");
    let (mut style, mut order, mut kept): (Option<&str>, Option<&str>, bool) = (None, None, false);
    for word in names(text)? {
        let word = word.to_ascii_uppercase();
        let (of_style, meaning) = match word.as_str() {
            "ISO" => (true, "ISO"),
            "SQL" => (true, "SQL"),
            "GERMAN" => (true, "German"),
            word if word.starts_with("POSTGRES") => (true, "Postgres"),
            "YMD" => (false, "YMD"),
            "DMY" => (false, "DMY"),
            word if word.starts_with("EURO") => (false, "DMY"),
            "MDY" | "US" => (false, "MDY"),
            word if word.starts_with("NONEURO") => (false, "MDY"),
            "DEFAULT" => {
                kept = true;
                continue;
            }
            _ => return Err(wrong),
        };
        let place = if of_style { &mut style } else { &mut order };
        if place.is_some_and(|earlier| earlier != meaning) {
            return Err(wrong);
        }
        *place = Some(meaning);
    }
    let order = order.or((style == Some("German") && !kept).then_some("DMY"));
    Ok(style.zip(order).map_or_else(|| text.to_owned(), |(style, order)| format!("{style}, {order}")))
}

/// A name that is shown in lists and logs: cut after 63 bytes; what is not visible ASCII is replaced, each byte by `?`, and since 16 by its code.
fn visible(major: u32, text: &str) -> String {
    text[..text.floor_char_boundary(63)].bytes().fold(String::new(), |shown, byte| match byte {
        b' '..=b'~' => shown + char::from(byte).encode_utf8(&mut [0; 4]),
        _ if major < 16 => shown + "?",
        _ => shown + &format!("\\x{byte:02x}"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{normalise, same_value};

    /// A list that the server refuses keeps it from starting; one that is refused here for nothing blocks the cluster.
    #[test]
    fn lists_as_the_server_reads_them() {
        for (name, fine, bad) in [
            ("search_path", "\"$user\", public, \"a \"\"b\"", "a b"),
            ("search_path", "", "a,"),
            ("createrole_self_grant", "SET, inherit", "admin"),
            ("restrict_nonsystem_relation_kind", "view,foreign-table", "table"),
            ("wal_consistency_checking", "Heap, all", "xlog"),
            ("debug_io_direct", "data, WAL", "all"),
            ("plpgsql.extra_errors", "too_many_rows", "too_many_rows, all"),
            ("plpgsql.extra_warnings", "NONE", "some"),
            ("pgaudit.log", "ddl, -misc", "ddl; write"),
            ("pgaudit.log_level", "Notice", "error"),
            ("backtrace_functions", "a, b_1", "a-b"),
            ("DateStyle", "iso, ymd", "iso, sql"),
            ("DateStyle", "European", "ddmmyy"),
        ] {
            assert!(normalise(17, name, fine).is_ok(), "{name} = {fine}");
            assert!(normalise(17, name, bad).is_err(), "{name} = {bad}");
        }
        assert!(normalise(18, "log_connections", "on").is_ok() && normalise(18, "log_connections", "receipt, all").is_ok());
        assert!(normalise(18, "log_connections", "on, receipt").is_err() && normalise(17, "log_connections", "receipt").is_err());
        assert!(same_value(17, "DateStyle", "iso,mdy", "US, ISO") && !same_value(17, "DateStyle", "iso", "iso, mdy"));
        assert_eq!(normalise(15, "application_name", "é").as_deref(), Ok("??"));
        assert!(same_value(17, "application_name", &"n".repeat(63), &"n".repeat(64)), "cut there");
        assert_eq!(normalise(16, "application_name", "é").as_deref(), Ok("\\xc3\\xa9"));
    }
}
