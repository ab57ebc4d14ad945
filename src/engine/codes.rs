//! Every code a user may meet, for `explain`; and those of the engine itself.

use crate::diagnostics::Code;
use crate::{load, resolve, validate};
use std::collections::BTreeMap;

/// Codes of what happens between a source and the API server.
const CODES: &[Code] = &[
    Code::error(
        "apply-failed",
        "the API server did not accept an object of the source",
        "The message is the server's. Most often the ServiceAccount that the fleet names lacks a right in that namespace, or the namespace does not exist yet. Other objects of the fleet are not held up.",
    ),
    Code::error(
        "release-failed",
        "a revision could not be released to its cluster",
        "Somebody wrote the cluster's status at the same moment, or an admission policy refused it. It is tried again; the cluster runs what was released before.",
    ),
    Code::error(
        "needs-promotion",
        "a change cannot be told apart from a newer rendering of the program",
        "The program that runs now renders this cluster otherwise than the one that rendered what was released, and both change the same text. Nothing of the change is released. `stackgres plan --promote` shows the newer rendering, `stackgres promote` takes it, and the change follows.",
    ),
    Code::error(
        "promotion-not-possible",
        "this program cannot render what was released",
        "A rule of this version refuses inputs that an older one took, or the catalogue has no image for them. The cluster keeps what was released; correct the inputs.",
    ),
    Code::error(
        "claimed-by-another-fleet",
        "two fleets describe the same cluster",
        "The first fleet keeps it, so that two repositories do not undo each other's work. Take the cluster out of one of the two sources.",
    ),
    Code::error(
        "file-not-readable",
        "a file of the source could not be read, so what it holds is unknown",
        "It is too large, kept in Git LFS, nested too deep or badly named; the message says which. While it is unknown no cluster counts as gone. Commit the file itself, or name it in `.stackgresignore`.",
    ),
    Code::warning(
        "link-not-followed",
        "a symbolic link or submodule is not followed",
        "A link could lead to a file that is not part of the source. What it would hold is unknown, so no cluster counts as gone while it is there. Commit the file itself, or name the link in `.stackgresignore`.",
    ),
];

/// Codes by name.
pub fn all() -> BTreeMap<&'static str, Code> {
    let tables =
        [load::CODES, resolve::CODES, validate::CODES, validate::SCHEMA_CODES, validate::TRANSITION_CODES, validate::SILENCE_CODES, CODES];
    tables.into_iter().flatten().copied().chain(validate::rules::rules().map(|rule| rule.code)).map(|code| (code.code, code)).collect()
}
