"""Which shared libraries a program or library asks for, and whether the image has them."""

import os
import struct

# Where Debian's loader looks without a cache file.
LIBRARY_FOLDERS = ["usr/lib/x86_64-linux-gnu", "usr/lib", "usr/lib64"]


def needed(path):
    """Names in DT_NEEDED; None for what is no 64-bit ELF file."""
    with open(path, "rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return None
        data = head + file.read()
    offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", data, offset + index * size) for index in range(count)]
    dynamic = next((segment for segment in segments if segment[0] == 2), None)
    if dynamic is None:
        return []
    entries = [struct.unpack_from("<QQ", data, dynamic[2] + at) for at in range(0, dynamic[5], 16)]
    strings = next((value for tag, value in entries if tag == 5), None)
    if strings is None:
        return []
    load = next(segment for segment in segments if segment[0] == 1 and segment[3] <= strings < segment[3] + segment[5])
    start = strings - load[3] + load[2]

    def name(at):
        return data[start + at:data.index(b"\0", start + at)].decode()

    return [name(value) for tag, value in entries if tag == 1]


def missing(root):
    """Pairs of a file and a library it asks for that is not in the image."""
    found = []
    for folder, _, files in os.walk(root):
        for file in files:
            path = os.path.join(folder, file)
            if os.path.islink(path):
                continue
            for library in needed(path) or []:
                near = [os.path.relpath(folder, root)]
                if not any(os.path.exists(os.path.join(root, place, library)) for place in LIBRARY_FOLDERS + near):
                    found.append((os.path.relpath(path, root), library))
    return sorted(found)
