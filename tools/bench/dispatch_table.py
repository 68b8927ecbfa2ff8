"""Runs bench_dispatch and makes a table of it."""

import argparse
import re

import page

TIMES = re.compile(r"^(\S.*?)\s+(\d+) KiB  p50\s+([\d.]+)  p90\s+([\d.]+)  p99\s+([\d.]+)", re.MULTILINE)
HEAP = re.compile(r"each round trip\s+([\d.]+) allocations of ([\d.]+) KiB together; frames of (\d+) and (\d+) bytes")
NAMES = {"raw socket": "a bare socket", "worker, copying expert": "a worker whose expert copies",
         "network alone": "a small expert alone", "worker, real network": "a worker with that expert"}  # fmt: skip


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    if arguments.write:
        page.require_regions("dispatch")
    output = page.run(page.BIN / "bench_dispatch")
    heap = iter(HEAP.findall(output))
    rows = []
    for what, size, *times in TIMES.findall(output):
        allocations, kilobytes, call, reply = next(heap) if "copying" in what else ("", "", "", "")
        frames = f"{call} and {reply}" if call else ""
        rows.append([f"{NAMES[what]}, {size} KiB", *times, allocations, kilobytes, frames])
    head = ["round trip", "p50 µs", "p90", "p99", "allocations", "KiB allocated", "bytes of the frames"]
    lines = [f"{page.processor()}.", "", *page.table(head, rows)]
    print("\n".join(lines))
    if arguments.write:
        page.write_region("dispatch", lines)


if __name__ == "__main__":
    main()
