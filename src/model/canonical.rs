//! Canonical bytes and content digests.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Compact JSON with sorted keys: equal values give equal bytes.
///
/// Maps of `serde_json` are sorted in this build (its `preserve_order` feature is off; a test holds that).
pub fn canonical_json(value: &Value) -> String {
    serde_json::to_string(value).expect("keys of a value are texts, and it holds no number without a text")
}

/// A versioned content digest, `v1:` followed by 64 hexadecimal digits of SHA-256.
///
/// The version names the normal form that was hashed, so that a later form never compares equal by accident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Digest of a value in its canonical form.
    pub fn of(value: &Value) -> Self {
        Self::of_bytes(canonical_json(value).as_bytes())
    }

    /// Digest of several values as the list of them, without putting them together. Maps among them must be sorted, as those of
    /// [`Value`] are; a structure would be hashed in the order of its fields.
    pub fn of_list(list: &impl Serialize) -> Self {
        Self::of_bytes(&serde_json::to_vec(list).expect("values have a text, and so have lists of them"))
    }

    /// Digest of bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let mut text = String::with_capacity(3 + 64);
        text.push_str("v1:");
        let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        text.extend(digits.map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')));
        Self(text)
    }

    /// Reads a digest back from its text, for example from a status field.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("v1:")?;
        (hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Self(text.to_owned()))
    }

    /// The first twelve hexadecimal digits, for names and for people.
    pub fn short(&self) -> &str {
        &self.0[3..15]
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A dependency that turns on `preserve_order` would make digests depend on the order of keys in a file.
    #[test]
    fn key_order_does_not_change_the_digest() {
        let one: Value = serde_json::from_str(r#"{"b":1,"a":{"d":1,"c":2}}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"a":{"c":2,"d":1},"b":1}"#).unwrap();
        assert_eq!(canonical_json(&one), r#"{"a":{"c":2,"d":1},"b":1}"#);
        assert_eq!(Digest::of(&one), Digest::of(&two));
        assert_ne!(Digest::of(&one), Digest::of(&json!({"a": 1})));
        assert_eq!(Digest::parse(Digest::of(&one).as_str()), Some(Digest::of(&one)));
        assert_eq!(Digest::parse("v2:00"), None);
        assert_eq!(Digest::of_list(&(&one, "text", [&two])), Digest::of(&json!([one, "text", [two]])), "one form, however it is put");
        assert_eq!(Digest::of_bytes(b"").short(), "e3b0c44298fc", "FIPS 180-4");
    }
}
