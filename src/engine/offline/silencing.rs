//! What a source silences of its own warnings.
//!
//! In: a report that is complete but for this. Out: the same, with silenced findings apart. Invariant: every way in reads a report that
//! passed here, so check, plan, preview, status and page show the same.

use super::{Report, blocking};
use crate::engine::codes::all as all_codes;
use crate::load::Manifest;
use crate::resolve::Inputs;
use crate::validate::silence;

/// Takes silenced findings out. `silencing` are the documents with such annotations, `used_by` all clusters with what they use.
pub(super) fn take_out(report: &mut Report, silencing: Vec<Manifest>, used_by: &[Inputs]) {
    if silencing.is_empty() {
        return;
    }
    // Of what is blocked not every rule was asked, so nobody can say that a warning does not occur.
    let is_settled = |manifest: &Manifest| {
        let runs = |cluster: &Manifest| report.clusters.contains_key(&cluster.object.namespaced_name());
        let mut users = used_by.iter().filter(|inputs| inputs.manifests().any(|one| one.is_same(manifest)));
        !report.unreadable.contains(&manifest.key()) && users.all(|inputs| runs(&inputs.cluster))
    };
    let silencing: Vec<(Manifest, bool)> = silencing.into_iter().map(|one| (one.clone(), is_settled(&one))).collect();
    report.silenced = silence(&mut report.diagnostics, &silencing, used_by.iter(), &all_codes());
    blocking::order(&mut report.diagnostics);
}

#[cfg(test)]
mod tests {
    use super::super::{LoadOptions, Options, SourceFile, check, plan_between, version};
    use super::*;
    use crate::render::revision::inputs_digest;

    fn report(text: &str) -> Report {
        let load = LoadOptions { default_namespace: Some("n".to_owned()), ..LoadOptions::default() };
        check(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &Options { load, ..Options::default() })
    }

    /// Shown findings as `code path`, and silenced ones as `code: reason`.
    fn found(text: &str) -> (Vec<String>, Vec<String>) {
        let report = report(text);
        let shown = report.diagnostics.iter().map(|finding| format!("{} {}", finding.code, finding.path)).collect();
        (shown, report.silenced.iter().map(|one| format!("{}: {}", one.finding.code, one.reason)).collect())
    }

    fn annotated(annotations: &str) -> String {
        let annotations = if annotations.is_empty() { String::new() } else { format!(", annotations: {{{annotations}}}") };
        format!(
            "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: a{annotations}}}\nspec:\n  instances: 1\n  postgres: {{version: '17'}}\n  pods: {{persistentVolume: {{size: 5Gi}}}}\n"
        )
    }

    const NONE: [&str; 0] = [];
    const REASON: &str = "silence.stackgres.io/single-instance: it is made again each night";
    const PLACE: &str = "silence-without-effect metadata.annotations[\"silence.stackgres.io/single-instance\"]";

    /// A warning that somebody decided to live with hides the next one.
    #[test]
    fn a_warning_is_taken_out_with_its_reason() {
        assert_eq!(found(&annotated("")), (vec!["single-instance spec.instances".to_owned()], vec![]));
        let (shown, silenced) = found(&annotated(REASON));
        assert_eq!(shown, NONE);
        assert_eq!(silenced, ["single-instance: it is made again each night"]);
        assert_eq!(report(&annotated(REASON)).summary(), "no problem, 1 silenced");
        assert_eq!(report(&annotated("")).summary(), "1 warning");
    }

    /// An annotation that does nothing looks as if somebody had decided something.
    #[test]
    fn what_silences_nothing_is_told() {
        let stale = annotated(REASON).replace("instances: 1", "instances: 2");
        assert_eq!(found(&stale), (vec![PLACE.to_owned()], vec![]), "the warning does not occur any more");
        let without_reason = annotated("silence.stackgres.io/single-instance: ' '");
        assert_eq!(found(&without_reason).0, [PLACE, "single-instance spec.instances"]);
        let of = |text: &str| report(text).diagnostics.iter().find(|one| one.code == "silence-without-effect").cloned().unwrap();
        assert_eq!(of(&annotated("silence.stackgres.io/single-instances: x")).help.as_deref(), Some("did you mean single-instance?"));
        assert_eq!(of(&annotated("silence.stackgres.io/silence-without-effect: x")).message, "silence-without-effect does not occur here");
        assert!(!of(&stale).is_error());
    }

    /// Nobody silences what blocks a cluster.
    #[test]
    fn errors_are_not_silenced() {
        let text = annotated("silence.stackgres.io/unknown-choice: it is right") + "  profile: prod\n";
        let (shown, silenced) = found(&text);
        assert!(shown.contains(&"unknown-choice spec.profile".to_owned()), "{shown:?}");
        assert!(shown.iter().any(|finding| finding.starts_with("silence-without-effect")), "{shown:?}");
        assert_eq!(silenced, NONE);
        let absent = annotated("silence.stackgres.io/unknown-choice: x").replace("instances: 1", "instances: 2");
        assert_eq!(found(&absent).0.len(), 1, "an error that is not there cannot be silenced either");
    }

    /// Of a cluster that is blocked not everything was asked: nobody is told to take an annotation out that is needed again tomorrow.
    #[test]
    fn what_is_blocked_says_nothing_of_what_does_not_occur() {
        let (shown, _) = found(&(annotated(REASON).replace("instances: 1", "instances: 2") + "  profile: prod\n"));
        assert_eq!(shown, ["unknown-choice spec.profile"]);
    }

    /// A document that two clusters use warns both.
    #[test]
    fn one_cluster_cannot_speak_for_another() {
        let script = "---\napiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {name: s}\nspec: {scripts: [{script: \"create user a password 'b'\"}]}\n---\n";
        let cluster = |name: &str, annotations: &str| {
            let text = annotated(annotations).replace("name: a", &format!("name: {name}")).replace("instances: 1", "instances: 2");
            text + "  managedSql: {scripts: [{sgScript: s}]}\n"
        };
        let reason = "silence.stackgres.io/password-in-script: it is a demo";
        let one = cluster("a", reason) + script + &cluster("b", "");
        assert_eq!(found(&one), (vec!["password-in-script spec.scripts[0].script".to_owned()], vec![]));
        let both = cluster("a", reason) + script + &cluster("b", "silence.stackgres.io/password-in-script: known");
        assert_eq!(found(&both), (vec![], vec!["password-in-script: it is a demo; known".to_owned()]));
        let itself =
            cluster("a", "") + &script.replace("{name: s}", &format!("{{name: s, annotations: {{{reason}}}}}")) + &cluster("b", "");
        assert_eq!(found(&itself), (vec![], vec!["password-in-script: it is a demo".to_owned()]));
    }

    /// An annotation that reached the pods would restart the database to silence a warning.
    #[test]
    fn silencing_changes_nothing_that_runs() {
        let (before, after) = (report(&annotated("")), report(&annotated(REASON)));
        let cluster = |report: &Report| report.clusters.values().next().cloned().unwrap();
        assert_eq!(version(&cluster(&before)).objects, version(&cluster(&after)).objects);
        assert_eq!(inputs_digest(&cluster(&before)), inputs_digest(&cluster(&after)));
        let plan = plan_between(&before, "before", &after, "after");
        let steps: Vec<_> = plan.clusters.iter().map(|cluster| cluster.objects.len()).collect();
        assert!(steps.iter().all(|objects| *objects == 0), "{steps:?}");
    }
}
