//! Texts for the value of a parameter: what people write, what they mistype, and what lies at the edge of what the server takes.

use stackgres::postgres::{Parameter, Vartype};

/// Numbers that look drawn and are the same for one seed (xorshift).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % end as u64).unwrap()
    }

    pub(super) fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const UNITS: &[&str] = &["B", "kB", "MB", "GB", "TB", "us", "ms", "s", "min", "h", "d"];
const WRONG_UNITS: &[&str] =
    &["KB", "k", "K", "mb", "Gb", "gb", "M", "PB", "8kB", "S", "sec", "Min", "m", "H", "day", "D", "%", "kBx", "MBMB", "µs", "x"];
const BLANKS: &[&str] = &["", "", "", " ", "  ", "\t", "\n", "\r", "\u{b}", "\u{c}", "\u{a0}"];
const BOOLEANS: &[&str] = &["on", "off", "true", "false", "yes", "no", "1", "0"];
const HIDDEN: &[&str] = &[
    "archive",
    "hot_standby",
    "debug",
    "info",
    "warning",
    "fatal",
    "panic",
    "log",
    "none",
    "default",
    "md5",
    "pglz",
    "sync",
    "fsync_writethrough",
];
const ODD: &[&str] = &[
    "", " ", "'", "''", "\"", "\"\"", "\\", "\\n", "a'b", "a\"b", "é", "ＯＮ", "१", "５", "null", "NULL", "default", "none", "all", "*",
    ",", ";", "--", "$user", "%", "%p", "%%", "x=y", "a,b", "a, b", "a b", "a\tb", "a\nb", "ſ", "İ", "on off", "0b1", "-", "+", ".", "e",
    "0x", "0X", "x",
];
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "+0",
    "00",
    "08",
    "0.0",
    "-1",
    "1",
    "+1",
    "1.",
    ".5",
    "-.5",
    "0.5",
    "1.5",
    "2.5",
    "-0.5",
    "-0.4",
    "-0.6",
    "1e",
    "1e+",
    "1e0",
    "1E3",
    "1e-3",
    "5.e3",
    "1e400",
    "1e-400",
    "-1e400",
    "1e308",
    "1.8e308",
    "4.9e-324",
    "2e-308",
    "0x10",
    "0X1f",
    "0x1g",
    "0x1p3",
    "0x1.8",
    "0x.8p1",
    "-0x10",
    "010",
    "-010",
    "017777777777",
    "inf",
    "-inf",
    "Infinity",
    "nan",
    "NaN",
    "nan(1)",
    "1_000",
    "1,000",
    "1,5",
    "1 000",
    "--1",
    "+-1",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "2147483647.4",
    "2147483647.5",
    "2147483646.5",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999",
    "0x7fffffff",
    "0xffffffff",
    "0x7fffffffffffffff",
    "0x8000000000000000",
    "0777777777777777777777",
    "01777777777777777777777",
    "1e10",
    "0.1e1",
    "1.e",
    "0e0",
    "00x1",
    "0.",
    "08.5",
    "09",
    "0e",
    "1e3e",
    "1.5.5",
    "0x1e3",
    "0x1.8p",
    "010.5",
    "0777.5",
    "07e1",
];

/// Texts for one parameter of one major version: some of each kind, always the same kinds, and drawn ones up to `count`.
pub(super) fn texts(parameter: &Parameter, major: u32, random: &mut Random, count: usize) -> Vec<String> {
    let mut texts: Vec<String> = ODD.iter().chain(BOOLEANS).map(|text| (*text).to_owned()).collect();
    let boot = parameter.boot_value(major).unwrap_or_default();
    texts.extend([boot.to_owned(), boot.to_uppercase(), format!(" {boot}"), format!("{boot} ")]);
    match parameter.vartype(major) {
        Vartype::Bool => texts.extend(BOOLEANS.iter().flat_map(|word| beginnings(word))),
        Vartype::Enum => {
            texts.extend(HIDDEN.iter().map(|text| (*text).to_owned()));
            texts.extend(parameter.words(major).into_iter().flat_map(|word| [word.to_owned(), word.to_uppercase(), format!("{word} ")]));
        }
        Vartype::Integer | Vartype::Real => {
            texts.extend(NUMBERS.iter().map(|text| (*text).to_owned()));
            texts.extend(edges(parameter, major));
        }
        Vartype::String => texts.extend(super::lists::edges(&parameter.name)),
    }
    while texts.len() < count {
        texts.push(match parameter.vartype(major) {
            Vartype::Bool => any_case(random, BOOLEANS),
            Vartype::Enum => {
                let mut words = parameter.words(major);
                words.extend(if random.below(2) == 0 { HIDDEN } else { BOOLEANS });
                any_case(random, &words)
            }
            Vartype::Integer | Vartype::Real => number(parameter, major, random),
            Vartype::String => super::lists::text(&parameter.name, random),
        });
    }
    texts
}

fn beginnings(word: &str) -> Vec<String> {
    (1..=word.len())
        .flat_map(|end| [word[..end].to_owned(), word[..end].to_uppercase(), format!("{} ", &word[..end]), format!("{}x", &word[..end])])
        .collect()
}

/// A word in drawn case, sometimes cut, sometimes with a blank at an end.
fn any_case(random: &mut Random, words: &[&str]) -> String {
    let word = random.of(words);
    let mut text: String = word.chars().map(|letter| if random.below(3) == 0 { letter.to_ascii_uppercase() } else { letter }).collect();
    match random.below(8) {
        0 => drop(text.pop()),
        1 => text.push_str(random.of(BLANKS)),
        2 => text.insert_str(0, random.of(BLANKS)),
        3 => text.insert(random.below(text.chars().filter(char::is_ascii).count().max(1)).min(text.len()), 'x'),
        _ => {}
    }
    text
}

/// The bounds and their neighbours, plain and in every unit.
fn edges(parameter: &Parameter, major: u32) -> Vec<String> {
    let mut texts = Vec::new();
    for bound in [parameter.minimum(major), parameter.maximum(major)].into_iter().flatten() {
        for step in [-1.0, -0.6, -0.5, -0.4, -0.1, 0.0, 0.1, 0.4, 0.5, 0.6, 1.0] {
            texts.push((bound + step).to_string());
        }
        let Some((units, base)) = parameter.unit.as_deref().map(sizes) else { continue };
        for (unit, size) in units {
            let exact = bound * base / size;
            for value in [exact, exact.floor(), exact.ceil() + 1.0, exact.floor() - 1.0, exact + 0.5, exact - 0.5] {
                texts.push(format!("{value}{unit}"));
            }
        }
    }
    texts
}

/// Units of the kind of a base unit, and the size of the base unit, in the smallest of them.
fn sizes(base: &str) -> (&'static [(&'static str, f64)], f64) {
    const MEMORY: &[(&str, f64)] = &[("B", 1.0), ("kB", 1024.0), ("MB", 1_048_576.0), ("GB", 1_073_741_824.0), ("TB", 1_099_511_627_776.0)];
    const TIME: &[(&str, f64)] = &[("us", 1.0), ("ms", 1e3), ("s", 1e6), ("min", 60e6), ("h", 3_600e6), ("d", 86_400e6)];
    match base {
        "8kB" => (MEMORY, 8192.0),
        memory if memory.ends_with('B') => (MEMORY, MEMORY.iter().find(|(unit, _)| *unit == memory).unwrap().1),
        time => (TIME, TIME.iter().find(|(unit, _)| *unit == time).unwrap().1),
    }
}

/// What a server shows of a number (`1536MB`, `0600`, `-1`, `2.5`), in the parameter's base unit.
pub(super) fn shown_number(parameter: &Parameter, text: &str) -> f64 {
    let end = text.find(|letter: char| letter.is_ascii_alphabetic() && letter != 'e').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.len() > 1 && number.starts_with('0') && !number.contains('.') {
        return f64::from(u32::from_str_radix(number, 8).unwrap());
    }
    let number: f64 = number.parse().unwrap_or_else(|_| panic!("{} is shown as {text}", parameter.name));
    if unit.is_empty() {
        return number;
    }
    let (units, base) = sizes(parameter.unit.as_deref().unwrap_or(unit));
    number * units.iter().find(|(known, _)| *known == unit).unwrap().1 / base
}

fn number(parameter: &Parameter, major: u32, random: &mut Random) -> String {
    let (low, high) = (parameter.minimum(major).unwrap_or(0.0), parameter.maximum(major).unwrap_or(1e6));
    let reach = if random.below(2) == 0 { high.min(1e9) } else { low.abs().max(1.0) * 1000.0 };
    let share = f64::from(u32::try_from(random.below(1 << 30)).unwrap()) / f64::from(1 << 30);
    let unit = if random.below(5) == 0 { random.of(WRONG_UNITS) } else { random.of(UNITS) };
    let unit = if random.below(3) == 0 { "" } else { unit };
    // In a large unit most values are outside: draw them as if they were written in the base unit, and go there.
    let scale = match parameter.unit.as_deref() {
        Some(base) if random.below(4) > 0 => {
            let (units, size) = sizes(base);
            units.iter().find(|(known, _)| *known == unit).map_or(1.0, |(_, of)| size / of)
        }
        _ => 1.0,
    };
    let value = (low + share * share * share * (reach - low).max(1.0)) * scale;
    let text = match random.below(10) {
        0 => format!("{value:.0}"),
        1 => format!("{value:.1}"),
        2 => format!("{:.1}", value.floor() + 0.5),
        3 => format!("{value:.3}"),
        4 => format!("{value:e}"),
        5 => format!("{value:.2E}"),
        6 => format!("0x{:x}", whole(value)),
        7 => format!("0{:o}", whole(value)),
        8 => format!("{:.0}.{}", value, random.below(1000)),
        _ => format!("{value}"),
    };
    let sign = random.of(&["", "", "", "", "", "", "", "+", "-", "- "]);
    format!("{}{sign}{text}{}{unit}{}", random.of(BLANKS), random.of(BLANKS), random.of(BLANKS))
}

#[expect(clippy::cast_possible_truncation, reason = "drawn values are small, and a wrong one is as good")]
fn whole(value: f64) -> i64 {
    value as i64
}
