//! What is told to the person who wrote a manifest.
//!
//! In: facts about a document. Out: diagnostics with a stable code, a place and a way out.
//! Invariant: a user's mistake is always a [`Diagnostic`], never an `Err`; all of them are reported at once.
//! Why: one shape feeds the terminal, JSON, SARIF, forge annotations, events, statuses and the web page.

mod code;
mod diagnostic;
mod mask_names;
mod mask_text;
mod nearest;
pub mod output;
mod printable;
mod source_map;

pub use code::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Location, Related, Severity};
pub use mask_names::{is_plain_key, is_secret_name};
pub use mask_text::{HIDDEN, mask_line, mask_text, repeated};
pub use nearest::nearest;
pub use printable::{is_unseen, printable, visible};
pub use source_map::{Position, SourceMap};
