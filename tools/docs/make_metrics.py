#!/usr/bin/env python3
"""Writes docs/metrics.md from what the processes of a running cluster export.

    make_metrics.py CLUSTER_JSON       the status file that `windrose up` names; ask it something first
"""

import argparse
import json
import pathlib
import re
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "metrics.md"
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$")
LABEL = re.compile(r'(\w+)="(?:[^"\\]|\\.)*"')
OF_HISTOGRAM = ("_bucket", "_sum", "_count")
ROLES = {"router": "Router", "coordinator": "Coordinator", "worker": "Expert worker"}
INTRODUCTION = """# Metrics

Made by `tools/docs/make_metrics.py` from a running cluster; do not edit.

Every process serves Prometheus text at `/metrics` of its admin port (`--admin-listen`). Label values come from closed sets: routes,
codes, layers, experts, addresses of peers; never what a client sent. Times are in seconds, sizes in bytes.
"""


class Family:
    def __init__(self):
        self.kind, self.help, self.labels = "", "", []


def families_of(text: str) -> dict[str, Family]:
    families: dict[str, Family] = {}
    for line in text.splitlines():
        if line.startswith("# "):
            _, what, name, rest = (line + " ").split(" ", 3)
            family = families.setdefault(name, Family())
            setattr(family, {"HELP": "help", "TYPE": "kind"}[what], rest.strip())
            continue
        match = SAMPLE.match(line)
        if not match:
            continue
        name = match.group(1)
        for suffix in OF_HISTOGRAM:
            name = name.removesuffix(suffix) if name not in families else name
        for label in LABEL.findall(match.group(2) or ""):
            if label != "le" and label not in families[name].labels:
                families[name].labels.append(label)
    return families


def table(families: dict[str, Family]) -> str:
    lines = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for name in sorted(families):
        family = families[name]
        labels = ", ".join(family.labels)
        lines.append(f"| `{name}` | {family.kind} | {labels} | {family.help} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cluster", type=pathlib.Path, help="cluster.json of a running cluster")
    processes = json.loads(parser.parse_args().cluster.read_text())["processes"]
    by_role: dict[str, dict[str, Family]] = {role: {} for role in ROLES}
    for process in processes:
        url = f"http://127.0.0.1:{process['admin_port']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            by_role[process["role"]] |= families_of(answer.read().decode())
    shared = set.intersection(*(set(families) for families in by_role.values()))
    common = {name: by_role["router"][name] for name in shared}
    page = INTRODUCTION
    for role, title in ROLES.items():
        own = {name: family for name, family in by_role[role].items() if name not in shared}
        page += f"\n## {title}\n\n{table(own)}"
    page += f"\n## Every process\n\n{table(common)}"
    DOCUMENT.write_text(page)


if __name__ == "__main__":
    main()
