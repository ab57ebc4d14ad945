//! Further queries of the metrics exporter: one that it cannot read takes the others with it.
//!
//! Source: postgres_exporter 0.17.1, user queries (`--extend.query-path`).

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic, nearest};
use crate::model::pointer::join;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[Rule {
    code: Code::error(
        "bad-exporter-query",
        "the exporter could not read this query",
        "Each of `queries` has `query`, the SQL, and `metrics`, a list of `column: {usage, description}` for the columns it gives; it may have `master`, `cache_seconds` and `runonserver`. A usage is COUNTER, GAUGE, HISTOGRAM, DURATION, MAPPEDMETRIC (with `metric_mapping`), LABEL or DISCARD. The exporter reads all of them or none.",
    ),
    check: Check::Cluster(queries),
}];

const QUERIES: &str = "/spec/configurations/postgresExporter/queries";
const FIELDS: [&str; 5] = ["query", "metrics", "master", "cache_seconds", "runonserver"];
const USAGES: [&str; 7] = ["COUNTER", "GAUGE", "HISTOGRAM", "DURATION", "MAPPEDMETRIC", "LABEL", "DISCARD"];

fn queries(context: &Context<'_>) -> Vec<Diagnostic> {
    let all = context.inputs.cluster.object.get(QUERIES).and_then(Value::as_object).into_iter().flatten();
    all.flat_map(|(name, query)| {
        let place = join(QUERIES, name);
        wrong(query).into_iter().map(move |(pointer, message, help)| (format!("{place}{pointer}"), message, help))
    })
    .map(|(place, message, help)| context.at(&place, Diagnostic::error("bad-exporter-query", message).help(help)))
    .collect()
}

/// What is wrong with one query: where in it, what, and what would be right.
fn wrong(query: &Value) -> Vec<(String, String, String)> {
    let Some(fields) = query.as_object() else {
        return vec![(String::new(), "a query is a map".to_owned(), "write query and metrics below its name".to_owned())];
    };
    let mut found = Vec::new();
    let mut tell = |pointer: String, message: String, help: &str| found.push((pointer, message, help.to_owned()));
    for field in fields.keys().filter(|field| !FIELDS.contains(&field.as_str())) {
        let help = nearest(field, FIELDS.into_iter()).map_or_else(|| FIELDS.join(", "), |near| format!("did you mean {near}?"));
        tell(join("", field), format!("a query has no field {field}"), &help);
    }
    if fields.get("query").and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
        tell(String::new(), "the query has no SQL".to_owned(), "write it into `query`");
    }
    let Some(columns) = fields.get("metrics").and_then(Value::as_array).filter(|columns| !columns.is_empty()) else {
        tell(String::new(), "the query has no metrics".to_owned(), "write a list of `column: {usage, description}` into `metrics`");
        return found;
    };
    for (index, column) in columns.iter().enumerate() {
        let usage = column.as_object().filter(|column| column.len() == 1).and_then(|column| column.values().next()?.get("usage")?.as_str());
        match usage {
            Some(usage) if USAGES.contains(&usage) => {}
            Some(usage) => tell(format!("/metrics/{index}"), format!("there is no usage {usage}"), &USAGES.join(", ")),
            None => tell(
                format!("/metrics/{index}"),
                "this is no column with its usage".to_owned(),
                "write `column: {usage: GAUGE, description: …}`",
            ),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    /// The exporter drops every further metric when one query is wrong, and says so in its log alone.
    #[test]
    fn what_the_exporter_cannot_read_is_refused() {
        let query = |text: &str| findings(&format!("  configurations: {{postgresExporter: {{queries: {{app: {text}}}}}}}"));
        let place = "bad-exporter-query /spec/configurations/postgresExporter/queries/app";
        assert_eq!(query("{query: select 1 as one, master: true, metrics: [{one: {usage: GAUGE, description: One}}]}"), [""; 0]);
        assert_eq!(query("{metrics: [{one: {usage: GAUGE}}]}"), [place]);
        assert_eq!(query("{query: select 1}"), [place]);
        assert_eq!(query("{query: select 1, metrics: [{one: {usage: gauge}}]}"), [format!("{place}/metrics/0")]);
        assert_eq!(query("{query: select 1, metrics: [one]}"), [format!("{place}/metrics/0")]);
        assert_eq!(query("{query: select 1, sql: x, metrics: [{one: {usage: GAUGE}}]}"), [format!("{place}/sql")]);
    }
}
