"""Runs Patroni with shorter waits where it gives the primary role up.

Writers stand still from the stop of the old primary to the start of the new one. Patroni 4.0.7 waits there for one second after each
look at pg_controldata, and for another second so that replicas get the last record. Here it looks more often; and the second wait ends
with the server, because a server ends only when every replica has confirmed that record. Whether one has it Patroni asks afterwards, as
ever. A Patroni that is built otherwise is left as it is.
"""

import sys
import time

# In this order: they import each other.
import patroni.postgresql
import patroni.ha
from patroni.__main__ import main

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

if __name__ == "__main__":
    sys.exit(main())
