//! The custom resources: one schema per kind, from which CRDs, validation, REST, forms, help and docs are made.
//!
//! In: nothing. Out: [`Kind`] values with a [`schema::Schema`] each. Invariant: every field has a description and says
//! whether this program carries it out (DESIGN: "what is accepted is carried out").
//! Why: a manifest stays one raw value; there is no second model of a kind that could drop a field.
//!
//! To add a kind, copy `sg_script.rs` and add one line to [`KINDS`].

mod kind;
pub mod schema;

pub use kind::{Column, Kind, Scale, find_kind};

/// API group of every kind here.
pub const GROUP: &str = "stackgres.io";

/// Every kind, in the order of their names.
pub static KINDS: &[&Kind] = &[];
