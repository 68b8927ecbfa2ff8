"""Every process tells its metrics as docs/metrics.md says."""

import re

import pytest

from cluster import ROOT, parse_metrics
from public_grpc import messages, stub

DOCUMENT = ROOT / "docs/metrics.md"
MAX_SERIES = 3000
OF_LIBRARIES = ("process_", "exposer_")
SUFFIXES = ("_bucket", "_sum", "_count")


def family(name, types):
    """The metric a sample belongs to."""
    for suffix in SUFFIXES:
        if name.endswith(suffix) and types.get(name[:-len(suffix)]) in ("histogram", "summary"):
            return name[:-len(suffix)]
    return name


def documented():
    return set(re.findall(r"\bwindrose_[a-z0-9_]+", DOCUMENT.read_text()))


@pytest.fixture(scope="module")
def scrapes(cluster, client, model):
    """name of the process -> its metrics, after some traffic."""
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}],
                                   max_tokens=8)
    for router in cluster.processes("router"):
        stub(router).ListModels(messages.ListModelsRequest(), timeout=10)
    return {process["name"]: parse_metrics(cluster.admin(process, "/metrics")[1])
            for process in cluster.processes()}


def test_every_metric_has_help_and_type(scrapes):
    for name, scrape in scrapes.items():
        assert scrape["samples"], f"{name} tells nothing"
        for sample, _, _ in scrape["samples"]:
            metric = family(sample, scrape["type"])
            assert scrape["help"].get(metric), f"{name}: {metric} has no HELP"
            assert metric in scrape["type"], f"{name}: {metric} has no TYPE"


def test_names_follow_the_rules(scrapes):
    for name, scrape in scrapes.items():
        for metric, kind in scrape["type"].items():
            assert metric.startswith(("windrose_",) + OF_LIBRARIES), f"{name}: {metric}"
            if metric.startswith("windrose_"):
                assert metric.endswith("_total") == (kind == "counter"), f"{name}: {metric} is a {kind}"
                assert not metric.endswith(("_ms", "_us", "_milliseconds")), f"{name}: {metric}"


def test_no_series_appears_twice_and_their_number_is_bounded(scrapes):
    for name, scrape in scrapes.items():
        series = [(sample, tuple(sorted(labels.items()))) for sample, labels, _ in scrape["samples"]]
        assert len(series) == len(set(series)), name
        assert len(series) <= MAX_SERIES, f"{name} has {len(series)} series"


def test_labels_hold_no_user_text(scrapes):
    for name, scrape in scrapes.items():
        for sample, labels, _ in scrape["samples"]:
            for key, value in labels.items():
                assert key not in ("user", "key", "prompt", "request_id"), f"{name}: {sample}"
                assert len(value) <= 120, f"{name}: {sample}: {value}"


def test_every_metric_is_documented(scrapes):
    known = documented()
    unknown = {metric for scrape in scrapes.values() for metric in scrape["type"]
               if metric.startswith("windrose_") and metric not in known}
    assert not unknown


def test_every_documented_metric_is_there(scrapes):
    told = {metric for scrape in scrapes.values() for metric in scrape["type"]}
    told |= {metric + suffix for metric in told for suffix in SUFFIXES}
    missing = {metric for metric in documented() if metric not in told}
    assert not missing


def test_work_is_counted(scrapes):
    def total(role, metric):
        return sum(value for name, scrape in scrapes.items() if name.startswith(role)
                   for sample, _, value in scrape["samples"] if sample == metric)

    assert total("router", "windrose_router_http_requests_total") >= 1
    assert total("coordinator", "windrose_coordinator_generated_tokens_total") >= 1
    assert total("coordinator", "windrose_coordinator_expert_assignments_total") >= 1
    assert total("worker", "windrose_expert_tokens_total") >= 1
