//! Quantities, durations, cron expressions and windows: one line each.

use jiff::{SignedDuration, Timestamp};
use stackgres::model::{Cron, Quantity, Window, closes, iso_duration, percent_encoded, time_zone};

pub(super) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(4, '\n').map(|line| line.trim_end_matches('\r'));
    let mut next = || lines.next().unwrap_or_default();
    let (one, two, three, four) = (next(), next(), next(), next());
    quantity(one, two);
    if let Ok(length) = iso_duration(two) {
        assert_eq!(iso_duration(&length.to_string()).ok(), Some(length), "{two}");
    }
    let zone = time_zone(three).map(|_| three);
    let now = Timestamp::from_second(four.parse::<i64>().unwrap_or(1_780_000_000).clamp(0, 4_000_000_000)).unwrap();
    cron(one, zone, now);
    if let Ok(window) = Window::read(one, two, zone) {
        check_window(&window, now);
    }
    let encoded = percent_encoded(one, b"-._~");
    assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)), "{encoded}");
}

fn quantity(one: &str, two: &str) {
    let Some(amount) = Quantity::parse(one) else { return };
    assert_eq!(Quantity::parse(one.trim()), Some(amount));
    if amount.milli() < i64::MAX {
        assert_eq!(Quantity::parse(&amount.cpu_text()), Some(amount), "{one} as {}", amount.cpu_text());
        assert_eq!(Quantity::thousandths(amount.milli()), amount);
    }
    // Memory is rounded up: less than what was asked for would end the server.
    let memory = Quantity::parse(&amount.memory_text()).unwrap_or_else(|| panic!("{one} as {}", amount.memory_text()));
    assert!(memory.ceiling() >= amount.ceiling().min(i64::MAX - (1 << 21)), "{one} as {}", amount.memory_text());
    assert!(amount.ceiling() >= 0);
    if let Some(other) = Quantity::parse(two) {
        assert_eq!(amount.partial_cmp(&other), other.partial_cmp(&amount).map(std::cmp::Ordering::reverse));
        assert!(amount <= other || amount.ceiling() >= other.ceiling(), "{one}, {two}");
    }
}

fn cron(text: &str, zone: Option<&str>, now: Timestamp) {
    let parsed = match Cron::parse(text) {
        Ok(parsed) => parsed,
        Err(problem) => {
            assert!(problem.character >= 1 && problem.character <= text.chars().count() + 1, "{text:?}: {problem:?}");
            return;
        }
    };
    let zone = zone.and_then(time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let next = parsed.next_after(&zone, now);
    assert_eq!(next.is_some(), parsed.ever_happens(), "{text:?} after {now}");
    if let Some(next) = next {
        assert!(next > now);
        assert_eq!(parsed.last_until(&zone, next), Some(next), "{text:?}: what comes next was the last when it came");
        let last = parsed.last_until(&zone, now);
        assert!(last.is_none_or(|last| last <= now), "{text:?}: {last:?}");
    }
}

fn check_window(window: &Window, now: Timestamp) {
    assert!(window.duration() > SignedDuration::ZERO);
    let opening = window.next_opening(now).unwrap_or_else(|| panic!("{} never opens", window.text()));
    assert!(window.is_open(opening), "{} is closed when it opens", window.text());
    let end = window.closes(now);
    assert!(end.is_none_or(|end| end > now), "{}: {end:?}", window.text());
    assert!(end.is_none() || window.is_open(now), "{} closes without being open", window.text());
    assert_eq!(closes(std::slice::from_ref(window), now), end);
    if let Some(end) = end {
        assert!(!window.is_open(end), "{} is open when it closes", window.text());
    }
}
