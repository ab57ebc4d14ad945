//! A directory of this machine.
//!
//! In: its path. Out: [`Polled`]. Invariant: nothing outside the directory is read, whatever links say; a directory that
//! changes while it is read is read again at the next look, because its digest will differ.
//! Why: links inside are followed because Kubernetes mounts ConfigMaps as links to a hidden folder of the same directory.

use super::patience::Patience;
use super::snapshot::{Collector, Limits, Refusal, Revision, RevisionKey, Snapshot, folder_parts, is_plain_name, join};
use super::watch::Changes;
use super::{Poll, Polled, SourceError};
use crate::model::{Digest, IGNORE_FILE};
use std::io::Read;
use std::path::{Path, PathBuf};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The mode that Git gives an ordinary file.
const ORDINARY: u32 = 0o100_644;

/// What to read.
#[derive(Debug, Clone)]
pub struct DirectorySettings {
    /// Root of the source.
    pub root: PathBuf,
    /// Folder of the manifests; empty for all.
    pub path: String,
    /// Caps.
    pub limits: Limits,
}

/// A directory as a source.
#[derive(Debug, Clone)]
pub struct DirectorySource {
    settings: DirectorySettings,
}

impl DirectorySource {
    /// Takes the settings over; nothing is read yet.
    pub const fn new(settings: DirectorySettings) -> Self {
        Self { settings }
    }

    /// Looks whether there is anything new.
    pub async fn latest(&self, known: Option<&RevisionKey>, deadline: Instant, cancel: &CancellationToken) -> Result<Polled, SourceError> {
        let patience = Patience::until(deadline, cancel.clone());
        let (settings, waiting) = (self.settings.clone(), patience.clone());
        let reading = tokio::task::spawn_blocking(move || {
            read(&settings.root, &settings.path, &settings.limits, &waiting, Links::Inside, &|_, _| false)
        });
        let what = format!("reading {}", self.settings.root.display());
        let snapshot = patience
            .wait(&what, async {
                let stopped = |error: tokio::task::JoinError| SourceError::Unreadable { path: what.clone(), reason: error.to_string() };
                reading.await.map_err(stopped)?
            })
            .await?;
        let same = known.is_some_and(|known| *known == snapshot.revision.key());
        let poll = if same { Poll::Unchanged } else { Poll::Changed(snapshot) };
        Ok(Polled { poll, events: Vec::new(), received: 0 })
    }

    /// A signal that something below the root may have changed.
    pub fn changes(&self) -> Result<Changes, SourceError> {
        Changes::of(&self.settings.root)
    }
}

/// What to do with symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// They are refused, as in a commit.
    Refuse,
    /// They are followed as long as they stay inside the root.
    Inside,
}

/// Reads a folder of a directory as it stands.
pub(super) fn read(
    root: &Path,
    path: &str,
    limits: &Limits,
    patience: &Patience,
    links: Links,
    ignored: &dyn Fn(&str, bool) -> bool,
) -> Result<Snapshot, SourceError> {
    let root = root.canonicalize().map_err(|error| SourceError::unreadable(root, &error))?;
    let parts = folder_parts(path)?;
    let start = parts.iter().fold(root.clone(), |folder, part| folder.join(part));
    if !start.is_dir() {
        return Err(SourceError::FolderNotFound { path: parts.join("/"), place: root.display().to_string() });
    }
    if !start.canonicalize().is_ok_and(|real| real.starts_with(&root)) {
        return Err(SourceError::refused(format!("the folder {path:?} leads out of the directory"), "name a folder inside of it"));
    }
    let mut walk = Walk { root: &root, links, ignored, collector: Collector::new(limits, patience) };
    let mut above = root.clone();
    for (depth, part) in parts.iter().enumerate() {
        let file = above.join(IGNORE_FILE);
        if file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            walk.file(&file, &join(&parts[..depth].join("/"), IGNORE_FILE))?;
        }
        above.push(part);
    }
    walk.folder(&start, &parts.join("/"), 1)?;
    let contents = walk.collector.finish();
    let mut listing = String::new();
    for file in &contents.files {
        listing.push_str(&format!("{}\0{}\0", file.path, file.id));
    }
    for refused in &contents.refused {
        listing.push_str(&format!("{}\0{}\0", refused.path, refused.reason));
    }
    let content = Digest::of_bytes(listing.as_bytes());
    let scope = Digest::of_bytes(format!("directory\n{}\n{}", root.display(), parts.join("/")).as_bytes());
    Ok(contents.of(Revision {
        id: content.as_str().to_owned(),
        content: content.as_str().to_owned(),
        reference: None,
        author: None,
        time: None,
        subject: None,
        signature: None,
        scope: scope.short().to_owned(),
    }))
}

struct Walk<'a> {
    root: &'a Path,
    links: Links,
    ignored: &'a dyn Fn(&str, bool) -> bool,
    collector: Collector<'a>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, shown: &str, depth: usize) -> Result<(), SourceError> {
        let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) if depth == 1 => return Err(SourceError::unreadable(folder, &error)),
            Err(error) => {
                self.collector.refuse(shown, Refusal::Unreadable(error.to_string()));
                return Ok(());
            }
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            self.collector.visit()?;
            let (system_name, real) = (entry.file_name(), entry.path());
            if system_name == ".git" {
                continue;
            }
            let Some(name) = system_name.to_str().filter(|name| is_plain_name(name)) else {
                self.collector.refuse(&join(shown, &super::describe::tame(&system_name.to_string_lossy())), Refusal::Name);
                continue;
            };
            let path = join(shown, name);
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => self.link(&real, &path, depth)?,
                Ok(kind) if (self.ignored)(&path, kind.is_dir()) => {}
                Ok(kind) if kind.is_dir() && self.links == Links::Refuse && real.join(".git").exists() => {
                    self.collector.refuse(&path, Refusal::Submodule);
                }
                Ok(kind) if kind.is_dir() => {
                    if self.collector.enter(&path, depth) {
                        self.folder(&real, &path, depth + 1)?;
                    }
                }
                Ok(kind) if kind.is_file() => self.file(&real, &path)?,
                Ok(_) => self.collector.refuse(&path, Refusal::Special),
                Err(error) => self.collector.refuse(&path, Refusal::Unreadable(error.to_string())),
            }
        }
        Ok(())
    }

    fn link(&mut self, link: &Path, path: &str, depth: usize) -> Result<(), SourceError> {
        if (self.ignored)(path, false) {
            return Ok(());
        }
        if self.links == Links::Refuse {
            self.collector.refuse(path, Refusal::Link);
            return Ok(());
        }
        let Ok(target) = link.canonicalize() else {
            self.collector.refuse(path, Refusal::LinkBroken);
            return Ok(());
        };
        if !target.starts_with(self.root) {
            self.collector.refuse(path, Refusal::LinkOutside);
        } else if target.is_file() {
            self.file(&target, path)?;
        } else if link.starts_with(&target) {
            self.collector.refuse(path, Refusal::LinkBroken);
        } else if self.collector.enter(path, depth) {
            self.folder(&target, path, depth + 1)?;
        }
        Ok(())
    }

    fn file(&mut self, real: &Path, path: &str) -> Result<(), SourceError> {
        let limit = self.collector.file_limit();
        let mut content = Vec::new();
        // One byte more than allowed tells a file that grows while it is read.
        let read = std::fs::File::open(real).and_then(|file| {
            let size = file.metadata()?.len();
            if !self.collector.wants(path, size) {
                return Ok(false);
            }
            file.take(limit + 1).read_to_end(&mut content).map(|_| true)
        });
        match read {
            Ok(false) => Ok(()),
            Ok(true) if content.len() as u64 > limit => {
                self.collector.refuse(path, Refusal::TooLarge { size: content.len() as u64, limit });
                Ok(())
            }
            Ok(true) => self.collector.keep(path, &content, ORDINARY, || Digest::of_bytes(&content).as_str().to_owned()),
            Err(error) => {
                self.collector.refuse(path, Refusal::Unreadable(error.to_string()));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(root: &Path, links: Links) -> Snapshot {
        read(root, "", &Limits { file_bytes: 100, ..Limits::default() }, &Patience::endless(), links, &|_, _| false).unwrap()
    }

    fn put(root: &Path, path: &str, text: &str) {
        let whole = root.join(path);
        std::fs::create_dir_all(whole.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("", whole.with_extension("x")).ok();
        std::fs::remove_file(whole.with_extension("x")).ok();
        let mut file = std::fs::File::create(&whole).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }

    /// A ConfigMap volume is links through `..data`; a link out of it would hand files of the process to whoever writes it.
    #[test]
    fn links_are_followed_inside_the_directory_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "..2026/orders.yaml", "a: 1");
        std::os::unix::fs::symlink("..2026", root.join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/orders.yaml", root.join("orders.yaml")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", root.join("host.yaml")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("broken.yaml")).unwrap();
        let snapshot = look(root, Links::Inside);
        assert_eq!(snapshot.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["orders.yaml"]);
        let refused: Vec<_> = snapshot.refused.iter().map(|refused| (refused.path.as_str(), refused.reason.clone())).collect();
        assert_eq!(refused, [("broken.yaml", Refusal::LinkBroken), ("host.yaml", Refusal::LinkOutside)]);
        let strict = look(root, Links::Refuse);
        assert!(strict.files.is_empty() && strict.refused.len() == 4, "{:?}", strict.refused);
    }

    /// A loop of links would otherwise be read until the caps are met.
    #[test]
    fn a_link_to_its_own_folder_ends() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "a/b.yaml", "x: 1");
        std::os::unix::fs::symlink("..", folder.path().join("a/up")).unwrap();
        let snapshot = look(folder.path(), Links::Inside);
        assert_eq!((snapshot.files.len(), snapshot.refused.len()), (1, 1), "{:?}", snapshot.refused);
    }

    /// What is too large is unknown, never absent: its clusters must not count as gone.
    #[test]
    fn a_file_over_the_cap_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "large.yaml", &"#".repeat(101));
        put(folder.path(), "small.yaml", "a: 1");
        let before = look(folder.path(), Links::Inside);
        assert_eq!(
            before.refused,
            [super::super::Refused { path: "large.yaml".into(), reason: Refusal::TooLarge { size: 101, limit: 100 } }]
        );
        put(folder.path(), "small.yaml", "a: 2");
        assert_ne!(before.revision.key(), look(folder.path(), Links::Inside).revision.key());
    }
}
