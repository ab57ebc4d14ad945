//! Certificates and credentials.

use super::{Check, Context, Rule};
use crate::diagnostics::Diagnostic;

pub(super) const RULES: &[Rule] = &[Rule { code: super::value_forms::BAD_DURATION, check: Check::Cluster(duration) }];

const SSL: &str = "/spec/postgres/ssl";

fn duration(context: &Context<'_>) -> Vec<Diagnostic> {
    let pointer = format!("{SSL}/duration");
    let Some(text) = context.inputs.cluster.object.text(&pointer) else { return Vec::new() };
    if text.parse::<jiff::Span>().is_ok_and(|span| span.is_positive() && text.starts_with('P')) {
        return Vec::new();
    }
    vec![context.at(
        &pointer,
        Diagnostic::error("bad-duration", format!("`{text}` is no positive ISO 8601 duration")).help("write for example P90D"),
    )]
}
