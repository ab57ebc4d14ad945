"""Makes the root folder of an image from locked packages. Needs neither root rights nor a mount: programs of the image that
are needed on the way (localedef, python) are started through the image's own loader."""

import glob
import gzip
import os
import re
import shutil
import subprocess

import debs
import derived
import elf
import store
from errors import Problem

# Nobody reads these in a container. Licences (the copyright files) stay.
NEVER = [
    "/etc/apparmor.d", "/etc/apt", "/etc/bindresvport.blacklist", "/etc/cron*", "/etc/default", "/etc/dpkg", "/etc/ld.so.conf*", "/etc/init", "/etc/issue*", "/etc/init.d", "/etc/logrotate.d", "/etc/skel",
    "/etc/update-motd.d", "/etc/xdg", "/usr/games", "/usr/include", "/usr/lib/*/*.a", "/usr/lib/*/pkgconfig", "/usr/lib/python3/dist-packages/*/tests",
    "/usr/lib/*/gconv", "/usr/lib/binfmt.d", "/usr/lib/systemd", "/usr/lib/sysctl.d", "/usr/lib/sysusers.d", "/usr/lib/tmpfiles.d", "/usr/lib/udev", "/usr/lib/valgrind",
    "/usr/share/apport", "/usr/share/apps", "/usr/share/apt", "/usr/share/base-files", "/usr/share/bash-completion", "/usr/share/binfmts",
    "/usr/share/bug", "/usr/share/debconf", "/usr/share/debhelper", "/usr/share/debianutils", "/usr/share/dict", "/usr/share/dh-python",
    "/usr/share/doc-base", "/usr/share/fish", "/usr/share/gdb", "/usr/share/info", "/usr/share/initramfs-tools", "/usr/share/keyrings",
    "/usr/share/lintian", "/usr/share/locale", "/usr/share/man", "/usr/share/menu", "/usr/share/motd", "/usr/share/perl5", "/usr/share/pixmaps",
    "/usr/share/pkgconfig", "/usr/share/postgresql-common", "/usr/share/python3", "/usr/share/applications", "/usr/share/zsh",
    "/usr/share/postgresql/*/man", "/var/backups", "/var/cache", "/var/lib/dpkg", "/var/lib/pam", "/var/mail",
    # the parts of glibc's tools that only matter to packagers and to machines with many users
    "/usr/bin/catchsegv", "/usr/bin/iconv", "/usr/bin/ldd", "/usr/bin/mtrace", "/usr/bin/pldd", "/usr/bin/sotruss", "/usr/bin/sprof", "/usr/bin/tzselect",
    "/usr/bin/zdump", "/usr/sbin/add-shell", "/usr/sbin/iconvconfig", "/usr/sbin/ldconfig", "/usr/sbin/remove-shell", "/usr/sbin/update-*", "/usr/sbin/zic",
    "/usr/sbin/locale-gen", "/usr/sbin/validlocale", "/usr/sbin/nologin",
    # Python's own: editors, installers, tests, terminals, databases of other kinds
    "/etc/python3*", "/usr/bin/2to3*", "/usr/bin/py3*", "/usr/bin/pydoc*", "/usr/bin/pygettext*", "/usr/bin/pdb3*",
    "/usr/lib/python3*/ensurepip", "/usr/lib/python3*/idlelib", "/usr/lib/python3*/lib2to3", "/usr/lib/python3*/pydoc_data", "/usr/lib/python3*/test",
    "/usr/lib/python3*/tkinter", "/usr/lib/python3*/turtle*", "/usr/lib/python3*/venv", "/usr/lib/python3*/sqlite3", "/usr/lib/python3*/curses",
    "/usr/lib/python3*/lib-dynload/_sqlite3*", "/usr/lib/python3*/lib-dynload/_curses*", "/usr/lib/python3*/lib-dynload/readline*",
    "/usr/lib/python3*/lib-dynload/_dbm*", "/usr/lib/python3*/lib-dynload/_gdbm*", "/usr/lib/python3*/lib-dynload/*test*",
    "/usr/lib/python3*/lib-dynload/xx*", "/usr/lib/python3*/_pyrepl", "/usr/lib/python3*/config-*",
]


def wanted(recipe, package):
    """Which files of a package the image holds."""
    drop, only = NEVER + recipe.get("drop", []), recipe.get("only", {}).get(package)

    def holds(name):
        if name.startswith("usr/share/doc/"):
            return name.endswith("/copyright")
        if only is not None and not debs.matches(name, only):
            return False
        return not debs.matches(name, drop)

    return holds


class Root:
    """The folder of an image that is being made."""

    def __init__(self, path, recipe, lock):
        self.path, self.recipe, self.lock = path, recipe, lock

    def inside(self, name):
        return os.path.join(self.path, name.lstrip("/"))

    def write(self, name, text, mode=0o644):
        path = self.inside(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def run(self, program, *arguments, **environment):
        """Runs a program of the image with the image's loader and libraries."""
        loader = glob.glob(self.inside("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"))[0]
        libraries = ":".join(self.inside(folder) for folder in elf.LIBRARY_FOLDERS)
        command = [loader, "--library-path", libraries, self.inside(program), *arguments]
        done = subprocess.run(command, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, check=False)
        if done.returncode:
            said = "\n  ".join((done.stderr or done.stdout).strip().split("\n")[-10:])
            raise Problem(f"{self.recipe.id}: {program} {' '.join(arguments)} ended with {done.returncode}:\n  {said}")
        return done.stdout


def make(path, recipe, lock):
    """Everything, in order. The folder must be empty."""
    root = Root(path, recipe, lock)
    layout(root)
    packages(root)
    accounts(root)
    certificates(root)
    if recipe.get("locales"):
        locales(root)
    if recipe.get("binary"):
        program(root)
    if recipe.get("python"):
        bytecode(root)
    clean(root)
    lacking = elf.missing(path)
    if lacking:
        lines = "\n  ".join(f"/{file} wants {library}" for file, library in lacking)
        raise Problem(f"{recipe.id}: libraries are missing; add their packages to the recipe or drop the file:\n  {lines}")
    return root


def layout(root):
    """The merged /usr, and folders that must be there on a read-only root."""
    for name in ("bin", "sbin", "lib", "lib64"):
        os.makedirs(root.inside(f"usr/{name}"))
        os.symlink(f"usr/{name}", root.inside(name))
    for name in ("dev", "etc", "proc", "run", "sys", "tmp", "var/tmp", *root.recipe.get("folders", [])):
        os.makedirs(root.inside(name), exist_ok=True)
    os.symlink("../run", root.inside("var/run"))
    for name in ("tmp", "var/tmp"):
        os.chmod(root.inside(name), 0o1777)


def packages(root):
    """The files of the packages, and for scanners of vulnerabilities what each package says about itself."""
    for entry in root.lock["packages"]:
        deb = store.package(entry)
        held = debs.unpack(deb, root.path, wanted(root.recipe, entry["name"]))
        entry["files"] = len([name for name in held if not name.startswith("usr/share/doc/")])
        if entry["files"]:
            root.write(f"var/lib/dpkg/status.d/{entry['name']}", debs.control(deb).rstrip("\n") + "\n")


def accounts(root):
    """The user of the pods; a name for it, because PostgreSQL asks for one."""
    user, name, home = root.recipe["user"], root.recipe["account"], root.recipe.get("home", "/")
    shell = "/bin/sh" if root.recipe.get("shell") else "/nonexistent"
    nobody = "" if user == 65534 else "nobody:x:65534:65534:nobody:/nonexistent:/nonexistent\n"
    root.write("etc/passwd", f"root:x:0:0:root:/root:/nonexistent\n{name}:x:{user}:{user}:{name}:{home}:{shell}\n{nobody}")
    root.write("etc/group", f"root:x:0:\n{name}:x:{user}:\n" + ("" if user == 65534 else "nogroup:x:65534:\n"))
    root.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n")


def certificates(root):
    """All authorities in one file, at the places OpenSSL, Go and Rust look for."""
    found = sorted(glob.glob(root.inside("usr/share/ca-certificates/mozilla/*.crt")))
    if not found:
        return
    texts = []
    for path in found:
        with open(path, encoding="ascii") as file:
            texts.append(file.read().rstrip("\n") + "\n")
    root.write("etc/ssl/certs/ca-certificates.crt", "".join(texts))
    os.makedirs(root.inside("usr/lib/ssl"), exist_ok=True)
    os.symlink("/etc/ssl/certs", root.inside("usr/lib/ssl/certs"))
    os.symlink("/etc/ssl/certs/ca-certificates.crt", root.inside("usr/lib/ssl/cert.pem"))
    shutil.rmtree(root.inside("usr/share/ca-certificates"))


def locales(root):
    """Compiles the listed locales into one archive, which keeps equal tables once."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(here, "locales"), encoding="utf-8") as file:
        names = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    sources, archive = root.inside("usr/share/i18n"), root.inside("usr/lib/locale/locale-archive")
    charmap = f"{sources}/charmaps/UTF-8"

    def compiled():
        with gzip.open(f"{charmap}.gz") as packed, open(charmap, "wb") as file:
            shutil.copyfileobj(packed, file)
        for name in names:
            root.run("usr/bin/localedef", "--prefix", root.path, "-i", f"{sources}/locales/{name}", "-f", charmap, f"{name}.UTF-8", I18NPATH=sources)

    makers = [entry["sha256"] for entry in root.lock["packages"] if entry["name"] in ("libc-bin", "libc6", "locales")]
    derived.kept(archive, compiled, "locales", *makers, *names)
    os.chmod(archive, 0o644)
    shutil.rmtree(sources)
    os.unlink(root.inside("usr/bin/localedef"))


def python(root):
    """The name of the image's Python, such as python3.13."""
    return next(name for name in sorted(os.listdir(root.inside("usr/bin"))) if re.fullmatch(r"python3\.\d+", name))


def program(root):
    """Our own program; its version is what it says when started with the image's libraries, so it cannot be too new for them."""
    path = os.environ.get(root.recipe["binary"], "")
    target = root.recipe["entrypoint"][0].lstrip("/")
    os.makedirs(os.path.dirname(root.inside(target)), exist_ok=True)
    try:
        shutil.copyfile(path, root.inside(target))
    except OSError as error:
        raise Problem(f"{root.recipe['binary']}={path}: {error.strerror}; build the program first (cargo build --profile dist)") from error
    os.chmod(root.inside(target), 0o755)
    with open(path, "rb") as file:
        mark = store.digest(file.read())
    version = root.run(target, "--version").split()[-1]
    root.lock["program"] = {"name": os.path.basename(target), "version": version, "sha256": mark}


def bytecode(root):
    """Compiles Python: the root is read-only, so it would be done again at every start. By hash and not by time, unchecked: the same bytes every time."""
    name = python(root)
    folders = [root.inside(f"usr/lib/{name}"), root.inside("usr/lib/python3/dist-packages")]
    root.run(
        f"usr/bin/{name}", "-S", "-m", "compileall", "-q", "-f", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", root.path, "-p", "/", *folders,
        PYTHONHOME=root.inside("usr"), PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1",
    )


def clean(root):
    """Empty folders that no recipe asks for, and links into what was left out."""
    kept = {root.inside(name) for name in ("dev", "proc", "run", "sys", "tmp", "var/tmp", *root.recipe.get("folders", []))}
    for folder, _, files in os.walk(root.path, topdown=False):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.islink(path) and not _leads_somewhere(root, path):
                os.unlink(path)
        if folder not in kept and folder != root.path and not os.listdir(folder):
            os.rmdir(folder)


def _leads_somewhere(root, path):
    for _ in range(20):
        if not os.path.islink(path):
            return os.path.lexists(path)
        target = os.readlink(path)
        path = root.inside(target) if target.startswith("/") else os.path.normpath(os.path.join(os.path.dirname(path), target))
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return False
