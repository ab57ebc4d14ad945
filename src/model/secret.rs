//! Text that must never be shown.

/// A password, token or key.
///
/// It has neither `Debug` nor `Display`, so a type that holds one cannot derive them either, and nothing can print it by accident.
/// The one way to the text is [`SecretText::expose`], which is easy to find in a review.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the one place that sends it where it belongs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all, which is nearly always a mistake of whoever filled the secret.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text)
    }
}
