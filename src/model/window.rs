//! Windows: an opening, again and again, and how long each lasts.

use super::cron::Cron;
use super::duration::iso_duration;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use std::sync::LazyLock;

/// The table of time zones that is part of this program, so that the same window opens at the same moment on every machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// How many overlapping openings are followed to find the end of an open window: a year of days. One that is open longer counts as one that never
/// closes.
const FOLLOWED: usize = 400;

/// A window.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    cron: Cron,
    zone: TimeZone,
    duration: SignedDuration,
    /// As written, for people.
    text: String,
}

/// The time zone of an IANA name such as `Europe/Berlin`; `None` where there is none.
pub fn time_zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// Names of all time zones.
pub fn time_zones() -> impl Iterator<Item = String> {
    ZONES.available().map(|name| name.to_string())
}

impl Window {
    /// A window of a five-field cron expression in a time zone, and an ISO 8601 duration; without a name of a zone it is UTC. Says
    /// what is wrong.
    pub fn read(cron: &str, duration: &str, zone: Option<&str>) -> Result<Self, String> {
        let length = iso_duration(duration)?;
        if length <= SignedDuration::ZERO {
            return Err(format!("a window of `{duration}` is never open"));
        }
        let parsed = Cron::parse(cron).map_err(|problem| format!("`{cron}`, character {}: {}", problem.character, problem.message))?;
        if !parsed.ever_happens() {
            return Err(format!("`{cron}` never comes"));
        }
        let known = match zone {
            None => TimeZone::UTC,
            Some(name) => time_zone(name).ok_or_else(|| format!("there is no time zone `{name}`"))?,
        };
        let text = match zone {
            None => format!("{cron} {duration}"),
            Some(zone) => format!("{cron} {duration} {zone}"),
        };
        Ok(Self { cron: parsed, zone: known, duration: length, text })
    }

    /// How long it stays open after each opening.
    pub const fn duration(&self) -> SignedDuration {
        self.duration
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is open: from the moment of an opening on, until its duration has passed.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.end_of_last(now).is_some_and(|end| end > now)
    }

    /// The first opening after now.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        self.cron.next_after(&self.zone, now)
    }

    /// When it closes, where it is open now and closes at all.
    pub fn closes(&self, now: Timestamp) -> Option<Timestamp> {
        closes(std::slice::from_ref(self), now)
    }

    /// The end of the last opening up to a moment. It may lie before that moment.
    fn end_of_last(&self, moment: Timestamp) -> Option<Timestamp> {
        let opened = self.cron.last_until(&self.zone, moment)?;
        Some(opened.checked_add(self.duration).unwrap_or(Timestamp::MAX))
    }
}

/// When several windows together close, where one is open now. An opening before the end, or right at it, keeps them open; `None`
/// where none is open, or where that never ends.
pub fn closes(windows: &[Window], now: Timestamp) -> Option<Timestamp> {
    let mut end = now;
    for _ in 0..FOLLOWED {
        match windows.iter().filter_map(|window| window.end_of_last(end)).max() {
            Some(later) if later > end => end = later,
            _ => return (end > now && end < Timestamp::MAX).then_some(end),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn window(cron: &str, duration: &str, zone: &str) -> Window {
        Window::read(cron, duration, Some(zone)).unwrap()
    }

    #[test]
    fn a_window_is_open_from_its_opening_until_its_end() {
        let saturday = window("0 3 * * 6", "PT2H", "UTC");
        for (now, open) in [
            ("2026-11-28T02:59:59Z", false),
            ("2026-11-28T03:00:00Z", true),
            ("2026-11-28T04:59:59.999Z", true),
            ("2026-11-28T05:00:00Z", false),
        ] {
            assert_eq!(saturday.is_open(at(now)), open, "{now}");
        }
        assert_eq!(saturday.closes(at("2026-11-28T03:30:00Z")), Some(at("2026-11-28T05:00:00Z")));
        assert_eq!(saturday.closes(at("2026-11-28T05:00:00Z")), None, "it is closed");
        assert_eq!(saturday.next_opening(at("2026-11-28T03:00:00Z")), Some(at("2026-12-05T03:00:00Z")));
        // Over midnight, and over a change of the clocks: two hours are two hours.
        let night = window("30 23 * * *", "PT2H", "Europe/Berlin");
        assert!(night.is_open(at("2026-11-26T00:29:59Z")) && !night.is_open(at("2026-11-26T00:30:00Z")));
        let change = window("30 1 * * *", "PT2H", "Europe/Berlin");
        assert_eq!(change.closes(at("2026-03-29T00:30:00Z")), Some(at("2026-03-29T02:30:00Z")));
        assert_eq!(change.closes(at("2026-10-25T00:00:00Z")), Some(at("2026-10-25T01:30:00Z")));
    }

    /// A rollout that counts on an end that is none would stop in the middle for nothing, or be told a wrong end.
    #[test]
    fn openings_that_overlap_are_one_window() {
        let hourly = window("0 22-23 * * *", "PT90M", "UTC");
        assert_eq!(hourly.closes(at("2026-11-25T22:10:00Z")), Some(at("2026-11-26T00:30:00Z")));
        assert_eq!(window("0 * * * *", "PT1H", "UTC").closes(at("2026-11-25T22:10:00Z")), None, "never closes");
        let touching = [window("0 1 * * *", "PT1H", "UTC"), window("0 2 * * *", "PT1H", "UTC"), window("0 5 * * *", "PT1H", "UTC")];
        assert_eq!(closes(&touching, at("2026-11-25T01:10:00Z")), Some(at("2026-11-25T03:00:00Z")));
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for (cron, duration, zone, part) in [
            ("0 3 * * 6", "PT0S", None, "never open"),
            ("0 3 * * 6", "-PT1H", None, "never open"),
            ("0 3 * * 6", "2h", None, "ISO 8601"),
            ("0 3 * * 9", "PT2H", None, "character 9: `9` is no day of the week"),
            ("0 3 31 2 *", "PT2H", None, "never comes"),
            ("0 3 * * 6", "PT2H", Some("Europe/Berlín"), "no time zone"),
        ] {
            let problem = Window::read(cron, duration, zone).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        }
    }

    /// Which minutes of a span fit the expression, found by reading every local time the slow way: a minute counts when its own local
    /// time fits and has not been before, or when a local time that a gap left out fits and the gap ends with it.
    fn walked(fits: &dyn Fn(jiff::civil::DateTime) -> bool, zone: &TimeZone, from: Timestamp, minutes: i64) -> Vec<Timestamp> {
        let mut found = Vec::new();
        let mut furthest = zone.to_datetime(from - SignedDuration::from_mins(1));
        for minute in 0..minutes {
            let moment = from + SignedDuration::from_mins(minute);
            let local = zone.to_datetime(moment);
            let mut reached = false;
            while furthest < local {
                furthest = furthest.checked_add(SignedDuration::from_mins(1)).unwrap();
                reached |= fits(furthest);
            }
            if reached {
                found.push(moment);
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against a walk over every minute of five days around changes of the clocks.
        #[test]
        fn openings_are_those_that_a_walk_over_every_minute_finds(
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut"]),
            start in prop::sample::select(vec!["2026-03-06", "2026-03-27", "2026-04-03", "2026-10-02", "2026-10-23", "2026-10-30", "2026-11-25", "2028-02-27", "2018-11-02"]),
            minute in prop::sample::select(vec![("*", 1), ("0", 60), ("30", 60), ("*/15", 15), ("*/7", 7)]),
            hour in prop::sample::select(vec![("*", 0, 23), ("0", 0, 0), ("2", 2, 2), ("1-3", 1, 3), ("22-23", 22, 23)]),
            day in prop::sample::select(vec![("*", None), ("1", Some(1)), ("29", Some(29))]),
            weekday in prop::sample::select(vec![("*", None), ("0", Some(0)), ("7", Some(0)), ("sun", Some(0)), ("1", Some(1))]),
            length in prop::sample::select(vec![("PT1M", 1), ("PT45M", 45), ("PT3H", 180)]),
        ) {
            let (text, zone_name) = (format!("{} {} {} * {}", minute.0, hour.0, day.0, weekday.0), zone);
            let window = window(&text, length.0, zone_name);
            let zone = time_zone(zone_name).unwrap();
            let fits = |local: jiff::civil::DateTime| {
                let first = if minute.0 == "30" { 30 } else { 0 };
                let sunday_zero = local.weekday().to_sunday_zero_offset();
                let on_day = match (day.1, weekday.1) {
                    (None, None) => true,
                    (Some(day), None) => local.day() == day,
                    (None, Some(weekday)) => sunday_zero == weekday,
                    (Some(day), Some(weekday)) => local.day() == day || sunday_zero == weekday,
                };
                (hour.1..=hour.2).contains(&local.hour()) && local.minute() % minute.1 == first % minute.1 && on_day
            };
            let from = at(&format!("{start}T00:00:00Z"));
            let minutes = 5 * 24 * 60;
            let openings = walked(&fits, &zone, from, minutes);
            // Openings before the span may still be open in it, so the walk begins earlier for the question what is open.
            let before = walked(&fits, &zone, from - SignedDuration::from_hours(6), 360 + minutes);
            let mut next = openings.iter().peekable();
            for minute in (0..minutes).step_by(29) {
                let now = from + SignedDuration::from_mins(minute);
                while next.peek().is_some_and(|opening| **opening <= now) {
                    next.next();
                }
                let end = from + SignedDuration::from_mins(minutes);
                prop_assert_eq!(window.next_opening(now).filter(|found| *found < end), next.peek().copied().copied(), "{} {} after {}", text, zone_name, now);
                let open = before.iter().any(|opening| *opening <= now && now < *opening + SignedDuration::from_mins(length.1));
                prop_assert_eq!(window.is_open(now), open, "{} {} at {}", text, zone_name, now);
                // The end of a window that never closes is looked for long, so not at every minute.
                if minute % 10 == 0 {
                    match window.closes(now) {
                        Some(closes) => prop_assert!(open && !window.is_open(closes) && window.is_open(closes - SignedDuration::from_secs(1))),
                        None => prop_assert!(!open || hour.0 == "*"),
                    }
                }
            }
        }
    }
}
