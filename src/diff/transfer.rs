//! The difference of two values, made on a third one.
//!
//! With one program two sets of inputs are rendered; the difference of the two is what the inputs change, and it is made on what
//! another program rendered from the first set. Invariant: what does not differ between the two stays as it is in the third. Why: a
//! change of inputs must not bring another program's rendering along unasked.

use super::compare::{IDENTITIES, named};
use crate::model::pointer::join;
use serde_json::{Map, Value};
use similar::{Algorithm, DiffTag, capture_diff_slices};
use std::ops::Range;

/// A place where the difference cannot be made, because the third value has another text there than the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}")]
pub struct Entangled {
    /// Where, as a JSON pointer.
    pub pointer: String,
}

/// Makes what differs between `from` and `to` on `onto`; each may be absent. A single value that differs in all three becomes that of
/// `to`; texts of several lines and lists without names go line by line, and not at all where their surroundings differ. The pointer
/// says where they are, for the error.
pub fn transfer(pointer: &str, from: Option<&Value>, to: Option<&Value>, onto: Option<&Value>) -> Result<Option<Value>, Entangled> {
    if from == to {
        return Ok(onto.cloned());
    }
    if from == onto || to == onto {
        return Ok(to.cloned());
    }
    match (from, to, onto) {
        (Some(from), Some(to), Some(onto)) => both(pointer, from, to, onto).map(Some),
        _ => Ok(to.cloned()),
    }
}

fn both(pointer: &str, from: &Value, to: &Value, onto: &Value) -> Result<Value, Entangled> {
    match (from, to, onto) {
        // A value with its origin is one value: a written one is not the default that looks like it.
        (Value::Object(_), Value::Object(wanted), Value::Object(_)) if wanted.contains_key("value") && wanted.contains_key("origin") => {
            Ok(with_origin(from, to, onto).clone())
        }
        (Value::Object(from), Value::Object(to), Value::Object(onto)) => mapping(pointer, from, to, onto).map(Value::Object),
        (Value::Array(from), Value::Array(to), Value::Array(onto)) => list(pointer, from, to, onto).map(Value::Array),
        (Value::String(from), Value::String(to), Value::String(onto)) => text(pointer, from, to, onto).map(Value::String),
        _ => Ok(to.clone()),
    }
}

fn with_origin<'a>(from: &Value, to: &'a Value, onto: &'a Value) -> &'a Value {
    // Where a manifest stands is no difference of what it says.
    let says = |unit: &Value| {
        let origin = &unit["origin"];
        (unit["value"].clone(), if origin["manifest"].is_null() { origin.clone() } else { Value::from("manifest") })
    };
    if says(from) == says(to) && says(onto) != says(to) { onto } else { to }
}

fn mapping(
    pointer: &str,
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    onto: &Map<String, Value>,
) -> Result<Map<String, Value>, Entangled> {
    let mut made = Map::new();
    let names = onto.keys().chain(to.keys().filter(|name| !onto.contains_key(*name)));
    for name in names {
        if let Some(value) = transfer(&join(pointer, name), from.get(name), to.get(name), onto.get(name))? {
            made.insert(name.clone(), value);
        }
    }
    Ok(made)
}

fn list(pointer: &str, from: &[Value], to: &[Value], onto: &[Value]) -> Result<Vec<Value>, Entangled> {
    let identity = |field: &&&str| [from, to, onto].iter().all(|items| named(items, field).is_some());
    let Some(field) = IDENTITIES.iter().find(identity) else {
        let texts = |items: &[Value]| items.iter().map(Value::to_string).collect::<Vec<_>>();
        let made = lines(pointer, &texts(from), &texts(to), &texts(onto))?;
        // Each of them was written down just above.
        return Ok(made.iter().filter_map(|text| serde_json::from_str(text).ok()).collect());
    };
    let of = |items| named(items, field).unwrap_or_default();
    let (old, new, other) = (of(from), of(to), of(onto));
    let mut order: Vec<(usize, &String)> = other.iter().map(|(name, (index, _))| (*index, name)).collect();
    order.extend(new.iter().filter(|(name, _)| !other.contains_key(*name)).map(|(name, (index, _))| (onto.len() + index, name)));
    order.sort_unstable();
    let mut made = Vec::new();
    for (_, name) in order {
        let value = |items: &std::collections::BTreeMap<String, (usize, &'_ Value)>| items.get(name).map(|(_, value)| (*value).clone());
        let (from, to, onto) = (value(&old), value(&new), value(&other));
        made.extend(transfer(&join(pointer, name), from.as_ref(), to.as_ref(), onto.as_ref())?);
    }
    Ok(made)
}

/// A text: a mapping that is written down as JSON, several lines, or one word.
fn text(pointer: &str, from: &str, to: &str, onto: &str) -> Result<String, Entangled> {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    if let (Some(from), Some(to), Some(mapping)) = (read(from), read(to), read(onto)) {
        let end = if onto.ends_with('\n') { "\n" } else { "" };
        return Ok(format!("{}{end}", both(pointer, &from, &to, &mapping)?));
    }
    if [from, to, onto].iter().any(|text| text.contains('\n')) {
        let split = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
        return Ok(lines(pointer, &split(from), &split(to), &split(onto))?.concat());
    }
    Ok(to.to_owned())
}

/// Entries in order: each run of them that differs between the first two is replaced where it stands in the third.
fn lines(pointer: &str, from: &[String], to: &[String], onto: &[String]) -> Result<Vec<String>, Entangled> {
    let entangled = || Entangled { pointer: pointer.to_owned() };
    // Where each entry of the first stands in the third.
    let mut places: Vec<Option<usize>> = vec![None; from.len()];
    for step in capture_diff_slices(Algorithm::Myers, from, onto) {
        if step.tag() == DiffTag::Equal {
            for (old, new) in step.old_range().zip(step.new_range()) {
                places[old] = Some(new);
            }
        }
    }
    let place = |index: usize| places.get(index).copied().flatten();
    let mut made = onto.to_vec();
    let steps: Vec<_> = capture_diff_slices(Algorithm::Myers, from, to).into_iter().filter(|step| step.tag() != DiffTag::Equal).collect();
    // From the end, so that earlier places stay where they are.
    for step in steps.iter().rev() {
        let (old, new) = (step.old_range(), step.new_range());
        let target: Range<usize> = if old.is_empty() {
            let after = old.start.checked_sub(1).and_then(place).map(|before| before + 1);
            let at = after.or_else(|| place(old.start)).or((from.is_empty() && onto.is_empty()).then_some(0));
            let at = at.ok_or_else(entangled)?;
            at..at
        } else {
            let start = place(old.start).ok_or_else(entangled)?;
            if !old.clone().enumerate().all(|(index, old)| place(old) == Some(start + index)) {
                return Err(entangled());
            }
            start..start + old.len()
        };
        made.splice(target, to[new].iter().cloned());
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn made(from: &Value, to: &Value, onto: &Value) -> Result<Value, Entangled> {
        transfer("", Some(from), Some(to), Some(onto)).map(Option::unwrap)
    }

    /// What a person changed is carried over, and nothing else: neither what another program renders otherwise nor what it adds.
    #[test]
    fn only_the_difference_is_made() {
        let from =
            json!({"a": 1, "labels": {"new": "x"}, "containers": [{"name": "p", "image": "2"}, {"name": "q", "image": "2", "cpu": 1}]});
        let to = json!({"a": 1, "b": 2, "labels": {"new": "x", "team": "y"}, "containers": [{"name": "p", "image": "2"}, {"name": "q", "image": "2", "cpu": 3}]});
        let onto =
            json!({"a": 0, "old": true, "containers": [{"name": "q", "image": "1", "cpu": 1}, {"name": "p", "image": "1"}], "labels": {}});
        let result = made(&from, &to, &onto).unwrap();
        assert_eq!(
            result,
            json!({"a": 0, "old": true, "b": 2, "containers": [{"name": "q", "image": "1", "cpu": 3}, {"name": "p", "image": "1"}], "labels": {"team": "y"}})
        );
        assert_eq!(made(&from, &from, &onto).unwrap(), onto);
        assert_eq!(made(&from, &to, &from).unwrap(), to);
    }

    /// Patroni's configuration and the pooler's file are texts: taken whole they would bring the other program's along.
    #[test]
    fn texts_go_by_what_they_say() {
        let config = |work_mem: &str, buffers: &str| {
            json!(format!("{{\"parameters\":{{\"buffers\":\"{buffers}\",\"work_mem\":\"{work_mem}\"}}}}\n"))
        };
        assert_eq!(made(&config("4MB", "2GB"), &config("9MB", "2GB"), &config("4MB", "1GB")).unwrap(), config("9MB", "1GB"));
        let file = |lines: &[&str]| json!(format!("{}\n", lines.join("\n")));
        let (from, to) = (file(&["[p]", "a = 1", "mode = x", "new = 1"]), file(&["[p]", "a = 2", "mode = x", "new = 1"]));
        assert_eq!(made(&from, &to, &file(&["[p]", "a = 1", "mode = x"])).unwrap(), file(&["[p]", "a = 2", "mode = x"]));
        let hba = |lines: &[&str]| json!({"pg_hba": lines});
        let result = made(&hba(&["one", "all"]), &hba(&["mine", "one", "all"]), &hba(&["one", "older", "all"])).unwrap();
        assert_eq!(result, hba(&["mine", "one", "older", "all"]));
    }

    /// Half of a change is none.
    #[test]
    fn a_line_that_another_program_wrote_otherwise_stops_it() {
        let file = |line: &str| json!({"data": {"f": format!("[p]\n{line}\n")}});
        let problem = made(&file("a = 1"), &file("a = 2"), &file("a = 1 # more")).unwrap_err();
        assert_eq!(problem.pointer, "/data/f");
    }

    /// A person who writes what the newer program takes by itself wants it now; the older one takes something else.
    #[test]
    fn a_written_value_is_not_the_default_that_looks_like_it() {
        let unit = |value: u32, origin: Value| json!({"p": {"value": value, "origin": origin}});
        let written = json!({"manifest": {"file": "a.yaml"}});
        let (from, to, onto) = (unit(5, json!("default")), unit(5, written.clone()), unit(6, json!("default")));
        assert_eq!(made(&from, &to, &onto).unwrap(), to);
        let moved = unit(5, json!({"manifest": {"file": "b.yaml"}}));
        assert_eq!(made(&unit(5, written.clone()), &moved, &unit(5, written)).unwrap(), moved);
        let tuned = |value: u32| unit(value, json!({"tuned": "memory"}));
        assert_eq!(made(&tuned(5), &tuned(5), &tuned(6)).unwrap(), tuned(6), "another formula stays where it is");
    }
}
