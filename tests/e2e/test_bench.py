"""`windrose bench`: figures of a running cluster, of one of its own, and clear errors."""

import http.server
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest

from cluster import MODEL, PROGRAMS, wait_until

WINDROSE = str(PROGRAMS / "windrose")


def bench(*arguments, timeout=120, before=None):
    return subprocess.run([WINDROSE, "bench", *arguments], capture_output=True, text=True,
                          timeout=timeout, check=False, preexec_fn=before)


def check_distribution(values, count):
    assert values["count"] == count
    assert 0 < values["p50"] <= values["p99"] <= values["max"]
    assert 0 < values["mean"] <= values["max"]


def check_level(level, concurrency, requests, prompt_tokens, max_tokens):
    assert level["concurrency"] == concurrency
    assert (level["requests"], level["ok"], level["failed"], level["stopped"]) == (
        requests, requests, 0, 0)
    assert level["counts_are_exact"]
    assert level["prompt_tokens"] == requests * prompt_tokens
    assert level["generated_tokens"] == requests * max_tokens
    assert level["tokens_per_second"] == pytest.approx(requests * max_tokens / level["seconds"])
    check_distribution(level["stream_tokens_per_second"], requests)
    check_distribution(level["first_token_ms"], requests)
    check_distribution(level["whole_answer_ms"], requests)
    # A character of several tokens is one piece.
    pieces = level["between_tokens_ms"]["count"]
    assert requests * max_tokens / 2 < pieces <= requests * (max_tokens - 1)
    assert level["first_token_ms"]["p50"] < level["whole_answer_ms"]["p50"]


def test_a_running_cluster_is_measured_level_by_level(cluster, model, tmp_path):
    run = bench(cluster.urls[0], "--concurrency=1,4", "--requests=8", "--prompt-tokens=24",
                "--max-tokens=12", "--seed=7", f"--json={tmp_path / 'out.json'}")
    assert run.returncode == 0, run.stderr
    result = json.loads((tmp_path / "out.json").read_text())
    assert (result["url"], result["model"]) == (cluster.urls[0], model)
    assert (result["prompt_tokens"], result["max_tokens"], result["seed"]) == (24, 12, 7)
    assert not result["interrupted"]
    for level, concurrency in zip(result["levels"], (1, 4), strict=True):
        check_level(level, concurrency, 8, 24, 12)
    table = run.stdout.splitlines()
    assert len(table) == 4 and table[1].split()[:3] == ["streams", "ok", "failed"]
    assert [line.split()[:5] for line in table[2:]] == [["1", "8", "0", "192", "96"],
                                                       ["4", "8", "0", "192", "96"]]
    assert "\r" not in run.stderr, "no progress without a terminal"


def test_the_cluster_counts_the_same_tokens(cluster):
    def generated():
        return cluster.metric("coordinator", "windrose_coordinator_generated_tokens_total")

    before = generated()
    run = bench(cluster.urls[0], "--concurrency=2", "--requests=4", "--max-tokens=10",
                "--vocabulary=1000", "--warmup=0", "--quiet")
    assert run.returncode == 0 and run.stderr == ""
    assert generated() - before == 40


def test_a_cluster_of_its_own_is_started_measured_and_stopped(tmp_path):
    out = tmp_path / "out.json"
    run = bench(f"--model={MODEL}", "--workers=2", "--threads=1", "--concurrency=2",
                "--prompt-tokens=16", "--max-tokens=8", f"--json={out}")
    assert run.returncode == 0, run.stderr
    result = json.loads(out.read_text())
    check_level(result["levels"][0], 2, 8, 16, 8)
    config = json.loads((MODEL / "config.json").read_text())
    assert result["vocabulary"] == config["vocab_size"]
    running = bench(result["url"])
    assert running.returncode == 1 and "no cluster answers" in running.stderr


def test_a_cluster_that_loses_a_process_gives_no_figures_and_keeps_its_logs(tmp_path):
    process = subprocess.Popen(
        [WINDROSE, "bench", f"--model={MODEL}", "--workers=2", "--threads=1", "--concurrency=2",
         "--requests=2000", "--max-tokens=16"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    while "measuring" not in process.stderr.readline():
        assert process.poll() is None
    logs = next(tmp_path.glob("windrose-bench-*"))
    worker = json.loads((logs / "cluster.json").read_text())["processes"][0]
    os.kill(worker["pid"], signal.SIGKILL)
    table, errors = process.communicate(timeout=30)
    assert process.returncode == 1 and table == ""
    assert "a process of the cluster ended while it was measured" in errors
    assert f"the logs of the cluster are in {logs}" in errors
    assert (logs / "worker-0.log").exists()


def test_a_cluster_of_its_own_takes_more_streams_than_a_router_takes_of_a_stranger():
    def few_descriptors():  # until more are asked for, as in most shells
        resource.setrlimit(resource.RLIMIT_NOFILE, (160, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    run = bench(f"--model={MODEL}", "--workers=1", "--threads=1", "--concurrency=100", "--requests=100",
                "--warmup=0", "--prompt-tokens=4", "--max-tokens=2", "--quiet", before=few_descriptors)
    assert run.returncode == 0 and run.stderr == "", run.stderr
    assert run.stdout.splitlines()[-1].split()[:3] == ["100", "100", "0"]


def test_more_streams_than_descriptors_are_refused():
    run = bench(f"--model={MODEL}", "--concurrency=1,100",
                before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300)))
    assert run.returncode == 78 and "300 descriptors are enough for" in run.stderr, run.stderr


def test_an_interrupt_ends_it_at_once_with_what_was_measured(cluster, tmp_path):
    out = tmp_path / "out.json"
    process = subprocess.Popen(
        [WINDROSE, "bench", cluster.urls[0], "--concurrency=2", "--requests=2000",
         "--max-tokens=16", "--prompt-tokens=8", f"--json={out}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    before = cluster.metric("coordinator", "windrose_coordinator_generated_tokens_total")
    wait_until(lambda: cluster.metric("coordinator", "windrose_coordinator_generated_tokens_total")
               > before + 200, 30, "some answers")
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    table, notes = process.communicate(timeout=30)
    assert time.monotonic() - begin < 5
    assert process.returncode == 130, notes
    result = json.loads(out.read_text())
    level = result["levels"][0]
    assert result["interrupted"] and 0 < level["ok"] < 2000 and level["failed"] == 0
    assert len(table.splitlines()) == 3


def test_a_signal_ends_it_while_the_cluster_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen([WINDROSE, "bench", f"http://127.0.0.1:{silent.getsockname()[1]}"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        silent.settimeout(30)
        connection, _ = silent.accept()
        with connection:
            connection.recv(1)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=10)
    assert process.returncode == -signal.SIGTERM


def test_a_time_limit_ends_a_level_with_whole_answers(cluster, tmp_path):
    out = tmp_path / "out.json"
    run = bench(cluster.urls[0], "--concurrency=2", "--requests=100000", "--duration=500ms",
                "--prompt-tokens=8", "--max-tokens=8", f"--json={out}")
    assert run.returncode == 0, run.stderr
    level = json.loads(out.read_text())["levels"][0]
    assert 0 < level["ok"] < 100000 and level["failed"] == level["stopped"] == 0
    assert level["generated_tokens"] == level["ok"] * 8


class NotOpenAi(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


def test_whatever_does_not_speak_openai_is_named_so():
    with http.server.HTTPServer(("127.0.0.1", 0), NotOpenAi) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run = bench(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert run.returncode == 1 and "does not speak OpenAI's interface" in run.stderr


def test_errors_say_what_is_wrong(cluster):
    url = cluster.urls[0]
    for arguments, words in [((url, "--api-model=llama"), "llama is not served"),
                             ((url, "--max-tokens=10000"), "context"),
                             ((url, "--vocabulary=1000000"), "the first request failed: HTTP 400"),
                             (("http://127.0.0.1:9",), "no cluster answers"),
                             ((url, "--json=/nowhere/out.json"), "cannot write /nowhere/out.json"),
                             (("--model=/nowhere",), "No such file")]:
        run = bench(*arguments)
        assert run.returncode == 1 and words in run.stderr, run.stderr
        assert run.stdout == ""


def test_when_all_requests_fail_each_message_is_shown_once(cluster):
    run = bench(cluster.urls[0], "--vocabulary=1000000", "--warmup=0", "--concurrency=2,4")
    assert run.returncode == 1
    assert run.stderr.count("HTTP 400") == 1 and "8 failed" in run.stderr
    assert run.stdout.splitlines()[-1].split()[:3] == ["2", "0", "8"]


def test_earlier_results_stay_when_nothing_is_measured(tmp_path):
    out = tmp_path / "out.json"
    out.write_text("earlier")
    assert bench("http://127.0.0.1:9", f"--json={out}").returncode == 1
    assert out.read_text() == "earlier"


@pytest.mark.parametrize("option", ["--concurrency=0", "--concurrency=1,x", "--requests=-1",
                                    "--vocabulary=3", "--duration=5", "--no-such-flag=1"])
def test_settings_that_make_no_sense_are_refused(option):
    run = bench(option)
    assert run.returncode == 78 and option.split("=")[0] in run.stderr


def test_settings_are_printed():
    run = bench("--print-config")
    assert run.returncode == 0 and "concurrency = [1, 8, 32]" in run.stdout
