//! What stands in the SQL of scripts, as far as the server would refuse it for certain.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "script-outside-transaction",
            "a statement that PostgreSQL refuses inside of a transaction",
            "`CREATE DATABASE`, `VACUUM`, `CREATE INDEX CONCURRENTLY` and their like run outside of a transaction only. An entry's text goes to the server as one message, whose statements form one transaction also without `wrapInTransaction`; so such a statement needs an entry of its own, without `wrapInTransaction`.",
        ),
        check: Check::Manifest("SGScript", outside),
    },
    Rule {
        code: Code::error(
            "script-ends-transaction",
            "the SQL ends the transaction that is put around it",
            "With `wrapInTransaction` the entry's outcome is recorded by the transaction that does its work, in the table `stackgres.script_runs` of its database. A `COMMIT` or `ROLLBACK` in the text would take it away. Leave the statement out, or leave `wrapInTransaction` out.",
        ),
        check: Check::Manifest("SGScript", ends),
    },
    Rule {
        code: Code::error(
            "script-psql",
            "the SQL holds what only psql understands",
            "Entries go to the server as they are. Backslash commands (`\\c`, `\\copy`, `\\gexec`) and `COPY … FROM STDIN` with data behind it belong to psql. Name the database in `database`, write `INSERT`, and use `DO` with `EXECUTE` for statements that are put together.",
        ),
        check: Check::Manifest("SGScript", psql),
    },
];

/// Beginnings of statements that are refused in a transaction. Source: PostgreSQL documentation, reference pages of each.
const OUTSIDE: &[&[&str]] = &[
    &["ALTER", "SYSTEM"],
    &["CREATE", "DATABASE"],
    &["CREATE", "INDEX", "CONCURRENTLY"],
    &["CREATE", "TABLESPACE"],
    &["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"],
    &["DROP", "DATABASE"],
    &["DROP", "INDEX", "CONCURRENTLY"],
    &["DROP", "TABLESPACE"],
    &["REINDEX", "DATABASE"],
    &["REINDEX", "SYSTEM"],
    &["VACUUM"],
];

/// Beginnings of statements that end a transaction.
const ENDS: &[&[&str]] = &[&["ABORT"], &["COMMIT"], &["END"], &["PREPARE", "TRANSACTION"], &["ROLLBACK"]];

/// One statement: its words that are neither quoted nor comments, in capitals, and the line it begins in.
#[derive(Debug, Default, PartialEq, Eq)]
struct Statement {
    words: Vec<String>,
    line: usize,
    /// A backslash outside of every literal.
    backslash: bool,
}

impl Statement {
    fn begins(&self, with: &[&str]) -> bool {
        self.words.len() >= with.len() && self.words.iter().zip(with).all(|(word, wanted)| word == wanted)
    }
}

/// The statements of a text. Literals, quoted identifiers and comments are passed over.
fn statements(text: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    let mut statement = Statement::default();
    // Depth inside of a function's body (`BEGIN ATOMIC … END`), where semicolons end no statement.
    let mut depth = 0_usize;
    let mut position = 0;
    while let Some(next) = text[position..].chars().next() {
        let rest = &text[position..];
        let length = skipped(rest).unwrap_or(0);
        if length > 0 {
            position += length;
            continue;
        }
        if next.is_alphabetic() || next == '_' {
            let word: String = rest.chars().take_while(|character| character.is_alphanumeric() || matches!(character, '_' | '$')).collect();
            position += word.len();
            // The prefix of a literal is none: E'…', U&'…'.
            if text[position..].starts_with('\'') && word.len() <= 2 {
                position += literal(&text[position..], word.eq_ignore_ascii_case("e"));
                continue;
            }
            let word = word.to_uppercase();
            match word.as_str() {
                "ATOMIC" if statement.words.first().is_some_and(|first| first == "CREATE") => depth += 1,
                "CASE" if depth > 0 => depth += 1,
                "END" if depth > 0 => depth -= 1,
                _ => {}
            }
            if statement.words.is_empty() {
                statement.line = text[..position].matches('\n').count() + 1;
            }
            statement.words.push(word);
            continue;
        }
        match next {
            ';' if depth == 0 => found.push(std::mem::take(&mut statement)),
            '\\' => statement.backslash = true,
            _ => {}
        }
        if next == '\\' && statement.words.is_empty() && statement.line == 0 {
            statement.line = text[..position].matches('\n').count() + 1;
        }
        position += next.len_utf8();
    }
    found.push(statement);
    found.retain(|statement| !statement.words.is_empty() || statement.backslash);
    found
}

/// Length of the comment, literal or quoted identifier that begins here.
fn skipped(rest: &str) -> Option<usize> {
    if rest.starts_with("--") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        let (mut depth, mut position) = (0_usize, 0);
        while position < rest.len() {
            let here = &rest.as_bytes()[position..];
            if here.starts_with(b"/*") {
                (depth, position) = (depth + 1, position + 2);
            } else if here.starts_with(b"*/") {
                (depth, position) = (depth - 1, position + 2);
                if depth == 0 {
                    return Some(position);
                }
            } else {
                position += 1;
            }
        }
        return Some(rest.len());
    }
    match rest.chars().next()? {
        '\'' => Some(literal(rest, false)),
        '"' => Some(closing(rest, '"', false)),
        '$' => {
            let tag = rest[1..].find('$')?;
            let word = &rest[1..=tag];
            let is_tag = word.chars().all(|character| character.is_alphanumeric() || character == '_')
                && !word.starts_with(|first: char| first.is_ascii_digit());
            let delimiter = &rest[..tag + 2];
            let body = &rest[delimiter.len()..];
            is_tag.then(|| body.find(delimiter).map_or(rest.len(), |end| delimiter.len() * 2 + end))
        }
        _ => None,
    }
}

fn literal(rest: &str, escapes: bool) -> usize {
    closing(rest, '\'', escapes)
}

/// Length of what is quoted; a doubled mark stands for itself.
fn closing(rest: &str, mark: char, escapes: bool) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        if character == '\\' && escapes {
            characters.next();
        } else if character == mark {
            if characters.peek().is_none_or(|(_, next)| *next != mark) {
                return index + mark.len_utf8();
            }
            characters.next();
        }
    }
    rest.len()
}

/// Pointer, whether it is wrapped, and statements of each entry whose SQL stands in the manifest.
fn texts(manifest: &Manifest) -> Vec<(String, bool, Vec<Statement>)> {
    let list = manifest.object.get("/spec/scripts").and_then(Value::as_array);
    let entries = list.into_iter().flatten().enumerate();
    entries
        .filter_map(|(index, entry)| {
            let text = entry.get("script").and_then(Value::as_str)?;
            let wrapped = entry.get("wrapInTransaction").is_some_and(Value::is_string);
            Some((format!("/spec/scripts/{index}/script"), wrapped, statements(text)))
        })
        .collect()
}

fn shown(statement: &Statement, words: usize) -> String {
    format!(
        "{} (line {} of the script)",
        statement.words.iter().take(words).map(String::as_str).collect::<Vec<_>>().join(" "),
        statement.line
    )
}

fn outside(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (pointer, wrapped, statements) in texts(manifest) {
        let alone = statements.len() == 1;
        for statement in &statements {
            let Some(refused) = OUTSIDE.iter().find(|refused| statement.begins(refused)).filter(|_| wrapped || !alone) else { continue };
            let help = if wrapped { "leave wrapInTransaction out, and give it an entry of its own" } else { "give it an entry of its own" };
            let message = format!("{} is refused inside of a transaction", shown(statement, refused.len()));
            problems.push(at(manifest, &pointer, Diagnostic::error("script-outside-transaction", message).help(help)));
        }
    }
    problems
}

fn ends(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (pointer, _, statements) in texts(manifest).into_iter().filter(|(_, wrapped, _)| *wrapped) {
        for statement in &statements {
            let back_to_a_savepoint = statement.words.iter().any(|word| word == "TO");
            let Some(end) = ENDS.iter().find(|end| statement.begins(end)).filter(|_| !back_to_a_savepoint) else { continue };
            let message = format!("{} ends the transaction around the entry", shown(statement, end.len()));
            let problem = Diagnostic::error("script-ends-transaction", message).help("leave it out, or leave wrapInTransaction out");
            problems.push(at(manifest, &pointer, problem));
        }
    }
    problems
}

fn psql(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (pointer, _, statements) in texts(manifest) {
        for statement in &statements {
            let copies = statement.begins(&["COPY"]) && statement.words.windows(2).any(|pair| pair[0] == "FROM" && pair[1] == "STDIN");
            if !statement.backslash && !copies {
                continue;
            }
            let what = if copies { "COPY … FROM STDIN" } else { "a backslash command" };
            let message = format!("{what} (line {} of the script) is for psql", statement.line);
            let problem = Diagnostic::error("script-psql", message).help("the text goes to the server as it is: write it in SQL alone");
            problems.push(at(manifest, &pointer, problem));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;
    use super::*;
    use proptest::prelude::*;

    fn of(fields: &str, script: &str) -> Vec<String> {
        let script = serde_json::to_string(script).unwrap();
        examine(&format!(
            "apiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {{name: a}}\nspec: {{scripts: [{{{fields}script: {script}}}]}}\n"
        ))
        .0
    }

    #[test]
    fn statements_that_want_no_transaction() {
        let refused = ["script-outside-transaction /spec/scripts/0/script"];
        assert_eq!(of("", "create database a;"), [""; 0]);
        assert_eq!(of("", "-- first\nCREATE /* x */ DATABASE a; SELECT 1"), refused);
        assert_eq!(of("wrapInTransaction: serializable, ", "vacuum a"), refused);
        assert_eq!(of("wrapInTransaction: serializable, ", "create unique index concurrently i on a (b)"), refused);
        assert_eq!(of("wrapInTransaction: serializable, ", "create table vacuum (database text)"), [""; 0]);
    }

    #[test]
    fn statements_that_end_the_transaction() {
        let refused = ["script-ends-transaction /spec/scripts/0/script"];
        let wrapped = "wrapInTransaction: read-committed, ";
        assert_eq!(of(wrapped, "begin; insert into a values (1); commit"), refused);
        assert_eq!(of("", "begin; insert into a values (1); commit"), [""; 0]);
        assert_eq!(of(wrapped, "savepoint a; rollback to a"), [""; 0]);
        for body in [
            "DO $x$ BEGIN PERFORM 1; COMMIT; END $x$",
            "CREATE FUNCTION a() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 1",
            "SELECT 'a; commit;' || E'\\'; commit;', \"; commit\" FROM a -- ; commit\n /* ; /* */ commit; */",
        ] {
            assert_eq!(of(wrapped, body), [""; 0], "{body}");
        }
    }

    #[test]
    fn what_only_psql_understands() {
        let refused = ["script-psql /spec/scripts/0/script"];
        assert_eq!(of("", "\\c shop\nSELECT 1"), refused);
        assert_eq!(of("", "SELECT 'create table a' \\gexec"), refused);
        assert_eq!(of("", "COPY a FROM stdin;\n1\n\\."), ["script-psql /spec/scripts/0/script"; 2]);
        assert_eq!(of("", "SELECT E'\\n', '\\c', $$\\c$$; COPY a FROM '/x'"), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "[a-zé'\"$;/*\\\\ \n-]{0,40}") {
            statements(&text);
        }
    }
}
