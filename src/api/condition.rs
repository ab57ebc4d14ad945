//! Conditions of the rules that the API server evaluates: each writes itself in the server's language (CEL) and says itself whether it
//! holds, so that a rule stands in one place.
//!
//! Source: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions", section "Validation rules"; names are
//! escaped as its section "Field names" says. A test asks a real API server and this code the same questions.

use serde_json::Value;

/// What must hold of a mapping, and of what it was before. Paths lead through mappings only, as `a.b`, with `/` between names that hold dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// At most one of these fields is there.
    AtMostOne(&'static [&'static str]),
    /// The other does not hold.
    Not(Box<Condition>),
    /// One holds.
    Any(Vec<Condition>),
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

    /// The steps of a path.
    pub fn steps(path: &'static str) -> impl Iterator<Item = &'static str> {
        names(path)
    }

    /// Whether it looks at what was before: it says nothing of a new object.
    pub fn is_transition(&self) -> bool {
        match self {
            Self::Unchanged(_) | Self::UnchangedFrom(..) | Self::Once(_) | Self::WasAtLeast(..) => true,
            Self::Not(one) => one.is_transition(),
            Self::Any(list) => list.iter().any(Self::is_transition),
            Self::AtMostOne(_) => false,
        }
    }

    /// In the language of the API server.
    pub fn cel(&self) -> String {
        match self {
            Self::AtMostOne(paths) => {
                let counted: Vec<String> = paths.iter().map(|path| format!("({} ? 1 : 0)", has("self", path))).collect();
                format!("{} <= 1", counted.join(" + "))
            }
            Self::Not(one) => format!("!({})", one.cel()),
            Self::Any(list) => list.iter().map(|one| format!("({})", one.cel())).collect::<Vec<_>>().join(" || "),
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
        let old = old.unwrap_or(&Value::Null);
        match self {
            Self::AtMostOne(paths) => paths.iter().filter(|path| find(new, path).is_some()).count() <= 1,
            Self::Not(one) => !one.holds(new, Some(old)),
            Self::Any(list) => list.iter().any(|one| one.holds(new, Some(old))),
            Self::Unchanged(path) => same(find(new, path), find(old, path)),
            Self::UnchangedFrom(path, absent) => {
                let text = |value| find(value, path).and_then(Value::as_str).unwrap_or(absent).to_owned();
                text(new) == text(old)
            }
            Self::Once(path) => find(old, path).is_none() || same(find(new, path), find(old, path)),
            Self::WasAtLeast(path, low) => find(old, path).and_then(Value::as_f64).is_some_and(|number| number >= f64::from(*low)),
        }
    }
}

/// The names of a path.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split(if path.contains('/') { '/' } else { '.' }).filter(|name| !name.is_empty())
}

/// What stands at a path. The server drops a null where the field does not take one, so it is the same as absent.
fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    names(path).try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
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
