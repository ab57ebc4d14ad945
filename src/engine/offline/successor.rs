//! What may follow a released revision: other inputs, and the same inputs as this program renders them.
//!
//! A running revision holds its rendered objects, and no old renderer is kept. So another version of this program (its rendering, a
//! tuning formula, the catalogue's images and minor versions) changes nothing by itself: a person promotes a cluster, or a change of
//! the inputs that stops the instances anyway takes it along. Every other change keeps to the rendering that runs: what the inputs
//! change is found by rendering both of them with this program, and made on the released objects.

use super::{Options, check_manifests, frozen, version};
use crate::diagnostics::Diagnostic;
use crate::diff::{Disturbance, Entangled, Impact, Version, effective_changes, impact, object_changes, transfer};
use crate::load::Manifest;
use crate::model::Object;
use crate::plan::PlanInput;
use crate::render::revision::{Revision, inputs_digest};
use crate::render::{from_effective, mark};
use crate::resolve::{Effective, Settings};
use crate::validate::{ValidCluster, version_transition};
use serde_json::Value;
use std::collections::BTreeSet;

/// The inputs of a revision as this program renders them, where that is not how they are rendered there.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// The revision that a promotion releases.
    pub revision: Revision,
    /// What taking it does.
    pub impact: Impact,
    /// What differs, in a few words.
    pub differs: String,
}

/// What becomes of inputs beside a released revision.
#[derive(Debug, Clone)]
pub enum Successor {
    /// They are those that were released: nothing is released, whatever this program would render.
    Same,
    /// Other inputs.
    Other {
        /// What is released for them.
        revision: Box<Revision>,
        /// What became of this program's newer rendering, for people; `None` where there is none.
        note: Option<String>,
    },
    /// Other inputs that cannot be told apart from this program's newer rendering; says where. A promotion comes first.
    Inseparable(String),
}

/// What a change from one version of a cluster to another does.
pub fn judged(before: &Version, after: &Version) -> Impact {
    let values = effective_changes(Some(before), Some(after));
    impact(before, after, &values, &object_changes(&before.objects, &after.objects))
}

/// The same inputs as this program renders them; `None` where nothing differs. The error says why it cannot be.
pub fn renewal(released: &Revision, settings: &Settings) -> Result<Option<Renewal>, String> {
    let valid = renewed(released, settings)?;
    let revision = Revision::freeze(&valid, &released.commit);
    if revision.objects == released.objects {
        return Ok(None);
    }
    let (running, wanted) = (&released.effective.postgres.version.value, &revision.effective.postgres.version.value);
    if let Some(problem) = version_transition(running, wanted, &valid.inputs().cluster) {
        return Err(problem.message);
    }
    let (before, after) = (frozen(released), frozen(&revision));
    Ok(Some(Renewal { impact: judged(&before, &after), differs: differs(&before, &after), revision }))
}

/// What follows a released revision when these are the inputs.
pub fn successor(released: &Revision, valid: &ValidCluster, commit: &str, settings: &Settings) -> Successor {
    if inputs_digest(valid) == released.digest {
        return Successor::Same;
    }
    let fresh = Revision::freeze(valid, commit);
    let other = |revision: Revision, note: Option<String>| Successor::Other { revision: Box::new(revision), note };
    // What a catalogue alone would do to the version is never taken along where it would be refused of a person.
    let (version, wanted) = (&released.effective.postgres.version.value, &fresh.effective.postgres.version.value);
    let refused = version_transition(version, wanted, &valid.inputs().cluster).filter(|_| same_version_is_written(released, valid));
    let renewed = match renewed(released, settings) {
        Ok(renewed) => Revision::freeze(&renewed, &released.commit),
        // Nothing else could ever be released.
        Err(why) => {
            if let Some(problem) = refused {
                return Successor::Inseparable(problem.message);
            }
            return other(
                fresh,
                Some(format!("what was released does not pass any more, so all of this program's rendering comes: {why}")),
            );
        }
    };
    // Another version of this program may read the same inputs with another digest.
    if renewed.digest == fresh.digest {
        return Successor::Same;
    }
    if renewed.objects == released.objects {
        return other(fresh, None);
    }
    let (before, middle) = (frozen(released), frozen(&renewed));
    let alone = judged(&middle, &frozen(&fresh));
    let along = differs(&before, &middle);
    if refused.is_none() && adds_nothing(&alone, &judged(&before, &frozen(&fresh))) {
        return other(fresh, Some(format!("takes this program's newer rendering along: {along}")));
    }
    let name = &released.cluster;
    match kept(released, &renewed, &fresh) {
        Ok(kept) if adds_nothing(&alone, &judged(&before, &frozen(&kept))) => {
            let why = judged(&before, &middle).summary;
            let note = format!(
                "keeps to the rendering that runs; this program's newer one ({along}) is left for `stackgres promote {name}`: {why}"
            );
            other(kept, Some(note))
        }
        Ok(_) => Successor::Inseparable("the instances would be stopped, or more be put at risk, than by the inputs alone".to_owned()),
        Err(Entangled { pointer }) => Successor::Inseparable(format!("both change {pointer}")),
    }
}

/// Whether a cluster's manifest says of its version what it said when it was released.
pub fn same_version_is_written(released: &Revision, valid: &ValidCluster) -> bool {
    let cluster = &valid.inputs().cluster;
    let before = released.manifests.iter().find(|manifest| manifest.key() == cluster.key());
    let written = |object: &Object| object.text("/spec/postgres/version").map(str::to_owned);
    before.is_some_and(|before| written(before) == written(&cluster.object))
}

/// Puts into a plan what is released for these inputs beside what was.
pub fn follow(input: &mut PlanInput, released: Option<&Revision>, valid: &ValidCluster, settings: &Settings) {
    let name = valid.inputs().name();
    let planned = |revision: &Revision| Version {
        manifests: valid.inputs().manifests().cloned().collect(),
        effective: revision.effective.clone(),
        objects: revision.objects.clone(),
    };
    let after = match released.map(|released| (released, successor(released, valid, "", settings))) {
        None => version(valid),
        Some((released, Successor::Same)) => planned(released),
        Some((_, Successor::Other { revision, note })) => {
            input.notes.extend(note.map(|note| (name.clone(), note)));
            planned(&revision)
        }
        Some((_, Successor::Inseparable(why))) => {
            input.refused.entry(name.clone()).or_default().push(inseparable(valid, &why));
            version(valid)
        }
    };
    input.after.insert(name, after);
}

/// Why a change of inputs is not released.
pub fn inseparable(valid: &ValidCluster, why: &str) -> Diagnostic {
    let name = valid.inputs().name();
    let help = format!("take the newer rendering first: `stackgres plan --promote {name}` shows it, `stackgres promote {name}` takes it");
    Diagnostic::error("needs-promotion", format!("the change cannot be told apart from this program's newer rendering: {why}"))
        .at(valid.inputs().cluster.locate(""))
        .help(help)
}

/// The inputs of a revision, checked by this program.
fn renewed(released: &Revision, settings: &Settings) -> Result<ValidCluster, String> {
    let mut settings = settings.clone();
    settings.majors.insert(released.cluster.clone(), released.effective.postgres.major);
    let manifests = released.manifests.iter().cloned().map(Manifest::live).collect();
    let mut report = check_manifests(manifests, BTreeSet::new(), &Options { settings, partial: true, ..Options::default() });
    report.clusters.remove(&released.cluster).ok_or_else(|| {
        let problems = report.diagnostics.iter().filter(|problem| problem.is_error());
        problems.map(|problem| format!("{}: {}", problem.code, problem.message)).collect::<Vec<_>>().join("; ")
    })
}

/// Whether a change that was widened stops instances no more often and puts nothing more at risk. Where nothing is stopped, nothing
/// may be disturbed that was not.
fn adds_nothing(alone: &Impact, widened: &Impact) -> bool {
    let stops = |impact: &Impact| (impact.rounds, impact.switchovers);
    let ((rounds, switchovers), (more_rounds, more_switchovers)) = (stops(alone), stops(widened));
    let harmless = |disturbance: &Disturbance| matches!(disturbance, Disturbance::Nothing | Disturbance::Reload);
    more_rounds <= rounds
        && more_switchovers <= switchovers
        && widened.risks.is_subset(&alone.risks)
        && (rounds > 0 || widened.disturbances.iter().all(|one| harmless(one) || alone.disturbances.contains(one)))
}

/// The change of the inputs made on the released revision.
fn kept(released: &Revision, renewed: &Revision, fresh: &Revision) -> Result<Revision, Entangled> {
    let unreadable = |_| Entangled { pointer: "effective values".to_owned() };
    let value = |effective: &Effective| serde_json::to_value(effective).map_err(unreadable);
    let made = transfer("", Some(&value(&renewed.effective)?), Some(&value(&fresh.effective)?), Some(&value(&released.effective)?))?;
    let effective: Effective = serde_json::from_value(made.unwrap_or_default()).map_err(unreadable)?;
    // Both rendered by this program: their difference is what the values change.
    let (from, to) = (from_effective(&released.effective).objects, from_effective(&effective).objects);
    let find = |objects: &'_ [Object], wanted: &Object| objects.iter().find(|object| object.key() == wanted.key()).cloned();
    let added = to.iter().filter(|object| find(&released.objects, object).is_none());
    let mut objects = Vec::new();
    for object in released.objects.iter().chain(added) {
        let onto = find(&released.objects, object);
        let (from, to) = (find(&from, object), find(&to, object));
        let value = |object: &'_ Option<Object>| object.as_ref().map(|object| object.value().clone());
        let made =
            transfer(&format!("/{}/{}", object.kind(), object.name()), value(&from).as_ref(), value(&to).as_ref(), value(&onto).as_ref())?;
        let Some(mut made) = made.map(Object::new) else { continue };
        if let Some(before) = onto.filter(|before| before.kind() == "StatefulSet" && *before != made) {
            mark(&mut made, &before);
        }
        objects.push(made);
    }
    Ok(Revision { effective, objects, ..fresh.clone() })
}

/// What differs between two versions, in a few words.
fn differs(before: &Version, after: &Version) -> String {
    const NAMED: usize = 4;
    let values = effective_changes(Some(before), Some(after));
    let mut said: Vec<String> = values
        .iter()
        .take(NAMED)
        .map(|change| {
            let text = |value: &Option<Value>| match value {
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
                None => "none".to_owned(),
            };
            format!("{} {} → {}", change.name, text(&change.before), text(&change.after))
        })
        .collect();
    if values.len() > NAMED {
        said.push(format!("{} more values", values.len() - NAMED));
    }
    if said.is_empty() {
        let objects = object_changes(&before.objects, &after.objects);
        let names: Vec<String> = objects.iter().take(NAMED).map(|change| format!("{} {}", change.kind, change.name)).collect();
        let more = objects.len().saturating_sub(NAMED);
        said.push(names.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() });
    }
    said.join(", ")
}
