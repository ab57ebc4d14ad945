//! The file with the secrets.

use super::error::HookError;
use crate::model::SecretText;
use std::path::PathBuf;

/// The least length of a secret, in bytes: 128 bits even where every byte is random.
const AT_LEAST: usize = 16;

/// A file with a secret a line. It is read anew for each delivery, so a secret is changed by a second line: the new one here, then in the
/// forge, then the old one away.
#[derive(Debug, Clone)]
pub struct SecretsFile {
    path: PathBuf,
}

impl SecretsFile {
    /// A file that is not read yet.
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The secrets; at least one.
    pub async fn read(&self) -> Result<Vec<SecretText>, HookError> {
        let unreadable = |source| HookError::Unreadable { path: self.path.clone(), source };
        let text = tokio::fs::read_to_string(&self.path).await.map_err(unreadable)?;
        let mut secrets = Vec::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            if line.len() < AT_LEAST {
                let (line, length) = (at + 1, line.len());
                return Err(HookError::Short { path: self.path.clone(), line, length, at_least: AT_LEAST });
            }
            secrets.push(SecretText::new(line));
        }
        if secrets.is_empty() { Err(HookError::Empty { path: self.path.clone() }) } else { Ok(secrets) }
    }
}
