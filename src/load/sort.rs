//! From files to manifests.

use super::ignore::{FILE, Ignore};
use super::limits::Limits;
use super::manifest::{Manifest, SourceFile};
use super::verdict::{Verdict, judge};
use super::yaml::{Document, documents};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, Position, SourceMap};
use crate::model::{Object, ObjectKey};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How to load.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Bounds.
    pub limits: Limits,
    /// Namespace of objects that name none; `None` makes that an error.
    pub default_namespace: Option<String>,
    /// Namespaces that may be touched; empty allows all.
    pub namespaces: Vec<String>,
}

/// Something that is named and not touched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftAlone {
    /// Where it begins.
    pub location: Location,
    /// What it is.
    pub reason: String,
}

/// What a source holds.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Documents to manage.
    pub manifests: Vec<Manifest>,
    /// Objects that are ours and could not be read: unknown, never absent.
    pub blocked: BTreeSet<ObjectKey>,
    /// Everything else.
    pub left_alone: Vec<LeftAlone>,
    /// Problems.
    pub diagnostics: Diagnostics,
}

/// Reads every file of a source.
pub fn load(files: &[SourceFile], options: &LoadOptions) -> Loaded {
    let mut loaded = Loaded::default();
    let ignores = ignores(files);
    let mut total = 0_usize;
    for file in files {
        if verdict(&ignores, &file.path) || file.path.ends_with(FILE) {
            continue;
        }
        total += file.content.len();
        if total > options.limits.total_bytes {
            loaded.diagnostics.push(
                Diagnostic::error("source-too-large", format!("the files together hold more than {} bytes", options.limits.total_bytes))
                    .at(place(&file.path, 0, 0))
                    .help("narrow the folder of the source, or ignore files in .stackgresignore"),
            );
            break;
        }
        one_file(file, options, &mut loaded);
    }
    duplicates(&mut loaded);
    loaded.left_alone.sort();
    loaded.diagnostics.sort();
    loaded
}

/// Whether an ignore file of the source names a path.
pub fn is_ignored(files: &[SourceFile], path: &str) -> bool {
    verdict(&ignores(files), path)
}

fn verdict(ignores: &[Ignore], path: &str) -> bool {
    ignores.iter().filter_map(|ignore| ignore.verdict(path)).next_back().unwrap_or(false)
}

fn ignores(files: &[SourceFile]) -> Vec<Ignore> {
    let parse = |file: &SourceFile| {
        let folder = file.path.strip_suffix(FILE).filter(|folder| folder.is_empty() || folder.ends_with('/'))?;
        Some(Ignore::parse(folder, &String::from_utf8_lossy(&file.content)))
    };
    files.iter().filter_map(parse).collect()
}

fn place(file: &str, line: usize, column: usize) -> Location {
    Location { file: file.to_owned(), line, column }
}

fn one_file(file: &SourceFile, options: &LoadOptions, loaded: &mut Loaded) {
    let lower = file.path.to_ascii_lowercase();
    if ![".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending)) {
        return;
    }
    if file.content.len() > options.limits.file_bytes {
        loaded.diagnostics.push(
            Diagnostic::error(
                "file-too-large",
                format!("the file holds {} bytes; the limit is {}", file.content.len(), options.limits.file_bytes),
            )
            .at(place(&file.path, 0, 0))
            .help("split it, or name it in .stackgresignore"),
        );
        return;
    }
    let text = match std::str::from_utf8(&file.content) {
        Ok(text) => text,
        Err(error) => {
            let before = String::from_utf8_lossy(&file.content[..error.valid_up_to()]);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
            loaded.diagnostics.push(
                Diagnostic::error("not-utf8", "the file is not UTF-8 text from here on")
                    .at(place(&file.path, line, column))
                    .help("save it as UTF-8, or name it in .stackgresignore"),
            );
            return;
        }
    };
    if is_template(&file.path, text) {
        loaded.left_alone.push(LeftAlone {
            location: place(&file.path, 0, 0),
            reason: "a Helm chart or template: render it before committing".to_owned(),
        });
        return;
    }
    let (found, outside) = documents(&file.path, text, &options.limits);
    loaded.diagnostics.extend(outside);
    for document in found {
        one_document(document, options, loaded);
    }
}

/// Helm's own files, and text with template actions outside of quotes where a value should stand.
fn is_template(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "Chart.yaml"
        || text.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with("{{") || line.split_once(": ").is_some_and(|(_, value)| value.trim_start().starts_with("{{"))
        })
}

fn one_document(document: Document, options: &LoadOptions, loaded: &mut Loaded) {
    let Document { value, partial, positions, problems } = document;
    let start = positions.positions.values().min().copied().unwrap_or(Position { line: 1, column: 1 });
    let Some(value) = value else {
        block(&partial, options, loaded);
        loaded.diagnostics.extend(problems);
        return;
    };
    match judge(&value) {
        Verdict::List => list(&value, &positions, problems, options, loaded),
        verdict => finish(value, positions, problems, verdict, start, options, loaded),
    }
}

/// A document of ours that cannot be used: whatever runs by that name is left as it is.
fn block(value: &Value, options: &LoadOptions, loaded: &mut Loaded) {
    let mut value = value.clone();
    if let (Some(namespace), Some(metadata)) = (&options.default_namespace, value.get_mut("metadata").and_then(Value::as_object_mut)) {
        metadata.entry("namespace").or_insert_with(|| Value::from(namespace.clone()));
    }
    let object = Object::new(value);
    if !object.kind().is_empty() && !object.name().is_empty() {
        loaded.blocked.insert(object.key());
    }
}

fn list(value: &Value, positions: &SourceMap, problems: Diagnostics, options: &LoadOptions, loaded: &mut Loaded) {
    let items = value.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut problems = problems.0;
    for (index, item) in items.into_iter().enumerate() {
        let prefix = format!("/items/{index}");
        let inner = SourceMap {
            file: positions.file.clone(),
            positions: positions
                .positions
                .iter()
                .filter_map(|(pointer, position)| {
                    let rest = pointer.strip_prefix(&prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
                    Some((rest.to_owned(), *position))
                })
                .collect(),
        };
        let path = format!("items[{index}]");
        let (mine, others): (Vec<_>, Vec<_>) = problems.into_iter().partition(|problem| problem.path.starts_with(&path));
        problems = others;
        let start = inner.positions.values().min().copied().unwrap_or(Position { line: 1, column: 1 });
        let verdict = judge(&item);
        finish(item, inner, Diagnostics(mine), verdict, start, options, loaded);
    }
    loaded.diagnostics.extend(problems);
}

fn finish(
    mut value: Value,
    positions: SourceMap,
    problems: Diagnostics,
    verdict: Verdict,
    start: Position,
    options: &LoadOptions,
    loaded: &mut Loaded,
) {
    let location = place(&positions.file, start.line, start.column);
    match verdict {
        Verdict::Empty | Verdict::List => {}
        Verdict::LeftAlone(reason) => loaded.left_alone.push(LeftAlone { location, reason: reason.to_owned() }),
        Verdict::Problem(problem) => {
            block(&value, options, loaded);
            let pointer = if problem.path.is_empty() { String::new() } else { format!("/{}", problem.path) };
            loaded.diagnostics.push(problem.at(positions.locate(&pointer)));
        }
        Verdict::Managed => {
            let errors = problems.has_errors();
            loaded.diagnostics.extend(problems);
            let mut refused = identity(&mut value, &positions, options);
            let bad = errors || refused.has_errors();
            loaded.diagnostics.0.append(&mut refused.0);
            if bad {
                block(&value, options, loaded);
            } else {
                loaded.manifests.push(Manifest { object: Object::new(value), source: Arc::new(positions) });
            }
        }
    }
}

/// Name and namespace of a managed object.
fn identity(value: &mut Value, positions: &SourceMap, options: &LoadOptions) -> Diagnostics {
    let mut problems = Diagnostics::new();
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text(value, "/kind");
    if text(value, "/metadata/name").is_empty() {
        let help = if value.pointer("/metadata/generateName").is_some() {
            "generateName has no place in Git: every run would make another object"
        } else {
            "add metadata.name"
        };
        problems.push(
            Diagnostic::error("missing-name", format!("the {kind} has no name"))
                .at(positions.locate("/metadata"))
                .path("/metadata/name")
                .help(help),
        );
        return problems;
    }
    if kind == "Namespace" {
        let name = text(value, "/metadata/name");
        if !options.namespaces.is_empty() && !options.namespaces.contains(&name) {
            problems.push(not_allowed(&name, options).at(positions.locate("/metadata/name")).path("/metadata/name"));
        }
        return problems;
    }
    let namespace = text(value, "/metadata/namespace");
    match (namespace.is_empty(), &options.default_namespace) {
        (false, _) => {
            if !options.namespaces.is_empty() && !options.namespaces.contains(&namespace) {
                problems.push(not_allowed(&namespace, options).at(positions.locate("/metadata/namespace")).path("/metadata/namespace"));
            }
        }
        (true, Some(default)) => {
            if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("namespace".to_owned(), Value::from(default.clone()));
            }
        }
        (true, None) => problems.push(
            Diagnostic::error("missing-namespace", format!("the {kind} names no namespace"))
                .at(positions.locate("/metadata"))
                .path("/metadata/namespace")
                .help(format!("add metadata.namespace: one of {}", options.namespaces.join(", "))),
        ),
    }
    problems
}

fn not_allowed(namespace: &str, options: &LoadOptions) -> Diagnostic {
    Diagnostic::error("namespace-not-allowed", format!("the fleet may not touch the namespace {namespace}"))
        .help(format!("it may touch {}; spec.namespaces of the SGFleet decides", options.namespaces.join(", ")))
}

/// Two documents of one object block each other.
fn duplicates(loaded: &mut Loaded) {
    let mut places: BTreeMap<ObjectKey, Vec<Location>> = BTreeMap::new();
    for manifest in &loaded.manifests {
        places.entry(manifest.key()).or_default().push(manifest.locate(""));
    }
    places.retain(|_, places| places.len() > 1);
    for (key, places) in &places {
        for location in places {
            let others: Vec<String> = places.iter().filter(|other| *other != location).map(ToString::to_string).collect();
            loaded.diagnostics.push(
                Diagnostic::error("duplicate-object", format!("{key} is described twice; also at {}", others.join(", ")))
                    .at(location.clone())
                    .help("remove one of them"),
            );
        }
    }
    loaded.manifests.retain(|manifest| !places.contains_key(&manifest.key()));
    loaded.blocked.extend(places.into_keys());
}
