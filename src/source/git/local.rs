//! A repository on this machine: for offline verbs, and as a source where that is allowed.

use super::address::Reference;
use super::blobs::Blobs;
use super::tree::{Store, damaged};
use crate::source::directory::{self, Links};
use crate::source::patience::Patience;
use crate::source::snapshot::{Limits, Revision, Snapshot, folder_parts};
use crate::source::{SourceError, git};
use git2::{Commit, ErrorCode, Oid, Repository, RepositoryOpenFlags};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A repository that somebody else owns: it is read and never written.
///
/// Only its object database, references and ignore rules are used. No remote of it is ever contacted, no program that its
/// configuration names is run, and no configuration of the machine is read.
pub struct LocalRepository {
    repository: Repository,
    place: String,
}

impl LocalRepository {
    /// Opens the repository that holds `path`: its root, a folder or file below it, or a bare repository.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        Self::open_with(path, RepositoryOpenFlags::empty())
    }

    /// Opens the repository at exactly this path.
    pub(super) fn open_exactly(path: &Path) -> Result<Self, SourceError> {
        Self::open_with(path, RepositoryOpenFlags::NO_SEARCH)
    }

    fn open_with(path: &Path, flags: RepositoryOpenFlags) -> Result<Self, SourceError> {
        git::install()?;
        let place = path.display().to_string();
        let start =
            if path.is_file() { path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")) } else { path };
        let opened = Repository::open_ext(start, flags, std::iter::empty::<&OsStr>());
        let repository = opened.map_err(|error| match error.code() {
            ErrorCode::NotFound => SourceError::RepositoryNotFound { address: place.clone() },
            _ => damaged(&place)(error),
        })?;
        Ok(Self { repository, place })
    }

    /// Folder of the checked-out files; none in a bare repository.
    pub fn work_tree(&self) -> Option<&Path> {
        self.repository.workdir()
    }

    /// A path on this machine as a folder setting, relative to the root of the repository.
    pub fn relative(&self, path: &Path) -> Result<String, SourceError> {
        let root = self.root()?;
        let whole = path.canonicalize().map_err(|error| SourceError::unreadable(path, &error))?;
        let inside = whole.strip_prefix(&root).ok().and_then(Path::to_str).map(str::to_owned);
        inside.ok_or_else(|| {
            let reason = format!("{} is not inside the repository {}", path.display(), root.display());
            SourceError::refused(reason, "name a folder of the repository")
        })
    }

    /// Finds a revision as people write it: `HEAD~1`, a branch, a tag, a short commit id.
    pub fn resolve(&self, revision: &str) -> Result<Revision, SourceError> {
        let commit = self.commit(revision)?;
        self.store().revision(&commit, &[], Some(revision.to_owned()), "")
    }

    /// Reads a folder of a revision; the empty path is the root.
    pub fn snapshot(&self, revision: &str, path: &str, limits: &Limits) -> Result<Snapshot, SourceError> {
        let folder = folder_parts(path)?;
        let commit = self.commit(revision)?;
        let described = self.store().revision(&commit, &folder, Some(revision.to_owned()), "")?;
        self.store().snapshot(&commit, &folder, described, limits, &Blobs::default(), &Patience::endless())
    }

    /// Reads a folder as it stands on disk, without what the repository's ignore rules leave out. Links and nested
    /// repositories are refused, as they would be once committed.
    pub fn working_directory(&self, path: &str, limits: &Limits) -> Result<Snapshot, SourceError> {
        let ignored = |path: &str, is_folder: bool| {
            let slash = if is_folder { "/" } else { "" };
            self.repository.is_path_ignored(format!("{path}{slash}")).unwrap_or(false)
        };
        directory::read(&self.root()?, path, limits, &Patience::endless(), Links::Refuse, &ignored)
    }

    fn root(&self) -> Result<PathBuf, SourceError> {
        let Some(root) = self.work_tree() else {
            return Err(SourceError::refused(
                format!("{} is a bare repository", self.place),
                "name a revision, or use a checked-out repository",
            ));
        };
        root.canonicalize().map_err(|error| SourceError::unreadable(root, &error))
    }

    pub(super) fn store(&self) -> Store<'_> {
        Store { repository: &self.repository, place: &self.place }
    }

    fn commit(&self, revision: &str) -> Result<Commit<'_>, SourceError> {
        let found = self.repository.revparse_single(revision).and_then(|object| object.peel_to_commit());
        found.map_err(|error| match error.code() {
            ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::Peel | ErrorCode::UnbornBranch => SourceError::RevisionNotFound {
                revision: revision.to_owned(),
                address: self.place.clone(),
                shallow: self.repository.is_shallow(),
            },
            ErrorCode::Ambiguous => SourceError::refused(
                format!("revision {revision:?} means more than one commit"),
                "write the commit id out, or refs/heads/NAME",
            ),
            _ => damaged(&self.place)(error),
        })
    }

    /// The commit a setting names, with the name of the reference and the annotated tag that led to it.
    pub(super) fn target(
        &self,
        reference: &Reference,
        last: Option<&str>,
    ) -> Result<(Commit<'_>, Option<String>, Option<Oid>), SourceError> {
        if let Reference::Commit(id) = reference {
            return Ok((self.commit(id)?, None, None));
        }
        for name in reference.candidates() {
            let found = self.repository.find_reference(&name).and_then(|reference| {
                let resolved = reference.resolve()?;
                let name = resolved.name().map(str::to_owned)?;
                let commit = resolved.peel_to_commit()?;
                let tag = resolved.target().filter(|id| *id != commit.id());
                Ok((commit, Some(name), tag))
            });
            match found {
                Ok(target) => return Ok(target),
                Err(error) if error.code() == ErrorCode::NotFound && error.class() == git2::ErrorClass::Reference => {}
                Err(error) => return Err(damaged(&self.place)(error)),
            }
        }
        let branches = self.repository.branches(Some(git2::BranchType::Local)).map_err(damaged(&self.place))?;
        let names: Vec<String> = branches.filter_map(|branch| branch.ok()?.0.name().ok()?.map(str::to_owned)).collect();
        if names.is_empty() {
            return Err(SourceError::EmptyRepository { address: self.place.clone() });
        }
        Err(SourceError::ReferenceNotFound {
            reference: reference.to_string(),
            address: self.place.clone(),
            last: last.map(str::to_owned),
            available: names.into_iter().take(super::poll::SHOWN).collect(),
        })
    }
}
