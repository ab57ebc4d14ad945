//! Short scripts that Patroni and the kubelet run. Values come from files, never from the script's text.

/// Starts Patroni: adds credentials and the pod's own address to its configuration, from files, readable by its user only.
pub(super) const START_PATRONI: &str = r#"#!/bin/sh
set -eu
umask 077
mkdir -p /run/stackgres/patroni
cp /etc/stackgres/patroni/10-cluster.yml /run/stackgres/patroni/10-cluster.yml
quote() { printf '"%s"' "$(sed 's/\\/\\\\/g; s/"/\\"/g' "/etc/stackgres/credentials/$1")"; }
case $POD_IP in *:*) address="[$POD_IP]" ;; *) address=$POD_IP ;; esac
cat > /run/stackgres/patroni/20-instance.yml <<END
name: "$POD_NAME"
restapi:
  listen: "$address:8009"
  connect_address: "$address:8009"
  authentication:
    username: $(quote restapi-username)
    password: $(quote restapi-password)
kubernetes:
  pod_ip: "$POD_IP"
postgresql:
  listen: "*:5432"
  connect_address: "$address:5432"
  authentication:
    superuser:
      username: $(quote superuser-username)
      password: $(quote superuser-password)
    replication:
      username: $(quote replication-username)
      password: $(quote replication-password)
    rewind:
      username: $(quote superuser-username)
      password: $(quote superuser-password)
END
exec patroni /run/stackgres/patroni
"#;

/// Makes the user by which the pooler looks passwords up. Runs once, on the first instance, with the connection string as its argument.
pub(super) const POST_BOOTSTRAP: &str = r#"#!/bin/sh
set -eu
password=$(sed "s/'/''/g" /etc/stackgres/credentials/authenticator-password)
psql --no-psqlrc --set ON_ERROR_STOP=1 --quiet "$1" <<END
CREATE ROLE "$(cat /etc/stackgres/credentials/authenticator-username)" SUPERUSER LOGIN PASSWORD '$password';
END
"#;

/// Tells the pooler to let go of server connections when the role changes, so that no client stays on a demoted instance.
pub(super) const ROLE_CHANGED: &str = r#"#!/bin/sh
# arguments: action, role, scope
[ "$2" = primary ] && exit 0
password=$(cat /etc/stackgres/credentials/pgbouncer-admin-password)
PGPASSWORD=$password psql --no-psqlrc --quiet --host /var/run/postgresql --port 6432 --username pgbouncer_admin pgbouncer --command RECONNECT || true
"#;

/// Before the stop: a checkpoint within a third of the grace, so that the shutdown's own one is short. Handing over is the controller's business.
pub(super) const PRE_STOP: &str = r#"#!/bin/sh
timeout "$(($1 / 3))" psql --no-psqlrc --quiet --host /var/run/postgresql --username postgres --dbname postgres --command CHECKPOINT || true
"#;
