//! Dashboards of Grafana in the web console of an SGConfig.

use crate::api::schema::{Schema, boolean, object, text};

/// Schema of `spec.grafana`.
pub(super) fn schema() -> Schema {
    object("Dashboards of a Grafana that is there, shown in the web console.")
        .field(
            "autoEmbed",
            boolean("Whether the operator logs in to Grafana, installs its dashboards and makes a token that the console shows them with. Otherwise `url` and `token` are used, where they are set.")
                .default("false"),
        )
        .field("schema", text("Protocol with which Grafana is reached: `http` or `https`.").default("http"))
        .field("webHost", text("Host of Grafana as the operator reaches it, with a port if it is not the usual one, for example `grafana.monitoring`."))
        .field("datasourceName", text("Data source of Grafana with the metrics of the clusters.").default("Prometheus"))
        .field("user", text("User of Grafana that the operator logs in as; it must be allowed to edit dashboards.").default("admin"))
        .field(
            "password",
            text("Password of that user. Anybody who can read the object can read it, and the default is known to everybody: use `secretName`.")
                .default("prom-operator"),
        )
        .field("secretNamespace", text("Namespace of the Secret with user and password, in place of `user` and `password`."))
        .field("secretName", text("Name of that Secret. Absent: `user` and `password` are used."))
        .field("secretUserKey", text("Key of that Secret with the user name."))
        .field("secretPasswordKey", text("Key of that Secret with the password."))
        .field(
            "dashboardConfigMap",
            text("Name of a ConfigMap with dashboards in JSON, in place of the operator's own ones."),
        )
        .field("dashboardId", text("Number of a dashboard on grafana.com that is installed in place of the operator's own ones."))
        .field("url", text("Address of a dashboard that was installed by hand, where `autoEmbed` is false."))
        .field("token", text("Token of Grafana with which the dashboard at `url` may be read. Anybody who can read the object can read it."))
}
