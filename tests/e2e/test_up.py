"""`windrose up` itself: start, curl line, restarts, stop; and the other commands beside it."""

import http.client
import http.server
import os
import signal
import subprocess
import threading
import time

import pytest

from cluster import MODEL, PROGRAMS, Cluster, alive, http_get, wait_until
from sse import read_stream

WINDROSE = str(PROGRAMS / "windrose")


@pytest.fixture
def small():
    with Cluster(routers=1, coordinators=1, workers=2, replication=2) as running:
        yield running


def test_the_curl_line_works_as_pasted(cluster):
    run = subprocess.run(["bash", "-c", cluster.curl_line()], capture_output=True, text=True,
                         timeout=60, check=True)
    assert '"content"' in run.stdout
    if MODEL.name == "demo":
        assert "42" in run.stdout


def test_the_ready_line_is_exact(cluster):
    assert cluster.ready_line() == f"ready {cluster.urls[0]}"


def test_every_process_answers_its_probes(cluster):
    for process in cluster.processes():
        for path in ("/livez", "/readyz", "/startupz"):
            assert cluster.admin(process, path)[0] == 200, (process["name"], path)
        assert cluster.admin(process, "/nothing")[0] == 404


def test_sigterm_stops_everything_in_time_and_leaves_no_orphan(small):
    pids = [process["pid"] for process in small.processes()]
    assert all(alive(pid) for pid in pids)
    begin = time.monotonic()
    assert small.stop() == 0
    assert time.monotonic() - begin < 10
    assert not any(alive(pid) for pid in pids)


def test_pinned_workers_keep_all_their_threads_on_their_own_processors():
    usable = sorted(os.sched_getaffinity(0))
    with Cluster(workers=2, arguments=["--pin=on"]) as running:
        for index, worker in enumerate(running.processes("worker")):
            if len(usable) > 1:
                own = set(usable[len(usable) * index // 2 : len(usable) * (index + 1) // 2])
            else:
                own = set(usable)
            for thread in os.listdir(f"/proc/{worker['pid']}/task"):
                assert os.sched_getaffinity(int(thread)) <= own, (worker["name"], thread)
        for thread in os.listdir(f"/proc/{running.find('coordinator-0')['pid']}/task"):
            assert os.sched_getaffinity(int(thread)) == set(usable)


def test_no_orphan_survives_the_supervisors_sudden_death(small):
    pids = [process["pid"] for process in small.processes()]
    small.process.kill()
    small.process.wait()
    wait_until(lambda: not any(alive(pid) for pid in pids), 5, "the children's end")


def test_a_killed_process_is_back_on_its_ports(small):
    for name in ("worker-0", "coordinator-0", "router-0"):
        before = small.find(name)
        small.kill_and_wait(name)
        after = small.find(name)
        assert after["restarts"] == before["restarts"] + 1
        assert (after["port"], after["admin_port"]) == (before["port"], before["admin_port"])
    assert http_get(f"{small.urls[0]}/v1/models")[0] == 200
    assert "was killed by signal 9" in small.err.read_text()


def test_a_restart_that_fails_is_tried_again_and_the_others_live(small):
    worker, router = small.find("worker-0"), small.find("router-0")
    away = small.folder.with_name(f"{small.folder.name}-away")
    small.folder.rename(away)  # there is no place for the log now
    os.kill(worker["pid"], signal.SIGKILL)
    wait_until(lambda: "worker-0 could not start: cannot write the log" in (away / "up.stderr").read_text(),
               10, "a failed start")
    assert alive(router["pid"]) and small.process.poll() is None
    away.rename(small.folder)
    small.wait_ready()
    assert small.find("worker-0")["restarts"] == worker["restarts"] + 1


def test_a_stream_is_finished_before_the_end(small):
    stopped = []

    def stop_once(stream):
        if len(stream.arrivals) == 5 and not stopped:
            small.process.send_signal(signal.SIGTERM)
            stopped.append(True)

    stream = read_stream(small.urls[0], "/v1/completions",
                         {"model": small.model, "prompt": "Windrose is", "max_tokens": 300,
                          "temperature": 0, "ignore_eos": True}, on_event=stop_once)
    assert stopped and stream.complete, (stream.error, stream.broken)
    assert small.process.wait(30) == 0


def test_starts_again_at_once_on_the_port_it_just_served():
    with Cluster(workers=1, replication=1) as first:
        port = first.processes("router")[0]["port"]
        # Kept open, so that it is the server that closes, and its port that the kernel remembers.
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/v1/models")
        connection.getresponse().read()
    with Cluster(workers=1, replication=1, port=port) as second:
        assert second.urls == [f"http://127.0.0.1:{port}"]
    connection.close()


def test_a_port_in_use_is_a_clear_error(cluster):
    port = cluster.processes("router")[0]["port"]
    run = subprocess.run([WINDROSE, "up", f"--port={port}", f"--model={MODEL}"],
                         capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == 1
    assert "already in use" in run.stderr and "--port" in run.stderr


def test_the_logs_of_a_running_cluster_are_not_anothers(cluster):
    run = subprocess.run([WINDROSE, "up", "--port=0", f"--model={MODEL}", f"--log-dir={cluster.folder}"],
                         capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == 1
    assert "another running cluster" in run.stderr and "--log-dir" in run.stderr
    assert cluster.state()["supervisor_pid"] == cluster.process.pid
    assert all(os.path.exists(process["log"]) for process in cluster.processes())


@pytest.mark.parametrize(("option", "command"), [("--host=localhost", "up"), ("--url=http://127.0.0.1:1/v1", "chat"),
                                                 ("--url=localhost", "bench")])
def test_an_address_of_another_kind_is_refused_as_a_setting(option, command):
    run = subprocess.run([WINDROSE, command, option], capture_output=True, text=True, timeout=30, check=False,
                         stdin=subprocess.DEVNULL)
    assert run.returncode == 78
    assert f"{option.split('=')[0]}: wanted " in run.stderr and option.split("=")[1] in run.stderr


def test_a_missing_model_is_a_clear_error(tmp_path):
    run = subprocess.run([WINDROSE, "up", "--port=0", f"--model={tmp_path}"], capture_output=True,
                         text=True, timeout=30, check=False)
    assert run.returncode == 1
    assert "config.json" in run.stderr


def test_a_process_that_cannot_start_ends_the_start_with_its_log(tmp_path):
    run = subprocess.run(
        [WINDROSE, "up", "--port=0", f"--model={MODEL}", f"--log-dir={tmp_path}",
         "--coordinator-arguments=--no-such-flag=1"],
        capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert "coordinator-0 exited with code 78 before it was ready" in run.stderr
    assert "no-such-flag" in run.stderr


@pytest.mark.parametrize("command", ["up", "chat", "inspect", "synth"])
def test_unknown_options_are_refused_and_known_ones_printed(command):
    directory = [str(MODEL)] if command in ("inspect", "synth") else []
    run = subprocess.run([WINDROSE, command, *directory, "--no-such-flag=1"], capture_output=True,
                         text=True, timeout=30, check=False)
    assert run.returncode == 78 and "no-such-flag" in run.stderr
    run = subprocess.run([WINDROSE, command, *directory, "--print-config"], capture_output=True,
                         text=True, timeout=30, check=False)
    assert run.returncode == 0 and "=" in run.stdout


def test_options_come_from_the_environment():
    run = subprocess.run([WINDROSE, "up", "--print-config"], capture_output=True, text=True,
                         timeout=30, check=True,
                         env={**os.environ, "WINDROSE_UP_WORKERS": "7"})
    assert "7" in next(line for line in run.stdout.splitlines() if line.startswith("workers"))


def test_what_the_environment_says_to_up_is_not_said_to_its_processes(monkeypatch, tmp_path):
    (tmp_path / "up.toml").write_text('healthy-life = "9s"\n')  # no process has such a key
    monkeypatch.setenv("WINDROSE_CONFIG", str(tmp_path / "up.toml"))
    monkeypatch.setenv("WINDROSE_DRAIN_TIMEOUT", "30s")  # too short for a router
    with Cluster(workers=1, replication=1) as running:
        assert running.all_ready()


def test_chat_answers_from_a_pipe(cluster):
    run = subprocess.run([WINDROSE, "chat", f"--url={cluster.urls[0]}"], text=True,
                         input="What is 17 + 25?\n/reset\nWhat is 17 + 25?\n/exit\n",
                         capture_output=True, timeout=60, check=True)
    lines = run.stdout.splitlines()
    assert lines[0] and lines[0] == lines[-1]


def test_chat_says_when_nobody_answers():
    run = subprocess.run([WINDROSE, "chat", "--url=http://127.0.0.1:9"], text=True, input="hi\n",
                         capture_output=True, timeout=30, check=False)
    assert run.returncode == 1 and "http://127.0.0.1:9: no cluster answers: " in run.stderr


class WithoutModels(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"object":"list","data":[]}')

    def log_message(self, *_):
        pass


def test_chat_tells_a_router_that_serves_no_model_from_nobody():
    with http.server.HTTPServer(("127.0.0.1", 0), WithoutModels) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        run = subprocess.run([WINDROSE, "chat", f"--url={url}"], text=True, input="hi\n",
                             capture_output=True, timeout=30, check=False)
    assert run.returncode == 1 and f"{url}: no model is served" in run.stderr


def test_inspect_names_the_file_that_is_wrong(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    run = subprocess.run([WINDROSE, "inspect", str(tmp_path)], timeout=60, capture_output=True, text=True)
    assert run.returncode == 1
    assert "config.json: " in run.stderr


def test_inspect_says_what_a_coordinator_would_say_of_the_tokenizer(tmp_path):
    subprocess.run([WINDROSE, "synth", str(tmp_path / "tiny"), "--like=tiny"], timeout=60, check=True)
    tokenizer = tmp_path / "tiny/tokenizer.model"
    for text, words in [(None, "no tokenizer.model here"), ("damaged", "tokenizer.model: ")]:
        if text:
            tokenizer.write_text(text)
        run = subprocess.run([WINDROSE, "inspect", str(tmp_path / "tiny")], timeout=60, capture_output=True,
                             text=True, check=True)
        assert words in run.stdout.splitlines()[1]


def test_a_made_up_model_can_be_inspected_and_served(tmp_path):
    directory = tmp_path / "tiny"
    tokenizer = f"--tokenizer={MODEL}/tokenizer.model"
    subprocess.run([WINDROSE, "synth", str(directory), "--like=tiny", "--seed=3", tokenizer],
                   timeout=60, check=True)
    run = subprocess.run([WINDROSE, "inspect", str(directory), "--memory=1GiB"], timeout=60,
                         capture_output=True, text=True, check=True)
    assert "weights complete" in run.stdout and "worker-3" in run.stdout
    assert run.stdout.splitlines()[1].startswith("tokenizer.model: ") and " pieces" in run.stdout
    with Cluster(workers=1, replication=1, model=directory) as running:
        assert http_get(f"{running.urls[0]}/v1/models")[0] == 200
