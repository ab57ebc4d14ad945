//! The clock of the sandbox.

use jiff::Timestamp;

/// Now. The sandbox is an outer layer: it plays the server whose clock everybody else reads.
#[expect(clippy::disallowed_methods, reason = "the sandbox stamps objects as an API server does")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// Seconds, as Kubernetes writes `metav1.Time`.
pub(super) fn stamp(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An age as `kubectl` shows it: the largest unit that leaves at least two of the next smaller one out of sight.
pub(super) fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..600 if seconds % 60 != 0 => format!("{}m{}s", seconds / 60, seconds % 60),
        seconds @ 120..10_800 => format!("{}m", seconds / 60),
        seconds @ 10_800..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// The age of an object, or `<unknown>`.
pub(super) fn age_of(stamp: Option<&str>) -> String {
    match stamp.and_then(|stamp| stamp.parse::<Timestamp>().ok()) {
        Some(made) => age(now().as_second() - made.as_second()),
        None => "<unknown>".to_owned(),
    }
}
