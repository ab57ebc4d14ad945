//! OpenPGP signatures, as `sqv` judges them: expired and revoked keys, and hashes that are broken, do not count.
//!
//! Source: sqv(1), 1.1 and 1.3.

use super::program::Programs;
use super::{PrivateFiles, Signature};
use crate::source::SourceError;
use crate::source::describe::tame;
use std::ffi::OsString;

/// `keys` are certificates under the name of where they come from; `files` writes one of them beside what is signed.
pub(super) fn verify(
    programs: &Programs<'_>,
    keys: &[(String, String)],
    files: impl Fn(&str) -> Result<PrivateFiles, SourceError>,
) -> Result<Signature, SourceError> {
    let mut verdict = Signature::Unknown { key: "OpenPGP; no OpenPGP key is trusted".to_owned() };
    for (name, text) in keys {
        let files = files(text)?;
        let keyring = [OsString::from("--keyring"), files.path("keys").into()];
        let what = [files.path("signature").into(), files.path("signed").into()];
        let said = programs.run("sqv", [&keyring[..], &what[..]].concat(), &[])?;
        if said.success {
            let key = said.output.lines().next().unwrap_or_default();
            return Ok(Signature::Good { signer: name.clone(), key: format!("OpenPGP key {}", tame(key)) });
        }
        if said.errors.contains("Failed to parse keyring") {
            let hint = "give certificates as `gpg --armor --export` writes them";
            return Err(SourceError::refused(format!("{name} holds no OpenPGP certificate"), hint));
        }
        // What is said of a key that is there is more than that another one is not.
        let meant = meaning(&said.errors);
        if matches!(meant, Signature::Bad { .. }) || !matches!(verdict, Signature::Bad { .. }) {
            verdict = meant;
        }
    }
    Ok(verdict)
}

/// What the program's words mean; they name files of this machine.
fn meaning(said: &str) -> Signature {
    if let Some((_, rest)) = said.split_once("Missing key ") {
        let key: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        return Signature::Unknown { key: format!("OpenPGP key {key}") };
    }
    if said.contains("manipulated") || said.contains("Bad signature") {
        return Signature::bad("it does not fit the commit");
    }
    let mut lines =
        said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains('/') && !line.contains("signatures are valid"));
    let reason = lines.next_back().map_or_else(|| "it cannot be read".to_owned(), tame);
    Signature::bad(reason)
}
