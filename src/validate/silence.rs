//! Warnings that somebody has decided to live with.
//!
//! In: what was found of a source, and its documents. Out: what is shown, and what is not, each with its reason. Invariant: an error is
//! never silenced, nothing is lost, and an annotation that does nothing is told. Why: a list that is never empty is not read.

use crate::diagnostics::{Code, Diagnostic, Diagnostics, Location, Severity, nearest};
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::resolve::Inputs;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What the key of such an annotation begins with; the code follows. Its value is the reason.
pub const SILENCE: &str = "silence.stackgres.io/";

/// Codes of this module.
pub const CODES: &[Code] = &[Code::warning(
    "silence-without-effect",
    "an annotation silences nothing",
    "`silence.stackgres.io/CODE: REASON` takes a warning out of the list, on the document it is about or on every cluster that uses that document. It needs a code that exists and a reason; errors cannot be silenced; and when the warning does not occur any more, the annotation goes too, or it would hide the next one. This code itself cannot be silenced.",
)];

/// A finding that is not shown as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silenced {
    /// The finding.
    #[serde(flatten)]
    pub finding: Diagnostic,
    /// Why it is not shown, in the words of who decided it.
    pub reason: String,
}

/// Whether a document silences anything.
pub fn silences(manifest: &Manifest) -> bool {
    annotations(manifest).next().is_some()
}

/// Code and reason of each annotation.
fn annotations(manifest: &Manifest) -> impl Iterator<Item = (&str, &str)> {
    let all = manifest.object.get("/metadata/annotations").and_then(Value::as_object);
    all.into_iter().flatten().filter_map(|(key, reason)| Some((key.strip_prefix(SILENCE)?, reason.as_str().unwrap_or_default().trim())))
}

/// Takes silenced findings out, and adds what is wrong with the annotations.
///
/// `silencing` are the documents that silence something, each with whether everything is known of it and of what it is used by: only then
/// can be said that a warning does not occur. `clusters` are all that there are, with what they use.
pub fn silence<'a>(
    found: &mut Diagnostics,
    silencing: &'a [(Manifest, bool)],
    clusters: impl Iterator<Item = &'a Inputs>,
    codes: &BTreeMap<&'static str, Code>,
) -> Vec<Silenced> {
    if silencing.is_empty() {
        return Vec::new();
    }
    let documents = Documents::of(silencing, clusters);
    let mut silenced = Vec::new();
    let mut met: BTreeMap<(usize, String), Severity> = BTreeMap::new();
    found.0.retain(|finding| {
        let reasons = documents.reasons(finding, &mut met);
        if finding.is_error() || reasons.is_empty() {
            return true;
        }
        silenced.push(Silenced { finding: finding.clone(), reason: reasons.into_iter().collect::<Vec<_>>().join("; ") });
        false
    });
    for (index, (manifest, is_settled)) in silencing.iter().enumerate() {
        for (code, reason) in annotations(manifest) {
            let met = met.get(&(index, code.to_owned())).copied();
            if let Some(problem) = without_effect(code, reason, met, *is_settled, codes) {
                let pointer = join("/metadata/annotations", &format!("{SILENCE}{code}"));
                found.push(problem.at(manifest.locate(&pointer)).path(&pointer));
            }
        }
    }
    silenced
}

/// What is wrong with an annotation; `met` is the mildest finding of its code.
fn without_effect(
    code: &str,
    reason: &str,
    met: Option<Severity>,
    is_settled: bool,
    codes: &BTreeMap<&'static str, Code>,
) -> Option<Diagnostic> {
    let problem = |message: String, help: String| Some(Diagnostic::warning("silence-without-effect", message).help(help));
    let Some(known) = codes.get(code) else {
        let help = match nearest(code, codes.keys().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => "a finding shows its code in brackets".to_owned(),
        };
        return problem(format!("there is no code `{code}`"), help);
    };
    if reason.is_empty() {
        return problem(format!("no reason is given for silencing {code}"), "write the reason as the value of the annotation".to_owned());
    }
    match met {
        Some(Severity::Error) => problem(format!("{code} is an error here, and errors cannot be silenced"), "correct the error".to_owned()),
        None if known.severity == Severity::Error => {
            problem(format!("{code} is an error, and errors cannot be silenced"), "take the annotation out".to_owned())
        }
        None if is_settled => problem(format!("{code} does not occur here"), "take the annotation out".to_owned()),
        Some(Severity::Warning | Severity::Info) | None => None,
    }
}

/// What silences which place.
struct Documents<'a> {
    silencing: &'a [(Manifest, bool)],
    /// Documents that silence, and those that a silencing cluster uses, by their file.
    places: HashMap<&'a str, Vec<Place>>,
}

struct Place {
    /// First and last line and column at which something of it is written.
    extent: ((usize, usize), (usize, usize)),
    /// Which of the silencing documents it is.
    itself: Option<usize>,
    /// Clusters that use it: which of the silencing documents each is, if it is one.
    users: Vec<Option<usize>>,
}

impl<'a> Documents<'a> {
    fn of(silencing: &'a [(Manifest, bool)], clusters: impl Iterator<Item = &'a Inputs>) -> Self {
        let positions: HashMap<usize, usize> =
            silencing.iter().enumerate().map(|(index, (manifest, _))| (manifest.object.address(), index)).collect();
        let clusters: Vec<(Option<usize>, &Inputs)> =
            clusters.map(|inputs| (positions.get(&inputs.cluster.object.address()).copied(), inputs)).collect();
        let speaking = clusters.iter().filter(|(position, _)| position.is_some());
        let used: BTreeSet<usize> =
            speaking.flat_map(|(_, inputs)| inputs.manifests().skip(1).map(|manifest| manifest.object.address())).collect();
        let mut by_address: BTreeMap<usize, (&Manifest, Place)> = silencing
            .iter()
            .enumerate()
            .map(|(index, (manifest, _))| (manifest.object.address(), (manifest, Place::of(manifest, Some(index)))))
            .collect();
        for (position, inputs) in &clusters {
            for manifest in inputs.manifests().skip(1).filter(|manifest| used.contains(&manifest.object.address())) {
                let place = by_address.entry(manifest.object.address()).or_insert_with(|| (manifest, Place::of(manifest, None)));
                place.1.users.push(*position);
            }
        }
        let mut places: HashMap<&str, Vec<Place>> = HashMap::new();
        for (manifest, place) in by_address.into_values() {
            places.entry(manifest.source.file.as_str()).or_default().push(place);
        }
        Self { silencing, places }
    }

    /// The reasons not to show a finding; none to show it. What it is said of is noted in `met`.
    fn reasons(&self, finding: &Diagnostic, met: &mut BTreeMap<(usize, String), Severity>) -> BTreeSet<&'a str> {
        let Location { file, line, column } = &finding.location;
        let at = (*line, *column);
        let places = self.places.get(file.as_str()).into_iter().flatten();
        let mut reasons = BTreeSet::new();
        for place in places.filter(|place| (place.extent.0..=place.extent.1).contains(&at)) {
            let mut reason = |index: usize| {
                let (_, reason) = annotations(&self.silencing[index].0).find(|(code, _)| *code == finding.code)?;
                let mildest = met.entry((index, finding.code.clone())).or_insert(finding.severity);
                *mildest = finding.severity.max(*mildest);
                Some(reason).filter(|reason| !reason.is_empty())
            };
            reasons.extend(place.itself.and_then(&mut reason));
            // A document that several clusters use warns all of them: one cannot speak for another.
            let of_users: Vec<Option<&str>> = place.users.iter().map(|user| user.and_then(&mut reason)).collect();
            if let Some(all) = of_users.into_iter().collect::<Option<Vec<&str>>>() {
                reasons.extend(all);
            }
        }
        reasons
    }
}

impl Place {
    fn of(manifest: &Manifest, itself: Option<usize>) -> Self {
        let written = || manifest.source.positions.values().map(|position| (position.line, position.column));
        Self { extent: (written().min().unwrap_or_default(), written().max().unwrap_or_default()), itself, users: Vec::new() }
    }
}
