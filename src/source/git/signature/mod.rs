//! Who signed a commit.
//!
//! In: a commit, an annotated tag that led to it, and the keys that are trusted. Out: a [`Signature`]. Invariant: what cannot be verified
//! counts as not verified. Why by the programs that Git itself uses or that distributions trust their packages to, `ssh-keygen` and `sqv`: keys that
//! expire, certificates and revocations are theirs to judge, and their forms of key files are the ones that people have.
//!
//! Only the commit that is read is looked at: its id vouches for every file and for its history.

mod keys;
mod openpgp;
mod program;
mod ssh;

pub use keys::SignaturePolicy;

use super::private_files::PrivateFiles;
use super::tree::damaged;
use crate::source::SourceError;
use crate::source::patience::Patience;
use git2::{Commit, ErrorCode, ObjectType, Oid, Repository};
use program::Programs;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use tokio::runtime::Runtime;

/// Most bytes of a signature or of what it is about; commits of people are far below.
const LARGEST: usize = 1 << 20;

/// What is known of the signature of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signature {
    /// By a trusted key.
    Good {
        /// Whose key: the principal of an `allowed_signers` line, or the key of the Secret.
        signer: String,
        /// Fingerprint.
        key: String,
    },
    /// There is none.
    Missing,
    /// By a key that is not among the trusted ones.
    Unknown {
        /// Fingerprint.
        key: String,
    },
    /// It is not valid.
    Bad {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good { signer, key } => write!(f, "signed by {signer} ({key})"),
            Self::Missing => f.write_str("not signed"),
            Self::Unknown { key } => write!(f, "signed by an unknown key ({key})"),
            Self::Bad { reason } => write!(f, "its signature is not valid: {reason}"),
        }
    }
}

impl Signature {
    /// Whether a trusted key signed.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Good { .. })
    }

    fn bad(reason: impl Into<String>) -> Self {
        Self::Bad { reason: reason.into() }
    }
}

/// Something signed, and when it says it was made, in seconds since 1970.
struct Signed {
    payload: Vec<u8>,
    signature: Vec<u8>,
    time: i64,
}

/// What is needed to verify.
pub(super) struct Verifier<'a> {
    pub(super) policy: &'a SignaturePolicy,
    /// Folder for the files that the programs read.
    pub(super) folder: &'a Path,
    pub(super) place: &'a str,
    pub(super) patience: &'a Patience,
    pub(super) runtime: &'a Runtime,
}

impl Verifier<'_> {
    /// Looks at the tag that led to the commit, if it is an annotated one, and at the commit. A good signature of either vouches for the files.
    pub(super) fn verify(&self, repository: &Repository, commit: &Commit<'_>, tag: Option<Oid>) -> Result<Signature, SourceError> {
        let of_tag = match tag {
            Some(tag) => self.judge(tag_signature(repository, tag).map_err(damaged(self.place))?)?,
            None => Signature::Missing,
        };
        if of_tag.is_good() {
            return Ok(of_tag);
        }
        let of_commit = self.judge(commit_signature(repository, commit).map_err(damaged(self.place))?)?;
        Ok(if of_commit == Signature::Missing { of_tag } else { of_commit })
    }

    fn judge(&self, signed: Option<Signed>) -> Result<Signature, SourceError> {
        let Some(signed) = signed else { return Ok(Signature::Missing) };
        if signed.signature.len().max(signed.payload.len()) > LARGEST {
            return Ok(Signature::bad("it is too long"));
        }
        let begins = |armor: &str| signed.signature.starts_with(armor.as_bytes());
        let programs = Programs { patience: self.patience, runtime: self.runtime };
        if begins("-----BEGIN SSH SIGNATURE-----") {
            let files = [("allowed_signers", self.policy.ssh.as_bytes()), ("signature", &signed.signature)];
            ssh::verify(&programs, &PrivateFiles::write(self.folder, "signature", &files)?, &signed)
        } else if begins("-----BEGIN PGP SIGNATURE-----") {
            let files = [("signature", signed.signature.as_slice()), ("signed", &signed.payload)];
            openpgp::verify(&programs, &self.policy.openpgp, |keys| {
                PrivateFiles::write(self.folder, "signature", &[files[0], files[1], ("keys", keys.as_bytes())])
            })
        } else {
            Ok(Signature::bad("it is neither an SSH nor an OpenPGP signature"))
        }
    }
}

fn commit_signature(repository: &Repository, commit: &Commit<'_>) -> Result<Option<Signed>, git2::Error> {
    match repository.extract_signature(&commit.id(), None) {
        Ok((signature, payload)) => {
            Ok(Some(Signed { payload: payload.to_vec(), signature: signature.to_vec(), time: commit.time().seconds() }))
        }
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The signature of a tag is the end of its text.
fn tag_signature(repository: &Repository, tag: Oid) -> Result<Option<Signed>, git2::Error> {
    let odb = repository.odb()?;
    let (size, kind) = odb.read_header(tag)?;
    if kind != ObjectType::Tag || size > LARGEST {
        return Ok(None);
    }
    let object = odb.read(tag)?;
    let data = object.data();
    let at_line = |start: usize| start == 0 || data.get(start - 1) == Some(&b'\n');
    let begin = b"-----BEGIN ";
    let found = (0..data.len()).rev().find(|start| at_line(*start) && data[*start..].starts_with(begin));
    let Some(start) = found else { return Ok(None) };
    let time = repository.find_tag(tag)?.tagger().map_or(0, |tagger| tagger.when().seconds());
    Ok(Some(Signed { payload: data[..start].to_vec(), signature: data[start..].to_vec(), time }))
}
