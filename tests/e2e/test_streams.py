"""Streams on the wire: form, truncation, disconnects, overload."""

import concurrent.futures
import json

import openai
import pytest

from cluster import Cluster, post_json, wait_until
from conftest import client_of
from sse import open_stream, read_stream

LONG = {"prompt": "Windrose is", "max_tokens": 400, "temperature": 0, "ignore_eos": True}


def test_a_stream_ends_with_done_and_a_clean_end(cluster, model):
    stream = read_stream(cluster.urls[0], "/v1/completions", {**LONG, "model": model})
    assert stream.complete and not stream.broken
    assert stream.usage["completion_tokens"] == 400
    assert stream.finish_reason == "length"


def test_stream_headers_are_those_of_server_sent_events(cluster, model):
    connection, response = open_stream(cluster.urls[0], "/v1/completions",
                                       {**LONG, "model": model, "max_tokens": 2})
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["Transfer-Encoding"] == "chunked"
    events = [line for line in response.read().decode().split("\n\n") if line]
    assert all(event.startswith(("data: ", ":")) for event in events)
    assert events[-1] == "data: [DONE]"
    connection.close()


def test_tokens_arrive_one_by_one(cluster, model):
    stream = read_stream(cluster.urls[0], "/v1/completions", {**LONG, "model": model})
    spread = stream.arrivals[-1] - stream.arrivals[0]
    assert len(stream.arrivals) > 50
    assert stream.longest_gap < max(spread / 2, 0.5)


@pytest.fixture(scope="module")
def lonely():
    """One of each, and little patience: whatever dies takes the service with it."""
    with Cluster(routers=1, coordinators=1, workers=1, replication=1,
                 arguments=["--router-arguments=--wait-limit=1s"]) as running:
        yield running


def test_a_stream_that_cannot_go_on_says_so_and_breaks(lonely):
    body = {**LONG, "model": lonely.model, "max_tokens": 900}
    with lonely.supervisor_stopped():
        killed = []

        def kill_once(stream):
            if len(stream.arrivals) == 5 and not killed:
                killed.append(lonely.kill("coordinator-0"))

        stream = read_stream(lonely.urls[0], "/v1/completions", body, on_event=kill_once)
    lonely.wait_ready()
    assert killed
    assert stream.error and stream.error["message"] and stream.error["code"]
    assert not stream.saw_done
    assert not stream.clean_end
    assert stream.finish_reason is None


def test_the_official_client_never_takes_a_cut_for_an_end(lonely):
    client = client_of(lonely.urls[0])
    with lonely.supervisor_stopped(), pytest.raises((openai.APIError, Exception)) as caught:
        events = client.completions.create(model=lonely.model, prompt="Windrose is", stream=True,
                                           max_tokens=900, extra_body={"ignore_eos": True})
        for count, _ in enumerate(events):
            if count == 5:
                lonely.kill("coordinator-0")
    lonely.wait_ready()
    assert isinstance(caught.value, openai.APIError)


def test_without_coordinator_requests_are_refused_with_an_error_body(lonely):
    with lonely.supervisor_stopped():
        lonely.kill("coordinator-0")
        status, answer = post_json(f"{lonely.urls[0]}/v1/completions",
                                   {"model": lonely.model, "prompt": "hi", "max_tokens": 1})
    lonely.wait_ready()
    assert status == 503
    assert answer["error"]["code"]


def test_a_client_that_hangs_up_stops_the_work(lonely):
    def aborted():
        return lonely.metric("coordinator", "windrose_coordinator_requests_finished_total",
                             finish_reason="abort")

    before = aborted()
    connection, response = open_stream(lonely.urls[0], "/v1/completions",
                                       {**LONG, "model": lonely.model, "max_tokens": 900})
    response.readline()
    response.close()
    connection.close()
    wait_until(lambda: aborted() == before + 1, 10, "the aborted request in the metrics")
    wait_until(lambda: lonely.metric("coordinator", "windrose_coordinator_requests_running") == 0,
               10, "no request running")


def test_surplus_requests_get_429_and_a_time_to_come_back():
    # One request at a time, one waiting: of sixteen at once most are refused.
    arguments = ["--router-arguments=--max-in-flight=1,--max-queue=1"]
    with Cluster(workers=1, replication=1, arguments=arguments) as full:
        client = client_of(full.urls[0])

        def ask(_):
            try:
                client.completions.create(model=full.model, prompt="Windrose is", max_tokens=200,
                                          extra_body={"ignore_eos": True})
                return 200, None
            except openai.APIStatusError as error:
                return error.status_code, error.response.headers.get("Retry-After")

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ask, range(16)))
        statuses = [status for status, _ in answers]
        assert set(statuses) == {200, 429}
        assert all(after is not None and int(after) >= 0
                   for status, after in answers if status == 429)
        # And the next one is served.
        assert ask(0)[0] == 200


def test_two_requests_on_one_connection(cluster, model):
    connection, response = open_stream(cluster.urls[0], "/v1/completions",
                                       {**LONG, "model": model, "max_tokens": 2})
    assert response.read().endswith(b"data: [DONE]\n\n")
    connection.request("POST", "/v1/completions",
                       json.dumps({"model": model, "prompt": "hi", "max_tokens": 1}),
                       {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()
