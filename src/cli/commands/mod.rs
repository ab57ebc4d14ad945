//! One file a verb.

pub(super) mod check;
pub(super) mod completions;
pub(super) mod crd;
pub(super) mod diff;
pub(super) mod explain;
pub(super) mod history;
pub(super) mod render;

use super::args::Source;
use super::exit::CommandError;
use super::files::read;
use crate::engine::offline::{LoadOptions, Options, Report, SourceFile, check};

/// Options of the offline verbs.
fn options(namespace: &str, partial: bool) -> Options {
    Options { load: LoadOptions { default_namespace: Some(namespace.to_owned()), ..LoadOptions::default() }, partial, ..Options::default() }
}

/// Reads and checks what the command line names.
fn look(source: &Source) -> Result<(Vec<SourceFile>, Report), CommandError> {
    let files = read(&source.paths)?;
    let report = check(&files, &options(&source.namespace, source.partial));
    Ok((files, report))
}

/// The text of a file, for the line a finding is about.
fn source_text<'a>(files: &'a [SourceFile], path: &str) -> Option<&'a str> {
    files.iter().find(|file| file.path == path).and_then(|file| std::str::from_utf8(&file.content).ok())
}
