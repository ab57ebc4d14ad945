"""PostgreSQL and PgBouncer of the images, started for a test: each in its root folder, as the user of the pods, gone at the end."""

import contextlib
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../images"))

from archive import Archive  # noqa: E402
from box import Box, until  # noqa: E402

DATA = "/var/lib/postgresql/data"
SOCKETS = "/var/run/postgresql"
PORT = "5432"

# In the file and not on the command line, whose values nothing can change. Nothing is durable: it all goes away. Memory is little, as three
# of them run at once. `max_stack_depth` and others that the kernel's limits decide are left alone.
CONF = """listen_addresses = ''
fsync = off
shared_buffers = 16MB
logging_collector = off
shared_preload_libraries = 'pg_stat_statements,pg_cron,pgaudit,pg_prewarm'
"""


@contextlib.contextmanager
def unpacked(paths):
    """The images, each in a folder of its own that goes away."""
    with tempfile.TemporaryDirectory(prefix="stackgres-servers-") as folder:
        os.chmod(folder, 0o755)
        boxes = []
        for path in paths:
            archive = Archive(path)
            box = Box(archive, os.path.join(folder, archive.component + version(archive).split(".")[0]))
            # The image was unpacked with its own modes; what is made here has the usual ones.
            os.umask(0o022)
            boxes.append(box)
        yield boxes


def version(archive):
    return archive.labels["org.opencontainers.image.version"]


@contextlib.contextmanager
def server(box):
    """A running server; gives the function that asks it."""
    box.run("initdb", "--pgdata", DATA, "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--auth", "trust")
    with open(box.path(f"{DATA}/postgresql.conf"), "a", encoding="utf-8") as file:
        file.write(CONF)
    with box.running("postgres", "-D", DATA, "-p", PORT):
        def ask(statement):
            return box.run("psql", "--no-psqlrc", "-XAtq", "-h", SOCKETS, "-p", PORT, "-U", "postgres", "-d", "postgres", "-f", "-", text=statement)

        until("the server starts", lambda: ask("select 1"))
        yield ask


@contextlib.contextmanager
def pooler(box, port):
    """A running pooler; anybody may ask its console, over the loopback interface."""
    with open(box.path("tmp/pgbouncer.ini"), "w", encoding="utf-8") as file:
        file.write(f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n")
    with box.running("pgbouncer", "/tmp/pgbouncer.ini"):
        yield
