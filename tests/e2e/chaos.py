"""Kills workers and coordinators at random under load and compares every byte that clients get.

Each of a few requests is answered once before anything is killed; then clients repeat them while
processes die by kill -9 and are started again. An answer that is not complete counts as failed, one
that is complete but not the recorded one as differing. The seed chooses victims and moments.
"""

import argparse
import random
import sys
import threading
import time

from cluster import Cluster
from sse import read_stream

CLIENTS = 8
TOKENS = 200


def requests_of(model):
    """Greedy and sampled ones, with and without penalties."""
    prompts = ["Windrose is", "1 2 3 4", "Sort 9 4 7", "def add(a, b):", "Bonjour", "The gate",
               "What is 3 + 4?", "{\"name\":"]
    bodies = []
    for index, prompt in enumerate(prompts):
        body = {"model": model, "prompt": prompt, "max_tokens": TOKENS, "ignore_eos": True,
                "temperature": 0}
        if index % 2:
            body |= {"temperature": 0.8 + 0.1 * index, "seed": 100 + index, "top_p": 0.95}
        if index % 4 == 3:
            body |= {"repetition_penalty": 1.1}
        bodies.append(body)
    return bodies


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def differing_bytes(expected, got):
    """How many bytes of two texts differ, the longer one's rest counted too."""
    left, right = expected.encode(), got.encode()
    return sum(a != b for a, b in zip(left, right)) + abs(len(left) - len(right))


class Load:
    """Clients that repeat the requests until they are told to stop."""

    def __init__(self, urls, bodies, recorded):
        self._urls, self._bodies, self._recorded = urls, bodies, recorded
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.streams, self.failures, self.differences = [], [], []
        self._threads = [threading.Thread(target=self._run, args=(index,))
                         for index in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client):
        for turn in range(client, sys.maxsize):
            if self._stop.is_set():
                return
            index = turn % len(self._bodies)
            self._check(index, read_stream(self._urls[turn % len(self._urls)], "/v1/completions",
                                           self._bodies[index]))

    def _check(self, index, stream):
        expected = self._recorded[index]
        with self._lock:
            self.streams.append(stream)
            if not stream.complete:
                self.failures.append((index, stream))
            elif stream.outcome() != expected.outcome():
                self.differences.append((index, differing_bytes(expected.text, stream.text),
                                         stream))


def kill_at_random(cluster, kills, chance, pause, overlap):
    """Kills one worker or coordinator after the other; waits for its return unless `overlap`."""
    victims = [process["name"] for process in cluster.processes() if process["role"] != "router"]
    for count in range(kills):
        time.sleep(chance.uniform(0, 2 * pause))
        name = chance.choice(victims)
        if overlap:
            cluster.kill(name)
        else:
            cluster.kill_and_wait(name)
        if sys.stderr.isatty() or (count + 1) % 10 == 0:
            print(f"\r{count + 1} of {kills} kills", end="" if sys.stderr.isatty() else "\n",
                  file=sys.stderr, flush=True)
    cluster.wait_ready()


def report(load, baseline, arguments, seconds):
    """Prints what happened; whether all was well."""
    gaps = [1000 * stream.longest_gap for stream in load.streams]
    calm = [1000 * stream.longest_gap for stream in baseline]
    print(f"\nseed {arguments.seed}: {arguments.kills} kills, {len(load.streams)} streams "
          f"of {TOKENS} tokens, {CLIENTS} clients, {seconds:.0f} s")
    print(f"failed {len(load.failures)}, differing {len(load.differences)} "
          f"({sum(count for _, count, _ in load.differences)} bytes)")
    print(f"longest gap of a stream: p50 {percentile(gaps, 0.5):.0f} ms, "
          f"p99 {percentile(gaps, 0.99):.0f} ms, max {max(gaps, default=0):.0f} ms "
          f"(without kills: p50 {percentile(calm, 0.5):.0f} ms, max {max(calm, default=0):.0f} ms)")
    if not load.failures and not load.differences:
        print(f"no failure in {len(load.streams)} streams: below "
              f"{300 / max(1, len(load.streams)):.2f} % with 95 % confidence")
    for index, stream in load.failures[:10]:
        print(f"  request {index} failed after {len(stream.arrivals)} events: status "
              f"{stream.status}, error {stream.error}, {stream.broken or 'connection ended'}")
    for index, count, stream in load.differences[:10]:
        print(f"  request {index} differs in {count} bytes: {stream.outcome()!r}")
    return bool(load.streams) and not load.failures and not load.differences


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--pause", type=float, default=0.2, help="mean seconds between kills")
    parser.add_argument("--overlap", action="store_true", help="kill before the last one is back")
    parser.add_argument("--coordinators", type=int, default=2)
    parser.add_argument("--workers", type=int, default=4)
    arguments = parser.parse_args()
    with Cluster(routers=1, coordinators=arguments.coordinators, workers=arguments.workers,
                 arguments=["--healthy-life=100ms"]) as cluster:
        bodies = requests_of(cluster.model)
        recorded = [read_stream(cluster.urls[0], "/v1/completions", body) for body in bodies]
        assert all(stream.complete for stream in recorded), recorded
        # Load without kills: what a gap is when nothing happens, and that company changes nothing.
        with Load(cluster.urls, bodies, recorded) as calm:
            time.sleep(3)
        assert calm.streams and not calm.failures and not calm.differences, "wrong without kills"
        begin = time.monotonic()
        with Load(cluster.urls, bodies, recorded) as load:
            kill_at_random(cluster, arguments.kills, random.Random(arguments.seed),
                           arguments.pause, arguments.overlap)
        well = report(load, calm.streams, arguments, time.monotonic() - begin)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
