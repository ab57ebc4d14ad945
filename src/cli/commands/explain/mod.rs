//! `stackgres explain`

pub(super) mod parameter;

use crate::api::schema::{Schema, Shape, Support};
use crate::api::{KINDS, Kind};
use crate::cli::args::ExplainArguments;
use crate::cli::exit::{CommandError, Exit, print};
use crate::cli::terminal::{Column, size, table};
use crate::diagnostics::{Code, Severity, nearest};
use crate::engine::codes;
use crate::engine::offline::SILENCE;
use std::fmt::Write as _;

pub(in crate::cli) fn run(arguments: &ExplainArguments) -> Result<Exit, CommandError> {
    let codes = codes::all();
    let Some(what) = arguments.what.as_deref() else {
        let rows: Vec<Vec<String>> =
            codes.values().map(|code| vec![code.code.to_owned(), code.severity.to_string(), code.summary.to_owned()]).collect();
        let lines = table(&[Column::Whole, Column::Whole, Column::Text], &rows, size().map(|size| size.width));
        print(&lines)?;
        return Ok(Exit::Fine);
    };
    if let Some(code) = codes.get(what) {
        print(&code_text(code))?;
        return Ok(Exit::Fine);
    }
    if let Some((file, name)) = what.split_once('/') {
        print(&parameter::text(file, name)?)?;
        return Ok(Exit::Fine);
    }
    let (kind, path) = what.split_once('.').unwrap_or((what, ""));
    let lower = kind.to_ascii_lowercase();
    let found = KINDS.iter().find(|kind| {
        kind.singular == lower
            || kind.plural == lower
            || kind.short_names.contains(&lower.as_str())
            || kind.kind.to_ascii_lowercase() == lower
    });
    let Some(kind) = found else {
        let names = codes.keys().copied().chain(KINDS.iter().map(|kind| kind.singular));
        let hint =
            nearest(what, names).map_or_else(|| "`stackgres explain` lists every code".to_owned(), |near| format!("did you mean {near}?"));
        return Err(CommandError::invalid(format!("there is neither a code nor a kind {what}")).hint(hint));
    };
    let path = &plain(path);
    if matches!(path.split('.').next(), Some("apiVersion" | "kind" | "metadata")) {
        print(&format!("{}.{path}\n\nAs of every Kubernetes object; `kubectl explain pod.{path}` tells more.\n", kind.kind))?;
        return Ok(Exit::Fine);
    }
    print(&path_text(kind, path)?)?;
    Ok(Exit::Fine)
}

/// A path as findings and plans print it (`spec["postgresql.conf"].work_mem`, `customPorts[metrics].port`), without its quotes and
/// without the names of list items.
fn plain(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let (inside, after) = after.split_once(']').unwrap_or((after, ""));
        if let Some(key) = inside.strip_prefix('"') {
            out.push('.');
            out.push_str(key.trim_end_matches('"'));
        }
        rest = after;
    }
    out + rest
}

fn code_text(code: &Code) -> String {
    let silence = match code.severity {
        Severity::Warning if code.code != "silence-without-effect" => {
            format!(
                "\nTo silence it, annotate the document it is about, or every cluster that uses it: `{SILENCE}{}: REASON`.\n",
                code.code
            )
        }
        _ => String::new(),
    };
    format!("{} ({})\n\n{}.\n\n{}\n{silence}", code.code, code.severity, code.summary, code.explanation)
}

fn path_text(kind: &Kind, path: &str) -> Result<String, CommandError> {
    let mut schema: &Schema = &kind.schema;
    let mut required = false;
    let mut support = Support::CarriedOut;
    let mut rest = path;
    let mut walked = kind.kind.to_owned();
    while !rest.is_empty() {
        while let Shape::Array { items, .. } = &schema.shape {
            schema = items;
        }
        // A field name may hold a dot (`postgresql.conf`), so the longest field that fits is taken.
        let fields: Vec<&str> = match &schema.shape {
            Shape::Object { fields, .. } => fields.iter().map(|field| field.name.as_str()).collect(),
            _ => Vec::new(),
        };
        let fitting = fields
            .iter()
            .copied()
            .filter(|name| rest == *name || rest.strip_prefix(name).is_some_and(|after| after.starts_with('.')))
            .max_by_key(|name| name.len());
        let name = fitting.unwrap_or_else(|| rest.split('.').next().unwrap_or(rest));
        required = schema.get_field(name).is_some_and(|field| field.required);
        let Some(child) = schema.child(name) else {
            let hint = match nearest(name, fields.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None if fields.is_empty() => format!("it is {} and has no fields", form(schema)),
                None => format!("the fields are {}", fields.join(", ")),
            };
            return Err(CommandError::invalid(format!("{walked} has no field {name}")).hint(hint));
        };
        if child.support != Support::Inherited {
            support = child.support;
        }
        schema = child;
        walked = format!("{walked}.{name}");
        rest = rest[name.len()..].trim_start_matches('.');
    }
    let mut out = format!("{walked} <{}>{}\n\n", form(schema), if required { " required" } else { "" });
    let _ = writeln!(out, "{}", if path.is_empty() { kind.description } else { &schema.description });
    if let Some(default) = &schema.default {
        let _ = writeln!(out, "Default: {default}");
    }
    match support {
        Support::NotYetError => out.push_str("Not carried out yet: writing it is an error (not-supported-yet).\n"),
        Support::NotYetWarning => out.push_str("Not carried out yet: writing it is a warning (not-supported-yet).\n"),
        Support::Output => out.push_str("Written by the program.\n"),
        Support::CarriedOut | Support::Inherited => {}
    }
    if let Some(not_yet) = kind.not_yet {
        let how = if not_yet.refused { "is an error" } else { "is a warning" };
        let _ = writeln!(out, "{} is not carried out yet: writing one {how} (kind-not-supported-yet).", kind.kind);
    }
    while let Shape::Array { items, .. } = &schema.shape {
        schema = items;
    }
    if let Shape::Object { fields, .. } = &schema.shape {
        out.push_str("\nFields:\n");
        for field in fields {
            let _ = writeln!(
                out,
                "  {} <{}>{}\n      {}",
                field.name,
                form(&field.schema),
                if field.required { " required" } else { "" },
                field.schema.description
            );
        }
    }
    Ok(out)
}

/// The form of a value, in words.
pub(super) fn form(schema: &Schema) -> String {
    match &schema.shape {
        Shape::Object { .. } => "mapping".to_owned(),
        Shape::Map { values } => format!("mapping of {}", form(values)),
        Shape::Array { items, .. } => format!("list of {}", form(items)),
        Shape::Text(text) if !text.allowed.is_empty() => text.allowed.join(" | "),
        Shape::Text(_) => "text".to_owned(),
        Shape::Integer { .. } => "whole number".to_owned(),
        Shape::Number { .. } => "number".to_owned(),
        Shape::Boolean => "boolean".to_owned(),
        Shape::IntOrString { .. } => "whole number or text".to_owned(),
        Shape::Any => "anything".to_owned(),
    }
}
