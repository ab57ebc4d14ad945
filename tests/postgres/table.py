"""The tables of parameters and pooler settings in src/postgres, and what running servers say of them."""

import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/postgres")

# Libraries are loaded one by one, and an image may lack one.
SETTINGS = """do $$ declare library text; begin
    foreach library in array array[LIBRARIES]::text[] loop
        begin execute format('load %L', library); exception when others then null; end;
    end loop;
end $$;
select concat_ws(E'\\t', name, vartype, coalesce(unit, ''),
    (select coalesce(string_agg(word, ',' order by place), '') from unnest(enumvals) with ordinality as words (word, place)),
    context, coalesce(min_val, ''), coalesce(max_val, ''), case when boot_val is null then 'NULL' when boot_val = '' then '''''' else boot_val end) from pg_settings"""


def spans(cell, versions):
    """Version → value of a cell such as `13-17:1 | 18:16`; a cell without versions is the value of all that are given."""
    found = {}
    for part in cell.split(" | "):
        match = re.fullmatch(r"(\d\d|\d\.\d\d)(?:-(\d\d|\d\.\d\d))?:(.*)", part)
        if not match:
            return {version: cell for version in versions if cell}
        first, last = ordinal(match[1]), ordinal(match[2] or match[1])
        found.update({version: match[3] for version in range(first, last + 1)})
    return found


def ordinal(version):
    """13 is 13, and 1.24 is 124, so that versions of both programs count up one by one."""
    return int(version.replace(".", ""))


def cell(found):
    """The other way round, as short as it can be."""
    name = lambda version: f"{version // 100}.{version % 100}" if version > 99 else str(version)  # noqa: E731
    parts = []
    for version in sorted(found):
        if parts and parts[-1][1] == version - 1 and parts[-1][2] == found[version]:
            parts[-1][1] = version
        else:
            parts.append([version, version, found[version]])
    return " | ".join(f"{name(first)}{'' if first == last else '-' + name(last)}:{value}" for first, last, value in parts)


class Table:
    """A table: rows by name, each a dictionary of its cells. `KEPT` and the first columns that no server tells are kept by hand."""

    # Columns with a value a version, and those whose value stands alone where it is one for all versions.
    SPANS, SAME = (), ()
    EXISTS = ""

    def __init__(self, name):
        self.path = os.path.join(FOLDER, name)
        with open(self.path, encoding="utf-8") as file:
            self.lines = file.read().splitlines()
        self.columns = self.lines[0].removeprefix("#").split("\t")
        self.rows = {row[0]: dict(zip(self.columns, row)) for row in (line.split("\t") for line in self.lines[1:])}

    def put(self, row, version, facts):
        """The facts of one version into a row."""
        exists = set(spans(row.get(self.EXISTS, ""), ())) | {version}
        for column in (*self.SPANS, *self.SAME):
            found = spans(row.get(column, ""), exists - {version})
            if column == "enumvals" and set(found.get(version, row.get(column, "")).split(",")) == set(facts[column].split(",")):
                continue
            found.pop(version, None)
            if facts[column]:
                found[version] = facts[column]
            alone = column in self.SAME and set(found) == exists and len(set(found.values())) == 1
            row[column] = next(iter(found.values())) if alone else cell(found)

    def take(self, row, version):
        """One version out of a row."""
        for column in (*self.SPANS, *self.SAME):
            if re.match(r"[\d.]+(-[\d.]+)?:", row[column]):
                row[column] = cell({of: value for of, value in spans(row[column], ()).items() if of != version})

    def text(self):
        rows = sorted((row for row in self.rows.values() if row[self.EXISTS]), key=lambda row: row[self.columns[0]].encode())
        return [self.lines[0], *("\t".join(row.get(column, "") for column in self.columns) for row in rows)]

    def differences(self):
        """Lines that are not what they were."""
        before, after = set(self.lines), self.text()
        return [f"- {line}" for line in self.lines if line not in set(after)] + [f"+ {line}" for line in after if line not in before]

    def write(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.text()) + "\n")


class Parameters(Table):
    """PostgreSQL's. Kept by hand: which library a parameter is of, whether it can be set, and its flags."""

    SPANS, SAME, EXISTS = ("context", "min", "max", "boot_val"), ("vartype", "enumvals"), "context"
    # Chosen by the build of the distribution: a version, a path.
    BUILD = {"krb_server_keyfile", "server_version", "server_version_num", "unix_socket_directories"}

    def __init__(self):
        super().__init__("parameters.tsv")

    def settings(self, ask):
        """Name → facts of every parameter of a running server."""
        libraries = sorted({row["lib"] for row in self.rows.values()} - {"core"})
        columns = ("name", "vartype", "unit", "enumvals", "context", "min", "max", "boot_val")
        found = ask(SETTINGS.replace("LIBRARIES", ",".join(f"'{name}'" for name in libraries)))
        return {line.split("\t")[0]: dict(zip(columns, line.split("\t"))) for line in found.splitlines()}

    def merge(self, major, found):
        present = {self.rows[name]["lib"] for name in found if name in self.rows}
        for name, facts in found.items():
            fresh = {"name": name, "unit": facts["unit"], "lib": name.split(".")[0] if "." in name else "core", "settable": "no" if facts["context"] == "internal" else "yes"}
            row = self.rows.setdefault(name, fresh)
            if name not in self.BUILD:
                self.put(row, major, facts)
            elif major not in spans(row.get("context", ""), ()):
                self.put(row, major, {**facts, **{column: "" for column in ("min", "max", "boot_val")}})
        for name, row in self.rows.items():
            # A library that is not preloaded keeps what needs a restart to itself.
            hidden = row["lib"] != "core" and "postmaster" in row["context"]
            if name not in found and row["lib"] in present and not hidden:
                self.take(row, major)


class PoolerSettings(Table):
    """PgBouncer's. Kept by hand: type, unit and words."""

    SPANS, EXISTS = ("reload", "default"), "reload"

    def __init__(self):
        super().__init__("pooler_settings.tsv")

    @staticmethod
    def settings(answer):
        """Name → facts, of what SHOW CONFIG answers."""
        found = {}
        for line in answer.splitlines():
            name, _, default, changeable = line.split("\t")
            found[name] = {"reload": changeable, "default": default or "''"}
        return found

    def merge(self, version, found):
        for name, facts in found.items():
            self.put(self.rows.setdefault(name, {"name": name, "type": "string"}), version, facts)
        for name, row in self.rows.items():
            if name not in found:
                self.take(row, version)
