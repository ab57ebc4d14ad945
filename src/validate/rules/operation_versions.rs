//! Versions that an operation goes to, or that a sharded cluster runs: what can be said without a look at a cluster.

use super::version::KNOWN_BAD_VERSION;
use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::postgres::{KNOWN_BAD, MAJORS, major};

pub(super) const RULES: &[Rule] = &[
    Rule { code: KNOWN_BAD_VERSION, check: Check::Every(known_bad) },
    Rule {
        code: Code::error(
            "version-not-exact",
            "a minor upgrade goes to one version",
            "`17` would be whatever is newest when the operation begins, so two people who read it would expect two things. Write the full version, such as `17.12`.",
        ),
        check: Check::Manifest("SGDbOps", exact),
    },
    Rule {
        code: Code::error(
            "no-such-version",
            "this is no version of PostgreSQL that is known here",
            "Known are the major versions 13 to 18, written as `17`, `17.12` or `latest`.",
        ),
        check: Check::Every(unknown),
    },
];

const MINOR: &str = "/spec/minorVersionUpgrade/postgresVersion";

/// Where a version is written that no rule about clusters looks at.
fn places(manifest: &Manifest) -> &'static [&'static str] {
    match manifest.object.kind() {
        "SGDbOps" => &[MINOR, "/spec/majorVersionUpgrade/postgresVersion"],
        "SGShardedCluster" => &["/spec/postgres/version"],
        _ => &[],
    }
}

fn known_bad(manifest: &Manifest) -> Vec<Diagnostic> {
    let bad = places(manifest).iter().filter_map(|pointer| {
        let version = manifest.object.text(pointer)?;
        let (_, why) = KNOWN_BAD.iter().find(|(bad, _)| *bad == version)?;
        Some(at(manifest, pointer, Diagnostic::error("known-bad-version", format!("PostgreSQL {version}: {why}"))))
    });
    bad.collect()
}

/// Major and minor of a version that is written in full.
fn full(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn exact(manifest: &Manifest) -> Vec<Diagnostic> {
    let written = manifest.object.text(MINOR).filter(|version| !version.trim().is_empty() && full(version).is_none());
    let problem = |version| Diagnostic::error("version-not-exact", format!("`{version}` is no full version")).help("write it as 17.12");
    written.map(|version| at(manifest, MINOR, problem(version))).into_iter().collect()
}

fn unknown(manifest: &Manifest) -> Vec<Diagnostic> {
    let unknown = places(manifest).iter().filter_map(|pointer| {
        let version = manifest.object.text(pointer).filter(|version| !version.trim().is_empty() && *version != "latest")?;
        let known = major(version).is_some_and(|major| MAJORS.contains(&major)) && (!version.contains('.') || full(version).is_some());
        let problem = Diagnostic::error("no-such-version", format!("`{version}` is no version of PostgreSQL that is known here"));
        (!known)
            .then(|| at(manifest, pointer, problem.help(format!("write one of the major versions {} to {}", MAJORS.start(), MAJORS.end()))))
    });
    unknown.collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;

    /// An operation that cannot end well is told before it is made, not when it has stopped the cluster.
    #[test]
    fn targets() {
        let of = |spec: &str| {
            let cluster = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a}\nspec: {instances: 2, postgres: {version: '17'}, pods: {persistentVolume: {size: 5Gi}}}\n---\n";
            let text =
                format!("{cluster}apiVersion: stackgres.io/v1\nkind: SGDbOps\nmetadata: {{name: o}}\nspec: {{sgCluster: a, {spec}}}\n");
            examine(&text).0.into_iter().filter(|found| !found.starts_with("not-supported-yet")).collect::<Vec<_>>()
        };
        let minor = |version: &str| of(&format!("op: minorVersionUpgrade, minorVersionUpgrade: {{postgresVersion: '{version}'}}"));
        let place = "/spec/minorVersionUpgrade/postgresVersion";
        assert_eq!(minor("17.12"), [""; 0]);
        assert_eq!(minor("17"), [format!("version-not-exact {place}")]);
        assert_eq!(minor("17.5"), [format!("known-bad-version {place}")]);
        let major = |version: &str| {
            of(&format!("op: majorVersionUpgrade, majorVersionUpgrade: {{postgresVersion: '{version}', sgPostgresConfig: c}}"))
        };
        let place = "/spec/majorVersionUpgrade/postgresVersion";
        assert_eq!(major("18"), [""; 0]);
        assert_eq!(major("99"), [format!("no-such-version {place}")]);
        assert_eq!(major("18.x"), [format!("no-such-version {place}")]);
    }
}
