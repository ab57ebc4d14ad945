//! What the parts of an SGShardedCluster must agree on. What one field says alone is in [`super::value_tables`].

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "shard-override",
            "an override is for a shard that is not there, or the second one for a shard",
            "Shards count from 0; `index` of an override is below `clusters`, and names each shard once. An override of a shard that is not there would be waited for by somebody.",
        ),
        check: Check::Manifest(KIND, overrides),
    },
    Rule {
        code: Code::error(
            "sharded-script-id",
            "an id of a script is reserved, or used twice",
            "Ids tell which scripts ran. 0 to 9 belong to the scripts that make the sharding itself; your own begin at 10, or have none and are numbered.",
        ),
        check: Check::Manifest(KIND, script_ids),
    },
    Rule {
        code: Code::error(
            "too-few-instances-of-a-part",
            "a part has fewer instances than its replication needs",
            "A synchronous commit waits for `syncInstances` standbys, so the coordinator and every shard need one instance more than that, unless they have none at all.",
        ),
        check: Check::Manifest(KIND, instances),
    },
    Rule {
        code: Code::error(
            "shard-name-too-long",
            "a cluster made for a shard would have too long a name",
            "Shards are SGClusters named NAME-shard0, NAME-shard1 and so on, and the name of an SGCluster has 44 characters at most: with ten shards or more the longest name is 36 characters, one less than the kind allows.",
        ),
        check: Check::Manifest(KIND, names),
    },
    Rule {
        code: Code::error(
            "places-for-each-part",
            "there is not one place for each part",
            "Hosts, ports and paths stand in the order of the parts: the coordinator's first, then one for each shard. One too few, and a shard would follow nothing, or write its backups over another one's.",
        ),
        check: Check::Manifest(KIND, places),
    },
    Rule {
        code: Code::error(
            "sharded-babelfish",
            "Babelfish is asked for where it cannot be",
            "The flavor `babelfish` is experimental: it needs the feature gate `babelfish-flavor`, and one instance of the coordinator and of each shard.",
        ),
        check: Check::Manifest(KIND, babelfish),
    },
];

const KIND: &str = "SGShardedCluster";

/// Longest name of an SGCluster.
const LONGEST: usize = 44;

fn count(manifest: &Manifest, pointer: &str) -> Option<u64> {
    manifest.object.get(pointer).and_then(Value::as_u64)
}

/// Overrides: their place and their value.
fn written(manifest: &Manifest) -> impl Iterator<Item = (String, &Value)> {
    let list = manifest.object.get("/spec/shards/overrides").and_then(Value::as_array);
    list.into_iter().flatten().enumerate().map(|(position, one)| (format!("/spec/shards/overrides/{position}"), one))
}

fn overrides(manifest: &Manifest) -> Vec<Diagnostic> {
    let shards = count(manifest, "/spec/shards/clusters");
    let mut seen: BTreeMap<u64, String> = BTreeMap::new();
    let mut problems = Vec::new();
    for (place, one) in written(manifest) {
        let Some(index) = one.get("index").and_then(Value::as_u64) else { continue };
        let pointer = format!("{place}/index");
        let mut refuse = |message: String, help: String| {
            problems.push(at(manifest, &pointer, Diagnostic::error("shard-override", message).help(help)));
        };
        if let Some(shards) = shards.filter(|shards| index >= *shards) {
            let help = if shards == 0 { "take it out".to_owned() } else { format!("the last shard is {}", shards - 1) };
            refuse(format!("there is no shard {index}"), help);
        }
        if let Some(first) = seen.insert(index, pointer.clone()) {
            refuse(format!("the shard {index} is named twice"), format!("first at {}", manifest.locate(&first)));
        }
    }
    problems
}

/// The parts: the coordinator, the shards, and single shards.
fn parts(manifest: &Manifest) -> Vec<String> {
    let all = ["/spec/coordinator", "/spec/shards"].into_iter().map(str::to_owned);
    all.chain(written(manifest).map(|(place, _)| place)).collect()
}

fn script_ids(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for part in parts(manifest) {
        let list = format!("{part}/managedSql/scripts");
        let mut seen: BTreeMap<i64, String> = BTreeMap::new();
        for (position, entry) in manifest.object.get(&list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            // -1 asks for a number, as an absent one does.
            let Some(id) = entry.get("id").and_then(Value::as_i64).filter(|id| *id != -1) else { continue };
            let pointer = format!("{list}/{position}/id");
            let problem = |message: String| Diagnostic::error("sharded-script-id", message);
            if id < 10 {
                let problem = problem(format!("the id {id} is reserved")).help("write 10 or more, or leave it out");
                problems.push(at(manifest, &pointer, problem));
            }
            if let Some(first) = seen.insert(id, pointer.clone()) {
                let problem = problem(format!("the id {id} is used twice")).help(format!("first at {}", manifest.locate(&first)));
                problems.push(at(manifest, &pointer, problem));
            }
        }
    }
    problems
}

fn instances(manifest: &Manifest) -> Vec<Diagnostic> {
    let object = &manifest.object;
    let mut problems = Vec::new();
    for part in parts(manifest) {
        let is_one = part.contains("/overrides/");
        let field = if part == "/spec/coordinator" { "instances" } else { "instancesPerCluster" };
        let of_all = |field: &str| is_one.then(|| object.get(&format!("/spec/shards/{field}"))).flatten();
        let own = |field: &str| object.get(&format!("{part}/{field}"));
        let replication = |field: &str| {
            let field = format!("replication/{field}");
            own(&field).or_else(|| of_all(&field)).or_else(|| object.get(&format!("/spec/{field}")))
        };
        // A single shard that says nothing of this is told with all of them.
        if is_one && own(field).is_none() && own("replication").is_none() {
            continue;
        }
        let mode = replication("mode").and_then(Value::as_str).unwrap_or_default();
        let Some(instances) = own(field).or_else(|| of_all(field)).and_then(Value::as_u64) else { continue };
        let needed = replication("syncInstances").and_then(Value::as_u64).unwrap_or(1);
        if matches!(mode, "sync" | "strict-sync") && instances > 0 && instances <= needed {
            let message = format!("{needed} synchronous standbys need more than {instances} instances");
            let problem = Diagnostic::error("too-few-instances-of-a-part", message).help(format!("write {} or more", needed + 1));
            problems.push(at(manifest, &format!("{part}/{field}"), problem));
        }
    }
    problems
}

fn names(manifest: &Manifest) -> Vec<Diagnostic> {
    let name = manifest.object.name();
    let Some(last) = count(manifest, "/spec/shards/clusters").and_then(|shards| shards.checked_sub(1)) else { return Vec::new() };
    let longest = format!("{name}-shard{last}");
    if longest.len() <= LONGEST {
        return Vec::new();
    }
    let problem = Diagnostic::error("shard-name-too-long", format!("{longest} has {} characters, {LONGEST} are allowed", longest.len()));
    let help = format!("shorten the name by {}, or have fewer shards", longest.len() - LONGEST);
    vec![at(manifest, "/metadata/name", problem.help(help))]
}

fn places(manifest: &Manifest) -> Vec<Diagnostic> {
    let Some(parts) = count(manifest, "/spec/shards/clusters").map(|shards| shards + 1) else { return Vec::new() };
    let mut lists =
        ["instance/external/hosts", "instance/external/ports", "storage/paths"].map(|list| format!("/spec/replicateFrom/{list}")).to_vec();
    let backups = manifest.object.get("/spec/configurations/backups").and_then(Value::as_array).map_or(0, Vec::len);
    lists.extend((0..backups).map(|index| format!("/spec/configurations/backups/{index}/paths")));
    let wrong = lists.into_iter().filter_map(|pointer| {
        let given = manifest.object.get(&pointer).and_then(Value::as_array)?.len() as u64;
        // Paths of backups are chosen where none is written.
        let fits = given == parts || given == 0 && pointer.contains("/backups/");
        let message = format!("{given} for {parts} parts: the coordinator and {} shards", parts - 1);
        let problem = Diagnostic::error("places-for-each-part", message).help("write the coordinator's first, then one for each shard");
        (!fits).then(|| at(manifest, &pointer, problem))
    });
    wrong.collect()
}

fn babelfish(manifest: &Manifest) -> Vec<Diagnostic> {
    const FLAVOR: &str = "/spec/postgres/flavor";
    let object = &manifest.object;
    if object.text(FLAVOR) != Some("babelfish") {
        return Vec::new();
    }
    let problem =
        |pointer: &str, message: &str, help: &str| at(manifest, pointer, Diagnostic::error("sharded-babelfish", message).help(help));
    let mut problems = Vec::new();
    let gates = object.get("/spec/nonProductionOptions/enabledFeatureGates").and_then(Value::as_array);
    if !gates.is_some_and(|gates| gates.iter().any(|gate| gate == "babelfish-flavor")) {
        let help = "add babelfish-flavor to spec.nonProductionOptions.enabledFeatureGates";
        problems.push(problem(FLAVOR, "the feature gate of Babelfish is not switched on", help));
    }
    for part in parts(manifest) {
        let field = if part == "/spec/coordinator" { "instances" } else { "instancesPerCluster" };
        let pointer = format!("{part}/{field}");
        if count(manifest, &pointer).is_some_and(|instances| instances > 1) {
            problems.push(problem(&pointer, "Babelfish has one instance", "write 1"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;

    /// The findings of a sharded cluster of two shards, but for the one that nothing carries it out.
    fn named(name: &str, coordinator: &str, shards: &str, more: &str) -> Vec<String> {
        let pods = "pods: {persistentVolume: {size: 5Gi}}";
        let text = format!(
            "apiVersion: stackgres.io/v1alpha1\nkind: SGShardedCluster\nmetadata: {{name: {name}}}\nspec:\n  type: citus\n  database: app\n  postgres: {{version: '17'{}}}\n  coordinator: {{{pods}, {coordinator}}}\n  shards: {{{pods}, {shards}}}\n{more}",
            if more.contains("babelfish-flavor") || more.contains("# babelfish") { ", flavor: babelfish" } else { "" }
        );
        examine(&text).0.into_iter().filter(|found| found != "kind-not-supported-yet /kind").collect()
    }

    fn of(coordinator: &str, shards: &str, more: &str) -> Vec<String> {
        named("a", coordinator, shards, more)
    }

    const TWO: &str = "clusters: 2, instancesPerCluster: 2";

    #[test]
    fn overrides_are_of_shards_that_are_there() {
        assert_eq!(of("instances: 2", &format!("{TWO}, overrides: [{{index: 0}}, {{index: 1}}]"), ""), [""; 0]);
        assert_eq!(of("instances: 2", &format!("{TWO}, overrides: [{{index: 2}}]"), ""), ["shard-override /spec/shards/overrides/0/index"]);
        assert_eq!(
            of("instances: 2", &format!("{TWO}, overrides: [{{index: 1}}, {{index: 1}}]"), ""),
            ["shard-override /spec/shards/overrides/1/index"]
        );
    }

    /// A script under a reserved id would never run: its entry counts as done.
    #[test]
    fn ids_of_scripts_begin_at_ten() {
        let scripts = |ids: &str| format!("instances: 2, managedSql: {{scripts: [{ids}]}}");
        assert_eq!(of(&scripts("{sgScript: a, id: 10}, {sgScript: b, id: -1}, {sgScript: c}"), TWO, ""), [""; 0]);
        let place = "sharded-script-id /spec/coordinator/managedSql/scripts";
        assert_eq!(of(&scripts("{sgScript: a, id: 9}"), TWO, ""), [format!("{place}/0/id")]);
        assert_eq!(of(&scripts("{sgScript: a, id: 10}, {sgScript: b, id: 10}"), TWO, ""), [format!("{place}/1/id")]);
        let shard = format!("{TWO}, overrides: [{{index: 0, managedSql: {{scripts: [{{sgScript: a, id: 0}}]}}}}]");
        assert_eq!(of("instances: 2", &shard, ""), ["sharded-script-id /spec/shards/overrides/0/managedSql/scripts/0/id"]);
    }

    /// A shard that waits for more standbys than it has takes no writes.
    #[test]
    fn synchronous_parts_have_a_standby() {
        let sync = "replication: {mode: sync, syncInstances: 2}";
        assert_eq!(of(&format!("instances: 3, {sync}"), TWO, ""), [""; 0]);
        assert_eq!(of(&format!("instances: 0, {sync}"), TWO, ""), [""; 0]);
        assert_eq!(of(&format!("instances: 2, {sync}"), TWO, ""), ["too-few-instances /spec/coordinator/instances"]);
        let one = format!("clusters: 2, instancesPerCluster: 3, {sync}, overrides: [{{index: 1, instancesPerCluster: 2}}, {{index: 0}}]");
        assert_eq!(of("instances: 1", &one, ""), ["too-few-instances-of-a-part /spec/shards/overrides/0/instancesPerCluster"]);
        let all = "  replication: {mode: strict-sync}\n";
        assert_eq!(of("instances: 1, replication: {mode: async}", TWO, all), [""; 0]);
        assert_eq!(of("instances: 1", TWO, all), ["too-few-instances-of-a-part /spec/coordinator/instances"]);
    }

    /// The eleventh shard could not be made, when there are ten already.
    #[test]
    fn names_of_shards_fit() {
        let of = |length: usize, shards: u32| {
            named(&"a".repeat(length), "instances: 1", &format!("clusters: {shards}, instancesPerCluster: 1"), "")
        };
        assert_eq!(of(37, 10), [""; 0]);
        assert_eq!(of(37, 11), ["shard-name-too-long /metadata/name"]);
        assert_eq!(of(36, 11), [""; 0]);
    }

    #[test]
    fn each_part_has_its_place() {
        let source = |hosts: &str, ports: &str| {
            let users = ["superuser", "replication", "authenticator"]
                .map(|user| format!("{user}: {{username: {{name: s, key: u}}, password: {{name: s, key: p}}}}"))
                .join(", ");
            format!("  replicateFrom: {{instance: {{external: {{hosts: [{hosts}], ports: [{ports}]}}}}, users: {{{users}}}}}\n")
        };
        assert_eq!(of("instances: 1", TWO, &source("c, s0, s1", "5432, 5432, 5432")), [""; 0]);
        assert_eq!(
            of("instances: 1", TWO, &source("c, s0", "5432, 5432, 5432, 5432")),
            [
                "places-for-each-part /spec/replicateFrom/instance/external/hosts",
                "places-for-each-part /spec/replicateFrom/instance/external/ports"
            ]
        );
        let backups =
            |paths: &str| of("instances: 1", TWO, &format!("  configurations: {{backups: [{{sgObjectStorage: s, paths: [{paths}]}}]}}\n"));
        assert_eq!(backups(""), [""; 0]);
        assert_eq!(backups("a, b, c"), [""; 0]);
        assert_eq!(backups("a, b"), ["places-for-each-part /spec/configurations/backups/0/paths"]);
    }

    #[test]
    fn one_proxy_or_a_store_for_several() {
        let mode = |instances: u32, mode: &str, store: &str| {
            let sphere = format!("configurations: {{shardingSphere: {{mode: {{type: {mode}, repository: {{type: {store}}}}}}}}}");
            of(&format!("instances: {instances}, {sphere}"), TWO, "")
        };
        assert_eq!(mode(1, "Standalone", "Memory"), [""; 0]);
        assert_eq!(mode(2, "Cluster", "Etcd"), [""; 0]);
        assert_eq!(mode(2, "Standalone", "Memory"), ["sharding-sphere /spec/coordinator/instances"]);
        let store = "sharding-sphere /spec/coordinator/configurations/shardingSphere/mode/repository/type";
        assert_eq!(mode(1, "Standalone", "Etcd"), [store]);
        assert_eq!(mode(2, "Cluster", "Memory"), [store]);
    }

    #[test]
    fn babelfish_is_experimental() {
        let one = "clusters: 2, instancesPerCluster: 1";
        let gate = "  nonProductionOptions: {enabledFeatureGates: [babelfish-flavor]}\n";
        assert_eq!(of("instances: 1", one, gate), [""; 0]);
        assert_eq!(of("instances: 2", one, gate), ["sharded-babelfish /spec/coordinator/instances"]);
        assert_eq!(of("instances: 1", one, "# babelfish\n"), ["sharded-babelfish /spec/postgres/flavor"]);
    }
}
