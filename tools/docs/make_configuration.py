#!/usr/bin/env python3
"""Writes docs/configuration.md from what the programs say with --help.

    make_configuration.py build/release/bin            writes it
    make_configuration.py build/release/bin --check    fails when it is not what would be written
"""

import argparse
import dataclasses
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "configuration.md"
PROGRAMS = [
    ["windrose-router"],
    ["windrose-coordinator"],
    ["windrose-expert-worker"],
    ["windrose", "up"],
    ["windrose", "chat"],
    ["windrose", "bench"],
    ["windrose", "convert"],
    ["windrose", "inspect"],
    ["windrose", "synth"],
]
COMMON = {"help", "version", "config", "print-config"}
OPTION = re.compile(r"^  (?:-h,)?--([a-z0-9-]+)(?: (\S+))?(?:\s+(.*))?$")
POSITIONAL = re.compile(r"^  ([A-Z]+) (?:TEXT )?(?:REQUIRED)?\s{2,}(.*)$")
INTRODUCTION = """# Configuration

Made by `tools/docs/make_configuration.py` from the programs' own `--help`; do not edit.

Each setting is a flag, an environment variable and a key of the file given with `--config FILE`. A flag wins over the environment,
that over the file, that over the default. For `--queue-timeout` of windrose-router the variable is
`WINDROSE_ROUTER_QUEUE_TIMEOUT`, or else `WINDROSE_QUEUE_TIMEOUT`; the key is `queue-timeout = "30s"`. Times have a unit (`50us`,
`250ms`, `10s`, `2m`, `1h`), sizes too (`512B`, `4KiB`, `64MiB`, `2GiB`); lists are separated by commas. An unknown flag or key, and
whatever is ill-typed or out of range, is refused with one line, and exit code 78; unknown variables are not looked at.
`--print-config` prints the effective configuration as a file, `--help` this list, `--version` the version.

Use a program's own variable where programs mean different things by a flag: `--model` is a directory, but to windrose chat the name
of a served model; `--workers` are addresses to windrose-coordinator, and a number to windrose up.

The processes that `windrose up` and `windrose bench` start see their environment but `WINDROSE_CONFIG` and `WINDROSE_<FLAG>` of the
command's own flags: `WINDROSE_ROUTER_DRAIN_TIMEOUT` reaches the routers, `WINDROSE_DRAIN_TIMEOUT` is `windrose up`'s.
"""


@dataclasses.dataclass
class Setting:
    name: str
    kind: str
    meaning: str
    default: str


def unwrapped(text: str) -> list[str]:
    """The lines of the help; a description on lines of its own is put behind its option."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and re.match(r"^ {8,}\S", line) and lines[-1].startswith("  "):
            first = "  " if OPTION.match(lines[-1]) and not OPTION.match(lines[-1]).group(3) else " "
            lines[-1] = lines[-1].rstrip() + first + line.strip()
        else:
            lines.append(line)
    return lines


def setting_of(line: str) -> Setting | None:
    match = OPTION.match(line)
    if match:
        name, kind, meaning = "--" + match.group(1), match.group(2) or "", match.group(3) or ""
    else:
        match = POSITIONAL.match(line)
        if not match:
            return None
        name, kind, meaning = match.group(1), "", match.group(2)
    default = re.search(r" \[(\[.*\]|[^\[\]]*)\]$", meaning)
    meaning = meaning[: default.start()] if default else meaning
    value = default.group(1).strip("[]").replace('"', "") if default else ""
    return Setting(name, kind.strip(), meaning.strip(), value)


def section(folder: pathlib.Path, command: list[str]) -> str:
    program = [str(folder / command[0]), *command[1:], "--help"]
    text = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    rows = [setting_of(line) for line in unwrapped(text)]
    settings = [row for row in rows if row and row.name.removeprefix("--") not in COMMON]
    if not settings:
        sys.exit(f"{' '.join(program)}: no settings found")
    description = text.splitlines()[0]
    lines = [f"\n## {' '.join(command)}\n", description, ""]
    lines += ["| setting | value | default | meaning |", "|---|---|---|---|"]
    for row in settings:
        kind = row.kind.replace("|", " \\| ")
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.name}` | {kind} | {default} | {row.meaning} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the programs are")
    parser.add_argument("--check", action="store_true", help="compare only")
    arguments = parser.parse_args()
    wanted = INTRODUCTION + "".join(section(arguments.folder, command) for command in PROGRAMS)
    if not arguments.check:
        DOCUMENT.write_text(wanted)
    elif DOCUMENT.read_text() != wanted:
        sys.exit(f"{DOCUMENT.name} differs from --help: run {pathlib.Path(__file__).name}")


if __name__ == "__main__":
    main()
