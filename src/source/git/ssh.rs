//! Git over SSH, through the OpenSSH client.
//!
//! The client reads no configuration, knows no other host than those of the source's `known_hosts`, takes no other key than the source's,
//! asks nobody and forwards nothing. What it says names files of this machine, so only its meaning is passed on.
//!
//! Source: OpenSSH 9, ssh(1) and ssh_config(5).

use super::GitSettings;
use super::address::SshAddress;
use super::private_files::PrivateFiles;
use super::session::{Credentials, Exchange};
use crate::source::SourceError;
use crate::source::describe::tame;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};

/// Longest time for name look-up and connection; the deadline of the caller holds beside it.
const CONNECT: Duration = Duration::from_secs(15);

/// Most bytes of what the client says that are read.
const SAID: u64 = 16 << 10;

/// What is never asked of a configuration file.
const OPTIONS: &[&str] = &[
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=none",
    "UpdateHostKeys=no",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "PreferredAuthentications=publickey",
    "ProxyCommand=none",
    "ProxyJump=none",
    "ControlPath=none",
    "PermitLocalCommand=no",
    "ClearAllForwardings=yes",
    "LogLevel=ERROR",
];

/// Refuses settings that mean something else than SSH.
pub(super) fn check(settings: &GitSettings) -> Result<(), SourceError> {
    let Credentials::Ssh { identity, known_hosts } = &settings.credentials else {
        let hint = "give credentials of the type ssh: a Secret with the keys identity and known_hosts";
        return Err(SourceError::refused("an SSH address wants a key", hint));
    };
    if identity.is_empty() || known_hosts.trim().is_empty() {
        let hint = "known_hosts holds the lines of `ssh-keyscan HOST`, compared with the fingerprint that the server's owner publishes";
        return Err(SourceError::refused("the key, or the keys by which the server is known, are empty", hint));
    }
    if settings.proxy.is_some() || settings.certificate_authority.is_some() {
        let hint = "leave proxy and certificate authority out; a server behind another host needs an address that reaches it";
        return Err(SourceError::refused("a proxy and a certificate authority are for HTTP", hint));
    }
    Ok(())
}

/// Where to, as whom.
pub(super) struct SshWire {
    address: SshAddress,
    credentials: Credentials,
    folder: PathBuf,
}

impl SshWire {
    /// `folder` is where the key is while a conversation lasts: the client takes keys from files only.
    pub(super) const fn new(address: SshAddress, credentials: Credentials, folder: PathBuf) -> Self {
        Self { address, credentials, folder }
    }

    /// Starts the client.
    pub(super) fn start(&self, exchange: &Exchange) -> Result<SshProcess, SourceError> {
        let Credentials::Ssh { identity, known_hosts } = &self.credentials else {
            return Err(SourceError::refused("an SSH address wants a key", "give credentials of the type ssh"));
        };
        // A key file wants a line end.
        let files = [identity.expose(), known_hosts].map(|text| format!("{}\n", text.trim_end()));
        let [identity, known_hosts] = &files;
        let files = [("identity", identity.as_bytes()), ("known_hosts", known_hosts.as_bytes())];
        let files = PrivateFiles::write(&self.folder, "ssh", &files)?;
        let mut command = Command::new("ssh");
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.args(["-F", "none", "-T", "-a", "-x"]).arg("-i").arg(files.path("identity"));
        command.args(["-p", &self.address.port.to_string()]);
        for option in OPTIONS {
            command.args(["-o", option]);
        }
        command.args(["-o", &format!("ConnectTimeout={}", CONNECT.as_secs())]);
        // The value is a list of words, in which % is expanded.
        let hosts = files.path("known_hosts").display().to_string().replace('%', "%%");
        command.args(["-o", &format!("UserKnownHostsFile=\"{hosts}\"")]);
        command.args(["--", &format!("{}@{}", self.address.user, self.address.host)]);
        command.arg(format!("git-upload-pack '{}'", self.address.path.replace('\'', r"'\''")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let _here = exchange.runtime.enter(); // where the pipes are watched
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => SourceError::refused("there is no program ssh here", "install the OpenSSH client, or use https://"),
            _ => SourceError::Unreadable { path: "ssh".to_owned(), reason: error.to_string() },
        })?;
        let input = child.stdin.take();
        Ok(SshProcess { child, input, asked: false, _files: files })
    }
}

/// One conversation.
pub(super) struct SshProcess {
    child: Child,
    input: Option<ChildStdin>,
    /// Whether something was asked for: before that the list of references comes.
    asked: bool,
    _files: PrivateFiles,
}

impl SshProcess {
    /// What the server sends.
    pub(super) fn read(&mut self, exchange: &Exchange, buffer: &mut [u8]) -> Result<usize, SourceError> {
        let Self { child, asked, .. } = self;
        let broke = |error: std::io::Error| SourceError::Unreachable { address: exchange.address.clone(), reason: error.to_string() };
        exchange.wait(async {
            let Some(output) = &mut child.stdout else { return Ok(0) };
            let length = output.read(buffer).await.map_err(broke)?;
            if length > 0 {
                return exchange.count(length, !*asked).map(|()| length);
            }
            // The conversation has no end of its own: libgit2 ends it before this.
            let mut said = Vec::new();
            if let Some(errors) = child.stderr.take() {
                errors.take(SAID).read_to_end(&mut said).await.map_err(broke)?;
            }
            Err(meaning(&exchange.address, &String::from_utf8_lossy(&said)))
        })
    }

    /// What the server is told. That it does not listen any more shows at the next read, with what was said.
    pub(super) fn write(&mut self, exchange: &Exchange, data: &[u8]) {
        self.asked = true;
        if let Some(input) = &mut self.input {
            let broke = |error: std::io::Error| SourceError::Unreachable { address: exchange.address.clone(), reason: error.to_string() };
            let _told_at_the_next_read = exchange.wait(async { input.write_all(data).await.map_err(broke) });
        }
    }

    /// Ends it: by itself within a time where nothing failed, or at once. No process is left behind.
    pub(super) fn end(&mut self, exchange: &Exchange, at_most: Duration) {
        self.input = None;
        let grace = if exchange.has_failed() { Duration::ZERO } else { at_most };
        let child = &mut self.child;
        exchange.runtime.block_on(async {
            if tokio::time::timeout(grace, child.wait()).await.is_err() {
                let _ended_meanwhile = child.kill().await;
            }
        });
    }
}

/// What the client's words mean. They are its own, and those of the server's login and of Git.
fn meaning(address: &str, said: &str) -> SourceError {
    let address = address.to_owned();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
        let reason = if has(&["HAS CHANGED", "has changed"]) { "it shows another key than the known one" } else { "no key of it is known" };
        return SourceError::HostKey { address, reason: reason.into() };
    }
    if has(&["Load key", "error in libcrypto", "invalid format"]) {
        let hint = "the key identity of the Secret is a private key as `ssh-keygen` writes it, without a passphrase";
        return SourceError::refused("the private key cannot be read by ssh", hint);
    }
    if has(&["Permission denied", "Too many authentication failures"]) {
        return SourceError::Unauthorized { address, sent: true };
    }
    if has(&["does not appear to be a git repository", "epository not found", "not found", "no such repository", "does not exist"]) {
        return SourceError::RepositoryNotFound { address };
    }
    if has(&["No user exists for uid"]) {
        let hint = "run the controller as the user of its image: ssh wants one that has an entry in /etc/passwd";
        return SourceError::refused("ssh does not know the user that this process runs as", hint);
    }
    for (words, reason) in [
        ("Could not resolve hostname", "its name is not known"),
        ("Connection refused", "nobody listens there"),
        ("timed out", "it does not answer"),
        ("No route to host", "there is no way to it"),
        ("Network is unreachable", "there is no way to it"),
        ("Connection reset", "it broke the connection off"),
        ("Connection closed", "it closed the connection"),
    ] {
        if said.contains(words) {
            return SourceError::Unreachable { address, reason: reason.to_owned() };
        }
    }
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty() && !line.contains('/'));
    SourceError::Protocol { address, reason: last.map_or_else(|| "it ended the conversation".to_owned(), tame) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a person reads in the status must be the cause, and no path of this machine.
    #[test]
    fn words_have_one_meaning_and_no_path_is_shown() {
        let of = |said: &str| meaning("git@example.org:r", said);
        let known = "No ED25519 host key is known for [127.0.0.1]:2222 and you have requested strict checking.\r\nHost key verification failed.\r\n";
        assert!(matches!(of(known), SourceError::HostKey { reason, .. } if reason == "no key of it is known"));
        let changed = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nOffending ED25519 key in /var/cache/x/known_hosts:1\r\nHost key verification failed.\r\n";
        assert!(matches!(of(changed), SourceError::HostKey { reason, .. } if reason == "it shows another key than the known one"));
        assert!(matches!(of("git@h: Permission denied (publickey).\r\n"), SourceError::Unauthorized { sent: true, .. }));
        let bad = "Load key \"/var/cache/x/identity\": error in libcrypto\r\ngit@h: Permission denied (publickey).\r\n";
        assert!(matches!(of(bad), SourceError::Refused { .. }));
        let missing = "fatal: '/srv/r' does not appear to be a git repository\n";
        assert!(matches!(of(missing), SourceError::RepositoryNotFound { .. }));
        for said in [known, changed, bad, missing, "fatal: /etc/secret is odd\n", "", "\u{1b}[31mred\n"] {
            let shown = of(said).to_string();
            assert!(!shown.contains("/var") && !shown.contains("/etc") && !shown.contains('\u{1b}'), "{shown}");
        }
    }
}
