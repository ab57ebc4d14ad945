//! RFC 6901 JSON pointers and the dotted paths people read.

use serde_json::Value;

/// Escapes one segment for a JSON pointer.
pub fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// Appends a segment to a pointer.
pub fn join(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", escape(segment))
}

/// Segments of a pointer, unescaped.
pub fn segments(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(unescape)
}

/// The value at a pointer. As [`Value::pointer`], which copies each segment twice: a look at a fleet follows millions of pointers, of which few have
/// an escaped character.
pub fn find<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.is_empty() {
        return Some(value);
    }
    pointer.strip_prefix('/')?.split('/').try_fold(value, |value, segment| match value {
        Value::Object(map) if segment.contains('~') => map.get(&unescape(segment)),
        Value::Object(map) => map.get(segment),
        Value::Array(list) => list.get(index(segment)?),
        _ => None,
    })
}

/// A place in a list: RFC 6901, section 4, allows no leading zero.
fn index(segment: &str) -> Option<usize> {
    let is_plain = segment == "0" || !segment.starts_with(['0', '+']);
    is_plain.then(|| segment.parse().ok())?
}

/// What is at a path in which `*` is any key or position; a null is nothing.
pub fn places<'a>(root: &'a Value, path: &str) -> Vec<(String, &'a Value)> {
    let mut places = vec![(String::new(), root)];
    for step in path.split('/').skip(1) {
        places = places
            .into_iter()
            .flat_map(|(pointer, value)| -> Vec<(String, &'a Value)> {
                match value {
                    Value::Object(map) if step == "*" => {
                        map.iter().map(|(key, value)| (format!("{pointer}/{}", escape(key)), value)).collect()
                    }
                    Value::Array(list) if step == "*" => {
                        list.iter().enumerate().map(|(index, value)| (format!("{pointer}/{index}"), value)).collect()
                    }
                    Value::Object(map) => map.get(step).map(|value| (format!("{pointer}/{step}"), value)).into_iter().collect(),
                    _ => Vec::new(),
                }
            })
            .filter(|(_, value)| !value.is_null())
            .collect();
    }
    places
}

/// A pointer as people write paths: `/spec/pods/0/name` becomes `spec.pods[0].name`;
/// a segment with a dot or a blank is quoted, as in `spec["postgresql.conf"].work_mem`.
pub fn to_path(pointer: &str) -> String {
    let mut path = String::new();
    for segment in segments(pointer) {
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{segment}]"));
        } else if segment.is_empty() || !segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
            path.push_str(&format!("[{segment:?}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&segment);
        }
    }
    path
}

/// The pointer that [`to_path`] made a path of; `None` for a path it does not make, or one with a character that it writes as an escape.
pub fn from_path(path: &str) -> Option<String> {
    let (mut pointer, mut rest) = (String::new(), path);
    while !rest.is_empty() {
        let (segment, after) = if let Some(quoted) = rest.strip_prefix("[\"") {
            quoted.split_once("\"]")?
        } else if let Some(number) = rest.strip_prefix('[') {
            number.split_once(']')?
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            name.split_at(name.find(['.', '[']).unwrap_or(name.len()))
        };
        if segment.contains(['\\', '"']) {
            return None;
        }
        pointer = join(&pointer, segment);
        rest = after;
    }
    Some(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The two must never differ: everything that is read of a manifest goes through the one.
    #[test]
    fn values_are_found_as_the_library_finds_them() {
        let value = json!({"a": {"b/c": [1, {"~d": 2}], "": 3, "0": 4}, "01": 5});
        for pointer in [
            "",
            "/",
            "a",
            "/a",
            "/a/",
            "/a/b~1c",
            "/a/b~1c/0",
            "/a/b~1c/1/~0d",
            "/a/b~1c/01",
            "/a/b~1c/+1",
            "/a/b~1c/-",
            "/a/b~1c/2",
            "/a/0",
            "/01",
            "/a/b~1c/1/~0d/x",
            "/a/b~1c/",
            "/nothing/at/all",
        ] {
            assert_eq!(find(&value, pointer), value.pointer(pointer), "{pointer}");
        }
    }

    /// Rules say with such paths where they look: one that is followed wrong checks nothing.
    #[test]
    fn places_with_any_step() {
        let value = json!({"a": [{"b": 1}, {"c": 2}, {"b": null}], "m": {"x/y": {"b": 3}}});
        let found = |path: &str| places(&value, path).into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>();
        assert_eq!(found("/a/*/b"), ["/a/0/b"]);
        assert_eq!(found("/m/*/b"), ["/m/x~1y/b"]);
        assert_eq!(found("/a/b"), [""; 0]);
    }

    #[test]
    fn pointers_read_like_paths() {
        assert_eq!(to_path("/spec/pods/customContainers/0/name"), "spec.pods.customContainers[0].name");
        assert_eq!(to_path("/spec/postgresql.conf/work_mem"), r#"spec["postgresql.conf"].work_mem"#);
        assert_eq!(to_path(&join("", "a/b")), r#"["a/b"]"#);
        assert_eq!(to_path(""), "");
    }

    /// A finding that is followed to another place by its path would point anywhere.
    #[test]
    fn a_path_leads_back() {
        for pointer in
            ["", "/spec", "/spec/pods/customContainers/0/name", "/spec/postgresql.conf/work_mem", "/a~1b/c", "/spec/1/2", "/spec//x"]
        {
            assert_eq!(from_path(&to_path(pointer)).as_deref(), Some(pointer));
        }
        assert_eq!(from_path(&to_path("/a\"b")), None);
        assert_eq!(from_path("a[1"), None);
    }
}
