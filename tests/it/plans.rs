//! Plans of small fleets: what is refused, what is masked, how much is printed.

use serde_json::Value;
use stackgres::engine::offline::{LoadOptions, Options, Plan, Report, SourceFile, check, plan_between, plan_text};

const PROFILE: &str =
    "---\napiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {name: p, namespace: n}\nspec: {cpu: '1', memory: 2Gi}\n";

fn report(text: &str) -> Report {
    let options = Options { load: LoadOptions::default(), ..Options::default() };
    check(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &options)
}

fn cluster(name: &str, instances: u32, more: &str) -> String {
    format!(
        "---\napiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {name}, namespace: n}}\nspec:\n  instances: {instances}\n  postgres: {{version: '17'}}\n{}{more}",
        if more.contains("  pods:") { "" } else { "  pods: {persistentVolume: {size: 5Gi}}\n" }
    )
}

fn parameters(text: &str) -> String {
    cluster("a", 2, &format!("  configurations: {{postgres: {{postgresql.conf: {{{text}}}}}}}\n"))
}

fn plan(before: &str, after: &str) -> Plan {
    plan_between(&report(before), "base", &report(after), "head")
}

/// Each of these would stop PostgreSQL at its start, or run with a value that nobody wrote.
#[test]
fn parameters_that_would_not_take_effect_are_refused() {
    for (text, code) in [
        ("data_checksums: 'on'", "parameter-not-settable"),
        ("wal_segment_size: 16MB", "parameter-not-settable"),
        ("server_version: '17'", "parameter-not-settable"),
        ("config_file: /x", "parameter-not-settable"),
        ("transaction_read_only: 'on'", "parameter-not-settable"),
        ("max_wal_senders: '0'", "below-patroni-minimum"),
        ("max_replication_slots: '0x3'", "below-patroni-minimum"),
        ("max_locks_per_transaction: '16'", "below-patroni-minimum"),
        ("huge_pages: 'on'", "huge-pages-missing"),
        ("JIT: 'off', jit: 'on'", "duplicate-parameter"),
        ("wal_level: MINIMAL", "wal-level-too-low"),
    ] {
        let found = report(&parameters(text));
        let codes: Vec<&str> = found.diagnostics.iter().map(|problem| problem.code.as_str()).collect();
        assert!(codes.contains(&code), "{text}: {:?}", found.diagnostics);
        assert_eq!(found.blocked.len(), 1, "{text}");
    }
    for text in ["max_wal_senders: '3'", "huge_pages: try", "jit: 'off'", "session_preload_libraries: auto_explain"] {
        assert!(!report(&parameters(text)).diagnostics.has_errors(), "{text}: {:?}", report(&parameters(text)).diagnostics);
    }
    let with_pages = cluster("a", 2, "  sgInstanceProfile: p\n  configurations: {postgres: {postgresql.conf: {huge_pages: 'on'}}}\n");
    let pages = PROFILE.replace("memory: 2Gi", "memory: 2Gi, hugePages: {hugepages-2Mi: 1Gi}");
    assert!(!report(&format!("{with_pages}{pages}")).diagnostics.has_errors());
    let shared = "---\napiVersion: stackgres.io/v1\nkind: SGPostgresConfig\nmetadata: {name: s, namespace: n}\nspec: {postgresVersion: '17', postgresql.conf: {JIT: 'on', jit: 'off'}}\n";
    assert!(report(shared).diagnostics.iter().any(|problem| problem.code == "duplicate-parameter"));
}

/// A plan is posted where everybody reads it, as text and as JSON.
#[test]
fn no_form_of_a_secret_reaches_a_plan() {
    let with = |secret: &str| {
        cluster(
            "a",
            2,
            &format!(
                r"  configurations: {{postgres: {{postgresql.conf: {{my.client_secret: {secret}, my.pwd: {secret}, work_mem: 8MB}}}}}}
  pods:
    persistentVolume: {{size: 5Gi}}
    customContainers:
      - name: x
        image: i
        args: ['--password', '{secret}', '--token={secret}']
        command: [sh, -c, 'AWS_SECRET_ACCESS_KEY={secret} run https://{secret}@host']
        env: [{{name: DB_PASSWORD, value: '{secret}'}}]
"
            ),
        )
    };
    let plan = plan(&with("OLDs3cr3t"), &with("NEWs3cr3t"));
    assert_eq!(plan.clusters.len(), 1, "{plan:?}");
    let cluster = &plan.clusters[0];
    assert!(cluster.diagnostics.is_empty() && cluster.causes.len() > 4, "{cluster:?}");
    for shown in [plan_text(&plan, true), serde_json::to_string(&plan).unwrap()] {
        assert!(!shown.contains("s3cr3t") && shown.contains("(hidden)"), "{shown}");
    }
}

/// A thousand different changes are no reason for a comment that no forge takes.
#[test]
fn a_long_plan_is_cut_after_its_most_dangerous_part() {
    let fleet = |value: u32| -> String {
        (0..30)
            .map(|index| {
                let text = format!("  configurations: {{postgres: {{postgresql.conf: {{work_mem: {}MB}}}}}}\n", index + value);
                cluster(&format!("c{index:02}"), 2, &text)
            })
            .collect()
    };
    let plan = plan(&fleet(4), &fleet(40));
    let shown = plan_text(&plan, false);
    assert!(shown.contains("30 of 30 clusters change") && shown.ends_with("and 10 more clusters; --output json has them all\n"), "{shown}");
    assert_eq!(serde_json::to_value(&plan).unwrap()["clusters"].as_array().map(Vec::len), Some(30));
}

/// Who is blocked by another document's error reads that error, in JSON as well, and once for all.
#[test]
fn the_root_cause_comes_first() {
    let users: String = (0..20).map(|index| cluster(&format!("c{index:02}"), 2, "  sgInstanceProfile: p\n")).collect();
    let (sound, broken) = (format!("{users}{PROFILE}"), format!("{users}{}", PROFILE.replace("cpu: '1'", "cpus: '1'")));
    let plan = serde_json::to_value(plan(&sound, &broken)).unwrap();
    for cluster in plan["clusters"].as_array().unwrap() {
        let codes: Vec<&str> = cluster["diagnostics"].as_array().unwrap().iter().filter_map(|problem| problem["code"].as_str()).collect();
        assert_eq!(codes.last(), Some(&"broken-reference"), "{cluster}");
        assert!(codes.contains(&"unknown-field") && codes[0] != "broken-reference", "{cluster}");
    }
    let found = report(&broken);
    let consequences: Vec<_> = found.diagnostics.iter().filter(|problem| problem.code == "broken-reference").collect();
    assert_eq!(consequences.len(), 1, "{:?}", found.diagnostics);
    assert!(consequences[0].message.contains("20 references") && found.diagnostics.0.last() == consequences.first().copied());
    assert_eq!(found.blocked.len(), 20);
}

/// Exit codes and counts rest on these.
#[test]
fn what_counts_as_a_change() {
    let base = cluster("a", 2, "");
    let written = plan(&base, &cluster("a", 2, "  replication: {mode: async}\n"));
    assert!(!written.is_empty() && written.changing() == 0, "a default that is written out: {written:?}");
    assert!(plan_text(&written, false).contains("= n/a: no effect"));
    assert!(plan(&base, &base).is_empty());
    let repaired = plan(&base.replace("instances: 2", "instances: two"), &base);
    let json: Value = serde_json::to_value(&repaired).unwrap();
    assert_eq!((json["clusters"][0]["action"].as_str(), repaired.changing()), (Some("unknown"), 0));
    assert_eq!(json["clusters"][0]["diagnostics"][0]["code"], "wrong-type");
}
