"""Results that cost time and follow from locked packages alone, kept beside the packages."""

import hashlib
import os
import shutil

import store

FOLDER = os.path.join(os.path.dirname(store.CACHE), "derived")


def kept(target, make, *inputs):
    """Puts the file `target` in its place: from the cache, or by `make()`, after which it is kept."""
    path = os.path.join(FOLDER, hashlib.sha256("\n".join(inputs).encode()).hexdigest())
    if os.path.exists(path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(path, target)
        return
    make()
    os.makedirs(FOLDER, exist_ok=True)
    shutil.copyfile(target, f"{path}.{os.getpid()}")
    os.rename(f"{path}.{os.getpid()}", path)
