"""kill -9 under streams: no request fails and no byte of an answer changes."""

import concurrent.futures
import os
import signal

import pytest

from cluster import wait_until
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


@pytest.fixture(scope="module")
def recorded(cluster, model):
    """Each request's answer when nothing goes wrong."""
    streams = [read_stream(cluster.urls[0], "/v1/completions", {**body, "model": model})
               for body in REQUESTS]
    assert all(stream.complete for stream in streams)
    return [stream.outcome() for stream in streams]


def outcomes_under(cluster, model, victims):
    """The answers while each victim is killed once, spread over the streams' lives."""
    pending = list(victims)

    def on_event(stream):
        if pending and len(stream.arrivals) > 40 * (len(victims) - len(pending) + 1):
            cluster.kill(pending.pop(0))

    def ask(index):
        return read_stream(cluster.urls[index % 2], "/v1/completions",
                           {**REQUESTS[index], "model": model},
                           on_event=on_event if index == 0 else None)

    with concurrent.futures.ThreadPoolExecutor(len(REQUESTS)) as pool:
        streams = list(pool.map(ask, range(len(REQUESTS))))
    cluster.wait_ready()
    assert not pending
    for stream in streams:
        assert stream.complete, (stream.status, stream.error, stream.broken)
    return [stream.outcome() for stream in streams]


def test_answers_together_are_those_alone(cluster, model, recorded):
    assert outcomes_under(cluster, model, []) == recorded


def test_both_routers_and_both_coordinators_say_the_same(cluster, model, recorded):
    for url in cluster.urls * 2:
        stream = read_stream(url, "/v1/completions", {**REQUESTS[0], "model": model})
        assert stream.outcome() == recorded[0]


@pytest.mark.parametrize("victims", [["worker-0"], ["worker-1", "worker-3"], ["coordinator-0"],
                                     ["coordinator-1"], ["coordinator-0", "worker-2"],
                                     ["worker-0", "worker-1"]], ids="+".join)
def test_no_byte_changes_when_processes_are_killed(cluster, model, recorded, victims):
    assert outcomes_under(cluster, model, victims) == recorded


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


def test_the_metrics_tell_of_the_failover(cluster, model, recorded):
    def failovers():
        return (cluster.metric("router", "windrose_router_backend_retries_total"),
                cluster.metric("coordinator", "windrose_coordinator_expert_failovers_total"))

    routers_before, _ = failovers()
    outcomes_under(cluster, model, ["coordinator-0", "coordinator-1"])
    routers_after, _ = failovers()
    assert routers_after > routers_before


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
