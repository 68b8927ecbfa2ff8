"""Processes that end under streams, killed or told to: no request fails and no byte changes."""

import concurrent.futures
import os
import signal
import socket

import pytest

from cluster import MODEL, Cluster, convert, post_json, wait_until
from sse import read_stream

REQUESTS = [
    {"prompt": "Windrose is", "max_tokens": 300, "temperature": 0, "ignore_eos": True},
    {"prompt": "1 2 3 4", "max_tokens": 300, "temperature": 0.9, "top_p": 0.95, "seed": 11,
     "ignore_eos": True},
    {"prompt": "Sort 9 4 7", "max_tokens": 300, "temperature": 1.2, "seed": 12,
     "ignore_eos": True},
    {"prompt": "def add(a, b):", "max_tokens": 300, "temperature": 0.7, "seed": 13,
     "repetition_penalty": 1.1, "ignore_eos": True},
]


def outcomes_alone(cluster):
    """Each request's answer when nothing goes wrong."""
    streams = [read_stream(cluster.urls[0], "/v1/completions", {**body, "model": cluster.model})
               for body in REQUESTS]
    assert all(stream.complete for stream in streams)
    return [stream.outcome() for stream in streams]


@pytest.fixture(scope="module")
def recorded(cluster):
    return outcomes_alone(cluster)


def outcomes_under(cluster, victims, *signals):
    """The answers while each victim gets each signal, SIGKILL unless told otherwise, spread over the
    streams' lives."""
    strikes = [(victim, number) for victim in victims for number in signals or [signal.SIGKILL]]
    pending = list(strikes)

    def on_event(stream):
        if pending and len(stream.arrivals) > 40 * (len(strikes) - len(pending) + 1):
            cluster.kill(*pending.pop(0))

    def ask(index):
        return read_stream(cluster.urls[index % 2], "/v1/completions",
                           {**REQUESTS[index], "model": cluster.model},
                           on_event=on_event if index == 0 else None)

    with concurrent.futures.ThreadPoolExecutor(len(REQUESTS)) as pool:
        streams = list(pool.map(ask, range(len(REQUESTS))))
    cluster.wait_ready()
    assert not pending
    for stream in streams:
        assert stream.complete, (stream.status, stream.error, stream.broken)
    return [stream.outcome() for stream in streams]


def test_answers_together_are_those_alone(cluster, recorded):
    assert outcomes_under(cluster, []) == recorded


def test_both_routers_and_both_coordinators_say_the_same(cluster, model, recorded):
    for url in cluster.urls * 2:
        stream = read_stream(url, "/v1/completions", {**REQUESTS[0], "model": model})
        assert stream.outcome() == recorded[0]


@pytest.mark.parametrize("victims", [["worker-0"], ["worker-1", "worker-3"], ["coordinator-0"],
                                     ["coordinator-1"], ["coordinator-0", "worker-2"],
                                     ["worker-0", "worker-1"]], ids="+".join)
def test_no_byte_changes_when_processes_are_killed(cluster, recorded, victims):
    assert outcomes_under(cluster, victims) == recorded


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The shape of the others' cluster, with what `windrose convert` makes unless told otherwise."""
    with Cluster(routers=2, coordinators=2, workers=4, replication=2,
                 model=convert(tmp_path_factory.mktemp("packed"), "q4")) as running:
        yield running


@pytest.mark.skipif(MODEL.name != "demo", reason="another model than the demo model")
def test_a_packed_model_still_adds(packed):
    status, answer = post_json(f"{packed.urls[0]}/v1/chat/completions", {
        "model": packed.model, "temperature": 0,
        "messages": [{"role": "user", "content": "What is 17 + 25?"}]})
    assert status == 200, answer
    assert "42" in answer["choices"][0]["message"]["content"]


def test_no_byte_of_a_packed_models_answers_changes_when_processes_are_killed(packed):
    alone = outcomes_alone(packed)
    assert outcomes_under(packed, []) == alone
    assert outcomes_under(packed, ["worker-0", "coordinator-0", "worker-2"]) == alone


@pytest.fixture(scope="module")
def hurried():
    """A cluster whose coordinators and workers are given next to no time to drain."""
    with Cluster(routers=2, coordinators=2, workers=4, replication=2,
                 arguments=["--coordinator-arguments=--drain-timeout=10ms",
                            "--worker-arguments=--drain-grace=10ms,--drain-timeout=10ms"]) as running:
        yield running


@pytest.mark.parametrize("victim", ["worker-0", "coordinator-0"])
def test_no_byte_changes_when_a_process_is_told_to_end(hurried, recorded, victim):
    """SIGTERM, as for an upgrade; a coordinator's streams go on at the other one."""
    retries = hurried.metric("router", "windrose_router_backend_retries_total")
    assert outcomes_under(hurried, [victim], signal.SIGTERM) == recorded
    assert f"{victim} exited with code 0; it starts again" in hurried.err.read_text()
    if victim.startswith("coordinator"):
        assert hurried.metric("router", "windrose_router_backend_retries_total") > retries


@pytest.mark.parametrize("victim", ["worker-2", "coordinator-0"])
def test_no_byte_changes_when_a_process_stops_answering(cluster, model, recorded, victim):
    """SIGSTOP: the process keeps its connections and answers nothing."""
    stopped = []

    def on_event(stream):
        if len(stream.arrivals) == 30 and not stopped:
            stopped.append(cluster.kill(victim, signal.SIGSTOP)["pid"])

    try:
        with concurrent.futures.ThreadPoolExecutor(len(REQUESTS)) as pool:
            streams = list(pool.map(
                lambda index: read_stream(cluster.urls[index % 2], "/v1/completions",
                                          {**REQUESTS[index], "model": model},
                                          on_event=on_event if index == 0 else None),
                range(len(REQUESTS))))
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert stopped
    assert [stream.outcome() for stream in streams] == recorded
    assert all(stream.complete for stream in streams)
    wait_until(lambda: all(cluster.admin(process, "/readyz")[0] == 200
                           for process in cluster.processes()), 20, "readiness after SIGCONT")


def test_the_metrics_tell_of_a_coordinators_failover(cluster):
    before = cluster.metric("router", "windrose_router_backend_retries_total")
    outcomes_under(cluster, ["coordinator-0", "coordinator-1"])
    assert cluster.metric("router", "windrose_router_backend_retries_total") > before


def test_the_metrics_tell_of_a_workers_failover(cluster):
    """It is stopped first, so that it has rows when it dies, however fast it computes."""
    before = cluster.metric("coordinator", "windrose_coordinator_expert_failovers_total")
    outcomes_under(cluster, ["worker-0"], signal.SIGSTOP, signal.SIGKILL)
    assert cluster.metric("coordinator", "windrose_coordinator_expert_failovers_total") > before


def test_a_dead_router_breaks_the_stream_and_the_other_one_serves(cluster, model):
    killed = []

    def on_event(stream):
        if len(stream.arrivals) == 10 and not killed:
            killed.append(cluster.kill("router-0"))

    stream = read_stream(cluster.urls[0], "/v1/completions", {**REQUESTS[0], "model": model},
                         on_event=on_event)
    assert not stream.complete and not stream.clean_end and not stream.saw_done
    other = read_stream(cluster.urls[1], "/v1/completions", {**REQUESTS[0], "model": model})
    assert other.complete
    cluster.wait_ready()


def test_a_router_that_drains_takes_no_new_grpc_call(cluster, model):
    """Though a stream over HTTP has not ended yet."""
    router = cluster.find("router-0")
    metrics = []

    def refused():
        try:
            socket.create_connection(("127.0.0.1", router["grpc_port"]), 2).close()
        except ConnectionRefusedError:
            return True
        return False

    def back():
        now = cluster.find("router-0")
        return now["ready"] and now["pid"] not in (0, router["pid"])

    def on_event(stream):
        if len(stream.arrivals) == 10 and not metrics:
            cluster.kill("router-0", signal.SIGTERM)
            wait_until(refused, 5, "a refusal")
            metrics.append(cluster.admin(router, "/metrics")[1])

    stream = read_stream(cluster.urls[0], "/v1/completions",
                         {**REQUESTS[0], "model": model, "max_tokens": 900}, on_event=on_event)
    assert "windrose_router_requests_in_flight 1" in metrics[0], "the stream had ended before"
    assert stream.complete, (stream.error, stream.broken)
    wait_until(back, 30, "router-0 to come back")
