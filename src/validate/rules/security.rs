//! Certificates and credentials.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "incomplete-certificate",
            "a certificate without its key, or the other way round",
            "Give both selectors, or neither to have a certificate made.",
        ),
        check: Check::Cluster(pair),
    },
    Rule {
        code: Code::error(
            "incomplete-binding",
            "a user of the binding without its password, or the other way round",
            "The Secret for applications holds a user and that user's password. Give both, or neither to have the superuser's.",
        ),
        check: Check::Cluster(binding),
    },
    Rule { code: super::value_forms::BAD_DURATION, check: Check::Cluster(duration) },
];

const SSL: &str = "/spec/postgres/ssl";

fn pair(context: &Context<'_>) -> Vec<Diagnostic> {
    let object = &context.inputs.cluster.object;
    let has = |name: &str| object.get(&format!("{SSL}/{name}")).is_some();
    if has("certificateSecretKeySelector") == has("privateKeySecretKeySelector") {
        return Vec::new();
    }
    vec![context.at(
        SSL,
        Diagnostic::error("incomplete-certificate", "certificate and private key belong together").help("give both selectors, or neither"),
    )]
}

fn binding(context: &Context<'_>) -> Vec<Diagnostic> {
    const BINDING: &str = "/spec/configurations/binding";
    let object = &context.inputs.cluster.object;
    let has = |name: &str| object.get(&format!("{BINDING}/{name}")).is_some();
    if has("username") == has("password") {
        return Vec::new();
    }
    let problem = Diagnostic::error("incomplete-binding", "`username` and `password` of the binding belong together");
    vec![context.at(BINDING, problem.help("give both, or neither"))]
}

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
