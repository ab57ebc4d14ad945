//! Extensions: what is asked for is in the image, and the server is told what it must be told.
//!
//! Source: the catalogue of the images; the published meaning of `spec.postgres.extensions` in the API this implements.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic, nearest};
use crate::postgres::{CatalogueImage, PUBLISHER, need_of};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "no-such-extension",
            "the image does not have this extension",
            "`spec.postgres.extensions` names extensions whose files every instance must have. They are part of the image: nothing is downloaded when a pod starts. `CREATE EXTENSION` of one that is not there would fail. The help lists what the image of this PostgreSQL version has.",
        ),
        check: Check::Cluster(names),
    },
    Rule {
        code: Code::error(
            "no-such-extension-version",
            "the image has another version of this extension",
            "An image has one version of each extension. Write that one, or `stable`, or no version: a revision freezes what the image has. `ALTER EXTENSION … UPDATE` brings a database to it after a change of the image.",
        ),
        check: Check::Cluster(versions),
    },
    Rule {
        code: Code::error(
            "extension-publisher",
            "nobody else's builds of this extension are there",
            "The images have one build of each extension. Another publisher's may behave differently, so it is not taken in its place without a word.",
        ),
        check: Check::Cluster(publishers),
    },
    Rule {
        code: Code::warning(
            "extension-repository",
            "extensions are not downloaded",
            "The files come with the image, so the address of a repository has no effect.",
        ),
        check: Check::Cluster(repositories),
    },
    Rule {
        code: Code::error(
            "extension-twice",
            "an extension is listed twice",
            "An image has one version of each extension, so a second entry can only repeat or contradict the first.",
        ),
        check: Check::Cluster(twice),
    },
    Rule {
        code: Code::error(
            "extension-not-loaded",
            "the extension needs a library that a parameter leaves out",
            "pg_cron, pgaudit and pg_stat_statements work only when `shared_preload_libraries` names them, wal2json only when `output_plugin_libraries` does. Where nobody writes the parameter it is completed; a list that somebody wrote is taken as it is.",
        ),
        check: Check::Cluster(loaded),
    },
];

const LIST: &str = "/spec/postgres/extensions";

/// Every entry with its place.
fn entries<'a>(context: &Context<'a>) -> Vec<(String, &'a Value, &'a str)> {
    let list = context.inputs.cluster.object.get(LIST).and_then(Value::as_array).into_iter().flatten();
    list.enumerate().filter_map(|(index, entry)| Some((format!("{LIST}/{index}"), entry, entry.get("name")?.as_str()?))).collect()
}

/// What is known of the image that the cluster gets.
fn server<'a>(context: &Context<'a>) -> Option<&'a CatalogueImage> {
    context.settings.catalogue.server(&context.effective?.postgres.version.value)
}

fn names(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let version = &effective.postgres.version.value;
    let server = server(context);
    let available = server.map(CatalogueImage::available).unwrap_or_default();
    let missing = entries(context).into_iter().filter(|(_, _, name)| server.is_none_or(|server| server.version_of(name).is_none()));
    missing
        .map(|(place, _, name)| {
            let all = || format!("it has {}", available.iter().copied().collect::<Vec<_>>().join(", "));
            let help = match nearest(name, available.iter().copied()) {
                Some(near) => format!("did you mean {near}? {}", all()),
                None if available.is_empty() => "the catalogue lists no extensions of this image".to_owned(),
                None => all(),
            };
            let problem = Diagnostic::error("no-such-extension", format!("the image of PostgreSQL {version} has no extension {name}"));
            context.at(&format!("{place}/name"), problem.help(help))
        })
        .collect()
}

fn versions(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(server) = server(context) else { return Vec::new() };
    let mut problems = Vec::new();
    for (place, entry, name) in entries(context) {
        let written = entry.get("version").and_then(Value::as_str);
        let (Some(written), Some(has)) = (written, server.version_of(name)) else { continue };
        if written != has && written != "stable" {
            let problem = Diagnostic::error(
                "no-such-extension-version",
                format!("the image of PostgreSQL {} has {name} {has}, not {written}", server.version),
            );
            let others: Vec<String> = context
                .settings
                .catalogue
                .images
                .iter()
                .filter(|image| image.component == "postgres" && image.version_of(name) == Some(written))
                .map(|image| image.version.clone())
                .collect();
            let elsewhere = if others.is_empty() { String::new() } else { format!("; {written} is in the image of {}", others.join(", ")) };
            problems.push(context.at(&format!("{place}/version"), problem.help(format!("write {has}, or no version{elsewhere}"))));
        }
    }
    problems
}

fn publishers(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (place, entry, name) in entries(context) {
        if let Some(publisher) = entry.get("publisher").and_then(Value::as_str).filter(|publisher| *publisher != PUBLISHER) {
            let problem = Diagnostic::error("extension-publisher", format!("there is no build of {name} by {publisher}"));
            problems.push(context.at(&format!("{place}/publisher"), problem.help("take it out, if the build of the image will do")));
        }
    }
    problems
}

fn repositories(context: &Context<'_>) -> Vec<Diagnostic> {
    let written = entries(context).into_iter().filter(|(_, entry, _)| entry.get("repository").is_some_and(|value| !value.is_null()));
    written
        .map(|(place, _, name)| {
            let problem = Diagnostic::warning("extension-repository", format!("{name} comes with the image; its repository has no effect"));
            context.at(&format!("{place}/repository"), problem.help("take it out"))
        })
        .collect()
}

fn twice(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let again = entries(context).into_iter().filter(|(_, _, name)| !seen.insert(*name));
    again
        .map(|(place, _, name)| {
            context.at(
                &format!("{place}/name"),
                Diagnostic::error("extension-twice", format!("{name} is listed twice")).help("keep one of them"),
            )
        })
        .collect()
}

fn loaded(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let mut problems = Vec::new();
    for (place, _, name) in entries(context) {
        let Some(need) = need_of(name) else { continue };
        let value = effective.postgres.parameters.get(need.parameter).map_or("", |value| value.value.as_str());
        if effective.postgres.extensions.iter().any(|extension| extension.name == name) && !need.met_by(value) {
            let problem =
                Diagnostic::error("extension-not-loaded", format!("{name} does not work unless {} names {}", need.parameter, need.library));
            let help = format!("write {}: {}, or take the parameter out: then it is completed", need.parameter, need.added_to(value));
            problems.push(context.at(&format!("{place}/name"), problem.help(help)));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;

    fn found(extensions: &str, parameters: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: demo, namespace: n}}\nspec:\n  instances: 2\n  postgres: {{version: '17', extensions: [{extensions}]}}\n  pods: {{persistentVolume: {{size: 5Gi}}}}\n  configurations: {{postgres: {{postgresql.conf: {{{parameters}}}}}}}\n"
        );
        examine(&text).0
    }

    /// An extension that is accepted and not there is a script that fails in production.
    #[test]
    fn what_is_asked_for_must_be_there() {
        assert_eq!(found("{name: vector}, {name: pg_trgm, version: stable}, {name: uuid-ossp, publisher: com.ongres}", ""), [""; 0]);
        assert_eq!(found("{name: pgvector}", ""), ["no-such-extension /spec/postgres/extensions/0/name"]);
        assert_eq!(found("{name: vector, version: 0.0.1}", ""), ["no-such-extension-version /spec/postgres/extensions/0/version"]);
        assert_eq!(found("{name: vector, publisher: org.example}", ""), ["extension-publisher /spec/postgres/extensions/0/publisher"]);
        assert_eq!(
            found("{name: vector, repository: 'https://e.example'}", ""),
            ["extension-repository /spec/postgres/extensions/0/repository"]
        );
        assert_eq!(found("{name: vector}, {name: vector}", ""), ["extension-twice /spec/postgres/extensions/1/name"]);
    }

    /// `CREATE EXTENSION pg_cron` fails where the library is not loaded, and the library is not loaded without a restart.
    #[test]
    fn what_must_be_loaded_is() {
        assert_eq!(found("{name: pg_cron}, {name: wal2json}", ""), [""; 0], "the lists are completed");
        assert_eq!(found("{name: pg_cron}", "shared_preload_libraries: 'pg_stat_statements, pg_cron'"), [""; 0]);
        assert_eq!(
            found("{name: pg_cron}", "shared_preload_libraries: pg_stat_statements"),
            ["extension-not-loaded /spec/postgres/extensions/0/name"]
        );
    }
}
