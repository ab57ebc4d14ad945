//! Knowledge about PostgreSQL and PgBouncer: parameters, values, versions, tuning.
//!
//! In: nothing. Out: facts and pure functions over them. Invariant: every fact names its source; nothing here decides policy.
//! Why: validation, defaults, impact and explanation must agree on what a parameter is.

mod access;
mod catalogue;
mod defaults;
mod extensions;
mod hba_options;
mod lists;
mod memory;
mod numerals;
mod parameters;
mod patroni;
mod pooler;
mod pooler_defaults;
mod pooler_values;
mod spans;
mod value;

pub use access::{hba_problem, hba_problem_in, ident_problem};
pub use catalogue::{Catalogue, CatalogueImage, KNOWN_BAD, major};
pub use defaults::{BLOCKED, Because, CONNECTIONS, LEAST_WAL, Size, default_rule, defaults, forced};
pub use extensions::{Need, PUBLISHER, need_of};
pub use memory::sessions;
pub use parameters::{Context, Parameter, Vartype, built_in_default, context, find, is_library_of_images, names};
pub use patroni::{PATRONI_SYNCHRONOUS, Substitution, patroni_defaults, patroni_minimum, patroni_substitutes, server_value};
pub use pooler::{PoolerSetting, pooler_needs_restart, pooler_number, pooler_setting, pooler_setting_names, same_pooler_value};
pub use pooler_defaults::{POOLER_BLOCKED, POOLER_DEFAULTS, pooler_default_rule, pooler_forced};
pub use pooler_values::{PoolerProblem, pooler_value};
pub use value::{ValueProblem, canonical, normalise, number_of, same_value};

/// Major versions this program knows, the oldest first.
pub const MAJORS: std::ops::RangeInclusive<u32> = 13..=18;
