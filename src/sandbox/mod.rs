//! An in-memory Kubernetes API with simulated nodes and Patroni, for the demo and for tests without a cluster.
//!
//! In: HTTP requests as `kubectl` and this program make them. Out: the answers of an API server. Invariant: nothing touches
//! a disk, a container or a network beyond the loopback address it listens on; whatever the suite shared with a real API server
//! asks gets the same answer. Why: somebody who tries the program should not need a cluster, and the program must not know.
//!
//! What it leaves out: authentication and authorization (everybody may do everything), admission policies, conversion between
//! versions, protobuf, and everything that needs a container (logs, exec, port-forward).

mod answer;
mod apply;
mod builtin;
mod discovery;
mod fields;
mod http;
mod lists;
mod metadata;
mod openapi;
mod own;
mod pages;
mod patch;
mod resources;
mod scale;
mod selector;
mod server;
mod store;
mod table;
mod time;
mod watch;
mod workloads;
mod write;

pub use server::{Sandbox, SandboxError, SandboxOptions};
