//! Where a repository is, and which of its references is meant.

use crate::source::SourceError;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use url::Url;

/// A checked repository address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A smart HTTP server.
    Http(Url),
    /// A server that is reached with `ssh`.
    Ssh(SshAddress),
    /// A folder on this machine.
    Local(PathBuf),
}

/// A repository behind SSH. No part of it can be taken for an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SshAddress {
    pub(super) user: String,
    pub(super) host: String,
    pub(super) port: u16,
    /// As the server takes it: absolute, or from the user's folder on.
    pub(super) path: String,
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
            // As `git clone` reads it: `user@host:path`, without a slash before the colon.
            return match text.split_once(':').filter(|(login, _)| !login.contains('/')) {
                Some((login, path)) => SshAddress::checked(login, None, path).map(Self::Ssh),
                None => {
                    Err(SourceError::refused("the repository address has no scheme", "write https://HOST/PATH or ssh://USER@HOST/PATH"))
                }
            };
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
            "ssh" => return SshAddress::of(&url).map(Self::Ssh),
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

impl SshAddress {
    fn of(url: &Url) -> Result<Self, SourceError> {
        let refuse = |reason: &str| Err(SourceError::refused(reason, "write ssh://USER@HOST/PATH, as for `git clone`"));
        if url.password().is_some() {
            return refuse("the repository address holds a password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("the repository address has a query or a fragment");
        }
        let (Some(host), Ok(path)) = (url.host_str(), percent_decoded(url.path())) else {
            return refuse("the repository address names no host, or a path that is no text");
        };
        // `/~user/path` is below a user's folder.
        let path = path.strip_prefix('/').filter(|path| path.starts_with('~')).unwrap_or(&path);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self::checked(&format!("{}@{host}", url.username()), url.port(), path)
    }

    fn checked(login: &str, port: Option<u16>, path: &str) -> Result<Self, SourceError> {
        let hint = "write ssh://USER@HOST/PATH or USER@HOST:PATH, as for `git clone`";
        let Some((user, host)) = login.split_once('@') else {
            return Err(SourceError::refused("the repository address names no user", hint));
        };
        let plain = |text: &str, more: &str| {
            !text.is_empty() && !text.starts_with('-') && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let path_is_plain = !path.trim_matches('/').is_empty() && !path.starts_with('-') && !path.chars().any(char::is_control);
        if !plain(user, "._-") || !plain(host, ".-:_") || !path_is_plain {
            return Err(SourceError::refused("the repository address has an odd user, host or path", hint));
        }
        Ok(Self { user: user.to_owned(), host: host.to_owned(), port: port.unwrap_or(22), path: path.to_owned() })
    }
}

fn percent_decoded(text: &str) -> Result<String, std::string::FromUtf8Error> {
    let (mut decoded, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        let (byte, next) = match code.filter(|_| *first == b'%') {
            Some(code) => (code, &after[2..]),
            None => (*first, after),
        };
        decoded.push(byte);
        rest = next;
    }
    String::from_utf8(decoded)
}

impl std::fmt::Display for SshAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { user, host, port, path } = self;
        match (path.starts_with('/'), *port) {
            (true, 22) => write!(f, "ssh://{user}@{host}{path}"),
            (true, port) => write!(f, "ssh://{user}@{host}:{port}{path}"),
            (false, 22) => write!(f, "{user}@{host}:{path}"),
            (false, port) => write!(f, "ssh://{user}@{host}:{port}/{path}"),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http(url) => url.fmt(f),
            Self::Ssh(address) => address.fmt(f),
            Self::Local(path) => path.display().fmt(f),
        }
    }
}

/// Which commit of the repository is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
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
        assert!(matches!(Address::parse("https://host/r.git", Allowed::default()), Ok(Address::Http(_))));
        let all = Allowed { plain_http: true, local: true };
        assert!(matches!(Address::parse("http://host/r", all), Ok(Address::Http(_))));
        assert_eq!(Address::parse("file:///srv/a%20b", all).unwrap(), Address::Local("/srv/a b".into()));
    }

    /// What would reach `ssh` or the shell behind it as something else than it is.
    #[test]
    fn ssh_addresses_are_read_as_git_reads_them_and_odd_ones_refused() {
        let read = |text: &str| match Address::parse(text, Allowed::default()) {
            Ok(Address::Ssh(SshAddress { user, host, port, path })) => format!("{user} {host} {port} {path}"),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(read("ssh://git@example.org/shop/fleet.git"), "git example.org 22 /shop/fleet.git");
        assert_eq!(read("ssh://git@example.org:2222/shop/a%20b'c"), "git example.org 2222 /shop/a b'c");
        assert_eq!(read("git@example.org:shop/fleet.git"), "git example.org 22 shop/fleet.git");
        assert_eq!(read("ssh://git@example.org/~ada/fleet"), "git example.org 22 ~ada/fleet");
        assert_eq!(read("ssh://git@[::1]:2222/r"), "git ::1 2222 /r");
        for odd in [
            "ssh://example.org/r",
            "ssh://git:hunter2@example.org/r",
            "ssh://git@-oProxyCommand=x/r",
            "ssh://-l@example.org/r",
            "-oProxyCommand=x@example.org:r",
            "git@-oProxyCommand=x:r",
            "git@example.org:-r",
            "git@example.org:",
            "ssh://git@example.org/",
            "ssh://git@example.org",
            "ssh://git@example.org/a%0ab",
            "ssh://git@example.org/a%ff",
            "ssh://git@example.org/r?x=1",
            "git@exa mple.org:r",
            "git@a@b:r",
            "git+ssh://git@example.org/r",
        ] {
            assert!(!refusal(odd).contains("hunter2"), "{odd}");
        }
        for text in ["ssh://git@example.org/shop/fleet.git", "git@example.org:shop/fleet.git", "ssh://git@example.org:2222/r"] {
            assert_eq!(Address::parse(text, Allowed::default()).unwrap().to_string(), text);
        }
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
