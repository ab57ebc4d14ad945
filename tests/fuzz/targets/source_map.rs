//! Places: where each value stands, line and column.

use serde_json::Value;
use stackgres::load::Manifest;
use stackgres::model::pointer;

pub(super) fn check(data: &[u8]) {
    // Other encodings have other places; a mark at the beginning has none.
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let loaded = super::load::loaded(data);
    for manifest in loaded.manifests.iter().chain(loaded.flawed.iter().map(|(manifest, _)| manifest)) {
        let lines: Vec<Vec<char>> = text.split('\n').map(|line| line.chars().collect()).collect();
        walk(manifest, &lines, "", manifest.object.value());
        for position in manifest.source.positions.values() {
            assert!(position.line >= 1 && position.column >= 1 && position.line <= lines.len(), "{position:?}");
        }
    }
    // What nobody wrote stands at the nearest parent, and any pointer is taken.
    for manifest in &loaded.manifests {
        for odd in ["", "/", "//", "x", "/~", "/spec/~1/~0", "/spec/0/x/y/z"].into_iter().chain(text.lines().take(4)) {
            let place = manifest.locate(odd);
            assert_eq!(place.file, "a.yaml");
            let path = pointer::to_path(odd);
            assert!(path.len() <= odd.len() * 12 + 8, "{path}");
        }
    }
}

fn walk(manifest: &Manifest, lines: &[Vec<char>], at: &str, value: &Value) {
    let Value::Object(map) = value else {
        if let Value::Array(items) = value {
            items.iter().enumerate().for_each(|(index, item)| walk(manifest, lines, &format!("{at}/{index}"), item));
        }
        return;
    };
    for (key, child) in map {
        let pointer = pointer::join(at, key);
        // `metadata.namespace` is filled by the source and stands nowhere.
        if let Some(position) = manifest.source.positions.get(&pointer) {
            let line = &lines[position.line - 1];
            assert!(position.column <= line.len() + 1, "{pointer} at {position:?}: {line:?}");
            let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let rest: String = line[position.column - 1..].iter().collect();
            assert!(
                !plain || rest.starts_with(key.as_str()) || rest.starts_with(['"', '\'', '&', '!', '?', '|', '>']),
                "{pointer} at {position:?} is {rest:?}"
            );
        }
        walk(manifest, lines, &pointer, child);
    }
    let back: Vec<String> = pointer::segments(at).collect();
    let again = back.iter().fold(String::new(), |pointer, segment| pointer::join(&pointer, segment));
    assert_eq!(again, at, "a pointer survives being taken apart");
}
