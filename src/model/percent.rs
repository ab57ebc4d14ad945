//! Percent-encoding. Source: RFC 3986, 2.1.

use std::fmt::Write as _;

/// A text in which every byte but letters, digits and those that are `plain` stands as `%XX`.
pub fn percent_encoded(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
