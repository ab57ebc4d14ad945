//! Kubernetes quantities of memory, storage and CPU.

use std::fmt;

/// An amount in thousandths of its base unit (bytes or cores).
///
/// Source: Kubernetes API reference, "Quantity": decimal suffixes `m k M G T P E`, binary ones `Ki Mi Gi Ti Pi Ei`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i128);

const UNITS: &[(&str, i128)] = &[
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
];

impl Quantity {
    /// Reads `500m`, `2`, `1.5Gi`; `None` for anything else, for amounts below a thousandth and for the exponent form.
    pub fn parse(text: &str) -> Option<Self> {
        // As thousandths an amount has three digits more.
        let (number, factor, longest) = if let Some(number) = text.strip_suffix('m') {
            (number, 1, 21)
        } else {
            let unit = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor * 1_000, 18)));
            unit.unwrap_or((text, 1_000, 18))
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 || whole.len() > longest {
            return None;
        }
        let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        let value = format!("{whole}{fraction}").parse::<i128>().ok()?.checked_mul(factor)?;
        (value % scale == 0).then_some(Self(value / scale))
    }

    /// A number of bytes, or of whole cores.
    pub const fn whole(amount: i64) -> Self {
        Self(amount as i128 * 1_000)
    }

    /// Thousandths of a core.
    pub const fn thousandths(amount: i64) -> Self {
        Self(amount as i128)
    }

    /// Whole bytes or cores, rounded up.
    pub fn ceiling(self) -> i64 {
        i64::try_from((self.0 + 999).div_euclid(1_000)).unwrap_or(i64::MAX)
    }

    /// Thousandths, for CPU.
    pub fn milli(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// As CPU: whole cores where it is whole, else thousandths.
    pub fn cpu_text(self) -> String {
        if self.0 % 1_000 == 0 { (self.0 / 1_000).to_string() } else { format!("{}m", self.0) }
    }

    /// As memory: `Gi` where it divides, else `Mi` rounded up.
    pub fn memory_text(self) -> String {
        const GIBIBYTE: i64 = 1 << 30;
        const MEBIBYTE: i64 = 1 << 20;
        let bytes = self.ceiling();
        if bytes % GIBIBYTE == 0 { format!("{}Gi", bytes / GIBIBYTE) } else { format!("{}Mi", (bytes - 1) / MEBIBYTE + 1) }
    }
}

/// Whether the field at a JSON pointer holds a quantity, by its name. Elsewhere `1k` may be an ordinary word.
pub fn holds_quantity(pointer: &str) -> bool {
    let mut rest = pointer.rsplit('/');
    let last = rest.next().unwrap_or_default();
    let parent = rest.next().unwrap_or_default();
    matches!(last, "cpu" | "memory" | "storage" | "size" | "sizeLimit" | "divisor")
        || last.starts_with("hugepages-")
        || matches!(parent, "requests" | "limits" | "hugePages" | "capacity" | "minAllowed" | "maxAllowed")
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cpu_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_compared_by_meaning() {
        assert_eq!(Quantity::parse("1024Mi"), Quantity::parse("1Gi"));
        assert_eq!(Quantity::parse("1000m"), Quantity::parse("1"));
        assert_eq!(Quantity::parse("1.5Gi").unwrap().memory_text(), "1536Mi");
        assert_eq!(Quantity::parse("63m").unwrap().cpu_text(), "63m");
        assert!(Quantity::parse("1Gi") > Quantity::parse("1G"));
        assert_eq!(Quantity::parse("9999999999999999Ei").unwrap().memory_text(), "8796093022208Mi", "the largest there is");
        for bad in ["", "Gi", "1gi", "-1", "1e3", "x"] {
            assert_eq!(Quantity::parse(bad), None, "{bad}");
        }
    }
}
