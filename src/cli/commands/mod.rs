//! One file a verb.

pub(super) mod check;
pub(super) mod completions;
pub(super) mod crd;
pub(super) mod diff;
pub(super) mod docs;
pub(super) mod explain;
pub(super) mod history;
pub(super) mod hold;
pub(super) mod plan;
pub(super) mod promote;
pub(super) mod render;
pub(super) mod restart;
pub(super) mod rollout;
pub(super) mod switchover;

use super::args::{ImageArguments, Source};
use super::exit::CommandError;
use super::files::{find, with_images};
use crate::engine::live::LiveError;
use crate::engine::offline::{Ignored, LoadOptions, Options, Report, SourceFile, check};
use crate::model::NamespacedName;
use std::sync::Arc;

/// The cluster that a person names, as NAMESPACE/NAME.
fn cluster_name(text: &str) -> NamespacedName {
    let (namespace, name) = text.split_once('/').unwrap_or(("default", text));
    NamespacedName::new(namespace, name)
}

/// What went wrong with a question to a running Kubernetes cluster.
fn live_problem(error: &LiveError) -> CommandError {
    match error {
        LiveError::NoCluster(_) => CommandError::invalid(error.to_string()).hint("name it as NAMESPACE/NAME"),
        LiveError::NoHold(_) => CommandError::invalid(error.to_string()),
        other => CommandError::failure(other.to_string()).hint("give --kubeconfig, or set KUBECONFIG"),
    }
}

/// Options of the offline verbs.
fn options(namespace: &str, partial: bool, images: &ImageArguments) -> Result<Options, CommandError> {
    let mut options = Options {
        load: LoadOptions { default_namespace: Some(namespace.to_owned()), ..LoadOptions::default() },
        partial,
        ..Options::default()
    };
    if let Some(path) = &images.catalogue {
        let catalogue = Arc::unwrap_or_clone(std::mem::take(&mut options.settings.catalogue));
        options.settings.catalogue = Arc::new(with_images(catalogue, path)?);
    }
    Ok(options)
}

/// What the command line names, read and checked.
struct Look {
    files: Vec<SourceFile>,
    report: Report,
    /// Paths that could not be read: the rest was checked all the same.
    failures: Vec<CommandError>,
}

/// Reads and checks what the command line names.
fn look(source: &Source) -> Result<Look, CommandError> {
    let found = find(&source.paths);
    let mut options = options(&source.namespace, source.partial, &source.images)?;
    options.load.named = found.named;
    options.load.ignores_above = found.ignores_above;
    let mut report = check(&found.files, &options);
    let ignored = Ignored::of(&found.files, &options.load);
    report.diagnostics.extend(found.refused.into_iter().filter(|refused| !ignored.names(&refused.location.file)));
    report.left_alone.extend(found.left_alone.into_iter().filter(|left| !ignored.names(&left.location.file)));
    report.left_alone.sort();
    Ok(Look { files: found.files, report, failures: found.failures })
}

/// The text of a file, for the line a finding is about.
fn source_text<'a>(files: &'a [SourceFile], path: &str) -> Option<&'a str> {
    files.iter().find(|file| file.path == path).and_then(|file| std::str::from_utf8(&file.content).ok())
}
