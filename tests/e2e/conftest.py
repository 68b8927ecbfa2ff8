"""Fixtures: clusters that tests share, and clients for them."""

import openai
import pytest

from cluster import Cluster


@pytest.fixture(scope="session")
def cluster():
    """Two routers, two coordinators, four workers, every expert on two of them."""
    with Cluster(routers=2, coordinators=2, workers=4, replication=2) as running:
        yield running


@pytest.fixture(scope="session")
def model(cluster):
    return cluster.model


@pytest.fixture(scope="session")
def client(cluster):
    return client_of(cluster.urls[0])


def client_of(url, **options):
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60, **options)
