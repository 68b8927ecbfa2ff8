"""Measures Windrose and llama.cpp in turn on models of the same shape, and writes what came out.

Each round runs both engines once, as processes of their own, so that whatever else the machine does
hits both alike. Medians over the rounds count.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import page
from page import BIN, MODELS, run

LLAMA_TYPE = {"q4": "q4_0", "q8": "q8_0", "bf16": "bf16"}
BANDWIDTH = re.compile(r"^machine .*memory_gb ([\d.]+)", re.MULTILINE)  # of the bytes where the weights lie
RPC_ENDPOINTS = ["127.0.0.1:19001", "127.0.0.1:19002"]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formats", default="q4,q8,bf16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--instruction-set", help="of our kernels; llama.cpp's must be compiled alike")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and the plot")
    return parser.parse_args()


def layers_of(number_format: str) -> int:
    return 2 if number_format == "bf16" else 4  # bf16 with four layers would not fit beside llama.cpp


def make_models(number_format: str) -> tuple[pathlib.Path, pathlib.Path]:
    layers = layers_of(number_format)
    ours = page.ensure_model(number_format, layers)
    theirs = MODELS / f"mixtral-{layers}-{LLAMA_TYPE[number_format]}.gguf"
    if not theirs.exists():
        script = pathlib.Path(__file__).with_name("make_gguf.py")
        run(sys.executable, script, theirs, "--type", LLAMA_TYPE[number_format], "--layers", str(layers))
    return ours, theirs


@contextlib.contextmanager
def rpc_servers(number_format: str):
    """llama.cpp's two servers with a thread each, where they are wanted."""
    script = pathlib.Path(__file__).with_name("llama_rpc_server.py")
    servers = [subprocess.Popen([sys.executable, script, endpoint], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
               for endpoint in RPC_ENDPOINTS if number_format == "q4"]  # fmt: skip
    time.sleep(2 if servers else 0)
    try:
        yield
    finally:
        for server in servers:
            server.kill()
            server.wait()


def commands_for(number_format: str, threads: int) -> dict[str, list[str | pathlib.Path]]:
    ours, theirs = make_models(number_format)
    page.evict(ours, theirs)  # read again from the disk, files may come in larger pages than just written
    script = pathlib.Path(__file__).with_name("llama_rates.py")
    commands = {
        "windrose": [BIN / "bench_engine", "--model", ours, "--runs", "1", "--threads", str(threads)],
        "llama.cpp": [sys.executable, script, theirs, "--runs", "1", "--threads", str(threads)],
    }
    if number_format == "q4":
        commands["windrose, cluster"] = [BIN / "bench_cluster", "--model", ours, "--tokens", "16", "--runs", "1", "--",
                                         "--workers", "2", "--threads", "1"]  # fmt: skip
        commands["llama.cpp, RPC"] = [sys.executable, script, theirs, "--runs", "1", "--threads", "1", "--rpc",
                                      ",".join(RPC_ENDPOINTS)]  # fmt: skip
    return commands


def measure(number_format: str, rounds: int, threads: int) -> dict[str, dict[str, list[float]]]:
    """By engine and measurement, the rate of each round."""
    commands = commands_for(number_format, threads)
    found = {engine: {} for engine in commands}
    for _ in range(rounds):
        for engine, command in commands.items():
            with rpc_servers(number_format if "RPC" in engine else ""):
                output = run(*command)
            if bandwidth := BANDWIDTH.search(output):
                found[engine].setdefault("memory", []).append(float(bandwidth.group(1)))
            for name, rate in page.rates(output).items():
                found[engine].setdefault(name, []).append(rate)
                print(f"{number_format} {name} {engine} {rate:.1f}", flush=True)
    return found


def weight_bytes_per_token(number_format: str) -> float:
    """What decoding one token alone must read: attention, two experts a layer, the head."""
    bits = {"q4": 4.3125, "q8": 8.25, "bf16": 16}[number_format]
    head_bits = 16 if number_format == "bf16" else 8.25
    attention = 2 * 4096 * 4096 + 2 * 4096 * 1024
    experts = 2 * 3 * 4096 * 14336
    return (layers_of(number_format) * (attention + experts) * bits + 32000 * 4096 * head_bits) / 8


def machine_line() -> str:
    output = run(BIN / "bench_kernels", "--benchmark_filter=^$")
    return output.splitlines()[0]


def table(results: dict) -> list[str]:
    """The last column is the median over the rounds: memory's speed changes from one to the next."""
    lines = ["| format | what | Windrose | llama.cpp | ratio | of memory bandwidth |", "|---|---|---|---|---|---|"]
    for number_format, engines in results.items():
        memory = engines["windrose"]["memory"]
        for name in engines["llama.cpp"]:
            ours = statistics.median(engines["windrose"][name])
            theirs = statistics.median(engines["llama.cpp"][name])
            share = ""
            if name == "batch 1":
                needed = weight_bytes_per_token(number_format) / 1e9
                shares = [rate * needed / gb for rate, gb in zip(engines["windrose"][name], memory)]
                share = f"{statistics.median(shares):.0%}"
            lines.append(f"| {number_format} | {name} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} | {share} |")
    return lines


def cluster_table(engines: dict) -> list[str]:
    lines = ["| two one-thread processes that compute experts | Windrose | llama.cpp RPC | ratio |", "|---|---|---|---|"]
    for name, found in engines["windrose, cluster"].items():
        ours, theirs = statistics.median(found), statistics.median(engines["llama.cpp, RPC"][name])
        lines.append(f"| q4, {name} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} |")
    return lines


def plot(results: dict, name: str) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    names = [(number_format, name) for number_format, engines in results.items() for name in engines["llama.cpp"]]
    figure, axes = pyplot.subplots(figsize=(9, 0.32 * len(names) + 1))
    for offset, engine in [(-0.2, "windrose"), (0.2, "llama.cpp")]:
        values = [statistics.median(results[number_format][engine][name]) for number_format, name in names]
        axes.barh([row + offset for row in range(len(names))], values, height=0.38, label=engine)
    axes.set_yticks(range(len(names)), [f"{number_format}, {name}" for number_format, name in names])
    axes.invert_yaxis()
    axes.set_xlabel("tokens per second")
    axes.legend()
    page.save_plot(figure, name)


def main() -> None:
    arguments = parse_arguments()
    region = "side by side"
    if arguments.instruction_set:
        region += f", {arguments.instruction_set}"
        os.environ["WINDROSE_INSTRUCTION_SET"] = arguments.instruction_set  # of all our programs
    if arguments.write:
        page.require_regions(region)
    machine = machine_line()
    formats = arguments.formats.split(",")
    results = {f: measure(f, arguments.rounds, arguments.threads) for f in formats}
    lines = [f"{page.processor()}, {machine}; medians of {arguments.rounds} rounds; tokens per second in total.", ""]
    lines += table(results)
    if "q4" in results:
        lines += ["", *cluster_table(results["q4"])]
    print("\n".join(lines))
    (MODELS / f"{page.file_name(region)}.json").write_text(json.dumps(results, indent=1))
    if arguments.write:
        page.write_region(region, lines)
        plot(results, page.file_name(region))


if __name__ == "__main__":
    main()
