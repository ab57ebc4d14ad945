//! The load stage: every kind of trouble a real repository holds, told with its place.

use proptest::prelude::*;
use stackgres::load::{IgnoreAbove, LoadOptions, Loaded, SourceFile, load};

fn file(path: &str, content: &[u8]) -> SourceFile {
    SourceFile { path: path.to_owned(), content: content.into() }
}

fn options() -> LoadOptions {
    LoadOptions { default_namespace: Some("default".to_owned()), ..LoadOptions::default() }
}

fn one(text: &str) -> Loaded {
    load(&[file("a.yaml", text.as_bytes())], &options())
}

fn found(loaded: &Loaded) -> Vec<String> {
    loaded.diagnostics.iter().map(|problem| format!("{} {} {}", problem.code, problem.location, problem.path)).collect()
}

const CLUSTER: &str = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: NAME}\nspec:\n  instances: 1\n";

fn cluster(name: &str) -> String {
    CLUSTER.replace("NAME", name)
}

#[test]
fn positions_are_those_of_the_keys() {
    let loaded = one(&cluster("a"));
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let manifest = &loaded.manifests[0];
    assert_eq!(manifest.locate("/spec/instances").to_string(), "a.yaml:5:3");
    assert_eq!(manifest.locate("/spec/pods/missing").to_string(), "a.yaml:4:1", "a missing field points at its parent");
    assert_eq!(manifest.object.namespace(), Some("default"));
}

/// Law 4: one bad document blocks its own object and never hides the ones beside it.
#[test]
fn a_broken_document_blocks_only_itself() {
    let loaded = one(&format!("{}---\n{}  bad: [1, 2\n---\n{}", cluster("a"), cluster("b"), cluster("c")));
    let names: Vec<_> = loaded.manifests.iter().map(|manifest| manifest.object.name()).collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(loaded.blocked.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["b"], "unknown, never absent");
    assert_eq!(loaded.diagnostics.len(), 1);
    assert_eq!(loaded.diagnostics.0[0].code, "yaml-syntax");
}

#[test]
fn every_trap_is_told_with_its_place_and_all_at_once() {
    let text = "apiVersion: stackgres.io/v1\nkind: SGPostgresConfig\nmetadata:\n  name: a\n  name: b\nspec:\n  postgresVersion: '17'\n  postgresql.conf:\n    fsync: off\n    mode: 0755\n    x: &anchor 1\n    y: *anchor\n    1: z\n    <<: {}\n    n: .nan\n";
    assert_eq!(
        found(&one(text)),
        [
            "duplicate-key a.yaml:5:3 metadata.name",
            "ambiguous-scalar a.yaml:9:12 spec[\"postgresql.conf\"].fsync",
            "ambiguous-scalar a.yaml:10:11 spec[\"postgresql.conf\"].mode",
            "alias-refused a.yaml:11:16 ",
            "alias-refused a.yaml:12:8 spec[\"postgresql.conf\"].y",
            "not-text-key a.yaml:13:5 spec[\"postgresql.conf\"][1]",
            "merge-key a.yaml:14:5 spec[\"postgresql.conf\"][\"<<\"]",
            "not-a-json-value a.yaml:15:8 spec[\"postgresql.conf\"].n",
        ]
    );
}

#[test]
fn tabs_byte_order_marks_line_ends_and_encodings() {
    assert_eq!(found(&one("kind: SGCluster\nspec:\n\tinstances: 1\n")), ["tab-indentation a.yaml:3:2 "]);
    let windows = format!("\u{feff}{}", cluster("a").replace('\n', "\r\n"));
    assert_eq!(one(&windows).manifests[0].locate("/spec/instances").to_string(), "a.yaml:5:3");
    // YAML ends a line at a carriage return, and a review shows a comment: a whole cluster could hide in it.
    let hidden = one("# nothing\r---\rapiVersion: stackgres.io/v1\rkind: SGCluster\rmetadata: {name: a}\r");
    assert_eq!(found(&hidden), ["bare-carriage-return a.yaml:1:10 "]);
    let late = one(&cluster("a").replacen("  instances", "  # one\r  instances", 1));
    assert_eq!(found(&late), ["bare-carriage-return a.yaml:5:8 "]);
    assert!(!late.blocked.is_empty(), "its cluster is not taken as gone");
    let loaded = load(&[file("a.yaml", b"kind: SGCluster\nname: \xff\n")], &options());
    assert_eq!(found(&loaded), ["not-utf8 a.yaml:2:7 "]);
}

#[test]
fn a_list_is_taken_apart_with_its_places() {
    let loaded = one(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: stackgres.io/v1\n  kind: SGCluster\n  metadata: {name: a}\n  spec: {instances: 1}\n- kind: Other\n",
    );
    assert_eq!(loaded.manifests[0].locate("/spec/instances").to_string(), "a.yaml:7:10");
    assert_eq!(loaded.left_alone.len(), 1);
}

/// The values of a Secret must not appear anywhere, not even in the message that refuses it.
#[test]
fn a_clear_text_secret_is_refused_without_repeating_it() {
    let loaded = one("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2}\n");
    assert_eq!(found(&loaded), ["clear-text-secret a.yaml:1:1 "]);
    assert!(!format!("{loaded:?}").contains("hunter2"));
    assert!(loaded.manifests.is_empty());
}

#[test]
fn everything_else_is_named_once_and_left_alone() {
    let files = [
        file("README.md", b"# hello"),
        file("kustomization.yaml", b"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n"),
        file("chart/Chart.yaml", b"apiVersion: v2\nname: x\n"),
        file("chart/templates/a.yaml", b"kind: Service\nname: {{ .Values.x }}\n"),
        file("deployment.yaml", b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"),
        file("values.yaml", b"a: b\n"),
        file("sealed.yaml", b"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\n"),
        file("sops.yaml", b"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: 'ENC[x]'}\nsops: {mac: x}\n"),
        file("empty.yaml", b"---\n# nothing\n"),
        file(".stackgresignore", b"ignored/\n"),
        file("ignored/broken.yaml", b"a: [\n"),
    ];
    let loaded = load(&files, &options());
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let names: Vec<_> = loaded.left_alone.iter().map(|left| left.location.file.as_str()).collect();
    assert_eq!(
        names,
        ["chart/Chart.yaml", "chart/templates/a.yaml", "deployment.yaml", "kustomization.yaml", "sealed.yaml", "sops.yaml", "values.yaml"]
    );
}

#[test]
fn identities() {
    let strict = LoadOptions { namespaces: vec!["a".to_owned(), "b".to_owned()], ..LoadOptions::default() };
    let loaded = load(&[file("a.yaml", cluster("x").as_bytes())], &strict);
    assert_eq!(found(&loaded), ["missing-namespace a.yaml:3:1 metadata.namespace"]);
    let text = cluster("x").replace("{name: x}", "{name: x, namespace: c}");
    assert_eq!(found(&load(&[file("a.yaml", text.as_bytes())], &strict)), ["namespace-not-allowed a.yaml:3:21 metadata.namespace"]);
    let twice = load(&[file("a.yaml", cluster("x").as_bytes()), file("b.yaml", cluster("x").as_bytes())], &options());
    assert_eq!(found(&twice), ["duplicate-object a.yaml:1:1 ", "duplicate-object b.yaml:1:1 "]);
    assert!(twice.manifests.is_empty() && twice.blocked.len() == 1, "neither is used, and what runs is not taken for absent");
    let wrong = one(&cluster("x").replace("io/v1", "io/v1beta1"));
    assert_eq!(found(&wrong), ["wrong-api-version a.yaml:1:1 apiVersion"]);
    assert!(wrong.diagnostics.0[0].help.as_deref().unwrap().contains("stackgres.io/v1"));
    assert!(one(&cluster("x").replace("SGCluster", "SGClutser")).diagnostics.0[0].help.as_deref().unwrap().contains("SGCluster?"));
}

/// Taken for something else, a cluster with a slip in its identity would be left alone, and count as gone.
#[test]
fn a_misspelt_identity_is_told_and_nothing_counts_as_gone() {
    for (from, to, code) in [
        ("apiVersion", "apiversion", "unclear-identity"),
        ("kind:", "Kind:", "unclear-identity"),
        ("kind: SGCluster", "kind: [SGCluster]", "unclear-identity"),
        ("stackgres.io/v1", "v1", "wrong-api-version"),
        ("stackgres.io/v1", "stackgress.io/v1", "wrong-api-version"),
        ("stackgres.io/v1", "stackgres.io", "wrong-api-version"),
        ("kind: SGCluster", "kind: StackGresCluster", "unknown-kind"),
        ("{name: NAME}", "{name: 5}", "wrong-type"),
    ] {
        let loaded = one(&CLUSTER.replace(from, to));
        assert_eq!(loaded.diagnostics.0.first().map(|problem| problem.code.as_str()), Some(code), "{to}");
        assert!(loaded.left_alone.is_empty() && loaded.manifests.is_empty(), "{to}");
        assert!(loaded.unidentified || !loaded.blocked.is_empty(), "{to}: absence would be believed");
    }
}

#[test]
fn templates_are_judged_by_the_document() {
    let is_template = |text: &str| {
        let loaded = one(text);
        let template = loaded.left_alone.iter().any(|left| left.reason.contains("template"));
        assert!(!template || loaded.unidentified == text.contains("SGCluster"), "{text}: {:?}", loaded.diagnostics);
        template
    };
    for text in [
        "{{- if .Values.x }}\nkind: SGCluster\n{{- end }}\n".to_owned(),
        cluster("x-{{ .Release.Name }}"),
        cluster("'x-{{ .Release.Name }}'"),
        cluster("x").replace("instances: 1", "instances: {{ .Values.instances }}"),
        cluster("x").replace("instances: 1", "instances: \"{{ .Values.instances }}\""),
        "kind: ConfigMap\nmetadata: {name: {{ x }}}\n".to_owned(),
    ] {
        assert!(is_template(&text), "{text}");
    }
    // Braces are ordinary in free text, and a template beside a cluster hides nothing of it.
    let free = cluster("x").replace("{name: x}", "{name: x, annotations: {a: '{{ .Values.x }}'}}");
    assert!(!is_template(&free) && one(&free).manifests.len() == 1);
    let beside = one(&format!("{}---\nkind: ConfigMap\nname: {{{{ x }}}}\n", cluster("a")));
    assert_eq!((beside.manifests.len(), beside.left_alone.len()), (1, 1));
}

#[test]
fn lists_in_lists_and_lists_of_a_kind() {
    let inner = cluster("a").replace('\n', "\n    ");
    let nested = one(&format!("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - {inner}\n"));
    assert_eq!(found(&nested), [""; 0]);
    assert_eq!(nested.manifests[0].locate("/spec/instances").to_string(), "a.yaml:11:7");
    // Items of a typed list need not say what they are.
    let typed = one("apiVersion: stackgres.io/v1\nkind: SGClusterList\nitems: [{metadata: {name: a}, spec: {instances: 1}}]\n");
    assert_eq!(typed.manifests[0].object.kind(), "SGCluster");
    for (text, code) in [
        ("apiVersion: v1\nkind: List\nitems: {}\n", "wrong-type a.yaml:3:1 items"),
        ("apiVersion: v1\nkind: List\n", "missing-field a.yaml:1:1 "),
        ("- {apiVersion: stackgres.io/v1, kind: SGCluster, metadata: {name: a}}\n", "unclear-identity a.yaml:1:1 "),
    ] {
        let loaded = one(text);
        assert_eq!(found(&loaded), [code], "{text}");
        assert!(loaded.unidentified, "{text}");
    }
    let twice = one(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: stackgres.io/v1\n  kind: SGCluster\n  metadata: {name: a}\n  spec: {a: 1, a: 2}\n",
    );
    assert_eq!(found(&twice), ["duplicate-key a.yaml:7:16 spec.a"], "the path is that inside the object");
}

/// Only real encryption counts: a section of the right name protects nothing.
#[test]
fn secrets_by_the_marks_of_their_encryption() {
    let secret = |rest: &str| {
        let loaded = one(&format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{rest}"));
        (loaded.diagnostics.iter().map(|problem| problem.code.clone()).collect::<Vec<_>>(), loaded.left_alone.len())
    };
    assert_eq!(secret("stringData: {a: 'ENC[AES256_GCM,data:x]'}\nsops: {mac: 'ENC[x]'}\n"), (vec![], 1));
    assert_eq!(secret(""), (vec![], 1), "nothing in it");
    for clear in
        ["stringData: {a: b}\nsops: {}\n", "stringData: {a: b, c: 'ENC[x]'}\nsops: {mac: x}\n", "data: {a: Yg==}\n", "stringData: [a]\n"]
    {
        assert_eq!(secret(clear).0, ["clear-text-secret"], "{clear}");
    }
    for text in
        ["apiVersion: v1\nkind: SecretList\nitems: [{metadata: {name: a}, stringData: {a: b}}]\n", "kind: Secret\nstringData: {a: b}\n"]
    {
        assert_eq!(found(&one(text)).len(), 1, "{text}");
    }
    let broken = one("apiVersion: v1\nkind: Secret\nstringData:\n  password: \"hunter2\n");
    assert!(!format!("{:?}", broken.diagnostics).contains("hunter2"));
}

#[test]
fn a_mapping_as_a_key_hides_nothing_behind_it() {
    let loaded = one(&format!("? [a, b]\n: c\n---\n{}", cluster("a")));
    assert_eq!(loaded.manifests.len(), 1);
    let own = one(&cluster("a").replace("  instances: 1", "  {a: b}: c\n  instances: 1"));
    assert!(found(&own).iter().any(|found| found.starts_with("not-text-key")), "{:?}", found(&own));
    assert_eq!(own.blocked.len(), 1);
}

/// While some document may be any cluster, none may be called an orphan.
#[test]
fn what_may_hide_a_cluster_is_known() {
    for text in [
        "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {nam",
        "a: [\n",
        "apiVersion: stackgres.io/v1\nkind: SGCluster\nspec: {}\n",
    ] {
        assert!(one(text).unidentified, "{text}");
    }
    for text in [
        "apiVersion: v1\nkind: ConfigMap\ndata: [\n",
        "apiVersion: apps/v1\nkind: Deployment\na: [\n",
        &format!("{}  a: [\n", cluster("x")),
    ] {
        assert!(!one(text).unidentified, "{text}");
    }
}

/// A file that was named is never passed over because of its ending; an ignore file above what was named counts.
#[test]
fn named_files_and_ignore_files_above() {
    let text = cluster("a");
    let files = [file("m.txt", text.as_bytes())];
    assert!(load(&files, &options()).manifests.is_empty());
    let named = LoadOptions { named: ["m.txt".to_owned()].into(), ..options() };
    assert_eq!(load(&files, &named).manifests.len(), 1);
    let above = IgnoreAbove {
        file: "../.stackgresignore".to_owned(),
        root: String::new(),
        below: "sub/".to_owned(),
        text: "sub/m.txt\n".to_owned(),
    };
    let ignored = load(&files, &LoadOptions { ignores_above: vec![above], ..named });
    assert!(ignored.manifests.is_empty());
    assert_eq!(ignored.left_alone[0].reason, ".stackgresignore names it");
}

#[test]
fn limits_are_errors_that_name_themselves() {
    let deep =
        format!("apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: a}}\nspec: {}1{}\n", "[".repeat(100), "]".repeat(100));
    assert_eq!(one(&deep).diagnostics.0[0].code, "too-deep");
    assert_eq!(one(&"--- {}\n".repeat(1_200)).diagnostics.0[0].code, "too-many-documents");
    assert_eq!(load(&[file("a.yaml", &vec![b' '; (1 << 20) + 1])], &options()).diagnostics.0[0].code, "file-too-large");
}

proptest! {
    /// Whatever stands in a repository, loading ends, and every place it names lies inside the file.
    #[test]
    fn arbitrary_text_is_survived(text in "[ -~\n\t:\\-\\[\\]{}&*'\"|>#é]{0,200}") {
        let lines = text.lines().count().max(1);
        for problem in &one(&text).diagnostics {
            prop_assert!(problem.location.line <= lines + 1, "{problem:?}");
        }
    }

    #[test]
    fn arbitrary_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(load(&[file("a.yaml", &bytes)], &options()));
    }
}

/// A ConfigMap that only a script names would be left out of the namespace, and the script would fail after the merge.
#[test]
fn a_config_map_that_a_script_names_is_used() {
    let text = "apiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {name: s, namespace: n}\nspec: {scripts: [{scriptFrom: {configMapKeyRef: {name: sql, key: a}}}]}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: sql, namespace: n}\ndata: {a: select 1}\n---\napiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a, namespace: n}\nspec: {instances: 2, postgres: {version: '17'}, pods: {persistentVolume: {size: 5Gi}}, managedSql: {scripts: [{sgScript: s}]}}\n";
    let loaded = stackgres::load::load(
        &[stackgres::engine::offline::SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }],
        &stackgres::engine::offline::LoadOptions::default(),
    );
    let resolution = stackgres::resolve::resolve(&loaded.manifests, &[], &std::collections::BTreeSet::new(), false);
    assert!(resolution.used.iter().any(|key| key.kind == "ConfigMap" && key.name == "sql"), "{:?}", resolution.used);
}
