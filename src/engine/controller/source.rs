//! The files of a fleet.

use crate::load::SourceFile;
use crate::model::Object;
use std::path::Path;

/// The files of one revision of a source.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// Commit id, or a digest of a directory's content.
    pub revision: String,
    /// What was followed.
    pub reference: String,
    /// First line of the commit message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// The files.
    pub files: Vec<SourceFile>,
}

/// Why a source could not be read. What it holds is unknown then, never absent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// The fleet names no source, or two.
    #[error("spec.source needs exactly one of git and directory")]
    Ambiguous,
    /// The directory cannot be read.
    #[error("cannot read {path}: {error}")]
    Directory {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// This kind of source is not supported yet.
    #[error("{0}")]
    NotSupported(&'static str),
}

/// Reads the source of a fleet.
pub(super) fn read(fleet: &Object) -> Result<Snapshot, SourceError> {
    match (fleet.get("/spec/source/git"), fleet.text("/spec/source/directory/path")) {
        (Some(_), None) => Err(SourceError::NotSupported("git sources are not supported by this version: use spec.source.directory")),
        (None, Some(path)) => directory(path),
        _ => Err(SourceError::Ambiguous),
    }
}

#[expect(clippy::disallowed_methods, reason = "the directory source reads the files it was pointed at")]
fn directory(root: &str) -> Result<Snapshot, SourceError> {
    fn walk(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> std::io::Result<()> {
        let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type()?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.') && entry.file_name() != ".stackgresignore";
            if hidden || kind.is_symlink() {
                continue;
            }
            if kind.is_dir() {
                walk(root, &path, files)?;
            } else if kind.is_file() {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                files.push(SourceFile { path: name, content: std::fs::read(&path)?.into() });
            }
        }
        Ok(())
    }
    let mut files = Vec::new();
    walk(Path::new(root), Path::new(root), &mut files).map_err(|error| SourceError::Directory { path: root.to_owned(), error })?;
    let mut bytes = Vec::new();
    for file in &files {
        bytes.extend_from_slice(file.path.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&file.content);
        bytes.push(0);
    }
    let digest = crate::model::Digest::of_bytes(&bytes);
    Ok(Snapshot { revision: digest.short().to_owned(), reference: root.to_owned(), subject: String::new(), author: String::new(), files })
}
