//! From files to manifests.

use super::identity::{cluster_is_unknown, identity, may_be_secret, quietly};
use super::ignore::Ignore;
use super::limits::Limits;
use super::manifest::{Manifest, SourceFile};
use super::verdict::{Verdict, judge};
use super::yaml::{Document, Read, documents};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, Position, SourceMap};
use crate::model::{IGNORE_FILE, Object, ObjectKey, may_hold_manifests};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// How to load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Bounds.
    pub limits: Limits,
    /// Namespace of objects that name none; `None` makes that an error.
    pub default_namespace: Option<String>,
    /// Namespaces that may be touched; empty allows all.
    pub namespaces: Vec<String>,
    /// Paths of files that were named one by one: they are read whatever their ending, and never passed over in silence.
    pub named: BTreeSet<String>,
    /// Ignore files that stand above the root of the source, the outermost first.
    pub ignores_above: Vec<IgnoreAbove>,
}

/// An ignore file above the root of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreAbove {
    /// Path of the file, for messages.
    pub file: String,
    /// How the names begin that it is about, with a trailing slash; empty for all.
    pub root: String,
    /// Path from its folder to that root, with a trailing slash; empty if it stands there.
    pub below: String,
    /// Its text.
    pub text: String,
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
    /// Whether some document or file may hold a cluster whose name or namespace is not known. While that is so, no cluster
    /// counts as gone.
    pub unidentified: bool,
    /// Documents of ours that are blocked and have a value all the same, to look for further problems, with the paths that
    /// could not be read. Never to be used otherwise.
    pub flawed: Vec<(Manifest, Vec<String>)>,
    /// Everything else.
    pub left_alone: Vec<LeftAlone>,
    /// Problems.
    pub diagnostics: Diagnostics,
}

/// Reads every file of a source.
pub fn load(files: &[SourceFile], options: &LoadOptions) -> Loaded {
    load_again(files, options, &mut LoadedFiles::default())
}

/// What single files hold, kept for the next time: a file with the same content is not read again.
#[derive(Debug, Default)]
pub struct LoadedFiles {
    options: LoadOptions,
    files: BTreeMap<String, (Arc<[u8]>, Loaded)>,
}

/// Reads every file of a source of which `known` does not hold the content already; keeps what these hold, and nothing else.
pub fn load_again(files: &[SourceFile], options: &LoadOptions, known: &mut LoadedFiles) -> Loaded {
    let mut before = std::mem::take(known);
    if before.options != *options {
        before.files.clear();
    }
    known.options = options.clone();
    let mut loaded = Loaded::default();
    let ignores = ignores(files, &options.ignores_above, &mut loaded.diagnostics);
    let mut total = 0_usize;
    for file in files {
        if file.path.ends_with(IGNORE_FILE) && !options.named.contains(&file.path) {
            continue;
        }
        if verdict(&ignores, &file.path) {
            if options.named.contains(&file.path) {
                loaded.left_alone.push(LeftAlone { location: place(&file.path, 0, 0), reason: format!("{IGNORE_FILE} names it") });
            }
            continue;
        }
        total += file.content.len();
        if total > options.limits.total_bytes {
            loaded.unidentified = true;
            loaded.diagnostics.push(
                Diagnostic::error("source-too-large", format!("the files together hold more than {} bytes", options.limits.total_bytes))
                    .at(place(&file.path, 0, 0))
                    .help("narrow the folder of the source, or ignore files in .stackgresignore"),
            );
            break;
        }
        let same = |(content, _): &(Arc<[u8]>, Loaded)| Arc::ptr_eq(content, &file.content) || **content == *file.content;
        let alone = before.files.remove(&file.path).filter(same).map_or_else(
            || {
                let mut alone = Loaded::default();
                one_file(file, options, &mut alone);
                alone
            },
            |(_, alone)| alone,
        );
        loaded.extend(&alone);
        known.files.insert(file.path.clone(), (file.content.clone(), alone));
    }
    duplicates(&mut loaded);
    loaded.left_alone.sort();
    loaded.diagnostics.sort();
    loaded
}

impl Loaded {
    fn extend(&mut self, other: &Self) {
        let Self { manifests, blocked, unidentified, flawed, left_alone, diagnostics } = other;
        self.manifests.extend(manifests.iter().cloned());
        self.blocked.extend(blocked.iter().cloned());
        self.unidentified |= unidentified;
        self.flawed.extend(flawed.iter().cloned());
        self.left_alone.extend(left_alone.iter().cloned());
        self.diagnostics.extend(diagnostics.iter().cloned());
    }
}

/// What the ignore files of a source name. Read once, asked for each path.
#[derive(Debug)]
pub struct Ignored(Vec<Ignore>);

impl Ignored {
    /// Reads the ignore files among these and those above them.
    pub fn of(files: &[SourceFile], options: &LoadOptions) -> Self {
        Self(ignores(files, &options.ignores_above, &mut Diagnostics::new()))
    }

    /// Whether one of them names a path.
    pub fn names(&self, path: &str) -> bool {
        verdict(&self.0, path)
    }
}

fn verdict(ignores: &[Ignore], path: &str) -> bool {
    ignores.iter().filter_map(|ignore| ignore.verdict(path)).next_back().unwrap_or(false)
}

/// Every ignore file, the outermost first: an inner one has the last word.
fn ignores(files: &[SourceFile], above: &[IgnoreAbove], problems: &mut Diagnostics) -> Vec<Ignore> {
    let mut found = Vec::new();
    for file in above {
        let (ignore, wrong) = Ignore::parse_above(file);
        found.push(ignore);
        problems.extend(wrong);
    }
    let mut inside: Vec<(&str, &SourceFile)> = files
        .iter()
        .filter_map(|file| Some((file.path.strip_suffix(IGNORE_FILE).filter(|folder| folder.is_empty() || folder.ends_with('/'))?, file)))
        .collect();
    inside.sort_by_key(|(folder, _)| folder.matches('/').count());
    for (folder, file) in inside {
        let (ignore, wrong) = Ignore::parse(folder, &String::from_utf8_lossy(&file.content));
        found.push(ignore);
        problems.extend(wrong);
    }
    found
}

fn place(file: &str, line: usize, column: usize) -> Location {
    Location { file: file.to_owned(), line, column }
}

fn one_file(file: &SourceFile, options: &LoadOptions, loaded: &mut Loaded) {
    if !may_hold_manifests(&file.path) && !options.named.contains(&file.path) {
        return;
    }
    if file.content.len() > options.limits.file_bytes {
        loaded.unidentified = true;
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
            loaded.unidentified = true;
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
    if file.path.rsplit('/').next() == Some("Chart.yaml") {
        let reason = "a Helm chart: render it before committing".to_owned();
        loaded.left_alone.push(LeftAlone { location: place(&file.path, 0, 0), reason });
        return;
    }
    let Read { documents: found, outside, cut_off } = documents(&file.path, text, &options.limits);
    loaded.diagnostics.extend(outside);
    loaded.unidentified |= cut_off;
    for document in found {
        one_document(document, options, loaded);
    }
}

fn one_document(document: Document, options: &LoadOptions, loaded: &mut Loaded) {
    let Document { value, partial, open, positions, problems, template, names_cluster } = document;
    let start = positions.positions.values().min().copied();
    let start = start.or_else(|| problems.iter().next().map(|first| Position { line: first.location.line, column: 1 }));
    let start = start.unwrap_or(Position { line: 1, column: 1 });
    if template {
        // Whoever fills it in decides what it is called.
        loaded.unidentified |= names_cluster;
        let reason = "a template: render it before committing".to_owned();
        loaded.left_alone.push(LeftAlone { location: place(&positions.file, start.line, start.column), reason });
        return;
    }
    let Some(value) = value else {
        loaded.unidentified |= cluster_is_unknown(&partial, &problems, Some(&open), options.default_namespace.is_some());
        block(&partial, options, loaded);
        let secret = may_be_secret(&partial);
        loaded.diagnostics.extend(problems.into_iter().map(|problem| if secret { quietly(problem) } else { problem }));
        return;
    };
    match judge(&value) {
        Verdict::List(item) => list(&value, &positions, problems, item.as_ref(), options, loaded),
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

fn list(
    value: &Value,
    positions: &SourceMap,
    problems: Diagnostics,
    kind: Option<&(String, String)>,
    options: &LoadOptions,
    loaded: &mut Loaded,
) {
    let Some(Value::Array(items)) = value.get("items").cloned() else {
        loaded.unidentified = true;
        loaded.diagnostics.extend(problems);
        loaded.diagnostics.push(
            Diagnostic::error("wrong-type", "the items of a list are a list")
                .at(positions.locate("/items"))
                .path("/items")
                .help("put a dash before each object"),
        );
        return;
    };
    let mut problems = problems.0;
    for (index, mut item) in items.into_iter().enumerate() {
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
        let mut mine = Diagnostics::new();
        problems.retain(|problem| {
            let Some(path) = inside(&problem.path, index) else { return true };
            let mut problem = problem.clone();
            problem.path = path;
            mine.push(problem);
            false
        });
        if let (Some((version, kind)), Some(map)) = (kind, item.as_object_mut()) {
            map.entry("apiVersion").or_insert_with(|| Value::from(version.clone()));
            map.entry("kind").or_insert_with(|| Value::from(kind.clone()));
        }
        let start = inner.positions.values().min().copied().unwrap_or(Position { line: 1, column: 1 });
        match judge(&item) {
            Verdict::List(kind) => list(&item, &inner, mine, kind.as_ref(), options, loaded),
            verdict => finish(item, inner, mine, verdict, start, options, loaded),
        }
    }
    loaded.diagnostics.extend(problems);
}

/// The path inside an item of a list, so that every message names places in the object and not in the list around it.
fn inside(path: &str, index: usize) -> Option<String> {
    let rest = path.strip_prefix(&format!("items[{index}]"))?;
    match rest.strip_prefix('.') {
        Some(rest) => Some(rest.to_owned()),
        None => (rest.is_empty() || rest.starts_with('[')).then(|| rest.to_owned()),
    }
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
        Verdict::Empty | Verdict::List(_) => {}
        Verdict::LeftAlone(reason) => loaded.left_alone.push(LeftAlone { location, reason: reason.to_owned() }),
        Verdict::Problem(pointer, problem) => {
            if problem.is_error() {
                loaded.unidentified |= cluster_is_unknown(&value, &problems, None, options.default_namespace.is_some());
                block(&value, options, loaded);
            } else {
                loaded.left_alone.push(LeftAlone { location, reason: problem.message.clone() });
            }
            loaded.diagnostics.push(problem.at(positions.locate(pointer)).path(pointer));
        }
        Verdict::Outdated(kind, pointer, problem) => {
            loaded.unidentified |= cluster_is_unknown(&value, &problems, None, options.default_namespace.is_some());
            // What it is now: so the rest of it is checked, and one look tells every edit.
            value["apiVersion"] = Value::from(kind.api_version());
            value["kind"] = Value::from(kind.kind);
            let refused = identity(&mut value, &positions, options);
            block(&value, options, loaded);
            let unread = problems.iter().chain(&refused).map(|problem| problem.path.clone()).collect();
            loaded.diagnostics.push(problem.at(positions.locate(pointer)).path(pointer));
            loaded.diagnostics.extend(problems);
            loaded.diagnostics.extend(refused);
            loaded.flawed.push((Manifest { object: Object::new(value), source: Arc::new(positions) }, unread));
        }
        Verdict::Managed => {
            let mut errors = problems.has_errors();
            let refused = identity(&mut value, &positions, options);
            errors |= refused.has_errors();
            if errors {
                let all: Diagnostics = problems.iter().chain(&refused).cloned().collect();
                loaded.unidentified |= cluster_is_unknown(&value, &all, None, options.default_namespace.is_some());
                block(&value, options, loaded);
            }
            let unread = problems.iter().chain(&refused).map(|problem| problem.path.clone()).collect();
            loaded.diagnostics.extend(problems);
            loaded.diagnostics.extend(refused);
            let manifest = Manifest { object: Object::new(value), source: Arc::new(positions) };
            if errors {
                loaded.flawed.push((manifest, unread));
            } else {
                loaded.manifests.push(manifest);
            }
        }
    }
}

/// What makes an object another one than those beside it.
fn identity_of(object: &Object) -> (&str, &str, Option<&str>, &str) {
    (object.api_version(), object.kind(), object.namespace(), object.name())
}

/// Two documents of one object block each other.
fn duplicates(loaded: &mut Loaded) {
    // As a rule there are none, and that is seen without copying thousands of names.
    let mut known = HashSet::new();
    let is_new = |object| known.insert(identity_of(object));
    if loaded.manifests.iter().map(|manifest| &manifest.object).all(is_new) {
        return;
    }
    let mut places: BTreeMap<ObjectKey, Vec<Location>> = BTreeMap::new();
    for manifest in &loaded.manifests {
        places.entry(manifest.key()).or_default().push(manifest.locate(""));
    }
    places.retain(|_, places| places.len() > 1);
    for (key, places) in &places {
        for (index, location) in places.iter().enumerate() {
            let others: Vec<String> =
                places.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, place)| place.to_string()).collect();
            let problem = Diagnostic::error("duplicate-object", format!("{key} is described twice; also at {}", others.join(", ")))
                .at(location.clone())
                .help(
                    "remove one of them; if one is a patch (a Kustomize overlay), commit what `kustomize build` prints, or name the patches in .stackgresignore",
                );
            let others = places.iter().filter(|place| *place != location);
            loaded.diagnostics.push(others.fold(problem, |problem, place| problem.related(place.clone(), "described here as well")));
        }
    }
    loaded.manifests.retain(|manifest| !places.contains_key(&manifest.key()));
    loaded.blocked.extend(places.into_keys());
}
