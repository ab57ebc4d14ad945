//! Files that other programs read, for as long as a step lasts.

use crate::source::SourceError;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A folder that nobody else may look into; it goes when this is dropped.
pub(super) struct PrivateFiles {
    folder: PathBuf,
}

impl PrivateFiles {
    /// Makes `name` in the folder of a cache, with these files. The cache belongs to one source, so nobody else uses the name.
    pub(super) fn write(cache: &Path, name: &str, files: &[(&str, &[u8])]) -> Result<Self, SourceError> {
        let folder = cache.join(name);
        let fail = |error: std::io::Error| SourceError::unreadable(&folder, &error);
        // What a process that was killed left behind.
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(fail)?;
        let written = Self { folder: folder.clone() };
        for (name, content) in files {
            let file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(written.path(name));
            file.and_then(|mut file| file.write_all(content)).map_err(fail)?;
        }
        Ok(written)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for PrivateFiles {
    fn drop(&mut self) {
        let _told_by_nobody = std::fs::remove_dir_all(&self.folder);
    }
}
