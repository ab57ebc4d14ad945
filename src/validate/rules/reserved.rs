//! Names and lists that the API keeps for itself.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::model::pointer::places;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "reserved-script-name",
            "the name of the script is reserved",
            "Upstream's operator keeps SGScripts whose names end in `-default` for what it runs in every cluster, and nobody else may write them. Here what they did needs no object: take the document out, or give a script of your own another name.",
        ),
        check: Check::Manifest("SGScript", script_name),
    },
    Rule {
        code: Code::error(
            "second-backup-setting",
            "only the first entry of `backups` counts",
            "The field is a list and takes one entry: a second place for backups would look like one and receive nothing.",
        ),
        check: Check::Every(second_backup),
    },
];

fn script_name(manifest: &Manifest) -> Vec<Diagnostic> {
    let name = manifest.object.name();
    if !name.ends_with("-default") {
        return Vec::new();
    }
    let problem = Diagnostic::error("reserved-script-name", format!("`{name}` is a name that the operator gives"));
    vec![at(manifest, "/metadata/name", problem.help("take the document out, or give it another name"))]
}

fn second_backup(manifest: &Manifest) -> Vec<Diagnostic> {
    let clusters = ["SGCluster", "SGShardedCluster"].contains(&manifest.object.kind());
    let lists = if clusters { places(manifest.object.value(), "/spec/configurations/backups") } else { Vec::new() };
    let more = lists.into_iter().filter(|(_, list)| list.as_array().map_or(0, Vec::len) > 1 && list.get(1) != Some(&Value::Null));
    more.map(|(pointer, _)| {
        let problem = Diagnostic::error("second-backup-setting", "one entry is allowed, and there are more");
        at(manifest, &format!("{pointer}/1"), problem.help("keep one"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{examine, findings};

    #[test]
    fn scripts_of_the_operator() {
        let of = |name: &str| {
            examine(&format!(
                "apiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {{name: {name}}}\nspec: {{scripts: [{{script: select 1}}]}}\n"
            ))
            .0
        };
        assert_eq!(of("a-default"), ["reserved-script-name /metadata/name"]);
        assert_eq!(of("default-a"), [""; 0]);
    }

    /// Backups that go nowhere are found when they are needed.
    #[test]
    fn one_place_for_backups() {
        let of = |list: &str| {
            let found = findings(&format!("  configurations: {{backups: [{list}]}}"));
            found.into_iter().filter(|found| found.starts_with("second-backup")).collect::<Vec<_>>()
        };
        assert_eq!(of("{sgObjectStorage: a}"), [""; 0]);
        assert_eq!(of("{sgObjectStorage: a}, {sgObjectStorage: b}"), ["second-backup-setting /spec/configurations/backups/1"]);
    }
}
