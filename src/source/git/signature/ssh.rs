//! SSH signatures, as `ssh-keygen -Y` judges them and Git asks it to.
//!
//! Source: ssh-keygen(1), sections -Y and ALLOWED SIGNERS; git-config(1), `gpg.ssh.allowedSignersFile`.

use super::program::Programs;
use super::{PrivateFiles, Signature, Signed};
use crate::source::SourceError;
use crate::source::describe::tame;
use std::ffi::OsString;

/// What Git signs for.
const NAMESPACE: &str = "git";
/// Most names that a key may stand under.
const NAMES: usize = 16;

pub(super) fn verify(programs: &Programs<'_>, files: &PrivateFiles, signed: &Signed) -> Result<Signature, SourceError> {
    let signature = [OsString::from("-s"), files.path("signature").into()];
    let allowed = [OsString::from("-f"), files.path("allowed_signers").into()];
    // Keys have a time in which they hold, and it is the signer's that counts: a commit does not lose its signature later.
    let time =
        jiff::Timestamp::from_second(signed.time).ok().map(|time| OsString::from(time.strftime("-Overify-time=%Y%m%d%H%M%S").to_string()));
    let ask = |what: &str, more: &[&[OsString]], input: &[u8]| {
        let begin = ["-Y", what].map(OsString::from);
        programs.run("ssh-keygen", [&begin[..], &more.concat()].concat(), input)
    };
    let found = ask("find-principals", &[&signature, &allowed, time.as_slice()], &[])?;
    for name in found.output.lines().filter(|name| found.success && !name.is_empty()).take(NAMES) {
        let who = ["-n", NAMESPACE, "-I", name].map(OsString::from);
        let verified = ask("verify", &[&who, &allowed, &signature, time.as_slice()], &signed.payload)?;
        if verified.success {
            return Ok(Signature::Good { signer: tame(name), key: key_of(&verified.output) });
        }
    }
    let valid = ask("check-novalidate", &[&["-n", NAMESPACE].map(OsString::from), &signature], &signed.payload)?;
    Ok(if valid.success { Signature::Unknown { key: key_of(&valid.output) } } else { Signature::bad("it does not fit the commit") })
}

/// `Good "git" signature for NAME with ED25519 key SHA256:…`.
fn key_of(said: &str) -> String {
    tame(said.trim().rsplit_once(" with ").map_or("", |(_, key)| key))
}
