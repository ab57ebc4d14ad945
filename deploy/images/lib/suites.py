"""Signed package indexes of a Debian suite, and which packages a component needs. Used by `refresh` alone."""

import hashlib
import lzma
import os
import re
import subprocess
import tempfile
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import store
import versions
from errors import Problem

KEYRING = os.environ.get("STACKGRES_DEBIAN_KEYRING", "/usr/share/keyrings/debian-archive-keyring.gpg")
ARCHITECTURE = "amd64"


def _signed(url):
    """The text of an InRelease file whose signature is good."""
    data = store.fetch(url)
    with tempfile.TemporaryDirectory() as folder:
        signed, text = os.path.join(folder, "InRelease"), os.path.join(folder, "text")
        with open(signed, "wb") as file:
            file.write(data)
        try:
            done = subprocess.run(["gpgv", "--keyring", KEYRING, "--output", text, signed], capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise Problem("gpgv is not installed; the indexes cannot be trusted without it (Debian package gpgv)") from error
        if done.returncode:
            raise Problem(f"{url}: bad signature; is {KEYRING} recent enough (STACKGRES_DEBIAN_KEYRING)?\n{done.stderr.strip()}")
        with open(text, encoding="utf-8") as file:
            return file.read()


def _stanzas(text):
    for block in re.split(r"\n\n+", text.strip()):
        stanza, field = {}, None
        for line in block.split("\n"):
            if line[:1].isspace():
                stanza[field] += "\n" + line
            else:
                field, _, value = line.partition(":")
                stanza[field] = value.strip()
        if stanza.get("Package"):
            yield stanza


def fresh(release, url):
    """When an index was made; one that is out of date may hide security updates."""
    date, until = (re.search(rf"^{field}: (.*)$", release, re.M) for field in ("Date", "Valid-Until"))
    if until and parsedate_to_datetime(until.group(1)) < datetime.now(timezone.utc) and not os.environ.get("STACKGRES_ACCEPT_OLD_INDEX"):
        raise Problem(f"{url} was valid until {until.group(1)}: the mirror is behind; take another (STACKGRES_DEBIAN_MIRROR), or accept it with STACKGRES_ACCEPT_OLD_INDEX=1")
    return parsedate_to_datetime(date.group(1))


class Suite:
    """The newest version of every package of a suite, security updates included."""

    def __init__(self, name):
        self.name, self.packages, self.providers = name, {}, {}
        places = [("debian", name), ("debian", f"{name}-updates"), ("debian-security", f"{name}-security")]
        for archive, folder in places:
            self._read(archive, folder)

    def _read(self, archive, folder):
        base = f"{store.MIRRORS[archive]}/dists/{folder}"
        try:
            release = _signed(f"{base}/InRelease")
        except Problem as problem:
            # sid has neither updates nor security; a suite itself must be there.
            if folder != self.name and ": 404" in str(problem):
                return
            raise
        time = fresh(release, f"{base}/InRelease").strftime("%Y%m%dT%H%M%SZ")
        index = f"main/binary-{ARCHITECTURE}/Packages.xz"
        listed = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {re.escape(index)}$", release, re.M)
        if not listed:
            raise Problem(f"{base}/InRelease lists no {index}: has the suite moved to the archive of old suites?")
        data = store.fetch(f"{base}/{index}")
        if hashlib.sha256(data).hexdigest() != listed.group(1):
            raise Problem(f"{base}/{index}: not the file InRelease lists; the mirror is being updated, try again later")
        for stanza in _stanzas(lzma.decompress(data).decode()):
            stanza["archive"], stanza["snapshot"] = archive, time
            known = self.packages.get(stanza["Package"])
            if known is None or versions.compare(stanza["Version"], known["Version"]) > 0:
                self.packages[stanza["Package"]] = stanza
            for provided in stanza.get("Provides", "").split(","):
                if provided.strip():
                    self.providers.setdefault(re.split(r"[ (]", provided.strip())[0], []).append(stanza["Package"])


def _alternatives(stanza):
    """Dependencies: a list of lists of names."""
    for field in ("Pre-Depends", "Depends"):
        for group in filter(None, stanza.get(field, "").replace("\n", " ").split(",")):
            yield [re.split(r"[ (:]", choice.strip())[0] for choice in group.split("|")]


def close(wanted, without, alone, suite, borrowed):
    """Stanzas of the wanted packages and of what they depend on.

    `without` names packages whose dependants live without them here (their maintainer scripts, their wrappers); what only such
    a package needs does not come either. `alone` names packages of which only some files are taken, so their dependencies stay
    out; a library that is missed then is found by the build. `borrowed` maps a name to the suite it is taken from instead.
    """
    chosen, queue, why = {}, list(wanted), {name: "the recipe" for name in wanted}
    while queue:
        name = queue.pop(0)
        if name in chosen:
            continue
        source = borrowed.get(name, suite)
        stanza = source.packages.get(name)
        if stanza is None:
            raise Problem(f"{source.name} has no package {name}, wanted by {why[name]}; correct packages/without in the recipe")
        chosen[name] = stanza
        if name in alone:
            continue
        for choices in _alternatives(stanza):
            if any(choice in without or choice in chosen or choice in queue for choice in choices):
                continue
            found = next((c for c in choices if c in borrowed or c in suite.packages), None)
            if found is None:
                found = next((p for c in choices for p in suite.providers.get(c, [])), None)
            if found is None:
                raise Problem(f"{suite.name} has nothing for '{' | '.join(choices)}', wanted by {name}; name it in without, or borrow it")
            if found not in without:
                queue.append(found)
                why.setdefault(found, name)
    return [chosen[name] for name in sorted(chosen)]
