//! ISO 8601 durations of a fixed length.

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// The length of an ISO 8601 duration such as `PT2H` or `P1D`; days have 24 hours and weeks seven days. Says what is wrong where the
/// text is none, or where its length hangs on a calendar (`P1M`).
pub fn iso_duration(text: &str) -> Result<SignedDuration, String> {
    const EXAMPLE: &str = "write an ISO 8601 duration such as PT2H, PT90M or P1D";
    if !text.trim_start_matches(['-', '+']).starts_with('P') {
        return Err(format!("`{text}` is no duration: {EXAMPLE}"));
    }
    let span: Span = text.parse().map_err(|_| format!("`{text}` is no duration: {EXAMPLE}"))?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(format!("months and years have no fixed length: {EXAMPLE}"));
    }
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| format!("`{text}` is too long: {EXAMPLE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `2h` or `P1M` read as something else would open a window for another time than a person meant.
    #[test]
    fn lengths() {
        for (text, seconds) in [
            ("PT2H", Some(7_200)),
            ("PT90M", Some(5_400)),
            ("P1D", Some(86_400)),
            ("P1W", Some(604_800)),
            ("P1DT1H", Some(90_000)),
            ("PT0S", Some(0)),
            ("-PT1H", Some(-3_600)),
            ("P1M", None),
            ("P1Y", None),
            ("2h", None),
            ("2 hours", None),
            ("", None),
            ("P", None),
            ("PT", None),
        ] {
            assert_eq!(iso_duration(text).ok().map(|duration| duration.as_secs()), seconds, "{text}");
        }
    }
}
