//! A plan as text for a terminal or a fenced block. No colour carries meaning; every line is stable.

use super::build::{ClusterAction, ClusterPlan, Plan, consequence};
use super::group::{Group, groups};
use super::lines::as_lines;
use crate::diagnostics::output::help_lines;
use crate::diagnostics::{HIDDEN, printable};
use crate::diff::{Cause, Disturbance, EffectiveChange, FieldChange, ObjectAction, ObjectChange};
use serde_json::Value;
use std::fmt::Write as _;

/// How many clusters of a group are named.
const NAMED: usize = 8;

/// How many groups are shown in full; the most dangerous come first.
const GROUPS: usize = 20;

/// How many places of one reason are named.
const PLACES: usize = 3;

/// The plan, consequence first. With `objects` the changed Kubernetes objects are listed field by field as well.
pub fn text(plan: &Plan, objects: bool) -> String {
    let mut out = String::new();
    let sides = match (plan.base.as_str(), plan.head.as_str()) {
        ("", "") => String::new(),
        ("", head) => format!(" · nothing → {}", printable(short(head))),
        (base, head) => format!(" · {} → {}", printable(short(base)), printable(short(head))),
    };
    if plan.is_empty() {
        let _ = writeln!(out, "no difference{sides} · {} {}", plan.total, clusters(plan.total));
        return out;
    }
    let _ = writeln!(out, "plan {}{sides} · {} of {} {} change", plan.id, plan.changing(), plan.total, clusters(plan.total));
    let groups = groups(plan);
    if !plan.counts.is_empty() {
        let _ = writeln!(out);
        let width = plan.counts.iter().map(|count| count.consequence.chars().count()).max().unwrap_or(0);
        for count in &plan.counts {
            let which: Vec<String> = plan
                .clusters
                .iter()
                .filter(|cluster| consequence(cluster) == count.consequence)
                .map(|cluster| name_of(&cluster.namespace, &cluster.name))
                .collect();
            let _ = writeln!(out, "  {:<width$}  {:>4}  {}", count.consequence, count.clusters, shortened(&which));
        }
    }
    for group in groups.iter().take(GROUPS) {
        out.push('\n');
        one_group(&mut out, group, objects);
    }
    let left: usize = groups.iter().skip(GROUPS).map(|group| group.all.len()).sum();
    if left > 0 {
        let _ = writeln!(out, "\nand {left} more {}; --output json has them all", clusters(left));
    }
    if !plan.others.is_empty() {
        out.push_str("\nother objects\n");
        for change in &plan.others {
            object(&mut out, change, true);
        }
    }
    out
}

/// Changes of objects alone; nothing where there are none.
pub fn objects_text(changes: &[ObjectChange]) -> String {
    let mut out = String::new();
    if !changes.is_empty() {
        out.push_str("\ncustom resources, as the API server would store them\n");
    }
    for change in changes {
        object(&mut out, change, true);
    }
    out
}

/// A name as a file wrote it, which need not be a valid one.
fn name_of(namespace: &str, name: &str) -> String {
    format!("{}/{}", printable(namespace), printable(name))
}

/// Twelve digits of a commit id; other names as they are.
fn short(revision: &str) -> &str {
    let is_id = revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { &revision[..12] } else { revision }
}

fn clusters(count: usize) -> &'static str {
    if count == 1 { "cluster" } else { "clusters" }
}

fn shortened(names: &[String]) -> String {
    let mut text = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        let _ = write!(text, " and {} more", names.len() - NAMED);
    }
    text
}

fn one_group(out: &mut String, group: &Group<'_>, objects: bool) {
    let ClusterPlan { namespace, name, action, impact, rehearsal, causes, values, objects: changed, diagnostics } = group.first;
    let mark = match action {
        ClusterAction::Refused | ClusterAction::Blocked => '✗',
        ClusterAction::Unknown => '?',
        ClusterAction::Change if !group.first.has_effect() => '=',
        ClusterAction::Change => '~',
        ClusterAction::Create => '+',
        ClusterAction::Orphan => '!',
    };
    let _ = writeln!(out, "{mark} {}: {}", name_of(namespace, name), printable(&impact.summary));
    if group.all.len() > 1 {
        let others: Vec<String> = group.all[1..].iter().map(|cluster| name_of(&cluster.namespace, &cluster.name)).collect();
        let _ = writeln!(
            out,
            "  the same change in {} {}{}: {}",
            others.len(),
            if others.len() == 1 { "other cluster" } else { "other clusters" },
            if group.labels_differ { ", with other values of labels or annotations" } else { "" },
            shortened(&others)
        );
    }
    let risks: Vec<String> = impact.risks.iter().map(ToString::to_string).collect();
    if !risks.is_empty() {
        let _ = writeln!(out, "  at risk: {}", risks.join(", "));
    }
    for diagnostic in diagnostics {
        let _ = writeln!(out, "  {}[{}]: {}", diagnostic.severity, diagnostic.code, printable(&diagnostic.message));
        let _ = writeln!(out, "      at {}", printable(&diagnostic.location.to_string()));
        if let Some(help) = &diagnostic.help {
            let lines: Vec<String> = help_lines(help).collect();
            let _ = writeln!(out, "      help: {}", lines.join("\n          | "));
        }
    }
    for cause in causes {
        one_cause(out, cause);
    }
    if !values.is_empty() {
        out.push_str("  effective values\n");
        for change in values {
            let reason = impact.findings.iter().find(|finding| finding.subject == change.name).map(|finding| finding.reason.as_str());
            value(out, change, reason);
        }
    }
    if *action == ClusterAction::Change {
        reasons(out, group.first);
    }
    if !impact.instances.is_empty() {
        out.push_str("  what happens\n");
        for instance in &impact.instances {
            let _ = writeln!(out, "    {}: {} ({})", printable(&instance.instance), instance.disturbance, printable(&instance.note));
        }
    }
    if let Some(rehearsal) = rehearsal {
        let _ = writeln!(out, "  steps, when {} leads", printable(&rehearsal.leader));
        for (index, step) in rehearsal.steps.iter().enumerate() {
            let _ = writeln!(out, "    {}. {}", index + 1, printable(step));
        }
    }
    for note in &impact.notes {
        let _ = writeln!(out, "  note: {}", printable(note));
    }
    if objects {
        for change in changed {
            object(out, change, true);
        }
    } else if *action == ClusterAction::Change && !changed.is_empty() {
        let _ = writeln!(out, "  {} Kubernetes {} change", changed.len(), if changed.len() == 1 { "object" } else { "objects" });
    }
}

/// Findings about something else than an effective value, one line for each reason.
fn reasons(out: &mut String, cluster: &ClusterPlan) {
    let mut lines: Vec<(Disturbance, &str, Vec<&str>)> = Vec::new();
    for finding in &cluster.impact.findings {
        if cluster.values.iter().any(|change| change.name == finding.subject) {
            continue;
        }
        match lines.iter_mut().find(|(disturbance, reason, _)| (*disturbance, *reason) == (finding.disturbance, finding.reason.as_str())) {
            Some((.., places)) => places.push(&finding.subject),
            None => lines.push((finding.disturbance, &finding.reason, vec![&finding.subject])),
        }
    }
    if !lines.is_empty() {
        out.push_str("  why\n");
    }
    for (disturbance, reason, places) in lines {
        let more = if places.len() > PLACES { format!(" and {} more", places.len() - PLACES) } else { String::new() };
        // `StatefulSet orders` is said once for several of its fields.
        let object = |place: &str| place.match_indices(' ').nth(1).map_or(0, |(blank, _)| blank + 1);
        let start = object(places[0]);
        let common = places.iter().all(|place| place.get(..start) == places[0].get(..start));
        let shown: Vec<&str> = places
            .iter()
            .take(PLACES)
            .enumerate()
            .map(|(index, place)| if index > 0 && common { &place[start..] } else { place })
            .collect();
        let _ = writeln!(out, "    {disturbance}: {}{more}    {}", printable(&shown.join(", ")), printable(reason));
    }
}

fn one_cause(out: &mut String, cause: &Cause) {
    let Cause { kind, name, location, change } = cause;
    let (kind, name, location) = (printable(kind), printable(name), printable(&location.to_string()));
    if change.path.is_empty() {
        let what = if change.after.is_some() { "+" } else { "-" };
        let _ = writeln!(out, "  {what} {kind} {name}    {location}");
        return;
    }
    let _ = writeln!(out, "  {kind} {name}    {location}");
    field(out, change, 4);
}

fn value(out: &mut String, change: &EffectiveChange, reason: Option<&str>) {
    let name = printable(&change.name);
    let origin = change.origin.as_deref().map(|origin| format!(" ({})", printable(origin))).unwrap_or_default();
    let reason = reason.map(|reason| format!("    {}", printable(reason))).unwrap_or_default();
    let _ = match (&change.before, &change.after) {
        (Some(before), Some(after)) => writeln!(out, "    ~ {name}    {} → {}{origin}{reason}", scalar(before), scalar(after)),
        (None, Some(after)) => writeln!(out, "    + {name}    {}{origin}{reason}", scalar(after)),
        (Some(before), None) => writeln!(out, "    - {name}    {}{reason}", scalar(before)),
        (None, None) => Ok(()),
    };
}

fn object(out: &mut String, change: &ObjectChange, fields: bool) {
    let mark = match change.action {
        ObjectAction::Created => '+',
        ObjectAction::Changed => '~',
        ObjectAction::Removed => '-',
    };
    let place = if change.namespace.is_empty() { printable(&change.name) } else { name_of(&change.namespace, &change.name) };
    let note = change.note.as_ref().map(|note| format!("    {}", printable(note))).unwrap_or_default();
    let _ = writeln!(out, "  {mark} {} {place}{note}", printable(&change.kind));
    if fields {
        for one in &change.fields {
            field(out, one, 4);
        }
    }
}

fn field(out: &mut String, change: &FieldChange, indent: usize) {
    let (pad, path) = (" ".repeat(indent), printable(&change.path));
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => match as_lines(before, after) {
            Some((before, after)) => {
                let _ = writeln!(out, "{pad}~ {path}");
                let lines = similar::TextDiff::from_lines(before.as_ref(), after.as_ref());
                for line in lines.unified_diff().context_radius(2).to_string().lines() {
                    let _ = writeln!(out, "{pad}    {}", printable(line));
                }
            }
            None => {
                let _ = writeln!(out, "{pad}~ {path}    {} → {}", scalar(before), scalar(after));
            }
        },
        (None, Some(after)) => {
            let _ = writeln!(out, "{pad}+ {path}    {}", scalar(after));
        }
        (Some(before), None) => {
            let _ = writeln!(out, "{pad}- {path}    {}", scalar(before));
        }
        (None, None) => {}
    }
}

/// A value on one line, long ones cut; control characters never reach a terminal.
fn scalar(value: &Value) -> String {
    const LONGEST: usize = 100;
    let text = match value {
        Value::String(text) if text == HIDDEN => text.clone(),
        Value::String(text) if !text.is_empty() && !text.contains(char::is_whitespace) && !text.contains(char::is_control) => text.clone(),
        other => other.to_string(),
    };
    let text = printable(&text);
    if text.chars().count() > LONGEST { format!("{}…", text.chars().take(LONGEST).collect::<String>()) } else { text }
}
