//! Bytes to documents to raw manifests.
//!
//! In: files of a source. Out: manifests with the place of every value, verdicts on everything else, diagnostics.
//! Invariant: a broken document never hides the documents beside it; nothing is dropped without being named.
//! Why: positions are taken here once, so that every later stage can point at file, line and column.

mod backup_config;
mod codes;
mod identity;
mod ignore;
mod kinds;
mod limits;
mod manifest;
mod scalar;
mod sort;
mod template;
mod verdict;
mod yaml;

pub use codes::CODES;
pub use limits::Limits;
pub use manifest::{Manifest, SourceFile};
pub use sort::{IgnoreAbove, Ignored, LeftAlone, LoadOptions, Loaded, LoadedFiles, load, load_again};
