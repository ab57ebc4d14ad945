//! Names of files that a source reads.

/// The ignore file. Those of the folders around a source's own folder count as well, so that a folder is seen as it is in the whole
/// repository.
pub const IGNORE_FILE: &str = ".stackgresignore";

/// Whether a file's name says YAML or JSON.
pub fn may_hold_manifests(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending))
}
