//! Every code a user may meet, for `explain`.

use crate::diagnostics::Code;
use crate::{load, resolve, validate};
use std::collections::BTreeMap;

/// Codes by name.
pub fn all() -> BTreeMap<&'static str, Code> {
    let tables = [load::CODES, resolve::CODES, validate::CODES, validate::TRANSITION_CODES];
    tables.into_iter().flatten().copied().chain(validate::rules::rules().map(|rule| rule.code)).map(|code| (code.code, code)).collect()
}
