"""`windrose up` with processes that misbehave as ours do not: puppets in place of the three programs."""

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

import pytest

from cluster import MODEL, PROGRAMS, wait_until

PUPPET = pathlib.Path(__file__).with_name("puppet.py")
TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def puppets(tmp_path):
    for name in ("windrose-expert-worker", "windrose-coordinator", "windrose-router"):
        program = tmp_path / name
        program.write_text(f"#!{sys.executable}\n{PUPPET.read_text()}")
        program.chmod(0o755)
    return tmp_path


class Up:
    """`windrose up` of the puppets in a folder; a context manager."""

    stderr = subprocess.PIPE

    def __init__(self, puppets, **roles):
        """Each role's argument is what its puppet does; see puppet.py."""
        self._command = [str(PROGRAMS / "windrose"), "up", "--port=0", f"--model={MODEL}", "--workers=1",
                         f"--program-dir={puppets}", f"--log-dir={puppets / 'logs'}",
                         *(f"--{role}-arguments=--habit={habit}" for role, habit in roles.items())]

    def __enter__(self):
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=self.stderr, text=True)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate(timeout=30)

    def processor_seconds(self):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        return sum(map(int, stat.rpartition(")")[2].split()[11:13])) / TICKS


def test_a_router_that_does_not_say_its_model_delays_the_ready_line_little(puppets):
    with Up(puppets) as up:
        begin = time.monotonic()
        assert up.process.stdout.readline().startswith("ready http")
        assert time.monotonic() - begin < 10
        assert '"model":"mixtral"' in up.process.stdout.readline()


def test_a_drain_takes_no_processor_when_a_probe_was_under_way(puppets):
    with Up(puppets, worker="not-ready", router="linger") as up:
        for name in ("router-0", "worker-0"):
            log = puppets / f"logs/{name}.log"
            wait_until(lambda log=log: log.exists() and "probed" in log.read_text(), 30, f"a probe of {name}")
        up.process.send_signal(signal.SIGTERM)
        before = up.processor_seconds()
        time.sleep(2)  # of the three that the router lingers
        assert up.processor_seconds() - before < 0.5
        assert up.process.wait(30) == 0


def test_the_end_of_a_terminal_drains_though_it_is_told_twice(puppets):
    with Up(puppets, router="linger") as up:
        assert up.process.stdout.readline().startswith("ready http")
        status = puppets / "logs/cluster.json"
        up.process.send_signal(signal.SIGHUP)  # by the shell
        wait_until(lambda: '"state":"draining"' in status.read_text(), 30, "the drain")
        up.process.send_signal(signal.SIGHUP)  # by the system
        assert up.process.wait(30) == 0
        assert "was killed" not in up.process.stderr.read()


def test_it_starts_and_stops_though_nobody_reads_what_it_says(puppets):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"full" * 1024)
    os.set_blocking(writer, True)
    up = Up(puppets)
    up.stderr = writer
    with up:
        ready, _, _ = select.select([up.process.stdout], [], [], 30)
        assert ready and up.process.stdout.readline().startswith("ready http")
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(30) == 0
    os.close(reader)
    os.close(writer)
