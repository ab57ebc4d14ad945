//! Short scripts around the pooler, for what must not depend on the controller.
//!
//! A hand-over leaves a mark: the file [`FORWARD`](super::pooler::FORWARD) of the old primary, which is empty at rest. Whoever finds it
//! not empty knows that a step is under way, and its age tells since when nobody has looked after it.

/// Talks to the pooler's console; to be read by the others.
pub(super) const POOLER_CONSOLE: &str = r"forward=/var/run/postgresql/pgbouncer-forward.ini
console() {
  PGPASSWORD=$(cat /etc/stackgres/credentials/pgbouncer-admin-password) psql --no-psqlrc --quiet --no-align --tuples-only --expanded \
    --host /var/run/postgresql --port 6432 --username pgbouncer_admin pgbouncer
}
# Closes the connection of every client but those of the console, one by one: unlike KILL this leaves nothing paused, wherever it ends.
let_go() {
  echo 'SHOW CLIENTS;' | console \
    | sed -n '/^database|/h; /^id|/{ x; /^database|pgbouncer$/!{ x; s/^id|\(.*\)/KILL_CLIENT \1;/p } }' | console >/dev/null 2>&1
}
# The pooler leads to its own instance again.
own() {
  : > $forward
  echo 'RELOAD;' | console
}
";

/// On the loss of the primary role the pooler lets go of its clients, without the controller's help: they came through the Service of
/// the primary and would get "read-only transaction" from every write. They connect again, to the new primary. A client that reads
/// only, from before the instance became the primary, is sent away with them and connects again as well; the pooler cannot tell.
///
/// Not in a planned hand-over: there the pooler leads its clients on. On the gain of the role it leads to its own instance, whatever an
/// earlier hand-over left.
///
/// The user's own callback, if there is one, comes first among the arguments and runs last, with the arguments Patroni gives.
pub(super) const ROLE_CHANGED: &str = r#"#!/bin/sh
# arguments: the user's command, if there is one; action, role, scope
role= previous=
for word; do role=$previous previous=$word; done
if [ -e /var/run/postgresql/.s.PGSQL.6432 ]; then
  . /etc/stackgres/scripts/pooler-console
  if [ "$role" = primary ]; then
    [ ! -s $forward ] || own || true
  elif [ "$role" != standby_leader ] && [ ! -s $forward ]; then
    echo 'RECONNECT;' | console || true
    let_go || true
  fi
fi
[ $# -le 3 ] || exec "$@"
"#;

/// Looks after a hand-over whose controller does not: every 5 s, at a cost of one process while nothing is under way.
///
/// Seconds of age of the file: 30 without anybody's care, and the pooler is resumed, leading to its own instance where that is the
/// primary; 120, and it leads to its own instance in any case, without those who came for a primary.
pub(super) const KEEP_POOLER: &str = r#"#!/bin/sh
. /etc/stackgres/scripts/pooler-console
while sleep 5; do
  [ -s $forward ] || continue
  age=$(($(date +%s) - $(stat -c %Y $forward)))
  [ $age -gt 30 ] || continue
  standby=$(psql --no-psqlrc --quiet --no-align --tuples-only --host /var/run/postgresql --username postgres --dbname postgres --command 'SELECT pg_is_in_recovery()' 2>/dev/null)
  if [ "$standby" = f ]; then
    echo "keep-pooler: a hand-over was left behind ${age} s ago; this is the primary, and its pooler leads here again" >&2
    own
  elif [ $age -gt 120 ]; then
    echo "keep-pooler: a hand-over was left behind ${age} s ago; the pooler lets its clients go and leads here again" >&2
    let_go
    own
  fi
  # It says that it is not paused where it is not.
  echo 'RESUME;' | console 2>/dev/null
done
"#;

/// Before the pooler starts: it reads the file, and a missing one ends its start. The kubelet starts the next container when this ended.
pub(super) const POST_START: &str = r"#!/bin/sh
: >> /var/run/postgresql/pgbouncer-forward.ini
";

#[cfg(test)]
mod tests {
    use super::*;

    /// Patroni appends action, role and scope to the whole command.
    #[test]
    fn the_role_is_the_last_word_but_one() {
        assert!(ROLE_CHANGED.contains("role=$previous previous=$word") && ROLE_CHANGED.ends_with("exec \"$@\"\n"));
    }

    /// Every script means the same file, and the pooler reads it.
    #[test]
    fn one_file_has_one_name() {
        let path = super::super::pooler::FORWARD;
        assert!(POOLER_CONSOLE.contains(&format!("forward={path}\n")) && POST_START.contains(&format!(": >> {path}\n")));
    }
}
