//! Files of a commit, straight from the object database: nothing is ever checked out.

use super::blobs::Blobs;
use super::child::no_memory;
use crate::model::{Digest, IGNORE_FILE};
use crate::source::SourceError;
use crate::source::describe::tame;
use crate::source::patience::Patience;
use crate::source::snapshot::{Collector, File, Limits, Refusal, Revision, Snapshot, is_plain_name, join, may_hold_manifests};
use git2::{Commit, ErrorClass, ErrorCode, ObjectType, Odb, Repository, Tree, TreeEntry};

/// A repository with the name it has in messages.
pub(super) struct Store<'a> {
    pub(super) repository: &'a Repository,
    pub(super) place: &'a str,
}

/// Where contents come from.
struct Reading<'a> {
    odb: Odb<'a>,
    known: &'a Blobs,
}

/// Turns a failure of libgit2 on stored objects into ours.
pub(super) fn damaged(place: &str) -> impl Fn(git2::Error) -> SourceError {
    let place = place.to_owned();
    move |error| match error.class() {
        ErrorClass::NoMemory => no_memory(),
        _ => SourceError::Corrupt { place: place.clone(), reason: tame(error.message()) },
    }
}

impl Store<'_> {
    /// Describes a commit and finds the configured folder in it.
    pub(super) fn revision(
        &self,
        commit: &Commit<'_>,
        folder: &[&str],
        reference: Option<String>,
        scope: &str,
    ) -> Result<Revision, SourceError> {
        let author = commit.author();
        let name = format!("{} <{}>", String::from_utf8_lossy(author.name_bytes()), String::from_utf8_lossy(author.email_bytes()));
        let subject = commit.message_bytes().split(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(Revision {
            id: commit.id().to_string(),
            content: self.content(commit, folder)?,
            reference,
            author: Some(tame(&name)),
            time: jiff::Timestamp::from_second(commit.time().seconds()).ok(),
            subject: Some(tame(&String::from_utf8_lossy(subject))),
            signature: None,
            scope: scope.to_owned(),
        })
    }

    /// The folder's tree id; where ignore files stand above it, a digest of both.
    fn content(&self, commit: &Commit<'_>, folder: &[&str]) -> Result<String, SourceError> {
        let (tree, above) = self.folder(commit, folder)?;
        let mut ids: Vec<String> = above.iter().map(|(path, entry)| format!("{path} {}", entry.id())).collect();
        if ids.is_empty() {
            return Ok(tree.id().to_string());
        }
        ids.push(tree.id().to_string());
        Ok(Digest::of_bytes(ids.join("\n").as_bytes()).as_str().to_owned())
    }

    /// The configured folder, and the ignore files of the folders above it.
    fn folder(&self, commit: &Commit<'_>, folder: &[&str]) -> Result<(Tree<'_>, Vec<(String, TreeEntry<'static>)>), SourceError> {
        let mut tree = self.repository.find_tree(commit.tree_id()).map_err(damaged(self.place))?;
        let mut above = Vec::new();
        for (depth, part) in folder.iter().enumerate() {
            if let Some(entry) = tree.get_name(IGNORE_FILE).filter(|entry| matches!(entry.filemode(), 0o100_644 | 0o100_755)) {
                above.push((join(&folder[..depth].join("/"), IGNORE_FILE), entry.to_owned()));
            }
            let next = tree.get_name(part).filter(|entry| entry.kind() == Some(ObjectType::Tree)).map(|entry| entry.id());
            let Some(id) = next else {
                return Err(SourceError::FolderNotFound { path: folder.join("/"), place: format!("commit {}", commit.id()) });
            };
            tree = self.repository.find_tree(id).map_err(damaged(self.place))?;
        }
        Ok((tree, above))
    }

    /// Reads every file below the configured folder whose content is not known.
    pub(super) fn snapshot(
        &self,
        commit: &Commit<'_>,
        folder: &[&str],
        revision: Revision,
        limits: &Limits,
        known: &Blobs,
        patience: &Patience,
    ) -> Result<Snapshot, SourceError> {
        let reading = &Reading { odb: self.repository.odb().map_err(damaged(self.place))?, known };
        let mut collector = Collector::new(limits, patience);
        let (tree, above) = self.folder(commit, folder)?;
        for (path, entry) in &above {
            self.file(reading, entry, path, entry.filemode().unsigned_abs(), &mut collector)?;
        }
        self.walk(reading, &tree, &folder.join("/"), 1, &mut collector)?;
        Ok(collector.finish().of(revision))
    }

    fn walk(
        &self,
        reading: &Reading<'_>,
        tree: &Tree<'_>,
        folder: &str,
        depth: usize,
        collector: &mut Collector<'_>,
    ) -> Result<(), SourceError> {
        for entry in tree {
            collector.visit()?;
            let name = String::from_utf8_lossy(entry.name_bytes());
            let path = join(folder, &name);
            if !is_plain_name(&name) || std::str::from_utf8(entry.name_bytes()).is_err() {
                collector.refuse(&join(folder, &tame(&name)), Refusal::Name);
                continue;
            }
            match entry.filemode_raw() {
                0o040_000 => {
                    if collector.enter(&path, depth) {
                        let tree = self.repository.find_tree(entry.id()).map_err(damaged(self.place))?;
                        self.walk(reading, &tree, &path, depth + 1, collector)?;
                    }
                }
                mode @ (0o100_644 | 0o100_755 | 0o100_664) => self.file(reading, &entry, &path, mode.unsigned_abs(), collector)?,
                0o120_000 => collector.refuse(&path, Refusal::Link),
                0o160_000 => collector.refuse(&path, Refusal::Submodule),
                mode => collector.refuse(&path, Refusal::Mode(mode.unsigned_abs())),
            }
        }
        Ok(())
    }

    fn file(
        &self,
        reading: &Reading<'_>,
        entry: &TreeEntry<'_>,
        path: &str,
        mode: u32,
        collector: &mut Collector<'_>,
    ) -> Result<(), SourceError> {
        let id = entry.id();
        if let Some(blob) = reading.known.get(id).filter(|blob| blob.length <= collector.file_limit())
            && may_hold_manifests(path)
        {
            let file = File { path: path.to_owned(), content: blob.content.clone(), id: id.to_string(), mode };
            return collector.keep_known(file, blob.length);
        }
        let odb = &reading.odb;
        // The size first: reading would put the whole object into memory.
        let missing = |error: git2::Error| match error.code() {
            ErrorCode::NotFound => {
                SourceError::Corrupt { place: self.place.to_owned(), reason: format!("the content of {path} is missing") }
            }
            _ => damaged(self.place)(error),
        };
        let (size, kind) = odb.read_header(id).map_err(missing)?;
        if kind != ObjectType::Blob {
            return Err(SourceError::Corrupt { place: self.place.to_owned(), reason: format!("{path} is not stored as a file") });
        }
        if collector.wants(path, size as u64) {
            let object = odb.read(id).map_err(missing)?;
            collector.keep(path, object.data(), mode, || id.to_string())?;
        }
        Ok(())
    }
}
