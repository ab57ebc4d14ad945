//! The CRD files and the compatibility of the kinds.

use stackgres::api::condition::Condition;
use stackgres::api::schema::{Schema, Shape};
use stackgres::api::{BOUNDED, DIFFERENCES, KINDS, crd, crd_name, find_kind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crds")
}

/// What `kubectl apply` installs must be what the program validates against.
#[test]
fn files_are_what_the_generator_writes() {
    let mut wanted: BTreeMap<String, String> =
        KINDS.iter().map(|kind| (format!("{}.yaml", crd_name(kind)), serde_yaml::to_string(&crd(kind)).unwrap())).collect();
    let resources: String = wanted.keys().map(|name| format!("- {name}\n")).collect();
    wanted.insert(
        "kustomization.yaml".to_owned(),
        format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{resources}"),
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        for (name, content) in &wanted {
            std::fs::write(folder().join(name), content).unwrap();
        }
    }
    let found: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, wanted.keys().cloned().collect(), "crds/ holds one file a kind; run the test with UPDATE_GOLDEN=1");
    for (name, content) in wanted {
        assert!(
            std::fs::read_to_string(folder().join(&name)).unwrap() == content,
            "crds/{name} is stale: run the test with UPDATE_GOLDEN=1"
        );
    }
}

/// etcd refuses objects over 1.5 MiB, and every watcher of CRDs holds them in memory.
#[test]
fn definitions_are_small() {
    for kind in KINDS {
        let bytes = crd(kind).to_string().len();
        println!("{}: {bytes} bytes", kind.kind);
        assert!(bytes < 700_000, "{} is {bytes} bytes", kind.kind);
    }
}

/// A schema default would be written into the user's spec by the API server, and every plan would show it for ever.
#[test]
fn no_definition_holds_a_default_and_every_field_is_described() {
    fn walk(path: &str, schema: &Schema) {
        assert!(schema.description.len() >= 3 && schema.description.ends_with('.'), "{path}: {:?} is no description", schema.description);
        match &schema.shape {
            Shape::Object { fields, .. } => fields.iter().for_each(|field| walk(&format!("{path}.{}", field.name), &field.schema)),
            Shape::Map { values } => walk(&format!("{path}{{}}"), values),
            Shape::Array { items, .. } => walk(&format!("{path}[]"), items),
            _ => {}
        }
    }
    for kind in KINDS {
        walk(kind.kind, &kind.schema);
        assert!(!crd(kind).to_string().contains("\"default\":"), "{}", kind.kind);
    }
}

/// One row of the reference in comparable form: type, required, allowed, bounds, pattern, format, free keys, nullable, lengths.
type Row = BTreeMap<&'static str, String>;

fn put(row: &mut Row, name: &'static str, value: impl ToString) {
    let value = value.to_string();
    if !value.is_empty() {
        row.insert(name, value);
    }
}

fn type_name(schema: &Schema) -> String {
    match &schema.shape {
        Shape::Object { .. } => "object".to_owned(),
        // The reference names a mapping of mappings so.
        Shape::Map { values } => format!("map<{}>", type_name(values).split('<').next().unwrap().replace("map", "object")),
        Shape::Array { items, .. } => format!("array<{}>", type_name(items)),
        Shape::Text(_) => "string".to_owned(),
        Shape::Integer { .. } => "integer".to_owned(),
        Shape::Number { .. } => "number".to_owned(),
        Shape::Boolean => "boolean".to_owned(),
        Shape::IntOrString { .. } => "int-or-string".to_owned(),
        Shape::Any => "object".to_owned(),
    }
}

fn ours(kind: &str) -> BTreeMap<String, Row> {
    fn walk(path: String, required: bool, schema: &Schema, rows: &mut BTreeMap<String, Row>) {
        let mut row = Row::new();
        put(&mut row, "type", type_name(schema));
        put(&mut row, "required", if required { "yes" } else { "no" });
        if schema.nullable {
            put(&mut row, "nullable", "yes");
        }
        match &schema.shape {
            Shape::Object { fields, preserve_unknown } => {
                if *preserve_unknown {
                    put(&mut row, "free", "yes");
                }
                for field in fields {
                    let name = field.name.replace('.', "\\.");
                    walk(if path.is_empty() { name } else { format!("{path}.{name}") }, field.required, &field.schema, rows);
                }
            }
            Shape::Map { values } => walk(format!("{path}{{}}"), false, values, rows),
            Shape::Array { items, map_keys, min_items, .. } => {
                put(&mut row, "keys", map_keys.join(","));
                put(&mut row, "minItems", min_items.map(|value| value.to_string()).unwrap_or_default());
                walk(format!("{path}[]"), false, items, rows);
            }
            Shape::Text(text) => {
                put(&mut row, "allowed", text.allowed.join("|"));
                put(&mut row, "pattern", text.pattern.clone().unwrap_or_default());
                put(&mut row, "format", text.format.unwrap_or_default());
                put(&mut row, "maxLength", text.max_length.map(|value| value.to_string()).unwrap_or_default());
            }
            Shape::Integer { format, minimum, maximum } => {
                put(&mut row, "format", format.unwrap_or_default());
                put(&mut row, "minimum", minimum.map(|value| value.to_string()).unwrap_or_default());
                put(&mut row, "maximum", maximum.map(|value| value.to_string()).unwrap_or_default());
            }
            _ => {}
        }
        rows.insert(path, row);
    }
    let kind = find_kind(kind).unwrap();
    let mut rows = BTreeMap::new();
    walk(String::new(), false, &kind.schema, &mut rows);
    rows.remove("");
    let mut name = Row::new();
    put(&mut name, "type", "string");
    put(&mut name, "required", "no");
    put(&mut name, "pattern", kind.name_pattern.unwrap_or_default());
    put(&mut name, "maxLength", kind.name_max_length.map(|value| value.to_string()).unwrap_or_default());
    rows.insert("metadata.name".to_owned(), name);
    rows
}

fn reference() -> BTreeMap<String, BTreeMap<String, Row>> {
    let mut kinds: BTreeMap<String, BTreeMap<String, Row>> = BTreeMap::new();
    for line in include_str!("../reference/crd-fields.tsv").lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').chain(std::iter::repeat("")).take(11).collect();
        let mut row = Row::new();
        for (name, column) in [("type", 2), ("required", 3), ("allowed", 4), ("minimum", 5), ("maximum", 6), ("pattern", 7)] {
            put(&mut row, name, columns[column]);
        }
        if !columns[9].is_empty() {
            put(&mut row, "nullable", "yes");
        }
        for extra in columns[10].split(',') {
            match extra.split_once('=') {
                _ if extra == "preserve-unknown" => put(&mut row, "free", "yes"),
                Some(("format", "int-or-string")) => {}
                Some(("format", format)) => put(&mut row, "format", format),
                Some(("maxLength", length)) => put(&mut row, "maxLength", length),
                Some(("minItems", count)) => put(&mut row, "minItems", count),
                Some(("x-kubernetes-list-map-keys", _)) => put(&mut row, "keys", "id"),
                _ => {}
            }
        }
        kinds.entry(columns[0].to_owned()).or_default().insert(columns[1].to_owned(), row);
    }
    kinds
}

/// Manifests of others move here unchanged only if every field takes what it took there.
#[test]
fn every_field_is_as_in_the_reference() {
    let mut problems = Vec::new();
    let mut met: BTreeSet<usize> = BTreeSet::new();
    for (kind, reference) in reference() {
        let mut ours = ours(&kind);
        // Kinds that do not restrict their name say nothing of it.
        if !reference.contains_key("metadata.name") && ours["metadata.name"].len() == 2 {
            ours.remove("metadata.name");
        }
        let mut excused = |path: &str| {
            let found = DIFFERENCES.iter().position(|difference| {
                difference.kind == kind
                    && (path == difference.path
                        || path.starts_with(&format!("{}.", difference.path))
                        || path.starts_with(&format!("{}[", difference.path)))
            });
            met.extend(found);
            found.is_some()
        };
        for (path, wanted) in &reference {
            match ours.remove(path) {
                None if excused(path) => {}
                None => problems.push(format!("{kind} {path}: missing")),
                // A mapping without listed fields takes any: the reference names it without saying so.
                Some(mut row)
                    if row.contains_key("free")
                        && !wanted.contains_key("free")
                        && !reference.keys().any(|other| other.starts_with(&format!("{path}."))) =>
                {
                    row.remove("free");
                    if row != *wanted && !excused(path) {
                        problems.push(format!("{kind} {path}: {row:?} instead of {wanted:?}"));
                    }
                }
                Some(row) if row != *wanted => {
                    if !excused(path) {
                        problems.push(format!("{kind} {path}: {row:?} instead of {wanted:?}"));
                    }
                }
                Some(_) => {}
            }
        }
        for path in ours.keys() {
            // Items and values of scalar lists and maps have no row of their own.
            let parent = path.strip_suffix("[]").or_else(|| path.strip_suffix("{}"));
            if parent.is_some_and(|parent| reference.contains_key(parent)) || excused(path) {
                continue;
            }
            problems.push(format!("{kind} {path}: not in the reference"));
        }
    }
    assert!(problems.is_empty(), "{} differences:\n{}", problems.len(), problems.join("\n"));
    for (index, difference) in DIFFERENCES.iter().enumerate() {
        assert!(met.contains(&index), "{} {} is listed as different and is not", difference.kind, difference.path);
    }
}

/// A list that takes fewer items than upstream's refuses a manifest that moves here: each is listed with its reason.
#[test]
fn bounded_lists_are_listed() {
    fn walk(name: &str, schema: &Schema, found: &mut BTreeSet<(String, u64)>) {
        match &schema.shape {
            Shape::Object { fields, .. } => fields.iter().for_each(|field| walk(&field.name, &field.schema, found)),
            Shape::Map { values } => walk(name, values, found),
            Shape::Array { items, max_items, .. } => {
                found.extend(max_items.map(|most| (name.to_owned(), most)));
                walk(name, items, found);
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    KINDS.iter().filter(|kind| kind.kind != "SGFleet").for_each(|kind| walk("", &kind.schema, &mut found));
    let listed: BTreeSet<(String, u64)> = BOUNDED.iter().map(|(name, most, _)| ((*name).to_owned(), *most)).collect();
    assert_eq!(found, listed);
}

/// A rule about a field that is not there makes a definition that no API server takes: the whole installation would fail.
#[test]
fn rules_speak_of_fields_that_are_there() {
    fn walk(place: &str, schema: &Schema, problems: &mut Vec<String>) {
        let is_there = |path: &'static str| Condition::steps(path).try_fold(schema, |schema, step| schema.child(step)).is_some();
        for rule in &schema.rules {
            let paths = rule.condition.paths().into_iter().map(|(path, _)| path).chain([rule.field]);
            problems.extend(paths.filter(|path| !is_there(path)).map(|path| format!("{place}: {} speaks of {path}", rule.code)));
        }
        match &schema.shape {
            Shape::Object { fields, .. } => {
                for field in fields {
                    walk(&format!("{place}.{}", field.name), &field.schema, problems);
                }
            }
            Shape::Map { values } => walk(&format!("{place}.*"), values, problems),
            Shape::Array { items, .. } => walk(&format!("{place}[]"), items, problems),
            _ => {}
        }
    }
    let mut problems = Vec::new();
    for kind in KINDS {
        walk(kind.kind, &kind.schema, &mut problems);
    }
    assert_eq!(problems, [""; 0]);
}
