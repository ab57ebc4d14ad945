"""Downloads, kept by their SHA-256, so that a second build needs no network."""

import hashlib
import os
import time
import urllib.error
import urllib.request

from errors import Problem

# A lock names its archive; the host is the user's choice.
MIRRORS = {
    "debian": os.environ.get("STACKGRES_DEBIAN_MIRROR", "http://deb.debian.org/debian"),
    "debian-security": os.environ.get("STACKGRES_DEBIAN_SECURITY_MIRROR", "http://deb.debian.org/debian-security"),
}
# The archives drop a package when a newer one arrives; snapshots keep it.
SNAPSHOTS = os.environ.get("STACKGRES_DEBIAN_SNAPSHOTS", "http://snapshot.debian.org/archive")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "stackgres", "debs")


def digest(data):
    return hashlib.sha256(data).hexdigest()


def fetch(url):
    """The bytes of a URL; three tries, because mirrors are busy at times."""
    for left in (2, 1, 0):
        try:
            with urllib.request.urlopen(url, timeout=120) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404 or not left:
                raise Problem(f"{url}: {error.code} {error.reason}") from error
        except OSError as error:
            if not left:
                raise Problem(f"{url}: {error}; is the mirror right (STACKGRES_DEBIAN_MIRROR)?") from error
        time.sleep(2)


def package(entry):
    """Path of a locked package in the cache; downloaded when it is not there yet."""
    path = os.path.join(CACHE, entry["sha256"])
    if os.path.exists(path):
        with open(path, "rb") as file:
            if digest(file.read()) == entry["sha256"]:
                return path
        os.unlink(path)  # a broken copy, from a full disk for example
    places = [f"{MIRRORS[entry['archive']]}/{entry['path']}", f"{SNAPSHOTS}/{entry['archive']}/{entry['snapshot']}/{entry['path']}"]
    troubles = []
    for place in places:
        try:
            data = fetch(place)
        except Problem as problem:
            troubles.append(str(problem))
            continue
        if digest(data) == entry["sha256"]:
            os.makedirs(CACHE, exist_ok=True)
            part = f"{path}.{os.getpid()}"
            with open(part, "wb") as file:
                file.write(data)
            os.rename(part, path)
            return path
        troubles.append(f"{place}: SHA-256 is {digest(data)}, the lock says {entry['sha256']}")
    raise Problem(
        f"{entry['name']} {entry['version']} cannot be had:\n  " + "\n  ".join(troubles)
        + "\n  If the archive has a newer version, run deploy/images/refresh and commit the new lock."
    )
