//! Where our schemas differ from upstream's on purpose. A test compares every other node.

/// A deliberate difference.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// Kind.
    pub kind: &'static str,
    /// Path as in the reference table; every path below it is meant as well.
    pub path: &'static str,
    /// Why.
    pub reason: &'static str,
}

const fn difference(kind: &'static str, path: &'static str, reason: &'static str) -> Difference {
    Difference { kind, path, reason }
}

/// Lists that take no more items than this, where upstream's have no bound: what the API server lets a rule about an item cost counts for as
/// many items as there could be. The last step of the path, the bound, why it is enough.
pub const BOUNDED: &[(&str, u64, &str)] = &[
    ("tolerations", 100, "a node has a handful of taints"),
    ("scripts", 1_000, "entries of an SGScript; an object takes 1.5 MiB, and a cluster can name several"),
    ("overrides", 500, "shards of an SGShardedCluster that are unlike the others"),
];

/// Every deliberate difference. Schema defaults are left out everywhere: the API server would write them into the spec.
pub const DIFFERENCES: &[Difference] = &[
    difference(
        "SGScript",
        "spec.scripts",
        "the list is atomic: as a map by `id`, two entries without one would collide where no webhook fills it in",
    ),
    difference("SGCluster", "spec.pods.updateStrategy.schedule[].timeZone", "ours: upstream takes the local time of its operator's pod"),
    difference("SGCluster", "status.promotion", "ours: a newer rendering that a person may take"),
    difference("SGCluster", "status.release", "ours: what the cluster shall run"),
    difference("SGCluster", "status.rollout", "ours: the change that is being carried out"),
    difference("SGCluster", "status.running", "ours: what the cluster runs"),
    difference("SGCluster", "status.claim", "ours: which fleet manages the cluster"),
    difference("SGCluster", "status.observedGeneration", "ours: which spec the status speaks of"),
    difference("SGCluster", "status.conditions[].observedGeneration", "ours: which spec a condition speaks of"),
    difference("SGCluster", "status.readyInstances", "ours"),
    difference("SGCluster", "status.lagMebibytes", "ours"),
    difference("SGCluster", "status.primary", "ours: which pod takes writes"),
    difference("SGCluster", "status.podStatuses[].ready", "ours"),
    difference("SGCluster", "status.podStatuses[].role", "ours"),
    difference("SGCluster", "status.podStatuses[].state", "ours"),
    difference("SGCluster", "status.podStatuses[].timeline", "ours"),
    difference("SGCluster", "status.podStatuses[].lagMebibytes", "ours"),
    difference("SGCluster", "status.podStatuses[].synchronous", "ours"),
    difference("SGCluster", "status.effective", "ours: effective values with their origin"),
    difference("SGCluster", "status.pending", "ours: released changes that wait"),
    difference("SGCluster", "status.switchover", "ours: a switchover that a person asked for"),
    difference("SGCluster", "status.waiting", "ours: what is waited for"),
    difference("SGCluster", "status.managedSql.scripts[].sgScript", "ours: a reference is known by its script, not by its position"),
    difference("SGCluster", "status.managedSql.scripts[].scripts[].state", "ours: tells what began from what ended"),
    difference("SGCluster", "status.managedSql.scripts[].scripts[].digest", "ours: what ran; upstream keeps it in the SGScript"),
    difference("SGCluster", "status.managedSql.scripts[].scripts[].startedAt", "ours: one entry's own times"),
    difference("SGCluster", "status.managedSql.scripts[].scripts[].endedAt", "ours: one entry's own times"),
    difference("SGCluster", "status.managedSql.scripts[].scripts[].database", "ours: where to look for the marker of what began"),
    difference("SGCluster", "status.managedSql.scripts[].scripts[].wrapped", "ours: whether what began leaves a marker"),
    difference("SGCluster", "status.managedSql.scripts[].scripts[].asked", "ours: a request by annotation is answered once"),
    difference("SGCluster", "status.finishedOperations", "ours: an operation from Git is not run again because its object was deleted"),
    difference("SGDbOps", "status.initialPods", "ours: what was made anew is known by identity, not by clocks"),
    difference("SGCluster", "status.systemIdentifier", "ours: guards against a second bootstrap"),
    difference(
        "SGShardedCluster",
        "spec.coordinator.pods.scheduling.backup.nodeSelector",
        "as of an SGCluster: upstream's schema has the form of node affinity here, and no such selector could be used",
    ),
    difference(
        "SGShardedCluster",
        "spec.coordinator.pods.scheduling.backup.tolerations",
        "as of an SGCluster: upstream's schema has the form of node affinity here, and no such toleration could be used",
    ),
    difference(
        "SGShardedCluster",
        "spec.coordinator.pods.customVolumes[].name",
        "required, as of an SGCluster: a volume without a name is refused when pods are made",
    ),
    difference("SGShardedCluster", "spec.coordinator.pods.updateStrategy.schedule[].timeZone", "as of an SGCluster"),
    difference(
        "SGShardedCluster",
        "spec.shards.pods.scheduling.backup.nodeSelector",
        "as of an SGCluster: upstream's schema has the form of node affinity here, and no such selector could be used",
    ),
    difference(
        "SGShardedCluster",
        "spec.shards.pods.scheduling.backup.tolerations",
        "as of an SGCluster: upstream's schema has the form of node affinity here, and no such toleration could be used",
    ),
    difference(
        "SGShardedCluster",
        "spec.shards.pods.customVolumes[].name",
        "required, as of an SGCluster: a volume without a name is refused when pods are made",
    ),
    difference("SGShardedCluster", "spec.shards.pods.updateStrategy.schedule[].timeZone", "as of an SGCluster"),
    difference(
        "SGShardedCluster",
        "spec.shards.overrides[].pods.scheduling.backup.nodeSelector",
        "as of an SGCluster: upstream's schema has the form of node affinity here, and no such selector could be used",
    ),
    difference(
        "SGShardedCluster",
        "spec.shards.overrides[].pods.scheduling.backup.tolerations",
        "as of an SGCluster: upstream's schema has the form of node affinity here, and no such toleration could be used",
    ),
    difference(
        "SGShardedCluster",
        "spec.shards.overrides[].pods.customVolumes[].name",
        "required, as of an SGCluster: a volume without a name is refused when pods are made",
    ),
    difference("SGShardedCluster", "spec.shards.overrides[].pods.updateStrategy.schedule[].timeZone", "as of an SGCluster"),
];
