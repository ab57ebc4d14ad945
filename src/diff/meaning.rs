//! Whether two written values mean the same.

use crate::model::{Quantity, holds_quantity, iso_duration};
use serde_json::Value;

/// Whether two leaf values mean the same to the API server and to people:
/// numbers and their text (`80`, `"80"`) Kubernetes quantities (`1024Mi`, `1Gi`; `1000m`, `1`) and durations (`P90D`, `PT2160H`).
///
/// Quantities are compared only where both texts carry a unit or are plain numbers, and only below a field whose name
/// says that it holds an amount, because `1e3` or `1k` may be an ordinary word elsewhere.
pub fn same_meaning(pointer: &str, one: &Value, two: &Value) -> bool {
    if one == two {
        return true;
    }
    match (one, two) {
        (Value::Number(one), Value::Number(two)) => one.as_f64() == two.as_f64(),
        _ => match (leaf_text(one), leaf_text(two)) {
            (Some(one), Some(two)) if one == two => holds_int_or_string(pointer),
            (Some(one), Some(two)) if holds_quantity(pointer) => match (Quantity::parse(&one), Quantity::parse(&two)) {
                (Some(one), Some(two)) => one == two,
                _ => false,
            },
            (Some(one), Some(two)) if pointer.rsplit('/').next() == Some("duration") => {
                matches!((iso_duration(&one), iso_duration(&two)), (Ok(one), Ok(two)) if one == two)
            }
            _ => false,
        },
    }
}

fn leaf_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Fields that Kubernetes declares as int-or-string or as a quantity.
fn holds_int_or_string(pointer: &str) -> bool {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    holds_quantity(pointer) || matches!(last, "port" | "targetPort" | "maxUnavailable" | "minAvailable" | "maxSurge" | "maxConcurrent")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A false difference here would announce a pod re-creation that never happens, on every plan.
    #[test]
    fn spelling_is_no_difference() {
        for (pointer, one, two, same) in [
            ("/spec/memory", json!("1024Mi"), json!("1Gi"), true),
            ("/spec/cpu", json!("1000m"), json!("1"), true),
            ("/spec/cpu", json!(1), json!("1"), true),
            ("/spec/cpu", json!("1.5"), json!("1500m"), true),
            ("/spec/cpu", json!("1"), json!("2"), false),
            ("/spec/pods/persistentVolume/size", json!("1Gi"), json!("1G"), false),
            ("/spec/ports/0/targetPort", json!("80"), json!(80), true),
            ("/data/number", json!("80"), json!(80), false),
            ("/metadata/labels/version", json!("1000m"), json!("1"), false),
            ("/spec/instances", json!(3.0), json!(3), true),
            ("/postgres/ssl/duration", json!("P90D"), json!("PT2160H"), true),
            ("/postgres/ssl/duration", json!("P90D"), json!("P91D"), false),
            ("/postgres/ssl/duration", json!("P1M"), json!("P30D"), false),
        ] {
            assert_eq!(same_meaning(pointer, &one, &two), same, "{pointer}: {one} and {two}");
        }
    }
}
