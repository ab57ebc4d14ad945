//! The keys that are trusted.

use serde::{Deserialize, Serialize};

/// How the names of SSH key types begin (RFC 4253 §6.6, RFC 5656, OpenSSH PROTOCOL.u2f).
const TYPES: &[&str] = &["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"];

/// Which commits are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignaturePolicy {
    /// Whether a commit is refused that no trusted key signed; otherwise it is only told.
    pub required: bool,
    /// Lines of an `allowed_signers` file (ssh-keygen(1)).
    pub(super) ssh: String,
    /// Armored certificates, under the name of where they come from.
    pub(super) openpgp: Vec<(String, String)>,
}

impl SignaturePolicy {
    /// Trusts no key yet.
    pub fn new(required: bool) -> Self {
        Self { required, ..Self::default() }
    }

    /// Trusts what one value of a Secret holds: OpenPGP certificates in armor, lines of an `allowed_signers` file, or public SSH keys as
    /// `ssh-keygen` writes them. `name` stands for whoever gave it. Says what is wrong with it, without repeating it.
    pub fn trust(&mut self, name: &str, text: &str) -> Result<(), String> {
        if text.contains("PRIVATE KEY") {
            return Err("is a private key; give the public one".to_owned());
        }
        if text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
            self.openpgp.push((name.to_owned(), text.to_owned()));
            return Ok(());
        }
        let mut found = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some(line) = allowed_signer(name, line) else {
                return Err(format!(
                    "is neither an OpenPGP certificate nor public SSH keys (line {}); a line is `NAME KEY-TYPE KEY`, or a key as in a .pub file",
                    number + 1
                ));
            };
            self.ssh.push_str(&line);
            self.ssh.push('\n');
            found = true;
        }
        if found { Ok(()) } else { Err("is empty".to_owned()) }
    }

    /// Whether no key is trusted, so that nothing could ever be.
    pub fn is_empty(&self) -> bool {
        self.ssh.is_empty() && self.openpgp.is_empty()
    }
}

/// A line of an `allowed_signers` file. One of a `.pub` file gets its comment as the name, or where it comes from.
fn allowed_signer(name: &str, line: &str) -> Option<String> {
    let is_type = |word: &str| TYPES.iter().any(|start| word.starts_with(start));
    let mut words = line.split_whitespace();
    let first = words.next()?;
    if !is_type(first) {
        return words.any(is_type).then(|| line.to_owned());
    }
    let key = words.next()?;
    // Characters that mean something in a list of names.
    let plain = |word: &&str| word.chars().all(|letter| letter.is_ascii_alphanumeric() || "@._+-".contains(letter));
    let who = words.next().filter(plain).unwrap_or(name);
    Some(format!("{who} {first} {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<SignaturePolicy, String> {
        let mut policy = SignaturePolicy::new(true);
        policy.trust("team.pub", text)?;
        Ok(policy)
    }

    /// A key that is silently not read would refuse every commit; one that is read too widely would trust strangers.
    #[test]
    fn keys_in_every_form_that_people_have() {
        assert_eq!(of("ssh-ed25519 AAAA ada@example.org\n").unwrap().ssh, "ada@example.org ssh-ed25519 AAAA\n");
        assert_eq!(of("ssh-ed25519 AAAA").unwrap().ssh, "team.pub ssh-ed25519 AAAA\n");
        assert_eq!(of("ssh-ed25519 AAAA *\n").unwrap().ssh, "team.pub ssh-ed25519 AAAA\n", "a comment is no pattern");
        let line = "*@example.org namespaces=\"git\" cert-authority ecdsa-sha2-nistp256 AAAA";
        assert_eq!(of(&format!("# team\n\n{line}\n")).unwrap().ssh, format!("{line}\n"));
        assert_eq!(of("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n").unwrap().openpgp.len(), 1);
        for bad in ["", "# nothing\n", "hello", "ssh-ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n"] {
            let error = of(bad).unwrap_err();
            assert!(!error.contains("secret") && !error.contains("hello"), "{error}");
        }
    }
}
