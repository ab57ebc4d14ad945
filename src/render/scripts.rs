//! Short scripts that Patroni and the kubelet run. Values come from files, never from the script's text.

/// Starts Patroni: adds the pod's own address and, by a link, the credentials to its configuration.
pub(super) const START_PATRONI: &str = r#"#!/bin/sh
set -eu
umask 077
mkdir -p /run/stackgres/patroni
# Not `cp`: it would keep the read-only mode of its source, and the container could not start a second time.
cat /etc/stackgres/patroni/10-cluster.yml > /run/stackgres/patroni/10-cluster.yml
# Tags of this instance's role, where it has some. A link and no copy: what it leads to changes while the container runs.
ln -sfn "/etc/stackgres/patroni/$POD_NAME.yml" /run/stackgres/patroni/40-role.yml
# The names that PostgreSQL's log collector opens lead to the container's streams: its lines to standard output, where nobody else
# writes, so that no line is cut by another; what other programs say of the server's children to standard error, with Patroni's.
log=/run/stackgres/log
mkdir -p $log
ln -sf "/proc/$$/fd/1" $log/postgresql.json
ln -sf "/proc/$$/fd/2" $log/postgresql.log
parameters=
# Without the right to open its own streams (a matter of the container runtime) the collector could not start, and so no server.
if ! (: >> $log/postgresql.json && : >> $log/postgresql.log) 2>/dev/null; then
  echo "start-patroni: the container's streams cannot be opened by name; PostgreSQL logs as text" >&2
  parameters='  parameters: {logging_collector: "off", log_destination: stderr}'
fi
case $POD_IP in *:*) address="[$POD_IP]" ;; *) address=$POD_IP ;; esac
cat > /run/stackgres/patroni/20-instance.yml <<END
name: "$POD_NAME"
restapi:
  listen: "$address:8009"
  connect_address: "$address:8009"
kubernetes:
  pod_ip: "$POD_IP"
postgresql:
  listen: "*:5432"
  connect_address: "$address:5432"
$parameters
END
# A link: credentials that change are read at a reload.
ln -sf /etc/stackgres/credentials/patroni.yml /run/stackgres/patroni/30-credentials.yml
# The pooler has no shell, and its files are here.
/etc/stackgres/scripts/keep-pooler &
exec python3 /etc/stackgres/scripts/launch-patroni /run/stackgres/patroni
"#;

/// What runs Patroni.
pub(super) const LAUNCH_PATRONI: &str = include_str!("launch_patroni.py");

/// Makes the user by which the pooler looks passwords up. Runs once, on the first instance, with the connection string as its argument.
pub(super) const POST_BOOTSTRAP: &str = r#"#!/bin/sh
set -eu
password=$(sed "s/'/''/g" /etc/stackgres/credentials/authenticator-password)
psql --no-psqlrc --set ON_ERROR_STOP=1 --quiet "$1" <<END
CREATE ROLE "$(cat /etc/stackgres/credentials/authenticator-username)" SUPERUSER LOGIN PASSWORD '$password';
END
"#;

/// Before the stop: a checkpoint within a third of the grace, so that the shutdown's own one is short. Handing over is the controller's business.
/// At least a second: `timeout 0` would have no bound.
pub(super) const PRE_STOP: &str = r#"#!/bin/sh
seconds=$(($1 / 3))
[ "$seconds" -gt 0 ] || seconds=1
timeout "$seconds" psql --no-psqlrc --quiet --host /var/run/postgresql --username postgres --dbname postgres --command CHECKPOINT || true
"#;

#[cfg(test)]
mod tests {
    use super::*;

    /// `timeout 0` has no bound, so a grace of two seconds would be spent on the checkpoint.
    #[test]
    fn the_checkpoint_before_a_stop_is_bounded() {
        assert!(PRE_STOP.contains("|| seconds=1") && PRE_STOP.contains("timeout \"$seconds\""));
    }
}
