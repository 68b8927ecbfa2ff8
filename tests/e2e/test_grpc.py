"""The public gRPC service says what the HTTP interface says."""

import grpc
import pytest

from cluster import Cluster, wait_until
from public_grpc import messages, stub


@pytest.fixture(scope="module")
def service(cluster):
    return stub(cluster.processes("router")[0])


def request(**fields):
    return messages.GenerateRequest(
        text=messages.TextPrompt(text="Windrose is"), max_tokens=24,
        sampling=messages.SamplingParams(temperature=0), ignore_eos=True, **fields)


def test_lists_the_model(service, model):
    models = service.ListModels(messages.ListModelsRequest(), timeout=10).models
    assert [each.id for each in models] == [model]
    assert models[0].ready and models[0].context_length > 0


def test_generates_what_http_generates(service, client, model):
    events = list(service.Generate(request(), timeout=30))
    assert [event.WhichOneof("event") for event in events[:1] + events[-1:]] == [
        "started", "finished"]
    tokens = [event.token for event in events if event.WhichOneof("event") == "token"]
    assert [token.index for token in tokens] == list(range(24))
    text = b"".join(token.text for token in tokens) + events[-1].finished.text
    over_http = client.completions.create(model=model, prompt="Windrose is", max_tokens=24,
                                          temperature=0, extra_body={"ignore_eos": True})
    assert text.decode() == over_http.choices[0].text


def test_resumes_after_the_tokens_already_seen(service):
    whole = [event.token for event in service.Generate(request(), timeout=30)
             if event.WhichOneof("event") == "token"]
    seen = [token.id for token in whole[:10]]
    rest = [event.token for event in service.Generate(request(resume_tokens=seen), timeout=30)
            if event.WhichOneof("event") == "token"]
    assert rest == whole[10:]


def test_tokenize_and_detokenize_are_inverse(service):
    text = "Windrose shares the tokens among eight experts."
    ids = service.Tokenize(messages.TokenizeRequest(
        text=messages.TextPrompt(text=text, omit_bos=True)), timeout=10).ids
    back = service.Detokenize(messages.DetokenizeRequest(ids=ids), timeout=10).text
    assert back.decode().strip() == text


def test_an_unknown_model_is_not_found(service):
    with pytest.raises(grpc.RpcError) as caught:
        list(service.Generate(request(model="gpt-99"), timeout=10))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_value_out_of_range_is_an_invalid_argument(service):
    bad = request()
    bad.sampling.temperature = 9
    with pytest.raises(grpc.RpcError) as caught:
        list(service.Generate(bad, timeout=10))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_health_says_what_readyz_says():
    with Cluster(workers=1, replication=1) as lonely:
        router = lonely.processes("router")[0]
        check = grpc.insecure_channel(f"127.0.0.1:{router['grpc_port']}").unary_unary(
            "/grpc.health.v1.Health/Check")

        def serving():
            return check(b"", timeout=5) == b"\x08\x01"

        wait_until(serving, 5, "a router that serves")
        with lonely.supervisor_stopped():
            lonely.kill("coordinator-0")
            wait_until(lambda: lonely.admin(router, "/readyz")[0] == 503, 10, "not ready")
            wait_until(lambda: not serving(), 5, "not serving")
