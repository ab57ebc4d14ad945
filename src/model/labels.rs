//! The syntax of labels and annotations.
//!
//! Source: Kubernetes documentation, "Labels and Selectors", section "Syntax and character set".

/// Whether a text is a label of DNS (RFC 1123) with at most 63 characters.
pub fn is_dns_label(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('-') && !text.ends_with('-')
}

/// Letters, digits, dots, dashes and underscores; a letter or digit first and last; 1 to 63 characters.
fn is_qualified(text: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.len() <= 63 && edge(text.bytes().next()) && edge(text.bytes().next_back()) && text.bytes().all(fits)
}

/// Whether a text may be the key of a label or annotation: `name` or `prefix/name`.
pub fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        None => is_qualified(key),
        Some((prefix, name)) => prefix.len() <= 253 && prefix.split('.').all(is_dns_label) && is_qualified(name),
    }
}

/// Whether a text may be the key of an annotation: that of a label in any case. Source: `ValidateAnnotations` of the API server, which looks
/// at the key in lower case, letter by letter.
pub fn is_annotation_key(key: &str) -> bool {
    is_key(&key.chars().filter_map(|character| character.to_lowercase().next()).collect::<String>())
}

/// Whether a text may be the value of a label.
pub fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_qualified(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syntax() {
        for key in ["a", "app.kubernetes.io/name", "A_b.c"] {
            assert!(is_key(key), "{key}");
        }
        for key in ["", "/a", "a/", "a b", "-a", "A.io/x", "a/b/c", &"x".repeat(64)] {
            assert!(!is_key(key), "{key}");
        }
        assert!(is_label_value("") && is_label_value("a-B.1") && !is_label_value("a b") && !is_label_value("a-"));
    }
}
