//! Files named on the command line.

use super::exit::CommandError;
use crate::engine::offline::SourceFile;
use std::path::{Path, PathBuf};

/// Reads files and, below directories, every regular file; hidden directories and links are not followed.
#[expect(clippy::disallowed_methods, reason = "the command line reads the files it was given")]
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<SourceFile>, CommandError> {
    fn walk(path: &Path, named: bool, files: &mut Vec<SourceFile>) -> Result<(), CommandError> {
        let failed = |error: std::io::Error| CommandError::failure(format!("cannot read {}: {error}", path.display()));
        if path.is_dir() {
            let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
                .map_err(failed)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()
                .map_err(failed)?;
            entries.sort();
            for entry in entries {
                let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.') && name != ".stackgresignore");
                if !hidden && !entry.is_symlink() {
                    walk(&entry, false, files)?;
                }
            }
            return Ok(());
        }
        // A pipe or socket would be waited for without end; one that was named on purpose (`<(…)`) is read.
        if !named && !path.metadata().map_err(failed)?.is_file() {
            return Ok(());
        }
        let name = path.strip_prefix("./").unwrap_or(path).to_string_lossy().replace('\\', "/");
        if files.iter().any(|file| file.path == name) {
            return Ok(());
        }
        let content = std::fs::read(path).map_err(failed)?;
        files.push(SourceFile { path: name, content: content.into() });
        Ok(())
    }
    let mut files = Vec::new();
    for path in paths {
        walk(path, true, &mut files)?;
    }
    Ok(files)
}
