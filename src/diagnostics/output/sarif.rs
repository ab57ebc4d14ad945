//! SARIF, which code scanning reads.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0": 3.14 run, 3.27 result, 3.28 location, 3.49
//! reportingDescriptor.

use super::Silenced;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, Location, Severity};
use crate::model::percent_encoded;
use serde_json::{Value, json};

/// A path as the reference of a URI (RFC 3986, section 3.3).
fn uri(path: &str) -> String {
    percent_encoded(path, b"-._~/!$&'()*+,;=@")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A whole file is its first line: a region begins at 1.
fn physical(location: &Location) -> Value {
    json!({
        "artifactLocation": {"uri": uri(&location.file)},
        "region": {"startLine": location.line.max(1), "startColumn": location.column.max(1)},
    })
}

/// SARIF 2.1.0, one run; what is silenced stands there as suppressed (3.35, suppression). `explained` tells what a code means.
pub fn sarif(diagnostics: &Diagnostics, silenced: &[Silenced], explained: impl Fn(&str) -> Option<Code>) -> Value {
    let mut codes: Vec<&str> =
        diagnostics.iter().chain(silenced.iter().map(|one| &one.finding)).map(|finding| finding.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes
        .iter()
        .map(|id| match explained(id) {
            Some(code) => json!({
                "id": id,
                "shortDescription": {"text": code.summary},
                "fullDescription": {"text": code.explanation},
                "help": {"text": code.explanation},
                "defaultConfiguration": {"level": level(code.severity)},
            }),
            None => json!({"id": id}),
        })
        .collect();
    let suppressed = silenced.iter().map(|Silenced { finding, reason }| {
        let mut result = result(finding, &codes);
        result["suppressions"] = json!([{"kind": "inSource", "justification": reason}]);
        result
    });
    let results: Vec<Value> = diagnostics.iter().map(|diagnostic| result(diagnostic, &codes)).chain(suppressed).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "stackgres", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules}},
            // Columns count characters; without it a reader counts the halves of UTF-16.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(diagnostic: &Diagnostic, codes: &[&str]) -> Value {
    let help = diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    let mut location = json!({"physicalLocation": physical(&diagnostic.location)});
    if !diagnostic.path.is_empty() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": diagnostic.path}]);
    }
    let mut result = json!({
        "ruleId": diagnostic.code,
        "ruleIndex": codes.binary_search(&diagnostic.code.as_str()).unwrap_or_default(),
        "level": level(diagnostic.severity),
        "message": {"text": format!("{}{help}", diagnostic.message)},
        "locations": [location],
        // Without the line: what moves within its file stays the same finding.
        "partialFingerprints": {"stackgres/v1": format!("{}:{}:{}", diagnostic.code, diagnostic.location.file, diagnostic.path)},
    });
    if !diagnostic.related.is_empty() {
        let places = diagnostic.related.iter().enumerate();
        result["relatedLocations"] = places
            .map(|(id, other)| json!({"id": id, "physicalLocation": physical(&other.location), "message": {"text": other.message}}))
            .collect();
    }
    result
}

#[cfg(test)]
mod tests {
    use super::super::tests::{one, place};
    use super::*;

    #[test]
    fn paths_are_uris_in_sarif() {
        let text = sarif(&one("x", "we ird%20:.yaml", 1), &[], |_| None).to_string();
        assert_eq!(text.matches("we%20ird%2520%3A.yaml").count(), 1, "{text}");
    }

    /// A reader that follows the standard refuses the whole file for one property that is missing.
    #[test]
    fn what_the_standard_requires_is_there() {
        const CODES: &[Code] = &[Code::error("unknown-field", "no such field", "It would be dropped.")];
        let mut found = one("x", "a.yaml", 0);
        found.push(Diagnostic::info("left-alone", "y").at(place("b.yaml", 2)).path("/spec/a").related(place("c.yaml", 0), "there"));
        let log = sarif(&found, &[], |code| CODES.iter().find(|known| known.code == code).copied());
        assert_eq!((log["version"].as_str(), log["runs"].as_array().map(Vec::len)), (Some("2.1.0"), Some(1)));
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["name"], "stackgres");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let unknown = rules.iter().find(|rule| rule["id"] == "unknown-field").unwrap();
        assert_eq!(
            (unknown["shortDescription"]["text"].as_str(), unknown["help"]["text"].as_str(), &unknown["defaultConfiguration"]["level"]),
            (Some("no such field"), Some("It would be dropped."), &"error".into())
        );
        for result in run["results"].as_array().unwrap() {
            assert!(result["message"]["text"].is_string() && ["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
            assert_eq!(rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()]["id"], result["ruleId"]);
            let related = result["relatedLocations"].as_array().map(Vec::as_slice).unwrap_or_default();
            for location in result["locations"].as_array().unwrap().iter().chain(related) {
                let place = &location["physicalLocation"];
                assert!(place["artifactLocation"]["uri"].is_string());
                assert!(place["region"]["startLine"].as_u64().unwrap() >= 1 && place["region"]["startColumn"].as_u64().unwrap() >= 1);
            }
            for (name, value) in result["partialFingerprints"].as_object().unwrap() {
                assert!(!name.is_empty() && value.is_string());
            }
        }
    }
}
