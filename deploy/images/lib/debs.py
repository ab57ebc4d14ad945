"""Reads a .deb and lays its files into a folder, without running its scripts."""

import fnmatch
import io
import lzma
import os
import re
import tarfile

from errors import Problem

# Folders that are links since the merge of / and /usr; old packages still name them.
MERGED = re.compile(r"^(bin|sbin|lib|lib32|lib64|libx32)(?=/|$)")
RUN = re.compile(r"^var/run(?=/|$)")


def members(path):
    """Members of the archive: name, time, bytes."""
    with open(path, "rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise Problem(f"{path}: no Debian package")
        while head := file.read(60):
            name, time, size = head[:16].decode().strip().rstrip("/"), int(head[16:28]), int(head[48:58])
            yield name, time, file.read(size)
            file.read(size % 2)


def _tar(path, kind):
    for name, _, data in members(path):
        if name == f"{kind}.tar.xz":
            data = lzma.decompress(data)
        elif name not in (f"{kind}.tar.gz", f"{kind}.tar"):
            continue
        return tarfile.open(fileobj=io.BytesIO(data), mode="r:*")
    raise Problem(f"{path}: no {kind}.tar in it that can be read")


def built(path):
    """When the package was built, in seconds since 1970."""
    return max(time for _, time, _ in members(path))


def control(path):
    """The package's description of itself."""
    with _tar(path, "control") as tar:
        return tar.extractfile("./control").read().decode()


def place(name):
    """Where a file of a package goes; None for the root itself."""
    name = os.path.normpath(name).lstrip("/")
    name = RUN.sub("run", MERGED.sub(lambda match: f"usr/{match.group()}", name))
    return None if name == "." else name


def matches(name, patterns):
    """Whether the path or a folder above it is named by one of the patterns (from the root, with a slash)."""
    parts = name.split("/")
    paths = ["/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns for path in paths)


def unpack(path, root, wanted):
    """Lays out every file for which `wanted(name)` holds; returns their names. Owners are dropped: all is root's."""
    names = []
    with _tar(path, "data") as tar:
        for member in tar:
            name = place(member.name)
            if name is None or not (member.isdir() or wanted(name)):
                continue
            target = os.path.join(root, name)
            if member.isdir():
                continue  # folders come with their files; the few empty ones that matter are in the recipe
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.lexists(target):
                if os.path.isdir(target) and not os.path.islink(target):
                    continue
                os.unlink(target)
            if member.issym():
                os.symlink(member.linkname, target)
            elif member.islnk():
                os.link(os.path.join(root, place(member.linkname)), target)
            elif member.isfile():
                with open(target, "wb") as file:
                    file.write(tar.extractfile(member).read())
                # Neither setuid nor setgid, nobody but root writes, everybody reads: no pod runs as root.
                os.chmod(target, 0o755 if member.mode & 0o111 else 0o644)
            else:
                raise Problem(f"{path}: {member.name} is neither file nor link")
            names.append(name)
    return names
