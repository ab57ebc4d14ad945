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
use super::files::find;
use crate::engine::offline::{Ignored, LoadOptions, Options, Report, SourceFile, check};

/// Options of the offline verbs.
fn options(namespace: &str, partial: bool) -> Options {
    Options { load: LoadOptions { default_namespace: Some(namespace.to_owned()), ..LoadOptions::default() }, partial, ..Options::default() }
}

/// What the command line names, read and checked.
struct Look {
    files: Vec<SourceFile>,
    report: Report,
    /// Paths that could not be read: the rest was checked all the same.
    failures: Vec<CommandError>,
}

/// Reads and checks what the command line names.
fn look(source: &Source) -> Look {
    let found = find(&source.paths);
    let mut options = options(&source.namespace, source.partial);
    options.load.named = found.named;
    options.load.ignores_above = found.ignores_above;
    let mut report = check(&found.files, &options);
    let ignored = Ignored::of(&found.files, &options.load);
    report.diagnostics.extend(found.refused.into_iter().filter(|refused| !ignored.names(&refused.location.file)));
    report.left_alone.extend(found.left_alone.into_iter().filter(|left| !ignored.names(&left.location.file)));
    report.left_alone.sort();
    Look { files: found.files, report, failures: found.failures }
}

/// The text of a file, for the line a finding is about.
fn source_text<'a>(files: &'a [SourceFile], path: &str) -> Option<&'a str> {
    files.iter().find(|file| file.path == path).and_then(|file| std::str::from_utf8(&file.content).ok())
}
