//! The Git repository of the demo.

use super::EXAMPLE;
use git2::{IndexAddOption, Repository, RepositoryInitOptions, Signature};
use std::path::{Path, PathBuf};

/// A repository with a work tree that people can look at and commit to.
pub(super) struct DemoRepository {
    repository: Repository,
    folder: PathBuf,
}

/// What went wrong, with the path.
pub(super) type Failed = String;

impl DemoRepository {
    /// Makes it and commits the example.
    pub(super) fn make(folder: &Path) -> Result<Self, Failed> {
        crate::source::install().map_err(|error| error.to_string())?;
        let mut options = RepositoryInitOptions::new();
        options.initial_head("main").external_template(false).mkpath(true);
        let repository = Repository::init_opts(folder, &options).map_err(|error| format!("{}: {}", folder.display(), error.message()))?;
        let made = Self { repository, folder: folder.to_owned() };
        for (path, text) in EXAMPLE {
            made.write(path, text)?;
        }
        made.commit("describe the fleet")?;
        Ok(made)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Replaces a text in a file and commits that; gives the short commit id.
    pub(super) fn change(&self, path: &str, from: &str, to: &str, subject: &str) -> Result<String, Failed> {
        let file = self.folder.join(path);
        #[expect(clippy::disallowed_methods, reason = "the demo edits the file as a person would")]
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        if !text.contains(from) {
            return Err(format!("{path} does not hold {from:?} any more"));
        }
        self.write(path, &text.replace(from, to))?;
        self.commit(subject)
    }

    #[expect(clippy::disallowed_methods, reason = "the demo writes the repository it made")]
    fn write(&self, path: &str, text: &str) -> Result<(), Failed> {
        let file = self.folder.join(path);
        let failed = |error: std::io::Error| format!("{}: {error}", file.display());
        std::fs::create_dir_all(file.parent().unwrap_or(&self.folder)).map_err(failed)?;
        std::fs::write(&file, text).map_err(failed)
    }

    fn commit(&self, subject: &str) -> Result<String, Failed> {
        let commit = || -> Result<git2::Oid, git2::Error> {
            let mut index = self.repository.index()?;
            index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
            index.write()?;
            let tree = self.repository.find_tree(index.write_tree()?)?;
            let who = Signature::now("stackgres demo", "demo@stackgres.invalid")?;
            let parent = self.repository.head().ok().and_then(|head| head.peel_to_commit().ok());
            let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
            self.repository.commit(Some("HEAD"), &who, &who, subject, &tree, &parents)
        };
        commit().map(|id| id.to_string()[..12].to_owned()).map_err(|error| error.message().to_owned())
    }
}
