"""How processes start: they serve before they have read their weights, say when they have, end when they are told to, and a
worker takes little more memory than its experts do."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from cluster import MODEL, PROGRAMS, ROOT, Cluster, http_get, parse_metrics, post_json, wait_until
from test_convert import free_port

TOKENIZER = ROOT / "tests/unit/coordinator/text/data/mixtral_tokenizer.model"
WEIGHT_BYTES = "windrose_expert_weight_bytes"
READ_BYTES = "windrose_expert_weight_read_bytes"
VERIFIED = "windrose_expert_weights_verified"
LAYERS = 4  # of the smallest model of these dimensions that is of any use


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """One layer of Mixtral 8x7B's dimensions, 0.8 GB of experts in q4."""
    folder = tmp_path_factory.mktemp("large") / "model"
    subprocess.run([str(PROGRAMS / "windrose"), "synth", str(folder), "--like=mixtral-8x7b", "--layers=1",
                    "--dtype=q4", f"--tokenizer={TOKENIZER}"], check=True, timeout=300)
    yield folder
    for path in folder.iterdir():
        path.unlink()


class Process:
    """A program with an admin port, and what it logs; a context manager."""

    def __init__(self, program, *arguments):
        self.admin_port = free_port()
        self.log = []
        self.process = subprocess.Popen(
            [str(PROGRAMS / program), f"--listen=127.0.0.1:{free_port()}",
             f"--admin-listen=127.0.0.1:{self.admin_port}", *arguments], stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate(timeout=30)

    def read_log_until(self, event):
        for line in self.process.stderr:
            self.log.append(line)
            if event in line:
                return line
        raise AssertionError(f"it never said {event}: {self.log}")

    def said(self, event):
        return any(event in line for line in self.log)

    def end(self):
        """(exit code, seconds) of a SIGTERM; the rest of the log is read."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.log += self.process.stderr
        return self.process.wait(30), time.monotonic() - began

    def metric(self, name):
        samples = parse_metrics(http_get(f"http://127.0.0.1:{self.admin_port}/metrics")[1])["samples"]
        return next(value for sample, _, value in samples if sample == name)

    def answers(self):
        with contextlib.suppress(OSError):
            return http_get(f"http://127.0.0.1:{self.admin_port}/livez")[0] == 200
        return False


@pytest.fixture
def demo(tmp_path):
    """A copy of the model, to be spoiled."""
    return pathlib.Path(shutil.copytree(MODEL, tmp_path / "model"))


class Worker(Process):
    """With all experts, started and ready."""

    def __init__(self, model, when):
        super().__init__("windrose-expert-worker", f"--model={model}", f"--verify-weights={when}")

    def __enter__(self):
        self.read_log_until("worker_ready")
        return self


def coordinator(model, when):
    """Of workers that are not there."""
    return Process("windrose-coordinator", f"--model={model}", f"--verify-weights={when}",
                   f"--workers=127.0.0.1:{free_port()}", "--kv-cache-bytes=64MiB", "--context-length=2048")


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
        assert re.search(r"weights_read bytes=\d+ verified=yes", worker.log[-2])
        assert worker.metric(READ_BYTES) == worker.metric(WEIGHT_BYTES)
        assert worker.metric(VERIFIED) == 1
        assert worker.end()[0] == 0
        assert "".join(worker.log).count("weights_read") == 1


def test_a_coordinator_waits_for_its_weights_when_it_is_told_to(large):
    with coordinator(large, "before-ready") as process:
        process.read_log_until("coordinator_serving")
        assert process.said("weights_read bytes=")
        assert process.metric("windrose_coordinator_weights_verified") == 1
        assert process.end()[0] == 0


@pytest.mark.parametrize("program, arguments, event", [
    ("windrose-expert-worker", [], "worker_ready"),
    ("windrose-coordinator", [f"--workers=127.0.0.1:{free_port()}"], "coordinator_serving")])
def test_a_process_says_with_how_many_threads_it_computes(program, arguments, event):
    with Process(program, f"--model={MODEL}", "--threads=3", *arguments) as process:
        assert process.read_log_until(event).endswith(" threads=3\n")


@pytest.mark.parametrize("role", ["worker", "coordinator"])
def test_a_signal_ends_the_reading_of_weights(large, role):
    forget(large)
    start = coordinator if role == "coordinator" else Worker
    process = start(large, "before-ready")
    try:
        wait_until(process.answers, 10, "the admin port")
        code, seconds = process.end()
    finally:
        process.__exit__()
    assert code == 0, process.log
    assert seconds < 5
    assert process.said(f"{role}_stopped")
    assert not any(process.said(event) for event in ("weights_read", "worker_ready", "coordinator_serving"))


def test_weights_are_read_but_not_verified_when_that_is_off(large):
    with Worker(large, "off") as worker:
        assert "verified=no" in worker.read_log_until("weights_read")
        assert worker.metric(VERIFIED) == 0


def test_a_worker_takes_little_more_memory_than_its_experts(large):
    """Half of the experts, after frames of hundreds of rows: 5 % of what it would hold of a small model."""
    with Cluster(model=large, workers=2, replication=1) as running:
        for salt in range(8):
            status, answer = post_json(f"{running.urls[0]}/v1/completions", {
                "model": running.model, "prompt": f"{salt} " * 100, "max_tokens": 8, "ignore_eos": True})
            assert status == 200, answer
        whole = running.metric("worker", WEIGHT_BYTES)
        wait_until(lambda: running.metric("worker", READ_BYTES) == whole, 60, "all weights read")
        for process in running.processes("worker"):
            # What is not experts is the same for any number of layers.
            assert resident_bytes(process["pid"]) <= whole / 2 + 0.05 * LAYERS * whole / 2


WORKER = ["windrose-expert-worker", f"--model={MODEL}"]
COORDINATOR = ["windrose-coordinator", f"--model={MODEL}", "--workers=127.0.0.1:1"]


@pytest.mark.parametrize(("command", "code", "why"), [
    (WORKER + ["--experts=0,99"], 1, "--experts: wanted below 8, came 99"),
    (WORKER + ["--experts=3-1"], 1, "--experts: wanted a rising range, came 3-1"),
    (WORKER + ["--instruction-set=Z80"], 1, "Z80"),
    (WORKER + ["--cpus=1023"], 1, "--cpus: "),
    (WORKER + ["--cpus=4095"], 78, "--cpus: "),
    (WORKER[:1] + ["--model=/nowhere"], 1, "model directory /nowhere: "),
    (WORKER + ["--tile-rows=0"], 78, "--tile-rows: "),
    (WORKER + ["--max-rows=64", "--max-queued-rows=63"], 78, "--max-queued-rows: wanted at least --max-rows, 64, came 63"),
    (WORKER + ["--verify-weights=later"], 78, "--verify-weights: "),
    (COORDINATOR + ["--instruction-set=Z80"], 1, "Z80"),
    (COORDINATOR + ["--context-length=1000000"], 1, "--context-length: "),
    (COORDINATOR + ["--kv-cache-bytes=1"], 78, "--kv-cache-bytes: "),
    (COORDINATOR + ["--workers="], 78, "--workers: "),
    (["windrose-router", "--coordinators=dns:///"], 78, "--coordinators: "),
])
def test_a_process_that_cannot_start_says_why_once(command, code, why):
    listen = [f"--listen=127.0.0.1:{free_port()}", f"--admin-listen=127.0.0.1:{free_port()}"]
    run = subprocess.run([str(PROGRAMS / command[0]), *listen, *command[1:]], capture_output=True, text=True, timeout=30)
    assert run.returncode == code, run.stderr
    assert run.stderr.count(why) == 1, run.stderr


@pytest.mark.parametrize("flag", ["--listen", "--admin-listen"])
@pytest.mark.parametrize("command", [WORKER, COORDINATOR, ["windrose-router", "--coordinators=127.0.0.1:1"]])
def test_a_port_in_use_ends_the_start(command, flag):
    ports = {"--listen": free_port(), "--admin-listen": free_port()}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports[flag] = taken.getsockname()[1]
        listen = [f"{name}=127.0.0.1:{port}" for name, port in ports.items()]
        run = subprocess.run([str(PROGRAMS / command[0]), *command[1:], *listen], capture_output=True, text=True, timeout=30)
    assert run.returncode == 1, run.stderr
    assert f"127.0.0.1:{ports[flag]}" in run.stderr
    assert "_failed why=" in run.stderr


def test_a_coordinator_refuses_a_tokenizer_that_is_a_pipe_at_once(demo):
    (demo / "tokenizer.model").unlink()
    os.mkfifo(demo / "tokenizer.model")
    with Process("windrose-coordinator", f"--model={demo}", "--workers=127.0.0.1:1") as coordinator:
        assert coordinator.process.wait(60) == 1
        assert "tokenizer.model: is not a regular file" in coordinator.read_log_until("coordinator_failed")


def test_a_coordinators_tables_are_as_long_as_what_it_serves(demo):
    config = json.loads((demo / "config.json").read_text())
    config["max_position_embeddings"] = 1 << 22
    (demo / "config.json").write_text(json.dumps(config))
    with Process("windrose-coordinator", f"--model={demo}", "--workers=127.0.0.1:1", "--context-length=1024",
                 "--kv-cache-bytes=16MiB") as coordinator:
        coordinator.read_log_until("coordinator_serving")
        assert coordinator.metric("process_resident_memory_bytes") < 256e6  # the long ones would be 537e6
