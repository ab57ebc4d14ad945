//! Commits and tags that somebody signed, with the programs that people sign with.

use super::ssh::key;
use super::*;
use stackgres::source::{Signature, SignaturePolicy};

/// People with keys of both kinds.
pub(crate) struct Signers {
    folder: tempfile::TempDir,
}

impl Drop for Signers {
    fn drop(&mut self) {
        drop(self.gpg("gpgconf", &["--kill", "all"]));
    }
}

impl Signers {
    /// With an SSH key for each name.
    pub(crate) fn new(names: &[&str]) -> Self {
        let signers = Self { folder: tempfile::tempdir().unwrap() };
        for name in names {
            key(&signers.folder.path().join(name));
        }
        signers
    }

    /// A name's public SSH key, with the name as its comment.
    pub(crate) fn public(&self, name: &str) -> String {
        let line = std::fs::read_to_string(self.folder.path().join(format!("{name}.pub"))).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        format!("{} {} {name}\n", words[0], words[1])
    }

    /// What git is told to sign with this name's SSH key.
    pub(crate) fn with(&self, name: &str) -> [String; 4] {
        let file = self.folder.path().join(name);
        ["-c".to_owned(), "gpg.format=ssh".to_owned(), "-c".to_owned(), format!("user.signingkey={}", file.display())]
    }

    fn gpg(&self, program: &str, arguments: &[&str]) -> String {
        let home = self.folder.path().join("gnupg");
        if !home.exists() {
            std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&home).unwrap();
        }
        let output = Command::new(program).args(arguments).env("GNUPGHOME", home).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes an OpenPGP key that expires; gives the certificate.
    fn openpgp(&self, name: &str, expires: &str) -> String {
        self.gpg("gpg", &["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", expires]);
        self.gpg("gpg", &["--armor", "--export", name])
    }

    /// A program for git that signs with the OpenPGP keys made here.
    fn openpgp_with(&self, name: &str) -> [String; 4] {
        let program = self.folder.path().join("gpg");
        let home = self.folder.path().join("gnupg");
        std::fs::write(&program, format!("#!/bin/sh\nGNUPGHOME='{}' exec gpg --batch \"$@\"\n", home.display())).unwrap();
        std::os::unix::fs::PermissionsExt::set_mode(&mut std::fs::metadata(&program).unwrap().permissions(), 0o755);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        ["-c".to_owned(), format!("gpg.program={}", program.display()), "-c".to_owned(), format!("user.signingkey={name}")]
    }
}

impl Remote {
    /// Commits and pushes what is there, with some settings of git.
    pub(crate) fn commit_with(&self, settings: &[String], arguments: &[&str]) -> String {
        let with = |rest: &[&str]| {
            let whole: Vec<&str> = settings.iter().map(String::as_str).chain(rest.iter().copied()).collect();
            git(&self.work(), &whole)
        };
        git(&self.work(), &["add", "--all"]);
        with(&[&["commit", "--quiet", "--allow-empty", "--message", "change"], arguments].concat());
        with(&["push", "--quiet", "--force", "origin", "HEAD:main"]);
        git(&self.work(), &["rev-parse", "HEAD"])
    }
}

fn trusting(required: bool, keys: &[(&str, String)]) -> SignaturePolicy {
    let mut policy = SignaturePolicy::new(required);
    for (name, text) in keys {
        policy.trust(name, text).unwrap();
    }
    policy
}

async fn signature(remote: &Remote, policy: SignaturePolicy) -> Signature {
    match look_with(GitSettings { signatures: Some(policy), ..remote.settings() }).await {
        Ok(polled) => changed(polled).revision.signature.unwrap(),
        Err(SourceError::Untrusted { signature, author, .. }) => {
            assert_eq!(author, "Ada <ada@example.org>");
            signature
        }
        Err(other) => panic!("{other}"),
    }
}

/// Who pushes is the forge's word; who signed is the signer's. What is not signed by a trusted key must not reach a database.
#[test]
fn only_commits_of_trusted_ssh_keys_are_taken() {
    run(async || {
        let remote = Remote::new().await;
        let signers = Signers::new(&["ada@example.org", "eve@example.org"]);
        let ada = || trusting(true, &[("team", signers.public("ada@example.org"))]);
        assert_eq!(signature(&remote, ada()).await, Signature::Missing);
        remote.commit_with(&signers.with("ada@example.org"), &["-S"]);
        let good = signature(&remote, ada()).await;
        let Signature::Good { signer, key } = &good else { panic!("{good}") };
        assert!(signer == "ada@example.org" && key.starts_with("ED25519 key SHA256:"), "{good}");
        remote.commit_with(&signers.with("eve@example.org"), &["-S"]);
        let unknown = signature(&remote, ada()).await;
        assert!(matches!(&unknown, Signature::Unknown { key } if key.starts_with("ED25519 key SHA256:")), "{unknown}");

        // A key that was only good before, and one that is good for something else.
        let line = |options: &str| format!("eve@example.org {options} {}", signers.public("eve@example.org"));
        for options in ["valid-before=\"20200101\"", "namespaces=\"file\""] {
            let found = signature(&remote, trusting(true, &[("team", line(options))])).await;
            assert!(!found.is_good(), "{options}: {found}");
        }
        assert!(signature(&remote, trusting(true, &[("team", line("namespaces=\"git\""))])).await.is_good());

        // The signature of one commit on another.
        let signed = git(&remote.work(), &["cat-file", "commit", "HEAD"]);
        let forged = remote.folder.path().join("forged");
        std::fs::write(&forged, format!("{}\n", signed.replace("change", "chance"))).unwrap();
        let id = git(&remote.work(), &["hash-object", "-t", "commit", "-w", forged.to_str().unwrap()]);
        git(&remote.work(), &["push", "--quiet", "--force", "origin", &format!("{id}:refs/heads/main")]);
        let bad = signature(&remote, trusting(true, &[("team", signers.public("eve@example.org"))])).await;
        assert!(matches!(&bad, Signature::Bad { .. }), "{bad}");
        assert!(!remote.folder.path().join("cache/signature").exists(), "nothing is left behind");
    });
}

/// A policy that only reports takes the commit and says what it is; a policy that becomes stricter looks again at what is there.
#[test]
fn what_is_not_signed_is_told_or_refused_as_the_policy_says() {
    run(async || {
        let remote = Remote::new().await;
        let signers = Signers::new(&["ada@example.org"]);
        let policy = |required| trusting(required, &[("team", signers.public("ada@example.org"))]);
        let with = |policy| GitSource::new(GitSettings { signatures: Some(policy), ..remote.settings() }).unwrap();
        let polled = look(&with(policy(false)), None).await.unwrap();
        let [event @ Event::NotTrusted { signature: Signature::Missing, .. }] = polled.events.as_slice() else {
            panic!("{:?}", polled.events)
        };
        assert!(event.to_string().contains("not signed") && event.to_string().contains("Ada"), "{event}");
        let key = changed(polled).revision.key();
        assert_eq!(look(&with(policy(false)), Some(&key)).await.unwrap().poll, Poll::Unchanged);
        let strict = with(policy(true));
        let error = look(&strict, Some(&key)).await.unwrap_err();
        assert_eq!(error.class(), Class::Untrusted, "{error}");
        assert!(error.to_string().contains("Ada <ada@example.org>") && error.hint().is_some_and(|hint| hint.contains("-S")), "{error}");
        remote.commit_with(&signers.with("ada@example.org"), &["-S"]);
        assert!(changed(look(&strict, Some(&key)).await.unwrap()).revision.signature.is_some_and(|signature| signature.is_good()));
    });
}

/// The name of a tag is in its signature: whoever signs releases need not sign commits.
#[test]
fn a_signed_tag_vouches_for_its_commit() {
    run(async || {
        let remote = Remote::new().await;
        let signers = Signers::new(&["ada@example.org", "eve@example.org"]);
        let policy = trusting(true, &[("team", signers.public("ada@example.org"))]);
        let at =
            |tag: &str| GitSettings { reference: Reference::Tag(tag.to_owned()), signatures: Some(policy.clone()), ..remote.settings() };
        for (tag, signer) in [("v1", "ada@example.org"), ("v2", "eve@example.org")] {
            let with = signers.with(signer);
            let mut arguments: Vec<&str> = with.iter().map(String::as_str).collect();
            arguments.extend(["tag", "--sign", tag, "--message", "release"]);
            git(&remote.work(), &arguments);
        }
        git(&remote.work(), &["tag", "v3"]);
        git(&remote.work(), &["push", "--quiet", "origin", "--tags"]);
        // The commit is in the copy already, and the tag is not.
        changed(look_with(remote.settings()).await.unwrap());
        assert!(changed(look_with(at("v1")).await.unwrap()).revision.signature.unwrap().is_good());
        for (tag, says) in [("v2", "unknown key"), ("v3", "not signed")] {
            let error = look_with(at(tag)).await.unwrap_err();
            assert!(error.to_string().contains(says), "{tag}: {error}");
        }
    });
}

/// The other kind of key that people sign with, judged as distributions judge their packages: a key that has expired does not count.
#[test]
fn commits_of_trusted_openpgp_keys_are_taken() {
    if ["gpg", "sqv"].iter().any(|program| Command::new(program).arg("--version").output().is_err()) {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must have gnupg and sqv");
        eprintln!("SKIPPED commits_of_trusted_openpgp_keys_are_taken: gnupg or sqv is not installed");
        return;
    }
    run(async || {
        let remote = Remote::new().await;
        let signers = Signers::new(&[]);
        let [ada, eve] = ["ada@example.org", "eve@example.org"].map(|name| signers.openpgp(name, "never"));
        remote.commit_with(&signers.openpgp_with("ada@example.org"), &["-S"]);
        let good = signature(&remote, trusting(true, &[("eve.asc", eve.clone()), ("ada.asc", ada.clone())])).await;
        assert!(matches!(&good, Signature::Good { signer, key } if signer == "ada.asc" && key.starts_with("OpenPGP key ")), "{good}");
        let unknown = signature(&remote, trusting(true, &[("eve.asc", eve)])).await;
        assert!(matches!(&unknown, Signature::Unknown { key } if key.starts_with("OpenPGP key ") && key.len() > 40), "{unknown}");
        let ssh = Signers::new(&["ada@example.org"]);
        let unknown = signature(&remote, trusting(true, &[("team", ssh.public("ada@example.org"))])).await;
        assert!(matches!(&unknown, Signature::Unknown { .. }), "{unknown}");
        let broken = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nnothing\n-----END PGP PUBLIC KEY BLOCK-----\n".to_owned();
        let error =
            look_with(GitSettings { signatures: Some(trusting(true, &[("ada.asc", broken)])), ..remote.settings() }).await.unwrap_err();
        assert!(error.to_string().contains("ada.asc") && !error.to_string().contains("cache"), "{error}");
        // A moment of life, long ago by the time the commit is made.
        let short = signers.openpgp("old@example.org", "seconds=1");
        tokio::time::sleep(Duration::from_secs(2)).await;
        let signed = std::panic::catch_unwind(|| remote.commit_with(&signers.openpgp_with("old@example.org"), &["-S"]));
        assert!(signed.is_err(), "gpg itself signs with no key that has expired");
        assert!(!signature(&remote, trusting(true, &[("old.asc", short)])).await.is_good());
    });
}
