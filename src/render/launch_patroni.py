"""Runs Patroni with shorter waits where it gives the primary role up, and without its dropping of slots that others made.

Writers stand still from the stop of the old primary to the start of the new one. Patroni 4.0.7 waits there for one second after each
look at pg_controldata, and for another second so that replicas get the last record. Here it looks more often; and the second wait ends
with the server, because a server ends only when every replica has confirmed that record. Whether one has it Patroni asks afterwards, as
ever.

Whenever Patroni reads the list of slots anew (a replica joins, a member's slot is gone) it drops every slot that nobody reads just then
and that stands in none of its `slots`. So the consumer of a change stream that is away for a minute would lose its position. Here a
primary keeps what its users made. An instance that follows another drops them as ever: there they are what is left from its time as a
primary, hold WAL back, and keep PostgreSQL 17 from copying a slot of the same name.

A Patroni that is built otherwise is left as it is, and that is said.
"""

import re
import sys
import time

# In this order: they import each other.
import patroni.postgresql
import patroni.ha
from patroni.__main__ import main
from patroni.dcs import slot_name_from_member_name
from patroni.postgresql.slots import SlotsHandler

# Seconds between two looks. One costs a process of pg_controldata.
LOOK = 0.05

if hasattr(patroni.postgresql, "STOP_POLLING_INTERVAL"):
    patroni.postgresql.STOP_POLLING_INTERVAL = LOOK


class Clock:
    """The module `time` as Patroni's state machine sees it."""

    def __getattr__(self, name):
        return getattr(time, name)

    @staticmethod
    def sleep(seconds):
        """The wait for replicas before the lock is released ends with the server."""
        caller = sys._getframe(1)
        server = getattr(caller.f_locals.get("self"), "state_handler", None)
        if not caller.f_code.co_name.endswith("on_shutdown") or not hasattr(server, "is_running"):
            return time.sleep(seconds)
        end = time.monotonic() + seconds
        while time.monotonic() < end and server.is_running():
            time.sleep(LOOK / 5)


# At the top, not under the guard: Patroni starts itself a second time below process 1, which imports this file again.
if hasattr(patroni.ha, "time"):
    patroni.ha.time = Clock()


class Slots(SlotsHandler):
    """Patroni's keeper of slots, who leaves those of others alone."""

    # Names that Patroni itself manages or managed last: what it does with them is decided by its configuration alone.
    managed = frozenset()

    def _drop_incorrect_slots(self, cluster, slots):
        """What stood in `slots` and no longer does is dropped."""
        self.managed = self.managed & set(self._replication_slots) | set(slots)
        return super()._drop_incorrect_slots(cluster, slots)

    def ignore_replication_slot(self, cluster, name):
        """Whether a slot that is not wanted stays."""
        return super().ignore_replication_slot(cluster, name) or self.is_of_others(cluster, name)

    def is_of_others(self, cluster, name):
        """Whether a slot is neither Patroni's nor left from an earlier role."""
        # A member's slot is named after it, `cluster_0`, also when this Patroni has never seen the member.
        member = slot_name_from_member_name(re.sub(r"\d+$", "", self._postgresql.name))
        if name in self.managed or re.fullmatch(re.escape(member) + r"\d+", name):
            return False
        if self._postgresql.is_primary():
            return True
        if not cluster.leader or cluster.leader.name == self._postgresql.name:
            # Who led starts as a standby, and leads again once it has the lock. Until somebody does, this is asked again.
            self._schedule_load_slots = True
            return True
        # A copy that PostgreSQL itself keeps in step with the primary (17 and newer) cannot be dropped; trying breaks Patroni's look off.
        synced = "SELECT 1 FROM pg_catalog.pg_replication_slots s WHERE slot_name = %s AND (pg_catalog.to_jsonb(s) ->> 'synced')::bool"
        return bool(self._query(synced, name))


if all(hasattr(SlotsHandler, name) for name in ("_drop_incorrect_slots", "ignore_replication_slot", "_query")):
    patroni.postgresql.SlotsHandler = Slots
else:
    print("launch-patroni: this Patroni is built otherwise; it drops slots that it does not know", file=sys.stderr)

if __name__ == "__main__":
    sys.exit(main())
