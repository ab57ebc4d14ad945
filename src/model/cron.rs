//! Five-field cron expressions: when something begins, in local time.
//!
//! The rules are those of UNIX cron: minute, hour, day of the month, month, day of the week; lists, ranges, steps, English names of
//! three letters; where both kinds of day are restricted, either is enough. Every local time that fits happens exactly once: one that
//! a change of the clocks leaves out happens right after the gap, one that happens twice counts the first time. Libraries make a
//! difference there between fixed hours and steps, say nothing about where a mistake is, and take further syntax; hence own code.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};

/// When something begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    /// Bit `n` of each is the value `n`.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether the day of the month, and of the week, is `*`.
    any_day: bool,
    any_weekday: bool,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronProblem {
    /// The character it is at, from 1.
    pub character: usize,
    /// What is wrong, lower case, no period.
    pub message: String,
}

/// One field: its name, its bounds and names of its values.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day of the month", least: 1, most: 31, names: &[] },
    Field { name: "month", least: 1, most: 12, names: MONTHS },
    Field { name: "day of the week", least: 0, most: 7, names: WEEKDAYS },
];

/// Days to look at: 29 February comes again after eight years at most.
const HORIZON: usize = 8 * 366 + 2;

/// Hours by which clocks go back at most. Source: IANA time zone database; two hours at most since 1970.
const MOST_REPEATED: i64 = 3;

impl Cron {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, CronProblem> {
        let words = words(text);
        if words.len() != 5 {
            let character = words.get(5).map_or(1, |(at, _)| *at);
            let message = format!("{} fields instead of five (minute, hour, day of the month, month, day of the week)", words.len());
            return Err(CronProblem { character, message });
        }
        let mut sets = [0; 5];
        for ((set, field), (at, word)) in sets.iter_mut().zip(&FIELDS).zip(&words) {
            *set = field.read(*at, word)?;
        }
        let [minutes, hours, days, months, mut weekdays] = sets;
        // Sunday is 0 and 7.
        weekdays = (weekdays | weekdays >> 7) & 0x7f;
        let any = |index: usize| matches!(words[index].1, "*" | "*/1");
        Ok(Self { minutes, hours, days, months, weekdays, any_day: any(2), any_weekday: any(4) })
    }

    /// Whether there is a day on which it happens at all: there is no 31 February.
    pub fn ever_happens(&self) -> bool {
        let fits = |month: u32| {
            let length = match month {
                2 => 29,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            has(self.months, month) && (1..=length).any(|day| has(self.days, day))
        };
        !self.any_weekday || (1..=12).any(fits)
    }

    /// The first time after a moment.
    pub fn next_after(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        // What stands earlier on the clock has been: of a local time that comes twice, the first one counts.
        let local = zone.to_datetime(after);
        let days = local.date().series(Span::new().days(1)).take(HORIZON).filter(|day| self.happens_on(*day));
        let times = days.flat_map(|day| {
            values(self.hours, 23).flat_map(move |hour| values(self.minutes, 59).map(move |minute| day.at(hour, minute, 0, 0)))
        });
        times.filter(|time| *time > local).map(|time| moment(zone, time)).find(|found| *found > after)
    }

    /// The last time up to a moment, that moment included.
    pub fn last_until(&self, zone: &TimeZone, until: Timestamp) -> Option<Timestamp> {
        // After clocks went back, what stands later on the clock may have been.
        let latest = zone.to_datetime(until).checked_add(Span::new().hours(MOST_REPEATED)).ok()?;
        let days = latest.date().series(Span::new().days(-1)).take(HORIZON).filter(|day| self.happens_on(*day));
        let times = days.flat_map(|day| {
            values(self.hours, 23).rev().flat_map(move |hour| values(self.minutes, 59).rev().map(move |minute| day.at(hour, minute, 0, 0)))
        });
        times.filter(|time| *time <= latest).map(|time| moment(zone, time)).find(|found| *found <= until)
    }

    fn happens_on(&self, date: Date) -> bool {
        let number = |value: i8| u32::try_from(value).unwrap_or_default();
        let day = has(self.days, number(date.day()));
        let weekday = has(self.weekdays, number(date.weekday().to_sunday_zero_offset()));
        let fits = match (self.any_day, self.any_weekday) {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        fits && has(self.months, number(date.month()))
    }
}

/// The values of a set, in order.
fn values(set: u64, most: i8) -> impl DoubleEndedIterator<Item = i8> {
    (0..=most).filter(move |value| has(set, u32::try_from(*value).unwrap_or_default()))
}

/// The moment of a local time: the first one of two, and the end of the gap for one that does not exist.
fn moment(zone: &TimeZone, local: DateTime) -> Timestamp {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    if let AmbiguousOffset::Gap { .. } = ambiguous.offset()
        && let Ok(later) = ambiguous.later()
        // A second on, because the beginning of the gap becomes the change itself, and what precedes is asked for.
        && let Ok(later) = later.checked_add(Span::new().seconds(1))
        && let Some(change) = zone.preceding(later).next()
    {
        return change.timestamp();
    }
    ambiguous.compatible().unwrap_or(if local.year() > 0 { Timestamp::MAX } else { Timestamp::MIN })
}

const fn has(set: u64, value: u32) -> bool {
    set >> value & 1 == 1
}

/// The words of a text, each with the number of its first character.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut begin = None;
    for (number, (at, character)) in text.char_indices().enumerate() {
        match (begin, character.is_whitespace()) {
            (None, false) => begin = Some((number, at)),
            (Some((first, from)), true) => {
                words.push((first + 1, &text[from..at]));
                begin = None;
            }
            _ => {}
        }
    }
    words.extend(begin.map(|(first, from)| (first + 1, &text[from..])));
    words
}

impl Field {
    /// The values of a list, as bits.
    fn read(&self, at: usize, word: &str) -> Result<u64, CronProblem> {
        let mut set = 0;
        let mut character = at;
        for item in word.split(',') {
            set |= self.item(item).map_err(|message| CronProblem { character, message })?;
            character += item.chars().count() + 1;
        }
        Ok(set)
    }

    fn item(&self, item: &str) -> Result<u64, String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.least, if self.most == 7 { 6 } else { self.most }),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None if step.is_some() => {
                return Err(format!("`{item}`: a step follows `*` or a range, such as `*/15` or `{}-{}/2`", self.least, self.most));
            }
            None => {
                let value = self.value(range)?;
                (value, value)
            }
        };
        if from > to {
            return Err(format!("`{range}` goes backwards; write two ranges with a comma between them"));
        }
        let step = match step {
            None => 1,
            Some(step) => match step.parse::<u32>() {
                Ok(step) if step > 0 && step <= self.most => step,
                _ => return Err(format!("the step `{step}` is no number from 1 to {}", self.most)),
            },
        };
        Ok((from..=to).step_by(step as usize).fold(0, |set, value| set | 1 << value))
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        if let Some(value) = named.and_then(|index| u32::try_from(index).ok()) {
            // Months are counted from 1.
            return Ok(if self.least == 1 { value + 1 } else { value });
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(value) if digits && (self.least..=self.most).contains(&value) => Ok(value),
            _ => {
                let names = match self.names {
                    [first, .., last] => format!(", nor a name from {first} to {last}"),
                    _ => String::new(),
                };
                Err(format!("`{text}` is no {} from {} to {}{names}", self.name, self.least, self.most))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str, zone: &str, after: &str, times: usize) -> Vec<String> {
        let (cron, zone) = (Cron::parse(text).unwrap(), crate::model::time_zone(zone).unwrap());
        let mut at: Timestamp = after.parse().unwrap();
        let mut found = Vec::new();
        for _ in 0..times {
            at = cron.next_after(&zone, at).unwrap();
            found.push(zone.to_datetime(at).strftime("%a %F %R ").to_string() + &at.to_string());
        }
        found
    }

    /// Each would open a window at a time nobody asked for.
    #[test]
    fn times_of_expressions() {
        let utc = |text: &str, times: usize| -> Vec<String> {
            local(text, "UTC", "2026-11-25T12:00:00Z", times).into_iter().map(|line| line[..20].to_owned()).collect()
        };
        assert_eq!(utc("0 3 * * 6", 2), ["Sat 2026-11-28 03:00", "Sat 2026-12-05 03:00"]);
        assert_eq!(utc("0 3 * * sat", 1), utc("0 3 * * 6", 1));
        assert_eq!(utc("0 12 * * *", 1), ["Thu 2026-11-26 12:00"], "after, not at");
        assert_eq!(
            utc("*/20 22-23 * * *", 4),
            ["Wed 2026-11-25 22:00", "Wed 2026-11-25 22:20", "Wed 2026-11-25 22:40", "Wed 2026-11-25 23:00"]
        );
        assert_eq!(utc("0 0 1 * 1", 3), ["Mon 2026-11-30 00:00", "Tue 2026-12-01 00:00", "Mon 2026-12-07 00:00"], "either day");
        assert_eq!(utc("0 0 */1 * 1", 2), ["Mon 2026-11-30 00:00", "Mon 2026-12-07 00:00"], "every day is no restriction");
        assert_eq!(utc("0 0 * * 5-7", 3), ["Fri 2026-11-27 00:00", "Sat 2026-11-28 00:00", "Sun 2026-11-29 00:00"], "7 is Sunday");
        assert_eq!(utc("0 0 * * 0", 1), utc("0 0 * * 7", 1));
        assert_eq!(utc("30 4 29 2 *", 2), ["Tue 2028-02-29 04:30", "Sun 2032-02-29 04:30"]);
        assert_eq!(utc("0 0 31 jan,MAR *", 2), ["Sun 2027-01-31 00:00", "Wed 2027-03-31 00:00"]);
        assert_eq!(utc(" 0\t0  1-31/10 * * ", 3), ["Tue 2026-12-01 00:00", "Fri 2026-12-11 00:00", "Mon 2026-12-21 00:00"]);
        let (leap, after) = (Cron::parse("0 0 29 2 *").unwrap(), "2096-03-01T00:00:00Z".parse().unwrap());
        assert_eq!(leap.next_after(&TimeZone::UTC, after), "2104-02-29T00:00:00Z".parse().ok(), "2100 is no leap year");
    }

    /// A window that is lost or comes twice when clocks change is noticed by nobody until a change does not come.
    #[test]
    fn a_change_of_the_clocks_moves_an_opening_and_never_takes_or_doubles_it() {
        // Berlin: 02:00 to 03:00 is left out on 29 March 2026 and comes twice on 25 October.
        assert_eq!(
            local("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            ["Sun 2026-03-29 03:00 2026-03-29T01:00:00Z", "Mon 2026-03-30 02:30 2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            local("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["Sun 2026-10-25 02:30 2026-10-25T00:30:00Z", "Mon 2026-10-26 02:30 2026-10-26T01:30:00Z"]
        );
        // New York: 8 March and 1 November 2026.
        assert_eq!(
            local("15 2 * * 0", "America/New_York", "2026-03-07T12:00:00Z", 2),
            ["Sun 2026-03-08 03:00 2026-03-08T07:00:00Z", "Sun 2026-03-15 02:15 2026-03-15T06:15:00Z"]
        );
        assert_eq!(
            local("0 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
            ["Sun 2026-11-01 01:00 2026-11-01T05:00:00Z", "Mon 2026-11-02 01:00 2026-11-02T06:00:00Z"]
        );
        // Lord Howe moves by half an hour: 4 October 2026 leaves out 02:00 to 02:30, 5 April repeats 01:30 to 02:00.
        assert_eq!(
            local("10 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2),
            ["Sun 2026-10-04 02:30 2026-10-03T15:30:00Z", "Mon 2026-10-05 02:10 2026-10-04T15:10:00Z"]
        );
        assert_eq!(
            local("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2),
            ["Sun 2026-04-05 01:45 2026-04-04T14:45:00Z", "Mon 2026-04-06 01:45 2026-04-05T15:15:00Z"]
        );
        let berlin = crate::model::time_zone("Europe/Berlin").unwrap();
        let last = |text: &str, until: &str| Cron::parse(text).unwrap().last_until(&berlin, until.parse().unwrap()).unwrap().to_string();
        assert_eq!(last("0 2 * * *", "2026-03-29T00:59:59Z"), "2026-03-28T01:00:00Z", "the beginning of the gap itself");
        assert_eq!(last("0 2 * * *", "2026-03-29T01:00:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(last("30 2 * * *", "2026-10-25T01:45:00Z"), "2026-10-25T00:30:00Z", "the second half past two is none");
        // Steps follow the same rule: 02:00 comes at 03:00, as 03:00 itself does.
        assert_eq!(
            local("0 * * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", 3),
            [
                "Sun 2026-03-29 01:00 2026-03-29T00:00:00Z",
                "Sun 2026-03-29 03:00 2026-03-29T01:00:00Z",
                "Sun 2026-03-29 04:00 2026-03-29T02:00:00Z"
            ]
        );
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, character, part) in [
            ("0 3 * *", 1, "4 fields instead of five"),
            ("0 3 * * 6 2026", 11, "6 fields instead of five"),
            ("@daily", 1, "1 fields instead of five"),
            ("60 3 * * 6", 1, "`60` is no minute from 0 to 59"),
            ("0 24 * * 6", 3, "no hour from 0 to 23"),
            ("0  3 0 * 6", 6, "no day of the month from 1 to 31"),
            ("0 3 * 13 6", 7, "no month from 1 to 12, nor a name from jan to dec"),
            ("0 3 * * 8", 9, "no day of the week from 0 to 7"),
            ("0,15,x 3 * * 6", 6, "`x` is no minute"),
            ("0 3 L * 6", 5, "`L` is no day of the month"),
            ("0 3 ? * 6", 5, "`?`"),
            ("0 3 * * 6#2", 9, "`6#2`"),
            ("0 3 * * fri-mon", 9, "goes backwards"),
            ("0/15 3 * * 6", 1, "a step follows"),
            ("*/0 3 * * 6", 1, "the step `0`"),
            ("*/90 3 * * 6", 1, "the step `90`"),
            ("0 3 * * +6", 9, "`+6`"),
            ("1- 3 * * 6", 1, "`` is no minute"),
            ("", 1, "0 fields"),
        ] {
            let problem = Cron::parse(text).unwrap_err();
            assert_eq!(problem.character, character, "{text}: {problem:?}");
            assert!(problem.message.contains(part), "{text}: {problem:?}");
        }
    }

    #[test]
    fn what_never_happens() {
        for (text, happens) in [
            ("0 0 31 2 *", false),
            ("0 0 30 2 *", false),
            ("0 0 29 2 *", true),
            ("0 0 31 4,6,9,11 *", false),
            ("0 0 31 4,5 *", true),
            ("0 0 31 2 1", true),
        ] {
            let cron = Cron::parse(text).unwrap();
            assert_eq!(cron.ever_happens(), happens, "{text}");
            let after = "2026-11-25T12:00:00Z".parse().unwrap();
            assert_eq!(cron.next_after(&TimeZone::UTC, after).is_some(), happens, "{text}");
            assert_eq!(cron.last_until(&TimeZone::UTC, after).is_some(), happens, "{text}");
        }
    }
}
