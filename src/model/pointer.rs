//! RFC 6901 JSON pointers and the dotted paths people read.

/// Escapes one segment for a JSON pointer.
pub fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// Appends a segment to a pointer.
pub fn join(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", escape(segment))
}

/// Segments of a pointer, unescaped.
pub fn segments(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_read_like_paths() {
        assert_eq!(to_path("/spec/pods/customContainers/0/name"), "spec.pods.customContainers[0].name");
        assert_eq!(to_path("/spec/postgresql.conf/work_mem"), r#"spec["postgresql.conf"].work_mem"#);
        assert_eq!(to_path(&join("", "a/b")), r#"["a/b"]"#);
        assert_eq!(to_path(""), "");
    }
}
