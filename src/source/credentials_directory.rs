//! Credentials that the operator of the controller gives for repositories, as files: a mounted Secret, or what an agent writes there.
//!
//! A folder for each: `url`, the address of a repository or what its address begins with; the keys that a fleet's Secret has (`username` and
//! `password`, `token`, or `identity` and `known_hosts`); and, if only some may use them, `namespaces`, one a line. They are read anew at each look.

use super::error::SourceError;
use super::git::Credentials;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Largest file of a credential, in bytes.
const LARGEST: u64 = 64 << 10;

/// Where such folders are.
#[derive(Debug, Clone)]
pub struct CredentialsDirectory(PathBuf);

impl CredentialsDirectory {
    /// Reads nothing yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The credentials for an address, for a fleet of this namespace: those of the longest `url` that fits.
    pub fn find(&self, address: &str, namespace: &str) -> Result<Option<Credentials>, SourceError> {
        let mut best: Option<(usize, PathBuf)> = None;
        let listed = std::fs::read_dir(&self.0).map_err(|error| SourceError::unreadable(&self.0, &error))?;
        for entry in listed {
            let folder = entry.map_err(|error| SourceError::unreadable(&self.0, &error))?.path();
            let Some(url) = read(&folder.join("url"))? else { continue };
            let longer = best.as_ref().is_none_or(|(length, _)| url.len() > *length);
            if longer && is_below(address, &url) && is_for(read(&folder.join("namespaces"))?.as_deref(), namespace) {
                best = Some((url.len(), folder));
            }
        }
        let Some((_, folder)) = best else { return Ok(None) };
        let mut failure = None;
        let found = Credentials::of_keys(None, |name| {
            read(&folder.join(name)).unwrap_or_else(|error| {
                failure.get_or_insert(error);
                None
            })
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        found.map(Some).map_err(|missing| {
            let hint = "write username and password, token, or identity and known_hosts beside url";
            SourceError::refused(format!("the credentials in {} are not whole: it {missing}", folder.display()), hint)
        })
    }
}

/// Whether an address is this one or begins with it, whole parts of the path only: `https://example.org/shop` is not the beginning of
/// `https://example.org/shopping`.
fn is_below(address: &str, url: &str) -> bool {
    let whole = |text: &str| text.trim_end_matches('/').trim_end_matches(".git").to_owned();
    let url = whole(url);
    let address = whole(address);
    let inside = address
        .strip_prefix(&url)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || (url.ends_with(':') && !rest.starts_with('/')));
    // Two dots could lead out of what was meant.
    !url.is_empty() && inside && !address.split('/').any(|part| part == ".." || part.eq_ignore_ascii_case("%2e%2e"))
}

fn is_for(namespaces: Option<&str>, namespace: &str) -> bool {
    namespaces.is_none_or(|list| list.lines().any(|line| line.trim() == namespace))
}

/// A file without the line end that editors add; `None` if there is none.
fn read(path: &Path) -> Result<Option<String>, SourceError> {
    let mut text = String::new();
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(SourceError::unreadable(path, &error)),
    };
    file.take(LARGEST).read_to_string(&mut text).map_err(|error| SourceError::unreadable(path, &error))?;
    let text = text.trim_end_matches(['\r', '\n']);
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Credentials that go to a neighbour's repository, or to a host whose name begins alike, are lost.
    #[test]
    fn only_addresses_below_the_url_get_them() {
        for (address, url) in [
            ("https://example.org/shop/fleet.git", "https://example.org/shop/fleet"),
            ("https://example.org/shop/fleet.git", "https://example.org/shop/"),
            ("https://example.org/shop/fleet", "https://example.org"),
            ("git@example.org:shop/fleet.git", "git@example.org:shop"),
            ("git@example.org:shop/fleet.git", "git@example.org:"),
        ] {
            assert!(is_below(address, url), "{address} {url}");
        }
        for (address, url) in [
            ("https://example.org/shopping/fleet", "https://example.org/shop"),
            ("https://example.org.evil.net/shop", "https://example.org"),
            ("https://example.org/shop/../bank/fleet", "https://example.org/shop"),
            ("https://example.org/shop/%2E%2e/bank/fleet", "https://example.org/shop"),
            ("http://example.org/shop", "https://example.org/shop"),
            ("https://example.org/shop", ""),
        ] {
            assert!(!is_below(address, url), "{address} {url}");
        }
    }

    /// The longest address wins, namespaces are asked, half a credential is an error and not none, and a new file counts at once.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test writes what an operator mounts")]
    fn folders_are_found_and_read_anew() {
        let root = tempfile::tempdir().unwrap();
        let put = |folder: &str, files: &[(&str, &str)]| {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
            for (name, text) in files {
                std::fs::write(root.path().join(folder).join(name), text).unwrap();
            }
        };
        put("all", &[("url", "https://example.org/\n"), ("token", "one\n")]);
        put("shop", &[("url", "https://example.org/shop"), ("username", "u"), ("password", "two"), ("namespaces", "shop\nbilling\n")]);
        put("half", &[("url", "https://half.org"), ("username", "u")]);
        let directory = CredentialsDirectory::new(root.path());
        let secret = |address: &str, namespace: &str| match directory.find(address, namespace).unwrap() {
            Some(Credentials::Bearer(token)) => token.expose().to_owned(),
            Some(Credentials::Basic { password, .. }) => password.expose().to_owned(),
            _ => String::new(),
        };
        assert_eq!(secret("https://example.org/shop/fleet", "billing"), "two");
        assert_eq!(secret("https://example.org/shop/fleet", "other"), "one");
        assert_eq!(secret("https://example.com/shop", "shop"), "");
        put("shop", &[("password", "three\n")]);
        assert_eq!(secret("https://example.org/shop/fleet", "shop"), "three");
        let Err(error) = directory.find("https://half.org/r", "shop") else { panic!("half a credential") };
        assert!(error.to_string().contains("password"), "{error}");
        assert!(CredentialsDirectory::new("/nowhere/at/all").find("https://example.org", "shop").is_err(), "unknown is not none");
    }
}
