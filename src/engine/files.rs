//! From what a source delivers to what `load` takes.

use crate::diagnostics::{Diagnostic, Diagnostics, Location};
use crate::load::{Ignored, LoadOptions, SourceFile};
use crate::source::{LocalRepository, Refusal, Refused, Revision, Snapshot, may_hold_manifests};
use std::path::Path;

pub use crate::source::SourceError;

/// Files of one revision, with what could not be read.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// Short name of the revision.
    pub revision: String,
    /// Files, by path.
    pub files: Vec<SourceFile>,
    /// What was refused and matters.
    pub refused: Diagnostics,
}

impl Files {
    /// Takes a snapshot over. What an ignore file names is not missed.
    pub fn of(snapshot: &Snapshot) -> Self {
        let files: Vec<SourceFile> =
            snapshot.files.iter().map(|file| SourceFile { path: file.path.clone(), content: file.content.clone() }).collect();
        let ignored = Ignored::of(&files, &LoadOptions::default());
        let refused = snapshot.refused.iter().filter(|refused| !ignored.names(&refused.path)).filter_map(finding).collect();
        Self { revision: short(&snapshot.revision).to_owned(), files, refused: Diagnostics(refused) }
    }
}

/// The first twelve digits of a commit id or content digest.
pub fn short(revision: &Revision) -> &str {
    let digits = revision.id.rsplit(':').next().unwrap_or_default();
    digits.get(..12).unwrap_or(digits)
}

/// A link named like a picture hides no cluster; one named like a manifest may.
fn finding(refused: &Refused) -> Option<Diagnostic> {
    let (code, error) = match &refused.reason {
        Refusal::Link | Refusal::LinkOutside | Refusal::LinkBroken | Refusal::Special | Refusal::Mode(_)
            if !may_hold_manifests(&refused.path) =>
        {
            return None;
        }
        Refusal::Link | Refusal::LinkOutside | Refusal::LinkBroken | Refusal::Submodule => ("link-not-followed", false),
        _ => ("file-not-readable", true),
    };
    let found =
        if error { Diagnostic::error(code, refused.reason.to_string()) } else { Diagnostic::warning(code, refused.reason.to_string()) };
    Some(found.at(Location { file: refused.path.clone(), line: 0, column: 0 }).help("or name it in .stackgresignore if it is no manifest"))
}

/// A local Git repository, for the offline verbs.
pub struct Repository(LocalRepository);

impl Repository {
    /// Opens the repository that holds `path`.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        LocalRepository::open(path).map(Self)
    }

    /// Files of a revision as people write it (`HEAD~1`, a branch, a tag), below a folder.
    pub fn revision(&self, name: &str, folder: &str) -> Result<Files, SourceError> {
        Ok(Files::of(&self.0.snapshot(name, folder, &crate::source::Limits::default())?))
    }

    /// Files as they stand on disk, without what Git ignores.
    pub fn working_directory(&self, folder: &str) -> Result<Files, SourceError> {
        let snapshot = self.0.working_directory(folder, &crate::source::Limits::default())?;
        Ok(Files { revision: "working directory".to_owned(), ..Files::of(&snapshot) })
    }
}
