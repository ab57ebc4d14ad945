//! Where a repository is, and which of its references is meant.

use crate::source::SourceError;
use std::path::PathBuf;
use url::Url;

/// A checked repository address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A smart HTTP server.
    Http(Url),
    /// A folder on this machine.
    Local(PathBuf),
}

/// What addresses are allowed beside HTTPS.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Allowed {
    pub(super) plain_http: bool,
    pub(super) local: bool,
}

impl Address {
    /// Reads an address. No message repeats it when it could hold a password.
    pub(super) fn parse(text: &str, allowed: Allowed) -> Result<Self, SourceError> {
        if text.starts_with(['/', '.']) {
            return Self::local(PathBuf::from(text), allowed);
        }
        if !text.contains("://") {
            let hint = "write https://HOST/PATH; the short form user@host:path means SSH, which is not supported yet";
            return Err(SourceError::refused("the repository address has no scheme", hint));
        }
        let url = Url::parse(text).map_err(|error| {
            SourceError::refused(format!("the repository address cannot be read: {error}"), "write https://HOST/PATH, as for `git clone`")
        })?;
        match url.scheme() {
            "https" => {}
            "http" if allowed.plain_http => {}
            "http" => {
                let hint = "use https://; unencrypted HTTP has to be allowed explicitly for this source";
                return Err(SourceError::refused("an http:// address is neither encrypted nor authenticated", hint));
            }
            "file" => {
                let path =
                    url.to_file_path().map_err(|()| SourceError::refused("the file:// address names no path", "write file:///PATH"))?;
                return Self::local(path, allowed);
            }
            "ssh" | "git+ssh" | "ssh+git" => {
                let hint = "use the https:// address of the same repository with a token";
                return Err(SourceError::refused("ssh addresses are not supported yet", hint));
            }
            other => {
                let hint = "use https://; this scheme has no encryption or runs other programs";
                return Err(SourceError::refused(format!("the address scheme {other:?} is refused"), hint));
            }
        }
        if !url.username().is_empty() || url.password().is_some() {
            let hint = "take user and password out of the address and give them as the credentials of the source";
            return Err(SourceError::refused("the repository address holds credentials", hint));
        }
        if url.query().is_some() || url.fragment().is_some() {
            let hint = "remove everything from the first ? or # on";
            return Err(SourceError::refused("the repository address has a query or a fragment", hint));
        }
        Ok(Self::Http(url))
    }

    fn local(path: PathBuf, allowed: Allowed) -> Result<Self, SourceError> {
        if allowed.local {
            return Ok(Self::Local(path));
        }
        let hint = "use https://; a path would let the author of a source read files of this process";
        Err(SourceError::refused("repositories on this machine are not allowed here", hint))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http(url) => url.fmt(f),
            Self::Local(path) => path.display().fmt(f),
        }
    }
}

/// Which commit of the repository is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reference {
    /// The default branch of the repository.
    #[default]
    Default,
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
    /// A branch of this name or, if there is none, a tag.
    Name(String),
    /// A whole reference name, `refs/…`.
    Full(String),
    /// One commit, by its whole id.
    Commit(String),
}

impl Reference {
    /// Reads a setting: empty or `HEAD`, forty hexadecimal digits, `refs/…`, or a branch or tag name.
    pub fn parse(text: &str) -> Self {
        match text.trim() {
            "" | "HEAD" => Self::Default,
            id if id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => Self::Commit(id.to_ascii_lowercase()),
            full if full.starts_with("refs/") => Self::Full(full.to_owned()),
            name => Self::Name(name.to_owned()),
        }
    }

    /// The reference names this can mean, best first; empty for a commit.
    pub(super) fn candidates(&self) -> Vec<String> {
        match self {
            Self::Default => vec!["HEAD".to_owned()],
            Self::Branch(name) => vec![format!("refs/heads/{name}")],
            Self::Tag(name) => vec![format!("refs/tags/{name}")],
            Self::Name(name) => vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")],
            Self::Full(name) => vec![name.clone()],
            Self::Commit(_) => Vec::new(),
        }
    }

    /// Refuses what could mean something else inside a refspec or an option.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        let short = match self {
            Self::Branch(name) | Self::Tag(name) | Self::Name(name) => name.as_str(),
            Self::Commit(id) if git2::Oid::from_str(id).is_err() || id.len() != 40 => {
                let hint = "give all forty digits; a short id may come to mean another commit later";
                return Err(SourceError::refused(format!("{id:?} is not a whole commit id"), hint));
            }
            _ => "",
        };
        let valid = self.candidates().iter().all(|name| git2::Reference::is_valid_name(name));
        if valid && !short.starts_with('-') {
            return Ok(());
        }
        Err(SourceError::refused(format!("{self} is not a valid reference"), "`git check-ref-format` tells which names are valid"))
    }
}

impl std::fmt::Display for Reference {
    /// As a noun for messages: `branch "main"`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("the default branch"),
            Self::Branch(name) => write!(f, "branch {name:?}"),
            Self::Tag(name) => write!(f, "tag {name:?}"),
            Self::Name(name) => write!(f, "branch or tag {name:?}"),
            Self::Full(name) => write!(f, "reference {name:?}"),
            Self::Commit(id) => write!(f, "commit {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match Address::parse(text, Allowed::default()) {
            Err(SourceError::Refused { reason, hint }) => format!("{reason} | {hint}"),
            other => panic!("{text}: {other:?}"),
        }
    }

    /// libgit2 would open all of these by itself if it ever saw them.
    #[test]
    fn only_https_is_accepted_unless_more_is_allowed() {
        for text in ["http://host/r", "file:///etc", "/etc", "./r", "../r", "git://host/r", "ext::sh -c x", "ftp://host/r", "host/r"] {
            refusal(text);
        }
        assert!(refusal("ssh://git@host/r").contains("not supported yet"));
        assert!(refusal("git@host:r.git").contains("not supported yet"));
        assert!(matches!(Address::parse("https://host/r.git", Allowed::default()), Ok(Address::Http(_))));
        let all = Allowed { plain_http: true, local: true };
        assert!(matches!(Address::parse("http://host/r", all), Ok(Address::Http(_))));
        assert_eq!(Address::parse("file:///srv/a%20b", all).unwrap(), Address::Local("/srv/a b".into()));
    }

    /// The message goes into a status field that many may read.
    #[test]
    fn a_password_in_the_address_is_refused_and_not_repeated() {
        for text in ["https://user:hunter2@host/r", "https://hunter2@host/r", "https://host:port:hunter2/r"] {
            assert!(!refusal(text).contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn references_are_read_as_people_write_them() {
        let id = "ABCDEF0123456789abcdef0123456789abcdef01";
        assert_eq!(Reference::parse(" HEAD "), Reference::Default);
        assert_eq!(Reference::parse(id), Reference::Commit(id.to_ascii_lowercase()));
        assert_eq!(Reference::parse("refs/pull/1/head"), Reference::Full("refs/pull/1/head".into()));
        assert_eq!(Reference::parse("main").candidates(), ["refs/heads/main", "refs/tags/main"]);
        for bad in ["-x", "a b", "a..b", "a:b", "*", "refs/heads/*", "a^", "a~1", "x.lock"] {
            assert!(Reference::parse(bad).check().is_err(), "{bad}");
        }
        assert!(Reference::Commit("abc123".into()).check().is_err());
        assert!(Reference::parse("feature/größe").check().is_ok());
    }
}
