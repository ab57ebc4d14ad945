//! What text is sorted by, and where that matters: in an image and in a database.

use serde::{Deserialize, Serialize};

/// Versions of the libraries that sort text. `None` is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollationVersions {
    /// Version of glibc, for example `2.41`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libc: Option<String>,
    /// Version of ICU's collations, for example `153.128`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icu: Option<String>,
}

impl CollationVersions {
    /// Whether nothing is known.
    pub const fn is_unknown(&self) -> bool {
        self.libc.is_none() && self.icu.is_none()
    }
}

/// Library that sorts text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CollationProvider {
    /// The C library.
    Libc,
    /// ICU.
    Icu,
}

/// An index over text whose order may change with the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortedIndex {
    /// Schema and name.
    pub index: String,
    /// The library.
    pub provider: CollationProvider,
    /// Version of the library that the index was made with, as the database recorded it.
    pub version: Option<String>,
}

/// What one database needs of its image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseNeeds {
    /// Its name.
    pub database: String,
    /// Indexes whose order may change.
    pub indexes: Vec<SortedIndex>,
    /// Extensions that were created in it: name and version.
    pub extensions: Vec<(String, String)>,
}
