//! Versions of PostgreSQL.

use super::{Check, Context, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::postgres::{KNOWN_BAD, MAJORS, major};

/// Also said of what operations go to.
pub(super) const KNOWN_BAD_VERSION: Code = Code::error(
    "known-bad-version",
    "this minor version has a known defect",
    "PostgreSQL's release notes advise against it because data may be damaged or slots lost. Take a newer minor of the same major.",
);

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "no-image",
            "no image serves this PostgreSQL version",
            "A version can only run if an image of it exists. The help lists the versions that have one; `17` takes the newest minor of a major, `latest` the newest of all. A revision freezes the minor, so an alias never updates a running cluster by itself.",
        ),
        check: Check::Cluster(no_image),
    },
    Rule {
        code: Code::error(
            "no-image-for-architecture",
            "no image runs on this processor architecture",
            "The pods are asked to run on nodes of an architecture that the images of this version are not made for. Their programs would not start there.",
        ),
        check: Check::Cluster(architecture),
    },
    Rule { code: KNOWN_BAD_VERSION, check: Check::Cluster(known_bad) },
    Rule {
        code: Code::error(
            "flavor-not-supported",
            "this flavor is not supported yet",
            "Only community PostgreSQL (`vanilla`) has an image.",
        ),
        check: Check::Cluster(flavor),
    },
    Rule {
        code: Code::error(
            "configuration-for-another-major",
            "the SGPostgresConfig is for another major version",
            "Parameters come and go between major versions, so each SGPostgresConfig says which one it is for. Refer to one whose `postgresVersion` is the cluster's major version.",
        ),
        check: Check::Cluster(configuration_major),
    },
    Rule {
        code: Code::error(
            "unknown-major",
            "no such major version of PostgreSQL is known",
            "The majors this program knows are 13 to 18. An SGPostgresConfig is for a major version: its parameters are the same in every minor one.",
        ),
        check: Check::Manifest("SGPostgresConfig", unknown_major),
    },
];

const VERSION: &str = "/spec/postgres/version";

fn no_image(context: &Context<'_>) -> Vec<Diagnostic> {
    let written = context.inputs.cluster.object.text(VERSION).unwrap_or("latest");
    if context.settings.catalogue.resolve(written).is_some() {
        return Vec::new();
    }
    let problem = Diagnostic::error("no-image", format!("no image serves PostgreSQL {written}"))
        .help(format!("there are images of {}", context.settings.catalogue.known()));
    vec![context.at(VERSION, problem)]
}

fn architecture(context: &Context<'_>) -> Vec<Diagnostic> {
    const SELECTOR: &str = "/spec/pods/scheduling/nodeSelector/kubernetes.io~1arch";
    let Some(effective) = context.effective else { return Vec::new() };
    match context.inputs.cluster.object.text(SELECTOR) {
        Some(written) if !effective.architectures.is_empty() && !effective.architectures.contains(written) => {
            let version = &effective.postgres.version.value;
            let problem = Diagnostic::error("no-image-for-architecture", format!("no image of PostgreSQL {version} runs on {written}"));
            let known = effective.architectures.iter().cloned().collect::<Vec<_>>().join(", ");
            vec![context.at(SELECTOR, problem.help(format!("there are images for {known}")))]
        }
        _ => Vec::new(),
    }
}

fn known_bad(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let version = effective.postgres.version.value.as_str();
    let found = KNOWN_BAD.iter().find(|(bad, _)| *bad == version);
    found
        .map(|(_, why)| context.at(VERSION, Diagnostic::error("known-bad-version", format!("PostgreSQL {version}: {why}"))))
        .into_iter()
        .collect()
}

fn flavor(context: &Context<'_>) -> Vec<Diagnostic> {
    const FLAVOR: &str = "/spec/postgres/flavor";
    match context.inputs.cluster.object.text(FLAVOR) {
        None | Some("vanilla") => Vec::new(),
        Some(other) => vec![
            context.at(
                FLAVOR,
                Diagnostic::error("flavor-not-supported", format!("the flavor {other} is not supported yet"))
                    .help("take it out, or write vanilla"),
            ),
        ],
    }
}

fn configuration_major(context: &Context<'_>) -> Vec<Diagnostic> {
    let (Some(config), Some(effective)) = (&context.inputs.postgres_config, context.effective) else { return Vec::new() };
    let written = config.object.text("/spec/postgresVersion").unwrap_or_default();
    if major(written) == Some(effective.postgres.major) {
        return Vec::new();
    }
    let problem = Diagnostic::error(
        "configuration-for-another-major",
        format!("the SGPostgresConfig {} is for PostgreSQL {written}, the cluster runs {}", config.object.name(), effective.postgres.major),
    )
    .help(format!("its version is written at {}", config.locate("/spec/postgresVersion")));
    vec![context.at("/spec/configurations/sgPostgresConfig", problem)]
}

fn unknown_major(manifest: &crate::load::Manifest) -> Vec<Diagnostic> {
    let pointer = "/spec/postgresVersion";
    let written = manifest.object.text(pointer).unwrap_or_default();
    let wrong = |message: String, help: String| vec![at(manifest, pointer, Diagnostic::error("unknown-major", message).help(help))];
    match major(written).filter(|major| MAJORS.contains(major)) {
        Some(major) if written == major.to_string() => Vec::new(),
        Some(major) => {
            wrong(format!("`{written}` is not a major version alone"), format!("write '{major}': parameters are those of a major version"))
        }
        None => wrong(format!("`{written}` is no known major version"), format!("write one of {} to {}", MAJORS.start(), MAJORS.end())),
    }
}
