"""An unpacked image whose programs run as they do in a pod, for tests: chroot and the user of the image; nothing is mounted."""

import contextlib
import os
import shutil
import signal
import subprocess
import time


class Failed(Exception):
    """A check that did not hold."""


class Box:
    """An unpacked image."""

    def __init__(self, archive, folder):
        self.archive, self.folder, self.said = archive, folder, ""
        archive.unpack(folder)
        self.user = archive.settings["User"]
        self.environment = dict(line.split("=", 1) for line in archive.settings["Env"])
        # What a container has by its runtime: three devices, shared memory, and the volumes of the pod, writable by its user.
        for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
            os.mknod(self.path(f"dev/{name}"), 0o666 | 0o020000, os.makedev(1, minor))
        os.makedirs(self.path("dev/shm"))
        os.chmod(self.path("dev/shm"), 0o1777)
        for name in ("var/lib/postgresql", "run/postgresql", "run/stackgres", "var/spool/stackgres", "var/log/pgbackrest"):
            if os.path.isdir(self.path(name)):
                os.chown(self.path(name), *map(int, self.user.split(":")))

    def path(self, name):
        return os.path.join(self.folder, name.lstrip("/"))

    def command(self, *words):
        return [shutil.which("chroot"), f"--userspec={self.user}", self.folder, *words]

    def run(self, *words, text=None):
        """What a program of the image says; it must end with 0."""
        done = subprocess.run(self.command(*words), env=self.environment, input=text, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise Failed(f"{' '.join(words)} ended with {done.returncode}: {(done.stderr + done.stdout).strip()}")
        return (done.stdout or done.stderr).strip()

    @contextlib.contextmanager
    def running(self, *words):
        """A program that stays, stopped at the end whatever happens."""
        with open(self.path("tmp/log"), "w+b") as log:
            process = subprocess.Popen(self.command(*words), env=self.environment, stdout=log, stderr=log)
            try:
                yield process
            except Exception as error:
                raise Failed(f"{error}\n{said(log)[-3000:]}") from error
            finally:
                # Stopped before anything else: a log may hold bytes that no text has.
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                self.said = said(log)


def said(log):
    """What a log holds so far."""
    log.seek(0)
    return log.read().decode(errors="replace")


def equal(what, found, wanted):
    if found != wanted:
        raise Failed(f"{what}: {found!r} instead of {wanted!r}")
    print(f"  {what}: {found}")


def until(what, attempt):
    """The result of an attempt that may fail for a while."""
    for _ in range(150):
        try:
            return attempt()
        except (Failed, OSError) as error:
            last = error
            time.sleep(0.2)
    raise Failed(f"{what}: {last}")
