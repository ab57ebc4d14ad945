//! Files of a commit of a local repository, read from its object database: no work tree is touched.

use crate::load::SourceFile;
use std::path::{Path, PathBuf};

/// A local Git repository.
pub struct Repository(git2::Repository);

/// Why a repository could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// Not a repository.
    #[error("{} is no git repository", .0.display())]
    Missing(PathBuf),
    /// No such commit.
    #[error("there is no commit {0}")]
    Commit(String),
    /// No such folder in a commit.
    #[error("{0} has no folder {1}")]
    Folder(String, String),
    /// libgit2 failed.
    #[error("git failed")]
    Git(#[from] git2::Error),
}

impl RepositoryError {
    /// What to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing(_) => Some("name a repository with --repository"),
            Self::Commit(_) => Some("in a shallow clone fetch it first: git fetch origin REF"),
            Self::Folder(..) | Self::Git(_) => None,
        }
    }
}

impl Repository {
    /// Opens the repository that holds `path`.
    pub fn open(path: &Path) -> Result<Self, RepositoryError> {
        git2::Repository::discover(path).map(Self).map_err(|_| RepositoryError::Missing(path.to_owned()))
    }

    /// The working directory, unless the repository is bare.
    pub fn working_directory(&self) -> Option<&Path> {
        self.0.workdir()
    }

    /// The first twelve digits of a commit's id and the regular files below a folder of it.
    pub fn files(&self, name: &str, folder: &str) -> Result<(String, Vec<SourceFile>), RepositoryError> {
        let commit = self
            .0
            .revparse_single(name)
            .and_then(|object| object.peel_to_commit())
            .map_err(|_| RepositoryError::Commit(name.to_owned()))?;
        let mut tree = commit.tree()?;
        let folder = folder.trim_matches('/');
        if !folder.is_empty() {
            let missing = |_| RepositoryError::Folder(name.to_owned(), folder.to_owned());
            let entry = tree.get_path(Path::new(folder)).map_err(missing)?;
            tree = entry.to_object(&self.0).and_then(|object| object.peel_to_tree()).map_err(missing)?;
        }
        let mut files = Vec::new();
        walk(&self.0, &tree, folder, &mut files)?;
        Ok((commit.id().to_string().chars().take(12).collect(), files))
    }
}

/// Regular files of a tree; links and submodules are not followed.
fn walk(repository: &git2::Repository, tree: &git2::Tree<'_>, folder: &str, files: &mut Vec<SourceFile>) -> Result<(), git2::Error> {
    for entry in tree {
        let name = entry.name().unwrap_or_default();
        if name.is_empty() || (name.starts_with('.') && name != ".stackgresignore") {
            continue;
        }
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        match (entry.kind(), entry.filemode()) {
            (Some(git2::ObjectType::Tree), _) => walk(repository, &entry.to_object(repository)?.peel_to_tree()?, &path, files)?,
            (Some(git2::ObjectType::Blob), 0o100_644 | 0o100_755) => {
                files.push(SourceFile { path, content: repository.find_blob(entry.id())?.content().into() });
            }
            _ => {}
        }
    }
    Ok(())
}
