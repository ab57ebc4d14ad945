//! What a source delivers: the files of one revision, under caps.

use super::SourceError;
use super::describe;
use super::git::Signature;
use super::patience::Patience;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// One file of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Path from the root of the repository or directory (not from the configured folder), with forward slashes.
    pub path: String,
    /// Content; shared, because one revision may be looked at several times. Between processes it travels beside the description.
    #[serde(skip)]
    pub content: Arc<[u8]>,
    /// Blob id, or a content digest for a directory: equal ids mean equal content.
    pub id: String,
    /// Mode as Git writes it, for example `0o100644`.
    pub mode: u32,
}

/// Something that was found and not read. What it would have held is unknown, not absent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refused {
    /// Path from the root of the source; a folder when everything below it is refused.
    pub path: String,
    /// Why.
    pub reason: Refusal,
}

/// Why something was not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Refusal {
    /// A symbolic link in a Git repository.
    Link,
    /// A symbolic link that leads out of the directory.
    LinkOutside,
    /// A symbolic link to a folder that holds the link, or one that leads nowhere.
    LinkBroken,
    /// A Git submodule, or another repository inside this one.
    Submodule,
    /// A Git LFS pointer instead of the content.
    LargeFilePointer,
    /// Larger than a file may be.
    TooLarge {
        /// Size in bytes.
        size: u64,
        /// Cap in bytes.
        limit: u64,
    },
    /// Nested deeper than folders may be.
    TooDeep,
    /// Neither an ordinary file nor a folder.
    Special,
    /// A mode that Git does not write for ordinary files.
    Mode(u32),
    /// A name that is not valid UTF-8, or that could be taken for something else on another system.
    Name,
    /// The operating system refuses to read it.
    Unreadable(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link => f.write_str("symbolic links are not followed; commit the file itself"),
            Self::LinkOutside => f.write_str("the symbolic link leads out of the directory; put the file itself there"),
            Self::LinkBroken => f.write_str("the symbolic link leads nowhere or to a folder it is in"),
            Self::Submodule => {
                f.write_str("submodules are not fetched; commit the files themselves or add the other repository as a source")
            }
            Self::LargeFilePointer => f.write_str("the file is kept in Git LFS, which is not fetched; commit the file itself"),
            Self::TooLarge { size, limit } => {
                write!(f, "the file has {}, more than the {} a file may have", describe::bytes(*size), describe::bytes(*limit))
            }
            Self::TooDeep => f.write_str("the folder is nested too deep"),
            Self::Special => f.write_str("it is neither an ordinary file nor a folder"),
            Self::Mode(mode) => write!(f, "the mode {mode:o} is not that of an ordinary file"),
            Self::Name => f.write_str("the name is not valid UTF-8 or means something else on another system; rename it"),
            Self::Unreadable(reason) => write!(f, "it cannot be read: {reason}"),
        }
    }
}

/// Which content this is, who made it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Commit id in hexadecimal, or a content digest for a directory.
    pub id: String,
    /// Id of the configured folder's content: the tree id, or a content digest.
    pub content: String,
    /// What the commit was reached by, for example `refs/heads/main`.
    pub reference: Option<String>,
    /// Author as written in the commit, on one line.
    pub author: Option<String>,
    /// When the commit was made.
    pub time: Option<jiff::Timestamp>,
    /// First line of the commit message.
    pub subject: Option<String>,
    /// What is known of its signature, where a policy asks for it.
    pub signature: Option<Signature>,
    pub(super) scope: String,
}

impl Revision {
    /// The part a caller keeps, to ask later whether there is anything new.
    pub fn key(&self) -> RevisionKey {
        RevisionKey { scope: self.scope.clone(), revision: self.id.clone(), content: self.content.clone() }
    }
}

/// Remembers what was seen last. Small and plain, so that it may stand in a status field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionKey {
    /// Stands for address, reference and folder: a key of other settings says nothing about these.
    pub scope: String,
    /// Commit id or content digest.
    pub revision: String,
    /// Tree id of the folder, or content digest.
    pub content: String,
}

/// All files of one revision below the configured folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which revision this is.
    pub revision: Revision,
    /// Files, sorted by path.
    pub files: Vec<File>,
    /// What was found and not read, sorted by path.
    pub refused: Vec<Refused>,
    /// Hidden folders (a leading dot), sorted. They are not looked into; `.git` is not listed.
    pub hidden: Vec<String>,
}

/// Caps. A single file over its cap is refused; a sum over its cap fails the whole reading.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limits {
    /// Files that are read.
    pub files: usize,
    /// Names that are looked at, read or not.
    pub entries: usize,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Nested folders.
    pub depth: usize,
    /// Bytes that one fetch may bring.
    pub fetch_bytes: u64,
    /// Bytes that the list of references may have.
    pub advertisement_bytes: u64,
    /// Objects that one fetch may bring.
    pub fetch_objects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 100_000,
            entries: 1_000_000,
            file_bytes: 1 << 20,
            total_bytes: 256 << 20,
            depth: 32,
            fetch_bytes: 512 << 20,
            advertisement_bytes: 16 << 20,
            fetch_objects: 2_000_000,
        }
    }
}

/// Whether a file can matter to later stages: YAML, JSON and ignore files.
pub fn may_hold_manifests(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    crate::model::may_hold_manifests(name) || (name.starts_with('.') && name.ends_with("ignore"))
}

/// Gathers files under caps.
pub(super) struct Collector<'a> {
    limits: &'a Limits,
    patience: &'a Patience,
    entries: usize,
    bytes: u64,
    files: Vec<File>,
    refused: Vec<Refused>,
    hidden: Vec<String>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(limits: &'a Limits, patience: &'a Patience) -> Self {
        Self { limits, patience, entries: 0, bytes: 0, files: Vec::new(), refused: Vec::new(), hidden: Vec::new() }
    }

    /// Counts one name. To be called for each entry before anything is done with it.
    pub(super) fn visit(&mut self) -> Result<(), SourceError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(SourceError::TooLarge { what: "the number of names".into(), limit: self.limits.entries.to_string() });
        }
        self.patience.check("reading the files")
    }

    /// Whether a folder at this depth (1 is a folder at the top) may be entered; refuses it otherwise.
    pub(super) fn enter(&mut self, path: &str, depth: usize) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with('.') {
            self.hidden.push(path.to_owned());
            return false;
        }
        if depth > self.limits.depth {
            self.refuse(path, Refusal::TooDeep);
            return false;
        }
        true
    }

    /// Whether a file of this size is to be read; refuses it when it is too large.
    pub(super) fn wants(&mut self, path: &str, size: u64) -> bool {
        if !may_hold_manifests(path) {
            return false;
        }
        let limit = self.limits.file_bytes;
        if size > limit {
            self.refuse(path, Refusal::TooLarge { size, limit });
        }
        size <= limit
    }

    /// Keeps the content of a file.
    pub(super) fn keep(&mut self, path: &str, content: &[u8], mode: u32, id: impl FnOnce() -> String) -> Result<(), SourceError> {
        if content.starts_with(b"version https://git-lfs.github.com/spec/") {
            self.refuse(path, Refusal::LargeFilePointer);
            return Ok(());
        }
        self.keep_known(File { path: path.to_owned(), content: content.into(), id: id(), mode }, content.len() as u64)
    }

    /// Keeps a file that was kept before, with the length of its content.
    pub(super) fn keep_known(&mut self, file: File, length: u64) -> Result<(), SourceError> {
        self.bytes += length;
        if self.bytes > self.limits.total_bytes {
            return Err(SourceError::TooLarge { what: "the size of all files".into(), limit: describe::bytes(self.limits.total_bytes) });
        }
        if self.files.len() >= self.limits.files {
            return Err(SourceError::TooLarge { what: "the number of files".into(), limit: self.limits.files.to_string() });
        }
        self.files.push(file);
        Ok(())
    }

    /// Notes what is not read.
    pub(super) fn refuse(&mut self, path: &str, reason: Refusal) {
        self.refused.push(Refused { path: path.to_owned(), reason });
    }

    pub(super) fn file_limit(&self) -> u64 {
        self.limits.file_bytes
    }

    /// Everything, in a fixed order.
    pub(super) fn finish(self) -> Contents {
        let Self { mut files, mut refused, mut hidden, .. } = self;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        refused.sort();
        hidden.sort();
        Contents { files, refused, hidden }
    }
}

/// A snapshot without its revision.
pub(super) struct Contents {
    pub(super) files: Vec<File>,
    pub(super) refused: Vec<Refused>,
    pub(super) hidden: Vec<String>,
}

impl Contents {
    pub(super) fn of(self, revision: Revision) -> Snapshot {
        Snapshot { revision, files: self.files, refused: self.refused, hidden: self.hidden }
    }
}

/// A path setting as its parts. Empty, `.`, a leading `./` or `/` and a trailing `/` all mean what they look like.
pub(super) fn folder_parts(path: &str) -> Result<Vec<&str>, SourceError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.iter().any(|part| *part == ".." || part.contains(['\\', '\0'])) {
        return Err(SourceError::refused(
            format!("the path {path:?} leaves the source"),
            "give a path below the root of the repository or directory, without `..`",
        ));
    }
    Ok(parts)
}

/// Whether a name is safe on every system, and not one that Git itself gives a meaning.
pub(super) fn is_plain_name(name: &str) -> bool {
    let is_git = name.trim_end_matches(['.', ' ']).eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1");
    !(name.is_empty() || name == "." || name == ".." || is_git || name.contains(['/', '\\']) || name.chars().any(char::is_control))
}

/// `folder/name`, or the name alone at the top.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_source_are_refused() {
        assert_eq!(folder_parts("./clusters//team-a/").unwrap(), ["clusters", "team-a"]);
        assert_eq!(folder_parts("/").unwrap(), Vec::<&str>::new());
        for bad in ["..", "a/../../b", "a\\b"] {
            assert!(matches!(folder_parts(bad), Err(SourceError::Refused { .. })), "{bad}");
        }
    }

    /// `.git` written differently is the entrance of most attacks through crafted trees.
    #[test]
    fn names_with_a_second_meaning_are_refused() {
        for bad in ["", ".", "..", ".git", ".GIT", ".git.", "git~1", "a/b", "a\\b", "a\nb"] {
            assert!(!is_plain_name(bad), "{bad:?}");
        }
        for good in [".gitignore", "orders.yaml", "größe.yaml", "..data", "git"] {
            assert!(is_plain_name(good), "{good:?}");
        }
    }

    #[test]
    fn only_files_that_can_matter_are_selected() {
        for read in ["a.yaml", "x/b.YML", "x/c.json", ".stackgresignore"] {
            assert!(may_hold_manifests(read), "{read}");
        }
        for left in ["README.md", "yaml", "x.yaml.bak", "a/logo.png"] {
            assert!(!may_hold_manifests(left), "{left}");
        }
    }
}
