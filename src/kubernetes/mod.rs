//! The API server.
//!
//! In: objects and keys. Out: live objects, or an error with a class. Invariant: every call has a deadline; one broken object
//! never stops a watch; no error text holds the content of an object. Why: the rest of the program decides by class, not by text.

mod cache;
mod connect;
mod error;
mod kinds;
mod lease;
mod requests;
mod watch;

pub use cache::Cache;
pub use error::{Class, KubernetesError};
pub use kinds::{Resource, resource};
pub use lease::{Leadership, lead};
pub use requests::{Account, Apply, Cluster};
pub use watch::watch;
