//! The source of a standby cluster.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use crate::postgres::major;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "bad-replication-source",
            "what the cluster would follow is not said, or said twice",
            "`replicateFrom` names either an SGCluster of the same namespace, whose users come with its Secret, or a server outside with its host, port and the Secrets of its users. Without a source that can be reached no instance would get its data.",
        ),
        check: Check::Cluster(source),
    },
    Rule {
        code: Code::error(
            "replication-source-does-not-fit",
            "the source cannot be followed by this cluster",
            "A standby cluster copies the files of its source, so both run the same major version; it follows somebody else; and the source's primary must have an address, so its primary Service is switched on.",
        ),
        check: Check::Cluster(fit),
    },
    Rule {
        code: Code::warning(
            "synchronous-standby-cluster",
            "a standby cluster takes no commits that could wait",
            "Patroni leaves synchronous modes aside while a cluster follows another one. The mode counts from the promotion on.",
        ),
        check: Check::Cluster(synchronous),
    },
];

const CLUSTER: &str = "/spec/replicateFrom/instance/sgCluster";
const EXTERNAL: &str = "/spec/replicateFrom/instance/external";

fn source(context: &Context<'_>) -> Vec<Diagnostic> {
    let object = &context.inputs.cluster.object;
    let mut problems = Vec::new();
    let mut wrong = |pointer: &str, message: &str, help: &str| {
        problems.push(context.at(pointer, Diagnostic::error("bad-replication-source", message).help(help)));
    };
    let host = format!("{EXTERNAL}/host");
    // Patroni takes several addresses with commas in between, and a connection string has its own quotes.
    let plain =
        |host: &str| !host.is_empty() && host.chars().all(|character| character.is_ascii_alphanumeric() || ".-:,_".contains(character));
    if object.text(&host).is_some_and(|host| !plain(host)) {
        wrong(&host, "this is no host name and no address", "write a name or an address; several with commas");
    }
    let port = format!("{EXTERNAL}/port");
    if object.get(&port).and_then(Value::as_f64).is_some_and(|port| !(1.0..=65_535.0).contains(&port)) {
        wrong(&port, "there is no such port", "write 1 to 65535");
    }
    for user in ["superuser", "replication", "authenticator"] {
        for what in ["username", "password"] {
            let pointer = format!("/spec/replicateFrom/users/{user}/{what}");
            let empty = |field: &str| object.text(&format!("{pointer}/{field}")).is_some_and(str::is_empty);
            if empty("name") || empty("key") {
                wrong(&pointer, "the Secret or its key has no name", "write name and key");
            }
        }
    }
    problems
}

fn fit(context: &Context<'_>) -> Vec<Diagnostic> {
    let inputs = context.inputs;
    let Some(name) = inputs.cluster.object.text(CLUSTER) else { return Vec::new() };
    let problem =
        |message: String, help: &str| vec![context.at(CLUSTER, Diagnostic::error("replication-source-does-not-fit", message).help(help))];
    if name == inputs.cluster.object.name() {
        return problem("the cluster would follow itself".to_owned(), "name another SGCluster");
    }
    let Some(source) = inputs.source.as_ref().map(|source| &source.object) else { return Vec::new() };
    if source.text(CLUSTER) == Some(inputs.cluster.object.name()) {
        return problem(format!("{name} and this cluster would follow each other"), "take replicateFrom out of one of them");
    }
    if source.get("/spec/postgresServices/primary/enabled") == Some(&Value::Bool(false)) {
        return problem(format!("the primary Service of {name} is switched off"), "switch it on: the standby cluster follows it");
    }
    let version = source.text("/spec/postgres/version").unwrap_or("latest");
    let theirs = context.settings.catalogue.resolve(version).and_then(major);
    let ours = context.effective.map(|effective| effective.postgres.major);
    match (theirs, ours) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            problem(format!("{name} runs PostgreSQL {theirs}, and this cluster {ours}"), "write the major version of the source")
        }
        _ => Vec::new(),
    }
}

fn synchronous(context: &Context<'_>) -> Vec<Diagnostic> {
    match context.effective {
        Some(effective) if effective.replicate_from.is_some() && effective.replication.mode.value != "async" => {
            let problem = Diagnostic::warning("synchronous-standby-cluster", "the mode counts from the promotion on");
            vec![context.at("/spec/replication/mode", problem.help("leave it for the promotion, or take it out"))]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{examine, findings};

    fn beside(source: &str, replicate_from: &str) -> Vec<String> {
        let cluster = |name: &str, more: &str| {
            format!(
                "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {name}, namespace: n}}\nspec: {{instances: 2, pods: {{persistentVolume: {{size: 5Gi}}}}, {more}}}\n"
            )
        };
        examine(&format!(
            "{}---\n{}",
            cluster("a", source),
            cluster("b", &format!("postgres: {{version: '17'}}, replicateFrom: {replicate_from}"))
        ))
        .0
    }

    #[test]
    fn a_source_in_the_namespace() {
        let of = |source: &str| beside(source, "{instance: {sgCluster: a}}");
        let place = "/spec/replicateFrom/instance/sgCluster";
        assert_eq!(of("postgres: {version: '17'}"), [""; 0]);
        assert_eq!(of("postgres: {version: '18'}"), [format!("replication-source-does-not-fit {place}")]);
        assert!(
            of("postgres: {version: '17'}, postgresServices: {primary: {enabled: false}}")
                .contains(&format!("replication-source-does-not-fit {place}"))
        );
        assert_eq!(
            of("postgres: {version: '17'}, replicateFrom: {instance: {sgCluster: b}}"),
            [format!("replication-source-does-not-fit {place}"), format!("replication-source-does-not-fit {place}")]
        );
        assert_eq!(findings("  replicateFrom: {instance: {sgCluster: absent}}"), [format!("missing-reference {place}")]);
        assert_eq!(findings("  replicateFrom: {instance: {sgCluster: demo}}"), [format!("replication-source-does-not-fit {place}")]);
    }

    #[test]
    fn a_source_outside() {
        let selector = "{name: s, key: k}";
        let user = |name: &str| format!("{name}: {{username: {selector}, password: {selector}}}");
        let users = format!("users: {{{}, {}, {}}}", user("superuser"), user("replication"), user("authenticator"));
        let of = |instance: &str, users: &str| findings(&format!("  replicateFrom: {{instance: {{{instance}}}, {users}}}"));
        let external = "external: {host: db.example.com, port: 5432}";
        assert_eq!(of(external, &users), [""; 0]);
        assert_eq!(of(external, ""), ["bad-replication-source /spec/replicateFrom/users"]);
        assert_eq!(of("external: {host: a b, port: 5432}", &users), ["bad-replication-source /spec/replicateFrom/instance/external/host"]);
        assert_eq!(of("external: {host: a, port: 0}", &users), ["bad-replication-source /spec/replicateFrom/instance/external/port"]);
        assert_eq!(findings("  replicateFrom: {instance: {}}"), ["bad-replication-source /spec/replicateFrom/instance"]);
        assert_eq!(findings("  replicateFrom: {}"), ["bad-replication-source /spec/replicateFrom"]);
        let both = beside("postgres: {version: '17'}", &format!("{{instance: {{sgCluster: a, {external}}}, {users}}}"));
        assert_eq!(both, ["bad-replication-source /spec/replicateFrom/instance"]);
        // From an object storage nothing is restored yet: an empty cluster that says Ready would be the worst answer.
        let storage = findings("  replicateFrom: {storage: {sgObjectStorage: s, path: p}}");
        assert!(storage.iter().any(|finding| finding == "not-supported-yet /spec/replicateFrom/storage"), "{storage:?}");
    }
}
