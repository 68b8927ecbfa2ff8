"""How a worker starts: it serves before it has read its weights, says when it has, and takes no more memory than they do."""

import os
import re
import subprocess

import pytest

from cluster import PROGRAMS, ROOT, Cluster, http_get, parse_metrics, post_json, wait_until
from test_convert import free_port

TOKENIZER = ROOT / "tests/unit/coordinator/text/data/mixtral_tokenizer.model"
WEIGHT_BYTES = "windrose_expert_weight_bytes"
READ_BYTES = "windrose_expert_weight_read_bytes"
VERIFIED = "windrose_expert_weights_verified"
# Programs and their libraries, gRPC's buffers, and the activations of one pass over 256 rows.
PROCESS_BYTES = 112 << 20


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """One layer of Mixtral 8x7B's dimensions, 0.8 GB of experts in q4."""
    folder = tmp_path_factory.mktemp("large") / "model"
    subprocess.run([str(PROGRAMS / "windrose"), "synth", str(folder), "--like=mixtral-8x7b", "--layers=1",
                    "--dtype=q4", f"--tokenizer={TOKENIZER}"], check=True, timeout=300)
    yield folder
    for path in folder.iterdir():
        path.unlink()


class Worker:
    """A worker with all experts, started and ready; a context manager."""

    def __init__(self, model, when):
        self.admin_port = free_port()
        self.process = subprocess.Popen(
            [str(PROGRAMS / "windrose-expert-worker"), f"--model={model}", f"--verify-weights={when}",
             f"--listen=127.0.0.1:{free_port()}", f"--admin-listen=127.0.0.1:{self.admin_port}"],
            stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        self.log = []
        self.read_log_until("worker_ready")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=30)

    def read_log_until(self, event):
        for line in self.process.stderr:
            self.log.append(line)
            if event in line:
                return line
        raise AssertionError(f"it never said {event}: {self.log}")

    def metric(self, name):
        samples = parse_metrics(http_get(f"http://127.0.0.1:{self.admin_port}/metrics")[1])["samples"]
        return next(value for sample, _, value in samples if sample == name)


def forget(folder):
    """Takes the files out of the page cache."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) << 10


def test_ready_does_not_wait_for_the_weights(large):
    forget(large)
    with Worker(large, "background") as worker:
        assert worker.metric(READ_BYTES) < worker.metric(WEIGHT_BYTES)
        assert worker.metric(VERIFIED) == 0
        assert http_get(f"http://127.0.0.1:{worker.admin_port}/readyz")[0] == 200
        assert "verified=yes" in worker.read_log_until("weights_read")
        assert worker.metric(READ_BYTES) == worker.metric(WEIGHT_BYTES)
        assert worker.metric(VERIFIED) == 1


def test_ready_waits_for_the_weights_when_it_is_told_to(large):
    with Worker(large, "before-ready") as worker:
        assert worker.metric(READ_BYTES) == worker.metric(WEIGHT_BYTES)
        assert worker.metric(VERIFIED) == 1


def test_weights_are_read_but_not_verified_when_that_is_off(large):
    with Worker(large, "off") as worker:
        assert "verified=no" in worker.read_log_until("weights_read")
        assert worker.metric(VERIFIED) == 0


def test_a_worker_takes_no_more_memory_than_its_experts(large):
    with Cluster(model=large, workers=2, replication=1) as running:
        for salt in range(8):
            status, answer = post_json(f"{running.urls[0]}/v1/completions", {
                "model": running.model, "prompt": f"{salt} " * 100, "max_tokens": 8, "ignore_eos": True})
            assert status == 200, answer
        whole = running.metric("worker", WEIGHT_BYTES)
        wait_until(lambda: running.metric("worker", READ_BYTES) == whole, 60, "all weights read")
        for process in running.processes("worker"):
            assert resident_bytes(process["pid"]) <= whole / 2 * 1.05 + PROCESS_BYTES
