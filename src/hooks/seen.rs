//! Deliveries that came before.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// For how long a delivery is known again. Forges that sign a time are refused when it is this old; the others sign the body alone.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Most deliveries that are remembered; with more the oldest are forgotten, which costs a look too many.
const MOST: usize = 4_096;

/// Digests of bodies, each with when it came.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<[u8; 32], Timestamp>);

impl Seen {
    /// Whether the same body was passed on within the window.
    pub(super) fn knows(&self, digest: &[u8; 32], now: Timestamp) -> bool {
        self.0.get(digest).is_some_and(|at| now.duration_since(*at) < WINDOW)
    }

    /// Remembers a body that was passed on.
    pub(super) fn note(&mut self, digest: [u8; 32], now: Timestamp) {
        self.0.retain(|_, at| now.duration_since(*at) < WINDOW);
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, at)| **at).map(|(digest, _)| *digest)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(digest, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recorded delivery that is sent again and again would have the repository asked each time.
    #[test]
    fn a_body_is_known_for_the_window_and_memory_is_bounded() {
        let start = Timestamp::from_second(1_767_225_600).unwrap();
        let mut seen = Seen::default();
        seen.note([1; 32], start);
        assert!(seen.knows(&[1; 32], start + SignedDuration::from_secs(299)));
        assert!(!seen.knows(&[1; 32], start + WINDOW) && !seen.knows(&[2; 32], start));
        for number in 0..5_000_u32 {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&number.to_be_bytes());
            seen.note(digest, start + SignedDuration::from_millis(number.into()));
        }
        assert_eq!(seen.0.len(), MOST);
        assert!(!seen.knows(&[1; 32], start), "the oldest goes first");
    }
}
