"""Reads an OCI archive: what the tests look at is what a node would unpack."""

import gzip
import io
import json
import os
import tarfile


class Archive:
    """One image."""

    def __init__(self, path):
        self.path = path
        with tarfile.open(path) as tar:
            self.blobs = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}
        self.index = json.loads(self.blobs["index.json"])
        self.descriptor = self.index["manifests"][0]
        self.manifest = json.loads(self.blob(self.descriptor["digest"]))
        self.config = json.loads(self.blob(self.manifest["config"]["digest"]))
        self.settings = self.config["config"]
        self.labels = self.settings.get("Labels", {})
        self.component = self.labels.get("stackgres.io/component", "")

    def blob(self, digest):
        return self.blobs["blobs/" + digest.replace(":", "/")]

    def layers(self):
        """The layers as open tars, the lowest first."""
        for descriptor in self.manifest["layers"]:
            data = self.blob(descriptor["digest"])
            yield tarfile.open(fileobj=io.BytesIO(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data))

    def unpack(self, folder):
        """The root folder, as root's, with the modes of the image. No base is used here, so no file hides another."""
        os.umask(0)
        for layer in self.layers():
            layer.extractall(folder, filter=lambda member, _: member)
        os.chmod(folder, 0o755)
