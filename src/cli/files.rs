//! Files named on the command line.
//!
//! Nothing is passed over unseen: what is not read is named, and nothing is read that could block or that has no end.

use super::exit::CommandError;
use crate::diagnostics::printable;
use crate::diagnostics::{Diagnostic, Diagnostics, Location};
use crate::engine::offline::{IgnoreAbove, LeftAlone, SourceFile};
use crate::model::{IGNORE_FILE, may_hold_manifests};
use crate::postgres::Catalogue;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Largest file that is read: one byte more than `load` takes, so that `load` names the limit.
const MOST: u64 = (1 << 20) + 1;

/// Most bytes that are read at all: above this `load` stops and says so.
const MOST_TOGETHER: usize = 256 << 20;

/// What was found below the paths of the command line.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files, by name as written.
    pub(super) files: Vec<SourceFile>,
    /// Files that were named one by one.
    pub(super) named: BTreeSet<String>,
    /// What could not be read and what was not followed.
    pub(super) refused: Diagnostics,
    /// What was not looked into, with the reason.
    pub(super) left_alone: Vec<LeftAlone>,
    /// Paths that could not be read although they were asked for.
    pub(super) failures: Vec<CommandError>,
    /// Ignore files of the folders around what was named, the outermost first.
    pub(super) ignores_above: Vec<IgnoreAbove>,
    seen: BTreeSet<PathBuf>,
    bytes: usize,
}

/// Reads files and, below directories, every regular file that may hold manifests.
pub(super) fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        found.named_path(path);
    }
    found
}

/// Adds the images that a catalogue file names.
pub fn with_images(catalogue: Catalogue, path: &Path) -> Result<Catalogue, CommandError> {
    catalogue.with_images(&whole_file(path)?).map_err(|error| {
        CommandError::invalid(format!("{} is no catalogue: {error}", path.display())).hint("deploy/images/catalogue writes one")
    })
}

/// The text of one file that an option names.
#[expect(clippy::disallowed_methods, reason = "the command line reads the files it was given")]
fn whole_file(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path).map_err(|error| CommandError::failure(format!("{} cannot be read: {error}", path.display())))
}

/// The name of a path in messages: as written, with forward slashes and without dots that mean nothing.
fn name_of(path: &Path) -> String {
    let plain: PathBuf = path.components().filter(|component| *component != Component::CurDir).collect();
    plain.to_string_lossy().replace('\\', "/")
}

#[expect(clippy::disallowed_methods, reason = "the command line reads the files it was given")]
impl Found {
    fn named_path(&mut self, path: &Path) {
        if path.as_os_str() == "-" {
            self.named.insert("-".to_owned());
            return self.take("-".to_owned(), std::io::stdin().lock());
        }
        let failed = |error: std::io::Error| CommandError::failure(format!("cannot read {}: {error}", printable(&path.to_string_lossy())));
        match std::fs::metadata(path) {
            Err(error) => self.failures.push(failed(error)),
            Ok(metadata) if metadata.is_dir() => {
                self.look_above(path, false);
                self.folder(path);
            }
            // A pipe that was named is meant to be waited for.
            Ok(_) => {
                self.named.insert(name_of(path));
                if self.is_new(path) {
                    self.look_above(path.parent().unwrap_or(Path::new("")), true);
                    match std::fs::File::open(path) {
                        Ok(file) => self.take(name_of(path), file),
                        Err(error) => self.failures.push(failed(error)),
                    }
                }
            }
        }
    }

    /// Takes the ignore files of the folders around `folder`, up to the root of the repository, or to the working directory
    /// where there is no repository: what a pipeline checks file by file is kept out as it is in the whole.
    fn look_above(&mut self, folder: &Path, its_own: bool) {
        let written = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let (Ok(real), Ok(here)) = (written.canonicalize(), std::env::current_dir().and_then(|here| here.canonicalize())) else { return };
        let Some(last) = real.ancestors().find(|above| above.join(".git").exists()).or_else(|| real.starts_with(&here).then_some(&here))
        else {
            return;
        };
        let name = name_of(folder);
        let root = if name.is_empty() || name == "." { String::new() } else { format!("{}/", name.trim_end_matches('/')) };
        let around: Vec<&Path> = real.ancestors().skip(usize::from(!its_own)).take_while(|above| above.starts_with(last)).collect();
        for above in around.into_iter().rev() {
            let path = above.join(IGNORE_FILE);
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let below = real.strip_prefix(above).map(name_of).unwrap_or_default();
            let below = if below.is_empty() { below } else { format!("{below}/") };
            let file = path.strip_prefix(&here).map_or_else(|_| name_of(&path), name_of);
            let ignore = IgnoreAbove { file, root: root.clone(), below, text };
            if !self.ignores_above.contains(&ignore) {
                self.ignores_above.push(ignore);
            }
        }
    }

    /// Whether a path was not met before, under whatever name.
    fn is_new(&mut self, path: &Path) -> bool {
        self.seen.insert(std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
    }

    fn folder(&mut self, folder: &Path) {
        let entries = std::fs::read_dir(folder).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
        let mut entries: Vec<PathBuf> = match entries {
            Ok(entries) => entries,
            Err(error) => return self.refuse(folder, true, "file-not-readable", format!("it cannot be read: {error}")),
        };
        entries.sort();
        for entry in entries {
            self.entry(&entry);
        }
    }

    fn entry(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let metadata = match std::fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.refuse(path, true, "file-not-readable", format!("it cannot be read: {error}")),
        };
        let manifest = may_hold_manifests(&name);
        if name.starts_with('.') && name != IGNORE_FILE {
            if name != ".git" && (metadata.is_dir() || manifest) {
                let location = Location { file: name_of(path), line: 0, column: 0 };
                self.left_alone.push(LeftAlone { location, reason: "hidden: its name begins with a dot".to_owned() });
            }
        } else if metadata.is_symlink() {
            let folder = std::fs::metadata(path).is_ok_and(|target| target.is_dir());
            if manifest || folder || name == IGNORE_FILE {
                let message = "symbolic links are not followed; put the file itself there".to_owned();
                self.refuse(path, false, "link-not-followed", message);
            }
        } else if metadata.is_dir() {
            self.folder(path);
        } else if !manifest && name != IGNORE_FILE {
            // Neither read nor named: a repository is full of other things.
        } else if !metadata.is_file() {
            self.refuse(path, true, "file-not-readable", "it is neither an ordinary file nor a folder".to_owned());
        } else if self.is_new(path) {
            match std::fs::File::open(path) {
                Ok(file) => self.take(name_of(path), file),
                Err(error) => self.refuse(path, true, "file-not-readable", format!("it cannot be read: {error}")),
            }
        }
    }

    fn take(&mut self, name: String, from: impl std::io::Read) {
        let mut content = Vec::new();
        if self.bytes > MOST_TOGETHER {
            return;
        }
        match from.take(MOST).read_to_end(&mut content) {
            Ok(size) => {
                self.bytes += size;
                self.files.push(SourceFile { path: name, content: content.into() });
            }
            Err(error) => self.refuse(Path::new(&name), true, "file-not-readable", format!("it cannot be read: {error}")),
        }
    }

    fn refuse(&mut self, path: &Path, error: bool, code: &str, message: String) {
        let problem = if error { Diagnostic::error(code, message) } else { Diagnostic::warning(code, message) };
        let at = Location { file: name_of(path), line: 0, column: 0 };
        self.refused.push(problem.at(at).help("or name it in .stackgresignore if it is no manifest"));
    }
}
