//! Words every stage shares: object keys and values, names, quantities.
//!
//! In: nothing. Out: plain data. Invariant: no input or output, no clock, no global state.
//! Why: a stage may depend on these without depending on another stage.

mod canonical;
mod instance_report;
mod key;
pub mod labels;
mod object;
pub mod pointer;
mod quantity;
mod secret;

pub use canonical::{Digest, canonical_json};
pub use instance_report::{InstanceReport, InstanceRole, PendingParameter};
pub use key::{NamespacedName, ObjectKey};
pub use object::Object;
pub use quantity::{Quantity, holds_quantity};
pub use secret::SecretText;
