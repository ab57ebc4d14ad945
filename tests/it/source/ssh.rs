//! Sources behind OpenSSH's own server.

use super::*;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};

/// A server for one user, who runs this test, and the user's key.
pub(crate) struct Sshd {
    folder: tempfile::TempDir,
    port: u16,
    user: String,
    process: Child,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

pub(super) fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(super) fn key(file: &Path) {
    output(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(file));
}

impl Sshd {
    /// Starts one; `None` where there is none, which is said.
    pub(crate) fn start(test: &str) -> Option<Self> {
        if !Path::new("/usr/sbin/sshd").exists() {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must have openssh-server");
            eprintln!("SKIPPED {test}: openssh-server is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let user = output(Command::new("id").arg("-un"));
        if user == "root" {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let file = |name: &str| folder.path().join(name);
        for name in ["host", "client"] {
            key(&file(name));
        }
        std::fs::copy(file("client.pub"), file("authorized")).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let at = folder.path().display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nPidFile none\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nAuthorizedKeysFile {at}/authorized\nStrictModes no\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
        );
        std::fs::write(file("config"), config).unwrap();
        let log = std::fs::File::create(file("log")).unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        let process = command.args(["-D", "-e", "-f"]).arg(file("config")).stdin(Stdio::null()).stderr(log).spawn().unwrap();
        let sshd = Self { folder, port, user, process };
        for _ in 0..100 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Some(sshd);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("sshd does not start: {}", sshd.read("log"));
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The user's private key.
    pub(crate) fn identity(&self) -> String {
        self.read("client")
    }

    /// The server as `ssh-keyscan` writes it.
    pub(crate) fn known_hosts(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.read("host.pub"))
    }

    /// Address of a repository.
    pub(crate) fn url(&self, path: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, path.display())
    }
}

fn settings(sshd: &Sshd, remote: &Remote, url: &str) -> GitSettings {
    let mut settings = GitSettings::new(url, remote.folder.path().join("cache"));
    settings.credentials = Credentials::Ssh { identity: SecretText::new(sshd.identity()), known_hosts: sshd.known_hosts() };
    settings.child = Some(child_in(remote.folder.path()));
    "clusters".clone_into(&mut settings.path);
    settings
}

/// A forge that is reached over SSH is followed as one over HTTPS is, whatever its path is called, and neither the key nor a process is
/// left behind.
#[test]
fn a_push_over_ssh_is_seen() {
    run(async || {
        let Some(sshd) = Sshd::start("a_push_over_ssh_is_seen") else { return };
        let remote = Remote::new().await;
        let odd = remote.folder.path().join("it's $(touch here) \"served\"");
        std::os::unix::fs::symlink(remote.folder.path().join("served"), &odd).unwrap();
        let url = sshd.url(&odd.join("fleet.git")).replace(' ', "%20").replace('"', "%22");
        let source = GitSource::new(settings(&sshd, &remote, &url)).unwrap();
        let first = changed(look(&source, None).await.unwrap());
        assert!(remote.folder.path().join("cache/repository.git/shallow").exists(), "history is not fetched");
        assert_eq!(first.files[0].path, "clusters/orders.yaml");
        let key = first.revision.key();
        assert_eq!(look(&source, Some(&key)).await.unwrap().poll, Poll::Unchanged);
        remote.push("clusters/orders.yaml", "a: 2\n", "change orders");
        let polled = look(&source, Some(&key)).await.unwrap();
        assert!(polled.events.is_empty() && polled.received < 10_000, "{} bytes", polled.received);
        assert_eq!(&*changed(polled).files[0].content, b"a: 2\n");
        assert!(!remote.folder.path().join("cache/ssh").exists(), "the key stays nowhere");
    });
}

/// Who poses as the server gets nothing, whoever has no right is told so, and a server that says nothing holds nobody up.
#[test]
fn an_ssh_server_that_is_not_right_is_named() {
    run(async || {
        let Some(sshd) = Sshd::start("an_ssh_server_that_is_not_right_is_named") else { return };
        let remote = Remote::new().await;
        let url = sshd.url(&remote.folder.path().join("served/fleet.git"));
        let other = tempfile::tempdir().unwrap();
        key(&other.path().join("key"));
        let [stranger, public] = ["key", "key.pub"].map(|name| std::fs::read_to_string(other.path().join(name)).unwrap());
        let with = |identity: String, known_hosts: String| GitSettings {
            credentials: Credentials::Ssh { identity: SecretText::new(identity), known_hosts },
            ..settings(&sshd, &remote, &url)
        };
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let SocketAddr::V4(mute) = silent.local_addr().unwrap() else { panic!() };
        let at = |text: String| GitSettings { address: text, ..settings(&sshd, &remote, &url) };
        let closed = { TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port() };
        for (what, settings, class, says) in [
            (
                "another host's key",
                with(sshd.identity(), "example.org ssh-ed25519 AAAA".into()),
                Class::Unreachable,
                "no key of it is known",
            ),
            ("another key", with(sshd.identity(), format!("[127.0.0.1]:{} {public}", sshd.port)), Class::Unreachable, "another key"),
            ("a stranger", with(stranger, sshd.known_hosts()), Class::Unauthorized, "not accepted"),
            ("no key", with("not a key".into(), sshd.known_hosts()), Class::Refused, "cannot be read by ssh"),
            ("no repository", at(sshd.url(Path::new("/nowhere"))), Class::NotFound, "no repository"),
            ("nobody", at(format!("ssh://git@127.0.0.1:{closed}/r")), Class::Unreachable, "nobody listens"),
        ] {
            let error = look_with(settings).await.expect_err(what);
            assert_eq!(error.class(), class, "{what}: {error}");
            let text = format!("{error} {}", error.hint().unwrap_or_default());
            assert!(text.contains(says) && !text.contains("cache/ssh") && !text.contains("PRIVATE"), "{what}: {text}");
        }
        let source = GitSource::new(at(format!("ssh://git@127.0.0.1:{}/r", mute.port()))).unwrap();
        let started = Instant::now();
        let error = source.latest(None, started + Duration::from_secs(1), &CancellationToken::new()).await.unwrap_err();
        assert_eq!(error.class(), Class::Timeout, "{error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        let mut small = settings(&sshd, &remote, &url);
        small.limits.fetch_bytes = 100;
        assert_eq!(look_with(small).await.unwrap_err().class(), Class::TooLarge);
        let mut small = settings(&sshd, &remote, &url);
        small.limits.advertisement_bytes = 100;
        assert_eq!(look_with(small).await.unwrap_err().class(), Class::TooLarge);
        none_is_left(remote.folder.path()).await;
    });
}

/// A key that is sent to nobody, and a proxy that is not used, would be thought to be in force.
#[test]
fn credentials_and_address_belong_together() {
    let known_hosts = "example.org ssh-ed25519 AAAA".to_owned();
    let with = |address: &str, credentials: Credentials| GitSettings { credentials, ..GitSettings::new(address, "/nowhere") };
    let key = |identity: &str| Credentials::Ssh { identity: SecretText::new(identity), known_hosts: known_hosts.clone() };
    let proxied = GitSettings {
        proxy: Some(Proxy { address: "http://proxy:3128".to_owned(), credentials: None }),
        ..with("git@example.org:r", key("k"))
    };
    let basic = Credentials::Basic { username: "a".to_owned(), password: SecretText::new("b") };
    for (settings, says) in [
        (with("https://example.org/r", key("k")), "a key is for SSH"),
        (with("git@example.org:r", Credentials::None), "wants a key"),
        (with("ssh://git@example.org/r", basic), "wants a key"),
        (with("git@example.org:r", key("")), "empty"),
        (proxied, "for HTTP"),
    ] {
        let Err(error) = GitSource::new(settings) else { panic!("taken, where `{says}` was expected") };
        assert!(error.to_string().contains(says), "{error}");
    }
    assert!(GitSource::new(with("git@example.org:r", key("k"))).is_ok());
}
