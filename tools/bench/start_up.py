"""Measures how soon a worker and a cluster serve, from a cold and from a warm page cache, and what memory a worker takes."""

import argparse
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import urllib.request

import page

NAMES = {"off": "read in the background", "background": "and verified, the default", "before-ready": "verified before ready"}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, default=page.MODELS / "mixtral-4-q4")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    return parser.parse_args()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def metrics(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        lines = response.read().decode().splitlines()
    return {line.split()[0]: float(line.split()[-1]) for line in lines if line and not line.startswith("#")}


class Worker:
    """With all experts; times are seconds since it was started."""

    def __init__(self, model: pathlib.Path, when: str):
        self.port = free_port()
        began = time.monotonic()
        self.process = subprocess.Popen(
            [page.BIN / "windrose-expert-worker", f"--model={model}", f"--verify-weights={when}",
             f"--listen=127.0.0.1:{free_port()}", f"--admin-listen=127.0.0.1:{self.port}"],
            stderr=subprocess.PIPE, text=True)  # fmt: skip
        assert any("worker_ready" in line for line in self.process.stderr)
        self.ready = time.monotonic() - began
        while (now := metrics(self.port))["windrose_expert_weight_read_bytes"] < now["windrose_expert_weight_bytes"]:
            time.sleep(0.02)
        self.read = time.monotonic() - began
        self.weights, self.resident = now["windrose_expert_weight_bytes"], now["process_resident_memory_bytes"]

    def stop(self) -> "Worker":
        self.process.terminate()
        self.process.wait()
        return self


def first_tokens(model: pathlib.Path) -> tuple[float, float, float]:
    """Seconds until a cluster of two workers is ready, then of its first answer of one token, and of its twentieth."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        command = [page.BIN / "windrose", "up", "--port=0", f"--model={model}", "--workers=2", f"--log-dir={folder}"]
        cluster = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        url = re.search(r"ready (http\S+)", next(line for line in cluster.stdout if line.startswith("ready "))).group(1)
        ready = time.monotonic() - began
        with urllib.request.urlopen(f"{url}/v1/models") as response:
            name = json.load(response)["data"][0]["id"]
        body = json.dumps({"model": name, "prompt": "Windrose", "max_tokens": 1, "temperature": 0}).encode()
        times = []
        for _ in range(20):
            asked = time.monotonic()
            request = urllib.request.Request(f"{url}/v1/completions", body, {"Content-Type": "application/json"})
            urllib.request.urlopen(request).read()
            times.append(time.monotonic() - asked)
        cluster.terminate()
        cluster.wait()
    return ready, times[0], times[-1]


def worker_rows(model: pathlib.Path) -> tuple[list[list[str]], Worker]:
    rows = []
    for when in NAMES:
        page.evict(model)
        cold, warm = Worker(model, when).stop(), Worker(model, when).stop()
        rows.append([f"`--verify-weights={when}`: {NAMES[when]}", f"{cold.ready:.2f} s", f"{cold.read:.1f} s",
                     f"{warm.ready:.2f} s", f"{warm.read:.1f} s"])  # fmt: skip
    return rows, warm


def main() -> None:
    arguments = parse_arguments()
    if arguments.write:
        page.require_regions("start-up")
    rows, worker = worker_rows(arguments.model)
    page.evict(arguments.model)
    cold, warm = first_tokens(arguments.model), first_tokens(arguments.model)
    head = ["a worker with all experts", "cold: ready", "all read", "warm: ready", "all read"]
    lines = [f"{page.processor()}; {worker.weights / 1e9:.2f} GB of experts.", "", *page.table(head, rows), ""]
    lines += [
        f"A cluster with two workers is ready after {cold[0]:.1f} s from a cold cache, {warm[0]:.1f} s from a warm one; its first",
        f"answer of one token takes {cold[1]:.2f} s and {warm[1]:.2f} s, its twentieth {cold[2]:.2f} s and {warm[2]:.2f} s. A worker that has read",
        f"everything has {worker.resident / worker.weights - 1:.1%} more in memory than its experts' bytes.",
    ]
    print("\n".join(lines))
    if arguments.write:
        page.write_region("start-up", lines)


if __name__ == "__main__":
    main()
