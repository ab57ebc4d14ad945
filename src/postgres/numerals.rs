//! Numbers as the C library reads them, which is how PostgreSQL and PgBouncer do.
//!
//! Source: the C standard, `strtol` and `strtod`; the edges were measured on servers 15, 17 and 18.

/// What C counts as blank.
pub(super) const BLANKS: &[char] = &[' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];

/// A number at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Leading {
    /// There is none.
    Nothing,
    /// It does not fit; where it ends.
    TooLarge(usize),
    /// Its value, and where it ends.
    Number(f64, usize),
}

fn start(text: &str) -> (usize, bool, usize) {
    let start = text.len() - text.trim_start_matches(BLANKS).len();
    let sign = text[start..].starts_with(['+', '-']);
    (start, text[start..].starts_with('-'), start + usize::from(sign))
}

/// A whole number: decimal, `0x` hexadecimal, leading `0` octal. Binary ones (`0b1`) are none: whether a server takes them depends on the C
/// library that it was built with.
pub(super) fn leading_integer(text: &str) -> Leading {
    let (_, negative, digits) = start(text);
    let rest = &text[digits..];
    let take = |text: &str, radix: u32| text.chars().take_while(|digit| digit.is_digit(radix)).count();
    let hexadecimal = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")).map(|hex| take(hex, 16)).filter(|count| *count > 0);
    let (radix, skip, count) = match hexadecimal {
        Some(count) => (16, 2, count),
        None if rest.starts_with('0') => (8, 0, take(rest, 8)),
        None => (10, 0, take(rest, 10)),
    };
    if count == 0 {
        return Leading::Nothing;
    }
    let end = digits + skip + count;
    let value = i128::from_str_radix(&rest[skip..skip + count], radix).ok().map(|value| if negative { -value } else { value });
    #[expect(clippy::cast_precision_loss, reason = "values beyond 2^53 are outside every parameter's range")]
    value.and_then(|value| i64::try_from(value).ok()).map_or(Leading::TooLarge(end), |value| Leading::Number(value as f64, end))
}

/// A real number, decimal or hexadecimal (`0x1.8p3`). Infinity and `nan` are none: no parameter takes them.
pub(super) fn leading_real(text: &str) -> Leading {
    let (from, negative, begin) = start(text);
    if let Some((value, end)) = hexadecimal_real(&text[begin..]) {
        return Leading::Number(if negative { -value } else { value }, begin + end);
    }
    let bytes = text.as_bytes();
    let mut end = begin;
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(end);
    end += whole;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        if whole + fraction > 0 {
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return Leading::Nothing;
    }
    let mantissa = end;
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    // Too small for all digits of a real number is an error there as well.
    let zero = !text[begin..mantissa].contains(|digit: char| ('1'..='9').contains(&digit));
    match text[from..end].parse::<f64>() {
        Ok(value) if value.is_finite() && (zero || value.is_normal()) => Leading::Number(value, end),
        _ => Leading::TooLarge(end),
    }
}

fn hexadecimal_real(text: &str) -> Option<(f64, usize)> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let (mut value, mut scale, mut seen, mut point, mut end) = (0.0_f64, 0_i32, false, false, 2);
    for character in digits.chars() {
        match character.to_digit(16) {
            Some(digit) => {
                (value, seen) = (value.mul_add(16.0, f64::from(digit)), true);
                scale -= if point { 4 } else { 0 };
            }
            None if character == '.' && !point => point = true,
            None => break,
        }
        end += 1;
    }
    if !seen {
        return None;
    }
    if text[end..].starts_with(['p', 'P']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let count = text[end + 1 + sign..].bytes().take_while(u8::is_ascii_digit).count();
        if count > 0 {
            scale = scale.saturating_add(text[end + 1..end + 1 + sign + count].parse().ok()?);
            end += 1 + sign + count;
        }
    }
    let value = value * 2.0_f64.powi(scale);
    value.is_finite().then_some((value, end))
}
