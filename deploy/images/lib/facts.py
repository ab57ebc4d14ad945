"""What an image says about itself in its labels: read from its files, not from the recipe."""

import glob
import os
import re

import rootfs
import versions


def labels(root):
    """Labels of the image."""
    recipe, lock = root.recipe, root.lock
    found = {entry["name"]: entry["version"] for entry in lock["packages"]}
    values = {
        "org.opencontainers.image.title": recipe["title"],
        "org.opencontainers.image.description": recipe["description"],
        "org.opencontainers.image.licenses": recipe["licenses"],
        "org.opencontainers.image.version": tag(root),
        "org.opencontainers.image.vendor": "stackgres",
        "stackgres.io/component": recipe.component,
        "stackgres.io/suite": lock["suite"],
    }
    if "libc6" in found:
        values["stackgres.io/collation-libc"] = re.match(r"[0-9.]+", versions.upstream(found["libc6"])).group().rstrip(".")
    if recipe.get("icu"):
        values["stackgres.io/collation-icu"] = icu(root)
    controls = glob.glob(root.inside("usr/share/postgresql/*/extension/*.control"))
    if controls:
        values["stackgres.io/extensions"] = ",".join(sorted(extension(path) for path in controls))
    # Output plugins of logical decoding have no control file; their package tells the version.
    plugins = [name for name in found if name.startswith("postgresql-") and name.endswith("-wal2json")]
    if plugins:
        values["stackgres.io/output-plugins"] = ",".join(sorted(f"{name.rsplit('-', 1)[1]}={versions.upstream(found[name])}" for name in plugins))
    for package in ("patroni", "pgbackrest"):
        if package in found:
            values[f"stackgres.io/{package}"] = versions.upstream(found[package])
    return values


def tag(root):
    """The version of the program, which is the image's tag."""
    version = root.recipe["version"]
    if "program" in root.lock:
        return root.lock["program"]["version"]
    return versions.upstream(next(entry["version"] for entry in root.lock["packages"] if entry["name"] == version))


def extension(path):
    """`name=version` of a control file."""
    with open(path, encoding="utf-8") as file:
        version = re.search(r"^default_version\s*=\s*'([^']*)'", file.read(), re.M)
    return f"{os.path.basename(path)[:-len('.control')]}={version.group(1) if version else ''}"


def icu(root):
    """The version of ICU's root collator, as pg_collation_actual_version() gives it: asked from the library itself."""
    library = sorted(glob.glob(root.inside("usr/lib/x86_64-linux-gnu/libicui18n.so.[0-9][0-9]")))[0]
    major = library.rsplit(".", 1)[1]
    program = (
        "import ctypes;"
        f"i=ctypes.CDLL({library!r});s=ctypes.c_int(0);o=i.ucol_open_{major};o.restype=ctypes.c_void_p;"
        "c=o(b'',ctypes.byref(s));assert s.value<=0,s.value;v=(ctypes.c_uint8*4)();"
        f"i.ucol_getVersion_{major}(ctypes.c_void_p(c),v);t=ctypes.create_string_buffer(20);"
        f"i.u_versionToString_{major}(v,t);print(t.value.decode())"
    )
    return root.run(f"usr/bin/{rootfs.python(root)}", "-S", "-c", program, PYTHONHOME=root.inside("usr"), PYTHONDONTWRITEBYTECODE="1").strip()
