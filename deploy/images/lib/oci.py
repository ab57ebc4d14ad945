"""Writes an OCI image archive: one layer over an optional base. The same folder gives the same bytes."""

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
from datetime import datetime, timezone

from errors import Problem

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer(root, epoch):
    """The folder as a tar: sorted, all root's, one time, hard links kept."""
    buffer, links = io.BytesIO(), {}
    names = []
    for folder, folders, files in os.walk(root):
        names += [os.path.relpath(os.path.join(folder, name), root) for name in folders + files]
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(names):
            path = os.path.join(root, name)
            status = os.lstat(path)
            entry = tarfile.TarInfo(name)
            entry.mtime, entry.mode = epoch, stat.S_IMODE(status.st_mode)
            if stat.S_ISLNK(status.st_mode):
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
            elif stat.S_ISDIR(status.st_mode):
                entry.type = tarfile.DIRTYPE
                entry.mode = entry.mode if entry.mode & stat.S_ISVTX else 0o755
            elif status.st_nlink > 1 and status.st_ino in links:
                entry.type, entry.linkname = tarfile.LNKTYPE, links[status.st_ino]
            else:
                links[status.st_ino] = name
                entry.size = status.st_size
                with open(path, "rb") as file:
                    tar.addfile(entry, file)
                continue
            tar.addfile(entry)
    return buffer.getvalue()


def base(path):
    """Layers and differences of a base image's archive: [(descriptor, bytes)], [diff id], the configuration."""
    with tarfile.open(path) as tar:
        def blob(reference):
            return tar.extractfile("blobs/" + reference.replace(":", "/")).read()

        try:
            index = json.load(tar.extractfile("index.json"))
            manifest = json.loads(blob(index["manifests"][0]["digest"]))
            if "manifests" in manifest:
                chosen = [m for m in manifest["manifests"] if m.get("platform", {}).get("architecture") == "amd64"]
                manifest = json.loads(blob(chosen[0]["digest"]))
            config = json.loads(blob(manifest["config"]["digest"]))
            return [(descriptor, blob(descriptor["digest"])) for descriptor in manifest["layers"]], config
        except (KeyError, IndexError) as error:
            raise Problem(f"{path}: no OCI archive with an image for amd64: {error}") from error


def image(root, epoch, settings, base_path=None):
    """Blobs by digest, and the descriptor of the manifest."""
    created = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    layers, below = base(base_path) if base_path else ([], {"rootfs": {"diff_ids": []}, "history": []})
    plain = layer(root, epoch)
    packed = gzip.compress(plain, 6, mtime=0)  # 9 takes five times as long for half a percent
    layers.append(({"mediaType": LAYER, "digest": digest(packed), "size": len(packed)}, packed))
    config = json.dumps({
        "created": created,
        "architecture": "amd64",
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": below["rootfs"]["diff_ids"] + [digest(plain)]},
        "history": below.get("history", []) + [{"created": created, "created_by": "deploy/images/build"}],
    }, sort_keys=True).encode()
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest(config), "size": len(config)},
        "layers": [descriptor for descriptor, _ in layers],
        "annotations": {key: value for key, value in settings["Labels"].items() if key.startswith("org.opencontainers.image.")},
    }, sort_keys=True).encode()
    blobs = {descriptor["digest"]: data for descriptor, data in layers}
    blobs |= {digest(config): config, digest(manifest): manifest}
    return blobs, {"mediaType": MANIFEST, "digest": digest(manifest), "size": len(manifest)}


def archive(path, blobs, descriptor, name, epoch):
    """One file that `ctr images import`, `skopeo` and `podman load` read. The name is what a kubelet makes of the pod's."""
    annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
    platform = {"architecture": "amd64", "os": "linux"}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{**descriptor, "platform": platform, "annotations": annotations}]}
    members = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index, sort_keys=True).encode()}
    members |= {"blobs/" + reference.replace(":", "/"): data for reference, data in blobs.items()}
    part = f"{path}.part"
    with tarfile.open(part, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for member, data in sorted(members.items()):
            entry = tarfile.TarInfo(member)
            entry.size, entry.mtime, entry.mode = len(data), epoch, 0o644
            tar.addfile(entry, io.BytesIO(data))
    os.rename(part, path)
