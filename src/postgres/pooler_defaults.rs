//! Opinionated defaults of PgBouncer.

/// Settings a user cannot set: the program depends on them.
pub const POOLER_BLOCKED: &[&str] = &[
    "admin_users",
    "auth_file",
    "auth_query",
    "auth_type",
    "auth_user",
    "client_tls_ca_file",
    "client_tls_cert_file",
    "client_tls_key_file",
    "client_tls_sslmode",
    "conffile",
    "dns_max_ttl",
    "dns_nxdomain_ttl",
    "dns_zone_check_period",
    "host",
    "listen_addr",
    "listen_port",
    "logfile",
    "password",
    "pidfile",
    "server_round_robin",
    "server_tls_ca_file",
    "server_tls_cert_file",
    "server_tls_ciphers",
    "server_tls_key_file",
    "server_tls_protocols",
    "server_tls_sslmode",
    "stats_users",
    "syslog",
    "syslog_facility",
    "syslog_ident",
    "unix_socket_dir",
    "unix_socket_group",
    "unix_socket_mode",
    "user",
];

/// Settings a user may override: session pooling behaves like a direct connection, so any client works. A server that was down is tried
/// each second (`server_login_retry`): the way to it is a socket in the same pod, and clients are refused until the next try, for which
/// PgBouncer's own 15 s would be added to every outage.
pub const POOLER_DEFAULTS: &[(&str, &str)] = &[
    ("application_name_add_host", "1"),
    ("ignore_startup_parameters", "extra_float_digits"),
    ("max_client_conn", "1000"),
    ("max_user_connections", "0"),
    ("pool_mode", "session"),
    ("server_check_query", ";"),
    ("server_login_retry", "1"),
];

/// How the default of a setting comes about, for people; `None` for a setting that this program gives none.
pub fn pooler_default_rule(name: &str) -> Option<&'static str> {
    match name {
        "default_pool_size" => Some(
            "max_connections less superuser_reserved_connections and 12 more, so that a pool never asks for a connection that the server lacks; below 512 MiB of memory as many as it carries",
        ),
        "max_db_connections" => Some(
            "8 more than default_pool_size, for several users of a database together; a larger pool that somebody writes moves it, up to what the server has for ordinary users",
        ),
        _ => POOLER_DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value),
    }
}

/// Settings the program sets and nobody else.
pub fn pooler_forced(ssl: bool) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![
        ("admin_users", "pgbouncer_admin"),
        ("auth_file", "/etc/stackgres/pgbouncer-users/userlist.txt"),
        ("auth_query", "SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename = $1"),
        ("auth_type", "scram-sha-256"),
        ("auth_user", "authenticator"),
        ("listen_addr", "*"),
        ("listen_port", "6432"),
        ("stats_users", "pgbouncer_stats"),
        ("unix_socket_dir", "/var/run/postgresql"),
    ];
    if ssl {
        settings.extend([
            ("client_tls_cert_file", "/etc/stackgres/ssl/tls.crt"),
            ("client_tls_key_file", "/etc/stackgres/ssl/tls.key"),
            ("client_tls_sslmode", "prefer"),
            // For the way to another pod, during a hand-over; sockets have no TLS. No certificate names a pod's address, so what is
            // checked is who signed it.
            ("server_tls_ca_file", "/etc/stackgres/ssl/ca.crt"),
            ("server_tls_sslmode", "verify-ca"),
        ]);
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::pooler_setting;

    /// A setting that is forced and not blocked would be accepted and have no effect, without a word.
    #[test]
    fn what_is_forced_is_blocked() {
        for (name, _) in pooler_forced(true) {
            assert!(POOLER_BLOCKED.contains(&name), "{name}");
        }
        assert!(POOLER_DEFAULTS.iter().all(|(name, _)| !POOLER_BLOCKED.contains(name)));
    }

    /// An unknown setting stops PgBouncer from starting.
    #[test]
    fn every_setting_is_known() {
        for (name, _) in POOLER_DEFAULTS.iter().copied().chain(pooler_forced(true)) {
            assert!(pooler_setting(name).is_some(), "{name}");
        }
    }
}
