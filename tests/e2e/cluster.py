"""A cluster started by `windrose up`, with handles on its processes."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("WINDROSE_E2E_PROGRAMS", ROOT / "build/release/bin"))
MODEL = pathlib.Path(os.environ.get("WINDROSE_E2E_MODEL", ROOT / "models/demo"))


def wait_until(condition, timeout, what):
    """The first true value of condition(); AssertionError with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {timeout} s for {what}"
        time.sleep(0.01)


def alive(pid):
    """Whether the process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def http_get(url, timeout=10):
    """(status, body) of a GET, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def post_json(url, body, timeout=60):
    """(status, parsed body) of a POST of JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def convert(folder, dtype):
    """The directory of the model as `windrose convert` packs it, made in `folder`."""
    directory = folder / f"{MODEL.name}-{dtype}"
    run = subprocess.run(
        [str(PROGRAMS / "windrose"), "convert", str(MODEL), str(directory), "--dtype", dtype],
        capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    return directory


class Cluster:
    """`windrose up` with the given numbers of processes; a context manager."""

    def __init__(self, *, routers=1, coordinators=1, workers=2, replication=2, model=MODEL,
                 port=0, arguments=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="windrose-e2e-"))
        self._keep = False
        self._command = [
            str(PROGRAMS / "windrose"), "up", f"--port={port}", f"--model={model}",
            f"--routers={routers}", f"--coordinators={coordinators}", f"--workers={workers}",
            f"--replication={replication}", "--threads=1", f"--log-dir={self.folder}", *arguments]
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        self._keep = self._keep or kind is not None
        self.stop()

    def start(self, timeout=120):
        self.out, self.err = self.folder / "up.stdout", self.folder / "up.stderr"
        with open(self.out, "w") as out, open(self.err, "w") as err:
            self.process = subprocess.Popen(self._command, stdout=out, stderr=err)
        try:
            wait_until(self._started, timeout, "the ready line")
        except AssertionError as error:
            self._keep = True
            self.process.kill()
            raise AssertionError(f"{error}\n{self.describe()}") from None
        self.model = json.loads(http_get(f"{self.urls[0]}/v1/models")[1])["data"][0]["id"]

    def _started(self):
        assert self.process.poll() is None, f"windrose up ended early\n{self.describe()}"
        return self.ready_line() is not None

    def describe(self):
        """What to show when something went wrong."""
        return f"{' '.join(self._command)}\n{self.err.read_text()}\nlogs: {self.folder}"

    def stop(self, timeout=60):
        """SIGTERM, and the exit code; killed when it takes too long."""
        if self.process is None or self.process.poll() is not None:
            code = None if self.process is None else self.process.returncode
        else:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                code = None
        if not self._keep and "WINDROSE_E2E_KEEP" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def ready_line(self):
        lines = self.out.read_text().splitlines()
        return lines[0] if lines and lines[0].startswith("ready http") and len(lines) > 1 else None

    def curl_line(self):
        return self.out.read_text().splitlines()[1]

    def state(self):
        return json.loads((self.folder / "cluster.json").read_text())

    def processes(self, role=None):
        return [each for each in self.state()["processes"] if role in (None, each["role"])]

    def find(self, name):
        return next(each for each in self.processes() if each["name"] == name)

    @property
    def urls(self):
        return [f"http://127.0.0.1:{each['port']}" for each in self.processes("router")]

    def all_ready(self):
        # The supervisor's word may be older than a death that it has not seen yet.
        return all(each["ready"] and alive(each["pid"]) for each in self.processes())

    def wait_ready(self, timeout=30):
        wait_until(self.all_ready, timeout, f"all processes ready\n{self.err.read_text()[-2000:]}")

    def kill(self, name, number=signal.SIGKILL):
        """Sends a signal; returns the process as it was."""

        def running():
            process = self.find(name)
            # Signalling 0 would signal this very process group.
            return process if process["pid"] > 0 and alive(process["pid"]) else None

        process = wait_until(running, 30, f"{name} to run")
        os.kill(process["pid"], number)
        return process

    def kill_and_wait(self, name, timeout=30):
        """kill -9, then waits until its successor is ready."""
        before = self.kill(name)

        def back():
            now = self.find(name)
            return now["ready"] and now["pid"] not in (0, before["pid"])

        wait_until(back, timeout, f"{name} to come back\n{self.err.read_text()[-2000:]}")

    @contextlib.contextmanager
    def supervisor_stopped(self):
        """While it is, whatever dies stays dead."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def admin(self, process, path):
        """(status, body) of an admin endpoint."""
        return http_get(f"http://127.0.0.1:{process['admin_port']}{path}")

    def metric(self, role, name, **labels):
        """The sum of a metric's samples over all processes of a role, with these labels."""
        total = 0.0
        for process in self.processes(role):
            for sample in parse_metrics(self.admin(process, "/metrics")[1])["samples"]:
                if sample[0] == name and labels.items() <= sample[1].items():
                    total += sample[2]
        return total


def parse_metrics(text):
    """{"samples": [(name, labels, value)], "help": {name: text}, "type": {name: type}}."""
    parsed = {"samples": [], "help": {}, "type": {}}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, _, rest = line[7:].partition(" ")
            parsed["help"][name] = rest
        elif line.startswith("# TYPE "):
            name, _, rest = line[7:].partition(" ")
            parsed["type"][name] = rest
        elif line and not line.startswith("#"):
            match = re.fullmatch(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?', line)
            assert match, f"not a sample: {line}"
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match.group(2) or ""))
            parsed["samples"].append((match.group(1), labels, float(match.group(3))))
    return parsed
