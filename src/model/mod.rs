//! Words every stage shares: object keys and values, names, quantities.
//!
//! In: nothing. Out: plain data. Invariant: no input or output, no clock, no global state.
//! Why: a stage may depend on these without depending on another stage.

mod activity;
mod canonical;
mod collations;
mod cron;
mod duration;
mod file_names;
mod hold;
mod instance_report;
mod key;
pub mod labels;
mod moment;
mod network;
mod object;
mod packed;
mod percent;
pub mod pointer;
mod quantity;
mod secret;
mod window;

pub use activity::{Activity, Follower, FollowerKind, HOT_STANDBY, OpenTransaction, PreparedTransaction};
pub use canonical::{Digest, canonical_json};
pub use collations::{CollationProvider, CollationVersions, DatabaseNeeds, SortedIndex};
pub use cron::{Cron, CronProblem};
pub use duration::iso_duration;
pub use file_names::{IGNORE_FILE, may_hold_manifests};
pub use hold::{HOLD, Hold};
pub use instance_report::{InstanceReport, InstanceRole, PendingParameter};
pub use key::{NamespacedName, ObjectKey};
pub use moment::{day, seconds};
pub use network::{address_bits, is_prefix_length, is_this_machine_called};
pub use object::{Object, owned_fields};
pub use percent::percent_encoded;
pub use quantity::{Quantity, holds_quantity};
pub use secret::SecretText;
pub use window::{Window, closes, time_zone, time_zones};
