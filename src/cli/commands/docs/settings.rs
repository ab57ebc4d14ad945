//! Pages of settings.

use crate::cli::commands::explain::parameter::{Setting, pooler_facts, postgres_names, postgres_setting};
use crate::postgres::pooler_setting_names;
use std::fmt::Write as _;

/// Every parameter of every major version.
pub(super) fn postgres() -> String {
    page(
        "Parameters of PostgreSQL",
        "They are written into `spec[\"postgresql.conf\"]` of an [SGPostgresConfig](sgpostgresconfig.md), or into `spec.configurations.postgres` of an [SGCluster](sgcluster.md).",
        postgres_names().into_iter().filter_map(postgres_setting),
    )
}

/// Every setting of section `[pgbouncer]`.
pub(super) fn pooler() -> String {
    page(
        "Settings of PgBouncer",
        "They are written into section `pgbouncer` of an [SGPoolingConfig](sgpoolingconfig.md), or into `spec.configurations.pooling` of an [SGCluster](sgcluster.md).",
        pooler_setting_names().into_iter().filter_map(pooler_facts),
    )
}

fn page(title: &str, about: &str, settings: impl Iterator<Item = Setting>) -> String {
    let mut out = format!("# {title}\n\n{about}\n");
    for setting in settings {
        let _ = write!(
            out,
            "\n<a id=\"{0}\"></a>\n## {1}\n\n- Form: {2}\n",
            setting.name,
            super::markdown(setting.name),
            super::markdown(&setting.form)
        );
        for (label, value) in &setting.facts {
            let _ = writeln!(out, "- {label}: {}", super::markdown(value));
        }
    }
    out
}
