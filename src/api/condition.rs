//! Conditions of the rules that the API server evaluates: each writes itself in the server's language (CEL) and says itself whether it
//! holds, so that a rule stands in one place.
//!
//! Source: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions", section "Validation rules"; names are
//! escaped as its section "Field names" says. A test asks a real API server and this code the same questions.

use serde_json::Value;

/// What must hold of a mapping, and of what it was before. Paths lead through mappings only, as `a.b`, with `/` between names that hold dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A field is there.
    Present(&'static str),
    /// A text is there, and is one of these.
    OneOf(&'static str, Vec<&'static str>),
    /// A boolean is there, and is `true`.
    True(&'static str),
    /// At most one of these fields is there.
    AtMostOne(&'static [&'static str]),
    /// Exactly one of these fields is there.
    ExactlyOne(&'static [&'static str]),
    /// Both fields are there, or neither.
    Together(&'static str, &'static str),
    /// A number is at most this; an absent one is.
    AtMost(&'static str, i32),
    /// The first number is more than the second one, where absent means this; an absent first one is.
    MoreThan(&'static str, &'static str, i32),
    /// The first number is not more than the second one; where one is absent it is not.
    NotMoreThan(&'static str, &'static str),
    /// A number is more than the sum of a field over the items of a list: number, list, field. Each may be absent.
    MoreThanSum(&'static str, &'static str, &'static str),
    /// The other does not hold.
    Not(Box<Condition>),
    /// One holds.
    Any(Vec<Condition>),
    /// Each holds.
    All(Vec<Condition>),
    /// A field is as it was; the empty path is the whole mapping.
    Unchanged(&'static str),
    /// A text is as it was, where absent means this text.
    UnchangedFrom(&'static str, &'static str),
    /// A field is as it was, or was not there.
    Once(&'static str),
    /// A number was there before, and at least this.
    WasAtLeast(&'static str, i32),
}

impl Condition {
    /// This one does not hold, or the other does.
    #[must_use]
    pub fn implies(self, other: Self) -> Self {
        Self::Any(vec![Self::Not(Box::new(self)), other])
    }

    /// One of both holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Any(vec![self, other])
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    /// It does not hold.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Where a text that is not one of a few is what breaks it: its path, and these few.
    pub fn words(&self) -> Option<(&'static str, &[&'static str])> {
        match self {
            Self::OneOf(path, words) => Some((path, words)),
            Self::Any(list) => match list.as_slice() {
                [Self::Not(absent), Self::OneOf(path, words)] if **absent == Self::Present(path) => Some((path, words)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The paths that it speaks of, each with the words it knows there.
    pub fn paths(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        match self {
            Self::Present(path)
            | Self::True(path)
            | Self::AtMost(path, _)
            | Self::Unchanged(path)
            | Self::UnchangedFrom(path, _)
            | Self::Once(path)
            | Self::WasAtLeast(path, _) => vec![(path, Vec::new())],
            Self::OneOf(path, words) => vec![(path, words.clone())],
            Self::AtMostOne(paths) | Self::ExactlyOne(paths) => paths.iter().map(|path| (*path, Vec::new())).collect(),
            Self::Together(one, two) | Self::NotMoreThan(one, two) | Self::MoreThan(one, two, _) | Self::MoreThanSum(one, two, _) => {
                vec![(one, Vec::new()), (two, Vec::new())]
            }
            Self::Not(one) => one.paths(),
            Self::Any(list) | Self::All(list) => list.iter().flat_map(Self::paths).collect(),
        }
    }

    /// The steps of a path.
    pub fn steps(path: &'static str) -> impl Iterator<Item = &'static str> {
        names(path)
    }

    /// Whether it looks at what was before: it says nothing of a new object.
    pub fn is_transition(&self) -> bool {
        match self {
            Self::Unchanged(_) | Self::UnchangedFrom(..) | Self::Once(_) | Self::WasAtLeast(..) => true,
            Self::Not(one) => one.is_transition(),
            Self::Any(list) | Self::All(list) => list.iter().any(Self::is_transition),
            Self::Present(_)
            | Self::OneOf(..)
            | Self::True(_)
            | Self::AtMostOne(_)
            | Self::ExactlyOne(_)
            | Self::Together(..)
            | Self::AtMost(..)
            | Self::MoreThan(..)
            | Self::NotMoreThan(..)
            | Self::MoreThanSum(..) => false,
        }
    }

    /// In the language of the API server.
    pub fn cel(&self) -> String {
        match self {
            Self::Present(path) => has("self", path),
            Self::OneOf(path, words) => {
                let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                format!("{} && {} in [{}]", has("self", path), field("self", path), words.join(", "))
            }
            Self::True(path) => format!("{} && {}", has("self", path), field("self", path)),
            Self::AtMostOne(paths) => format!("{} <= 1", counted(paths)),
            Self::ExactlyOne(paths) => format!("{} == 1", counted(paths)),
            Self::Together(one, two) => format!("({}) == ({})", has("self", one), has("self", two)),
            Self::AtMost(path, high) => format!("!({}) || {} <= {high}", has("self", path), field("self", path)),
            Self::MoreThan(more, less, absent) => {
                let less = format!("({} ? {} : {absent})", has("self", less), field("self", less));
                format!("!({}) || {} > {less}", has("self", more), field("self", more))
            }
            Self::NotMoreThan(one, two) => {
                format!("!({}) || !({}) || {} <= {}", has("self", one), has("self", two), field("self", one), field("self", two))
            }
            Self::MoreThanSum(more, list, item) => {
                let of_item = format!("(has(item.{0}) ? item.{0} : 0)", escaped(item));
                format!(
                    "!({}) || !({}) || {} > {}.map(item, {of_item}).sum()",
                    has("self", more),
                    has("self", list),
                    field("self", more),
                    field("self", list)
                )
            }
            Self::Not(one) => format!("!({})", one.cel()),
            Self::Any(list) => list.iter().map(|one| format!("({})", one.cel())).collect::<Vec<_>>().join(" || "),
            Self::All(list) => list.iter().map(|one| format!("({})", one.cel())).collect::<Vec<_>>().join(" && "),
            Self::Unchanged("") => "self == oldSelf".to_owned(),
            Self::Unchanged(path) => {
                let (new, old) = (has("self", path), has("oldSelf", path));
                format!("({new}) == ({old}) && (!({new}) || {} == {})", field("self", path), field("oldSelf", path))
            }
            Self::UnchangedFrom(path, absent) => {
                let side = |of: &str| format!("({} ? {} : {})", has(of, path), field(of, path), quoted(absent));
                format!("{} == {}", side("self"), side("oldSelf"))
            }
            Self::Once(path) => format!("!({}) || ({})", has("oldSelf", path), Self::Unchanged(path).cel()),
            Self::WasAtLeast(path, low) => format!("{} && {} >= {low}", has("oldSelf", path), field("oldSelf", path)),
        }
    }

    /// Whether it holds of a value; `old` is what it was, for a condition that looks at it.
    pub fn holds(&self, new: &Value, old: Option<&Value>) -> bool {
        self.decided(new, old) == Some(true)
    }

    /// The same; `None` where the server does not come to an answer, and refuses: a whole number is written with a point (`2.0`), and its
    /// language computes with no such value. As there, one that is decided by something else needs no answer of it.
    pub fn decided(&self, new: &Value, old: Option<&Value>) -> Option<bool> {
        let old = old.unwrap_or(&Value::Null);
        Some(match self {
            Self::Present(path) => find(new, path).is_some(),
            Self::OneOf(path, words) => find(new, path).and_then(Value::as_str).is_some_and(|text| words.contains(&text)),
            Self::True(path) => find(new, path) == Some(&Value::Bool(true)),
            Self::AtMostOne(paths) => present(new, paths) <= 1,
            Self::ExactlyOne(paths) => present(new, paths) == 1,
            Self::Together(one, two) => find(new, one).is_some() == find(new, two).is_some(),
            Self::AtMost(path, high) => match find(new, path) {
                Some(found) => whole(found)? <= i128::from(*high),
                None => true,
            },
            Self::MoreThan(more, less, absent) => match (find(new, more), find(new, less)) {
                (None, _) => true,
                (Some(more), Some(less)) => whole(more)? > whole(less)?,
                (Some(more), None) => whole(more)? > i128::from(*absent),
            },
            Self::NotMoreThan(one, two) => match (find(new, one), find(new, two)) {
                (Some(one), Some(two)) => whole(one)? <= whole(two)?,
                _ => true,
            },
            Self::MoreThanSum(more, list, item) => match (find(new, more), find(new, list).and_then(Value::as_array)) {
                (Some(more), Some(items)) => {
                    let sum: Option<i128> = items.iter().filter_map(|one| find(one, item)).map(whole).sum();
                    whole(more)? > sum?
                }
                _ => true,
            },
            Self::Not(one) => !one.decided(new, Some(old))?,
            Self::Any(list) => return first(true, list.iter().map(|one| one.decided(new, Some(old)))),
            Self::All(list) => return first(false, list.iter().map(|one| one.decided(new, Some(old)))),
            Self::Unchanged(path) => same(find(new, path), find(old, path)),
            Self::UnchangedFrom(path, absent) => {
                let text = |value| find(value, path).and_then(Value::as_str).unwrap_or(absent).to_owned();
                text(new) == text(old)
            }
            Self::Once(path) => find(old, path).is_none() || same(find(new, path), find(old, path)),
            // What is stored has no such numbers any more.
            Self::WasAtLeast(path, low) => find(old, path).and_then(Value::as_f64).is_some_and(|number| number >= f64::from(*low)),
        })
    }
}

/// This answer if one of them is it; else none if one has none, and the other answer.
fn first(answer: bool, answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut undecided = false;
    for one in answers {
        match one {
            Some(found) if found == answer => return Some(answer),
            Some(_) => {}
            None => undecided = true,
        }
    }
    (!undecided).then_some(!answer)
}

/// The names of a path.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split(if path.contains('/') { '/' } else { '.' }).filter(|name| !name.is_empty())
}

/// What stands at a path. The server drops a null where the field does not take one, so it is the same as absent.
fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    names(path).try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// A whole number that is written as one.
fn whole(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

/// How many of these are there.
fn present(value: &Value, paths: &[&str]) -> usize {
    paths.iter().filter(|path| find(value, path).is_some()).count()
}

/// Whether two values are one: nulls in mappings count as absent, and `3.0` is `3`.
fn same(one: Option<&Value>, two: Option<&Value>) -> bool {
    match (one, two) {
        (None, None) => true,
        (Some(Value::Object(one)), Some(Value::Object(two))) => {
            let keys = one.keys().chain(two.keys());
            let there = |value: Option<&'_ Value>| value.filter(|value| !value.is_null()).cloned();
            keys.into_iter().all(|key| same(there(one.get(key)).as_ref(), there(two.get(key)).as_ref()))
        }
        (Some(Value::Array(one)), Some(Value::Array(two))) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(Some(one), Some(two)))
        }
        (Some(Value::Number(one)), Some(Value::Number(two))) => one == two || one.as_f64() == two.as_f64(),
        (one, two) => one == two,
    }
}

fn field(of: &str, path: &str) -> String {
    names(path).fold(of.to_owned(), |out, name| format!("{out}.{}", escaped(name)))
}

fn has(of: &str, path: &str) -> String {
    let mut out = of.to_owned();
    let steps: Vec<String> = names(path)
        .map(|name| {
            out = format!("{out}.{}", escaped(name));
            format!("has({out})")
        })
        .collect();
    steps.join(" && ")
}

/// How many of these are there.
fn counted(paths: &[&str]) -> String {
    paths.iter().map(|path| format!("({} ? 1 : 0)", has("self", path))).collect::<Vec<_>>().join(" + ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A field's name where CEL would read something else.
fn escaped(name: &str) -> String {
    const WORDS: &[&str] = &[
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
    ];
    if WORDS.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__").replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A name that CEL reads as something else makes a definition that no API server takes.
    #[test]
    fn names_are_escaped() {
        assert_eq!(has("self", "a.namespace"), "has(self.a) && has(self.a.__namespace__)");
        assert_eq!(has("self", "x/postgresql.conf"), "has(self.x) && has(self.x.postgresql__dot__conf)");
        assert_eq!(quoted("it's"), "'it\\'s'");
    }

    /// A rule that is broken by what it does not speak of would refuse good manifests, in `kubectl` too.
    #[test]
    fn what_is_absent_breaks_no_rule_about_something_else() {
        let more = Condition::MoreThan("n", "sync", 1);
        assert!(more.holds(&json!({"n": 2}), None) && !more.holds(&json!({"n": 1}), None) && more.holds(&json!({}), None));
        let sum = Condition::MoreThanSum("n", "groups", "count");
        assert!(sum.holds(&json!({"n": 3, "groups": [{"count": 1}, {"count": 1}, {}]}), None) && sum.holds(&json!({"n": 0}), None));
        assert!(!sum.holds(&json!({"n": 2, "groups": [{"count": 1}, {"count": 1}]}), None));
        let word = Condition::Present("op").implies(Condition::OneOf("op", vec!["a", "b"]));
        assert_eq!(word.words(), Some(("op", &["a", "b"][..])));
        assert!(word.holds(&json!({}), None) && word.holds(&json!({"op": "b"}), None) && !word.holds(&json!({"op": "c"}), None));
        assert!(
            Condition::Together("a", "b").holds(&json!({"a": null}), None) && !Condition::Together("a", "b").holds(&json!({"a": 1}), None)
        );
        assert!(!Condition::ExactlyOne(&["a", "b"]).holds(&json!({}), None));
    }

    /// `instances: 2.0` passes the schema of an API server, and its rules refuse it: a plan that does not know ends after the merge.
    #[test]
    fn a_number_with_a_point_decides_nothing() {
        let enough = Condition::OneOf("mode", vec!["sync"]).implies(Condition::MoreThan("n", "sync", 1));
        assert_eq!(enough.decided(&json!({"mode": "sync", "n": 2.0}), None), None);
        assert_eq!(enough.decided(&json!({"mode": "async", "n": 2.0}), None), Some(true));
        let both = Condition::AtMost("n", 5).and(Condition::Present("m"));
        assert_eq!((both.decided(&json!({"n": 1.0}), None), both.decided(&json!({"n": 1.0, "m": 1}), None)), (Some(false), None));
        assert!(!both.clone().negated().holds(&json!({"n": 1.0, "m": 1}), None) && !both.holds(&json!({"n": 1.0, "m": 1}), None));
    }

    /// A rule that holds for what must not change lets a database lose what it was made from.
    #[test]
    fn what_was_before_counts() {
        let once = Condition::Once("a");
        assert!(once.is_transition() && once.holds(&json!({"a": 1}), Some(&json!({}))) && !once.holds(&json!({}), Some(&json!({"a": 1}))));
        let flavor = Condition::UnchangedFrom("f", "vanilla");
        assert!(flavor.holds(&json!({"f": "vanilla"}), Some(&json!({}))) && !flavor.holds(&json!({"f": "x"}), Some(&json!({}))));
        let whole = Condition::Unchanged("");
        assert!(whole.holds(&json!({"a": 3.0, "b": null}), Some(&json!({"a": 3}))) && !whole.holds(&json!({"a": 3}), Some(&json!({}))));
        assert!(!Condition::AtMostOne(&["a", "b"]).holds(&json!({"a": 1, "b": 2}), None));
        let stream = Condition::WasAtLeast("n", 0).implies(Condition::Unchanged(""));
        assert!(stream.holds(&json!({"n": 1}), Some(&json!({"n": -1}))) && !stream.holds(&json!({"n": -1}), Some(&json!({"n": 0}))));
    }
}
