//! The page of a kind: a section for each mapping with fields.

use super::{cell, markdown};
use crate::api::schema::{Schema, Shape, Support};
use crate::api::{Kind, find_kind};
use crate::cli::commands::explain::form;
use std::fmt::Write as _;

/// Name of the page.
pub(super) fn name(kind: &Kind) -> String {
    format!("{}.md", kind.kind.to_ascii_lowercase())
}

/// The page.
pub(super) fn page(kind: &Kind) -> String {
    let mut out = format!(
        "# {}\n\n{}\n\n- `apiVersion: {}`\n- resource `{}`",
        kind.kind,
        markdown(kind.description),
        kind.api_version(),
        kind.plural
    );
    if !kind.short_names.is_empty() {
        let _ = write!(out, ", short {}", kind.short_names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
    }
    out.push('\n');
    if let (Some(length), Some(pattern)) = (kind.name_max_length, kind.name_pattern) {
        let _ = writeln!(out, "- `metadata.name` has at most {length} characters and matches `{pattern}`");
    }
    if let Some(not_yet) = kind.not_yet {
        let how = if not_yet.refused { "refused" } else { "without effect" };
        let _ = writeln!(
            out,
            "- not carried out by this version, and {how} ([kind-not-supported-yet](codes.md#kind-not-supported-yet)): {}",
            markdown(not_yet.help)
        );
    }
    if !kind.columns.is_empty() {
        out.push_str("\n| column of `kubectl get` | what |\n|---|---|\n");
        for column in kind.columns {
            let wide = if column.priority > 0 { " (with `-o wide`)" } else { "" };
            let _ = writeln!(out, "| {}{wide} | {} |", column.name, cell(column.description));
        }
    }
    // What is a section of an SGCluster is told there, once.
    let mut known = Vec::new();
    if let Some(cluster) = find_kind("SGCluster").filter(|cluster| cluster.kind != kind.kind) {
        sections("", &cluster.schema, &mut known);
    }
    let mut own = Vec::new();
    sections("", &kind.schema, &mut own);
    let mut told: Option<String> = None;
    for (path, schema) in own {
        if told.as_ref().is_some_and(|told| path.strip_prefix(told.as_str()).is_some_and(|rest| rest.starts_with(['.', '[', '{']))) {
            continue;
        }
        let title = if path.is_empty() { kind.kind } else { &path };
        let _ = write!(out, "\n<a id=\"{path}\"></a>\n## {}\n\n{}\n", markdown(title), markdown(&schema.description));
        if let Some((there, _)) = known.iter().find(|(_, other)| *other == schema) {
            let _ = writeln!(out, "\nAs [`{there}` of an SGCluster](sgcluster.md#{there}).");
            told = Some(path);
            continue;
        }
        table(&path, schema, &mut out);
    }
    out
}

/// Every mapping with fields, each under its path.
fn sections<'a>(path: &str, schema: &'a Schema, out: &mut Vec<(String, &'a Schema)>) {
    match &schema.shape {
        Shape::Object { fields, .. } if !fields.is_empty() => {
            out.push((path.to_owned(), schema));
            for field in fields {
                sections(&below(path, &field.name), &field.schema, out);
            }
        }
        Shape::Map { values } => sections(&format!("{path}{{}}"), values, out),
        Shape::Array { items, .. } => sections(&format!("{path}[]"), items, out),
        _ => {}
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn table(path: &str, schema: &Schema, out: &mut String) {
    let Shape::Object { fields, .. } = &schema.shape else { return };
    for rule in &schema.rules {
        let _ = writeln!(out, "\nRule [{0}](codes.md#{0}): {1}; {2}.", rule.code, markdown(&rule.message), markdown(&rule.help));
    }
    out.push_str("\n| field | form | what |\n|---|---|---|\n");
    for field in fields {
        let mut inside = Vec::new();
        sections(&below(path, &field.name), &field.schema, &mut inside);
        let name = match inside.first() {
            Some((target, _)) => format!("[`{}`](#{target})", field.name),
            None => format!("`{}`", field.name),
        };
        let mut what = cell(&field.schema.description);
        if let Some(default) = &field.schema.default {
            let _ = write!(what, " Default: {}.", cell(default));
        }
        match field.schema.support {
            Support::NotYetError => what.push_str(" Not carried out yet: an [error](codes.md#not-supported-yet)."),
            Support::NotYetWarning => what.push_str(" Not carried out yet: a [warning](codes.md#not-supported-yet)."),
            Support::Inherited | Support::CarriedOut | Support::Output => {}
        }
        let required = if field.required { ", required" } else { "" };
        let _ = writeln!(out, "| {name} | {}{required} | {what} |", cell(&form(&field.schema)));
    }
}
