//! Whether a document is a template that something else fills in before it is a manifest.
//!
//! A whole file is never judged by one line: `{{` is ordinary text in an annotation, a block scalar or SQL. A document is a
//! template if it cannot be read as YAML and has template actions where YAML has structure, or if an action stands where an
//! object has its name or a plain value.

/// Whether a text that is no YAML has template actions outside of quotes, comments and block scalars.
pub(super) fn has_actions(text: &str) -> bool {
    let mut block: Option<usize> = None;
    for line in text.lines() {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if body.is_empty() {
            continue;
        }
        match block {
            Some(parent) if indent > parent => continue,
            _ => block = None,
        }
        if body.starts_with('#') {
            continue;
        }
        let value = body.trim_start_matches("- ").trim_start();
        let value = value.split_once(": ").map_or(value, |(_, value)| value.trim_start());
        if body.starts_with("{{") || value.starts_with("{{") || body.contains("{{-") || body.contains("-}}") || in_flow_style(body) {
            return true;
        }
        if value.starts_with(['|', '>']) && value.len() <= 4 {
            block = Some(indent);
        }
    }
    false
}

/// Whether an action stands inside a mapping or list in braces or brackets, outside of quotes.
fn in_flow_style(line: &str) -> bool {
    let (mut quote, mut open) = (None, 0_usize);
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (Some(end), _) => quote = (character != end).then_some(end),
            (None, '"' | '\'') => quote = Some(character),
            (None, '{') if open > 0 && line[at..].starts_with("{{") && line[at..].contains("}}") => return true,
            (None, '{' | '[') => open += 1,
            (None, '}' | ']') => open = open.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Whether a value that was read shows that its document is a template. `plain` is a value without quotes.
pub(super) fn is_action(pointer: &str, text: &str, plain: bool) -> bool {
    let Some((_, rest)) = text.split_once("{{") else { return false };
    if !rest.contains("}}") {
        return false;
    }
    let pointer = own_pointer(pointer);
    if matches!(pointer, "/apiVersion" | "/kind" | "/metadata/name" | "/metadata/namespace") {
        return true;
    }
    // Free text may well hold braces: queries, messages, files of other programs.
    let free = pointer.contains("/annotations/")
        || pointer.starts_with("/data/")
        || pointer.ends_with("/script")
        || pointer.ends_with("/value")
        || pointer.contains("/postgresExporter/")
        || pointer.contains("/args/")
        || pointer.contains("/command/");
    if free {
        return false;
    }
    let whole = text.trim().starts_with("{{") && text.trim().ends_with("}}");
    let helm = [".Values", ".Release", ".Chart", ".Capabilities", "include ", "template "].iter().any(|word| text.contains(word));
    plain || (whole && helm)
}

/// The pointer inside the object, for an object in a list.
fn own_pointer(mut pointer: &str) -> &str {
    while let Some(rest) = pointer.strip_prefix("/items/") {
        match rest.find('/') {
            Some(end) if rest[..end].bytes().all(|byte| byte.is_ascii_digit()) => pointer = &rest[end..],
            _ => return pointer,
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_count_where_yaml_has_structure() {
        assert!(has_actions("{{- if .Values.x }}\na: 1\n{{- end }}\n"));
        assert!(has_actions("a:\n  name: {{ .Values.x }}\n"));
        assert!(has_actions("a:\n- {{ .Values.x }}\n"));
        assert!(has_actions("metadata: {name: x-{{ .Release.Name }}}\n") && has_actions("a: [b, {{ c }}]\n"));
        assert!(!has_actions("a: {b: 'x {{ y }}'\n") && !has_actions("a: b {{ c }} [\n"));
        for text in ["a: |\n  {{ x }}\n  b: {{ y }}\nb: [\n", "a: 'x {{ y }}'\nb: [\n", "# {{ x }}\nb: [\n"] {
            assert!(!has_actions(text), "{text}");
        }
    }

    #[test]
    fn values_that_are_free_text_may_hold_braces() {
        assert!(is_action("/metadata/name", "x-{{ .Release.Name }}", true));
        assert!(is_action("/items/3/metadata/name", "x-{{ .Release.Name }}", true));
        assert!(is_action("/spec/pods/persistentVolume/size", "{{ .Values.size }}", false));
        for pointer in ["/metadata/annotations/a", "/spec/metadata/annotations/services/a", "/data/x", "/spec/scripts/0/script"] {
            assert!(!is_action(pointer, "{{ .Values.size }}", true), "{pointer}");
        }
        assert!(!is_action("/spec/configurations/postgres/postgresql.conf/log_line_prefix", "%t {{ x }}", false));
    }
}
