//! `stackgres docs`: the reference as Markdown, from the same words as `explain` and `kubectl explain`.

mod kind;
mod settings;

use crate::api::KINDS;
use crate::cli::args::DocsArguments;
use crate::cli::exit::{CommandError, Exit, print};
use crate::engine::codes;
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(in crate::cli) fn run(arguments: &DocsArguments) -> Result<Exit, CommandError> {
    let pages = pages();
    let directory = &arguments.directory;
    let failed = |path: &std::path::Path, error: std::io::Error| CommandError::failure(format!("cannot write {}: {error}", path.display()));
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for (name, text) in &pages {
        let path = directory.join(name);
        #[expect(clippy::disallowed_methods, reason = "the command line writes what it was asked to")]
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    print(&format!("{} pages in {}; begin with README.md\n", pages.len(), directory.display()))?;
    Ok(Exit::Fine)
}

/// Every page by its name.
fn pages() -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> = KINDS.iter().map(|one| (kind::name(one), kind::page(one))).collect();
    pages.insert("codes.md".to_owned(), codes_page());
    pages.insert("postgresql.md".to_owned(), settings::postgres());
    pages.insert("pgbouncer.md".to_owned(), settings::pooler());
    pages.insert("README.md".to_owned(), index());
    pages
}

fn index() -> String {
    let mut out = format!("# Reference of stackgres {}\n\n| kind | what |\n|---|---|\n", env!("CARGO_PKG_VERSION"));
    for one in KINDS {
        let _ = writeln!(out, "| [{}]({}) | {} |", one.kind, kind::name(one), cell(one.description));
    }
    out.push_str("\n- [Codes](codes.md): what a finding means\n- [Parameters of PostgreSQL](postgresql.md)\n- [Settings of PgBouncer](pgbouncer.md)\n");
    out
}

fn codes_page() -> String {
    let mut out = "# Codes\n\nWhat a finding means; `stackgres explain CODE` says the same. A warning can be silenced by an annotation of the document it is about, or of every cluster that uses it: `silence.stackgres.io/CODE: REASON`.\n".to_owned();
    for code in codes::all().values() {
        let _ = write!(
            out,
            "\n<a id=\"{0}\"></a>\n## {0}\n\n*{1}*: {2}.\n\n{3}\n",
            code.code,
            code.severity,
            markdown(code.summary),
            markdown(code.explanation)
        );
    }
    out
}

/// A text in which nothing but code is markup.
fn markdown(text: &str) -> String {
    let mut in_code = false;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        in_code ^= character == '`';
        match character {
            '<' if !in_code => out.push_str("&lt;"),
            '*' | '_' if !in_code => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    markdown(text).replace('|', "\\|").replace('\n', " ")
}
