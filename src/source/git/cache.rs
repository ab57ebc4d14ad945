//! The bare repository that keeps what was fetched.

use super::address::Address;
use super::tree::damaged;
use crate::model::Digest;
use crate::source::SourceError;
use crate::source::patience::Patience;
use git2::{Repository, RepositoryInitOptions};
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every fetch adds a pack and nothing packs them together; above this it is cheaper to fetch anew.
const MOST_PACKS: usize = 50;

/// Removes the copies of repositories in `folder` that are not among `used`, unless somebody uses them now. Only folders that
/// this module made are touched. Gives what was removed.
pub fn remove_unused(folder: &Path, used: &[PathBuf]) -> Vec<PathBuf> {
    let mut removed = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let made_here = path.join("address").is_file() && path.join("repository.git").is_dir();
        if used.contains(&path) || !made_here {
            continue;
        }
        let Ok(lock) = File::options().write(true).open(path.join("lock")) else { continue };
        if lock.try_lock().is_ok() && std::fs::remove_dir_all(&path).is_ok() {
            removed.push(path);
        }
    }
    removed
}

/// A locked cache folder. Only what this program puts there is ever deleted: `repository.git` and `address`.
pub(super) struct Cache {
    folder: PathBuf,
    address: Digest,
    place: String,
    _lock: File,
}

impl Cache {
    /// Makes the folder if it is missing and waits until no other source uses it.
    pub(super) fn open(folder: &Path, address: &Address, patience: &Patience) -> Result<Self, SourceError> {
        let fail = |error: std::io::Error| SourceError::unreadable(folder, &error);
        std::fs::create_dir_all(folder).map_err(fail)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock")).map_err(fail)?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => patience.check("waiting for the cache folder")?,
                Err(TryLockError::Error(error)) => return Err(fail(error)),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let place = format!("the cached copy of {address}");
        let cache = Self { folder: folder.to_owned(), address: Digest::of_bytes(address.to_string().as_bytes()), place, _lock: lock };
        if cache.written_address().is_none_or(|written| written != cache.address.as_str()) {
            cache.wipe()?;
        }
        cache.remove_leftovers();
        Ok(cache)
    }

    /// What to call it in a message.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Opens the repository, or makes an empty one.
    pub(super) fn repository(&self) -> Result<Repository, SourceError> {
        let path = self.folder.join("repository.git");
        if path.exists() {
            return Repository::open_bare(&path).map_err(damaged(&self.place));
        }
        let mut options = RepositoryInitOptions::new();
        options.bare(true).no_reinit(true).external_template(false).mode(git2::RepositoryInitMode::from_bits_retain(0o700));
        let made = Repository::init_opts(&path, &options).map_err(damaged(&self.place))?;
        let address = self.folder.join("address");
        let written = File::create(&address).and_then(|mut file| file.write_all(self.address.as_str().as_bytes()));
        written.map_err(|error| SourceError::unreadable(&address, &error))?;
        Ok(made)
    }

    /// Removes the repository; the next use makes an empty one.
    pub(super) fn wipe(&self) -> Result<(), SourceError> {
        for (path, is_folder) in [(self.folder.join("address"), false), (self.folder.join("repository.git"), true)] {
            let removed = if is_folder { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(SourceError::unreadable(&path, &error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether so many packs have piled up that it should be wiped before the next fetch.
    pub(super) fn is_worn(&self) -> bool {
        let packs = self.packs().filter(|path| path.extension().is_some_and(|extension| extension == "pack")).count();
        packs > MOST_PACKS
    }

    fn packs(&self) -> impl Iterator<Item = PathBuf> {
        let listed = std::fs::read_dir(self.folder.join("repository.git/objects/pack"));
        listed.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
    }

    /// A fetch that was interrupted leaves its half-written pack behind.
    fn remove_leftovers(&self) {
        for path in self.packs() {
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pack_git2_")) {
                let _gone_or_not = std::fs::remove_file(path);
            }
        }
    }

    fn written_address(&self) -> Option<String> {
        let mut text = String::new();
        File::open(self.folder.join("address")).ok()?.take(100).read_to_string(&mut text).ok()?;
        Some(text)
    }
}
