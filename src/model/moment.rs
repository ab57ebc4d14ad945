//! Moments as Kubernetes writes them.

use jiff::Timestamp;

/// A moment in whole seconds, as Kubernetes writes it.
pub fn seconds(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The day of a moment, for people.
pub fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}
