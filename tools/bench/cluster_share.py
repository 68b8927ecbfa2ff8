"""Measures one process and clusters of several sizes in turn, and prints what share of its speed a cluster has.

Each round runs everything once, so that whatever else the machine does hits all alike. The share of a round compares
runs that follow each other; medians over the rounds count. What stands behind -- goes to `windrose up`.
"""

import argparse
import os
import pathlib
import statistics

import page


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(page.MODELS / "mixtral-4-q4"))
    parser.add_argument("--bin", type=pathlib.Path, default=page.BIN)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--workers", default="1,2,4", help="numbers of workers, one cluster each")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of the one process")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    parser.add_argument("up", nargs="*", help="arguments of windrose up")
    return parser.parse_args()


def measure(arguments: argparse.Namespace) -> list[tuple[dict, dict]]:
    """For each round: the rates of one process, and those of each cluster by its number of workers."""
    common = ["--model", arguments.model, "--tokens", arguments.tokens, "--runs", "1"]
    rounds = []
    for number in range(arguments.rounds):
        single = page.rates(page.run(arguments.bin / "bench_engine", *common, "--threads", arguments.threads, stderr=None))
        print(f"round {number + 1}, one process: {single}", flush=True)
        clusters = {}
        for workers in arguments.workers.split(","):
            bench = arguments.bin / "bench_cluster"
            clusters[workers] = page.rates(page.run(bench, *common, "--", "--workers", workers, *arguments.up, stderr=None))
            print(f"round {number + 1}, {workers} workers: {clusters[workers]}", flush=True)
        rounds.append((single, clusters))
    return rounds


def table(rounds: list[tuple[dict, dict]], workers: list[str]) -> list[str]:
    head = ["", "one process"]
    for count in workers:
        head += [f"{count} worker{'' if count == '1' else 's'}", "share"]
    rows = []
    for name in rounds[0][0]:
        cells = [name, f"{statistics.median(single[name] for single, _ in rounds):.1f}"]
        for count in workers:
            share = statistics.median(clusters[count][name] / single[name] for single, clusters in rounds)
            rate = statistics.median(clusters[count][name] for _, clusters in rounds)
            cells += [f"{rate:.1f}", f"{share:.0%}"]
        rows.append(cells)
    return page.table(head, rows)


def main() -> None:
    arguments = parse_arguments()
    if arguments.write:
        page.require_regions("cluster")
    rounds = measure(arguments)
    lines = table(rounds, arguments.workers.split(","))
    print("\n".join(lines))
    if arguments.write:
        about = f"{page.processor()}, {arguments.threads} threads; medians of {arguments.rounds} rounds; tokens per second."
        page.write_region("cluster", [about, "", *lines])


if __name__ == "__main__":
    main()
