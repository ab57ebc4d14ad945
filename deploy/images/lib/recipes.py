"""What a component is made of: `COMPONENT/recipe.toml` and its lock files."""

import os
import tomllib

from errors import Problem

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Recipe:
    """One image: a component, or one variant of it (`postgres-17`)."""

    def __init__(self, component, variant=None):
        self.component, self.variant = component, variant
        self.id = f"{component}-{variant}" if variant else component
        self.folder = os.path.join(HERE, component)
        self.lock_path = os.path.join(self.folder, f"{variant}.lock" if variant else "lock")
        with open(os.path.join(self.folder, "recipe.toml"), "rb") as file:
            values = tomllib.load(file)
        variants = values.pop("variants", {})
        for key, value in variants.get(variant, {}).items():
            values[key] = values.get(key, []) + value if isinstance(value, list) else value
        self.values = _filled(values, variant or "")

    def __getitem__(self, key):
        return self.values[key]

    def get(self, key, default=None):
        return self.values.get(key, default)

    def lock(self):
        """The lock, as `refresh` wrote it."""
        try:
            with open(self.lock_path, "rb") as file:
                lock = tomllib.load(file)
        except FileNotFoundError as error:
            raise Problem(f"{self.lock_path}: there is no lock yet; run deploy/images/refresh {self.id}") from error
        lock["packages"] = [dict(zip(FIELDS, row)) for row in lock["packages"]]
        return lock


# `snapshot` is the time of the index a package was found in: from then on snapshot.debian.org has it.
FIELDS = ["name", "version", "architecture", "archive", "path", "sha256", "source", "snapshot"]


def _filled(value, variant):
    if isinstance(value, str):
        return value.replace("{variant}", variant)
    if isinstance(value, list):
        return [_filled(item, variant) for item in value]
    if isinstance(value, dict):
        return {_filled(key, variant): _filled(item, variant) for key, item in value.items()}
    return value


def every():
    """All recipes, in the order of their names."""
    found = []
    for component in sorted(os.listdir(HERE)):
        path = os.path.join(HERE, component, "recipe.toml")
        if os.path.exists(path):
            with open(path, "rb") as file:
                variants = sorted(tomllib.load(file).get("variants", {})) or [None]
            found += [Recipe(component, variant) for variant in variants]
    return found


def chosen(names):
    """Recipes by name: `postgres` is all of its variants, no name at all is everything."""
    recipes = every()
    if not names:
        return recipes
    for name in names:
        if not any(name in (recipe.id, recipe.component) for recipe in recipes):
            raise Problem(f"no component {name}; there are {', '.join(recipe.id for recipe in recipes)}")
    return [recipe for recipe in recipes if recipe.id in names or recipe.component in names]


def write_lock(recipe, lock):
    """One package a line, so that a change of a lock reads as what changed."""
    def text(value):
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [
        "# Written by deploy/images/refresh; do not edit.",
        f"suite = {text(lock['suite'])}",
        f"epoch = {lock['epoch']} # the newest package was built then; the time of every file in the image",
        f"# {', '.join(FIELDS)}",
        "packages = [",
        *("  [" + ", ".join(text(entry[field]) for field in FIELDS) + "]," for entry in lock["packages"]),
        "]",
    ]
    with open(recipe.lock_path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
