//! What is legal in production and costs availability or access control.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::warning(
            "instances-may-share-a-node",
            "instances of a production cluster may run on one node",
            "The loss of that node is then the loss of the primary and its replica at once. Where there are too few nodes, `profile: testing` says what the cluster is.",
        ),
        check: Check::Cluster(shared_node),
    },
    Rule {
        code: Code::warning(
            "resources-not-reserved",
            "a production database runs without reserved CPU and memory",
            "A node that is short of memory evicts pods without requests first, and without a limit PostgreSQL is tuned for memory that nobody keeps for it.",
        ),
        check: Check::Cluster(not_reserved),
    },
    Rule {
        code: Code::warning(
            "login-without-password",
            "a line of pg_hba lets somebody in over the network without a password",
            "`trust` asks for nothing: whoever reaches the port is whoever they say, the superuser included. Use `scram-sha-256`, or `cert` where clients have certificates.",
        ),
        check: Check::Cluster(trust),
    },
];

fn is_production(context: &Context<'_>) -> bool {
    context.effective.is_some_and(|effective| effective.profile.value == "production")
}

fn shared_node(context: &Context<'_>) -> Vec<Diagnostic> {
    const POINTER: &str = "/spec/nonProductionOptions/disableClusterPodAntiAffinity";
    let shared = context.effective.is_some_and(|effective| effective.instances.value > 1 && !effective.pod_anti_affinity.value);
    if !shared || !is_production(context) {
        return Vec::new();
    }
    let problem = Diagnostic::warning("instances-may-share-a-node", "one node may hold the primary and its replica");
    vec![context.at(POINTER, problem.help("take it out, or write `profile: testing`"))]
}

fn not_reserved(context: &Context<'_>) -> Vec<Diagnostic> {
    const POINTER: &str = "/spec/nonProductionOptions/disablePatroniResourceRequirements";
    if context.inputs.cluster.object.get(POINTER) != Some(&Value::Bool(true)) || !is_production(context) {
        return Vec::new();
    }
    let problem = Diagnostic::warning("resources-not-reserved", "nothing is reserved for the database");
    vec![context.at(POINTER, problem.help("take it out, or write `profile: development`"))]
}

fn trust(context: &Context<'_>) -> Vec<Diagnostic> {
    const LINES: &str = "/spec/configurations/patroni/dynamicConfig/postgresql/pg_hba";
    let lines = context.inputs.cluster.object.get(LINES).and_then(Value::as_array);
    let open = lines.into_iter().flatten().enumerate().filter(|(_, line)| line.as_str().is_some_and(is_open));
    open.map(|(index, _)| {
        let problem = Diagnostic::warning("login-without-password", "who comes over the network is let in without a password");
        context.at(&format!("{LINES}/{index}"), problem.help("write scram-sha-256 in place of trust"))
    })
    .collect()
}

/// Whether a line lets in from elsewhere without a question: type, database, user, address, maybe a mask, method.
fn is_open(line: &str) -> bool {
    let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
    let [kind, _, _, address, rest @ ..] = words.as_slice() else { return false };
    let here = ["samehost", "localhost", "::1/128", "::1"].contains(address) || address.starts_with("127.");
    kind.starts_with("host") && !here && rest.iter().take(2).any(|word| *word == "trust")
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    /// Two instances on one node fail together.
    #[test]
    fn production_is_not_relaxed_unseen() {
        let of = |profile: &str, option: &str| findings(&format!("  profile: {profile}\n  nonProductionOptions: {{{option}: true}}"));
        let place = "/spec/nonProductionOptions";
        assert_eq!(
            of("production", "disableClusterPodAntiAffinity"),
            [format!("instances-may-share-a-node {place}/disableClusterPodAntiAffinity")]
        );
        assert_eq!(of("testing", "disableClusterPodAntiAffinity"), [""; 0]);
        assert_eq!(
            of("production", "disablePatroniResourceRequirements"),
            [format!("resources-not-reserved {place}/disablePatroniResourceRequirements")]
        );
        assert_eq!(of("development", "disablePatroniResourceRequirements"), [""; 0]);
    }

    /// `trust` for a network is a database without passwords.
    #[test]
    fn nobody_is_trusted_from_elsewhere() {
        let of =
            |line: &str| findings(&format!("  configurations: {{patroni: {{dynamicConfig: {{postgresql: {{pg_hba: ['{line}']}}}}}}}}"));
        let place = ["login-without-password /spec/configurations/patroni/dynamicConfig/postgresql/pg_hba/0"];
        assert_eq!(of("host all all 0.0.0.0/0 trust"), place);
        assert_eq!(of("hostssl app app 10.0.0.0 255.0.0.0 trust"), place);
        for fine in [
            "host all all 127.0.0.1/32 trust",
            "host all all 0.0.0.0/0 scram-sha-256",
            "local all all trust",
            "host trust trust 10.0.0.0/8 md5",
        ] {
            assert_eq!(of(fine), [""; 0], "{fine}");
        }
    }
}
