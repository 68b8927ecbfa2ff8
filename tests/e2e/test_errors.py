"""Refusals, as the official client sees them and as they are on the wire."""

import openai
import pytest

from cluster import http_get, post_json

MESSAGES = [{"role": "user", "content": "hi"}]


def check_body(body):
    assert set(body) == {"error"}
    assert set(body["error"]) >= {"message", "type", "param", "code"}
    assert isinstance(body["error"]["message"], str) and body["error"]["message"]
    assert body["error"]["code"] is None or isinstance(body["error"]["code"], str)


def test_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-99", messages=MESSAGES)
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"
    assert caught.value.request_id


def test_too_long_prompt_says_so_in_the_words_that_agents_match(client, model):
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model=model, prompt=[1] + [500] * 20000, max_tokens=1)
    assert caught.value.code == "context_length_exceeded"


def test_value_out_of_range_names_the_field(client, model):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=MESSAGES, temperature=3)
    assert caught.value.param == "temperature"


def test_token_id_out_of_the_vocabulary_is_refused(client, model):
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model=model, prompt=[1, 4_000_000], max_tokens=1)


def test_embeddings_are_refused_in_the_right_form(client, model):
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(model=model, input="hi")
    assert caught.value.status_code in (404, 501)
    assert caught.value.code


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"model":1}', b"{}x", b"\xff",
                                  b'{"a":' * 1000, b'{"model":"a","model":"b"}'])
def test_what_is_no_request_is_refused(cluster, body):
    status, answer = post_json(f"{cluster.urls[0]}/v1/chat/completions", body)
    assert status == 400
    check_body(answer)


def test_missing_field_is_named(cluster, model):
    status, answer = post_json(f"{cluster.urls[0]}/v1/chat/completions", {"model": model})
    assert status == 400
    check_body(answer)
    assert answer["error"]["param"] == "messages"


def test_unknown_path_and_method_have_the_error_body(cluster):
    status, answer = post_json(f"{cluster.urls[0]}/v1/nothing", {})
    assert status == 404
    check_body(answer)
    status, answer = post_json(f"{cluster.urls[0]}/v1/models", {})
    assert status == 405
    check_body(answer)


def test_admin_paths_are_not_on_the_public_port(cluster):
    for path in ("/metrics", "/admin/v1/topology", "/v1/../metrics"):
        assert http_get(f"{cluster.urls[0]}{path}")[0] in (400, 404)


def test_a_refusal_leaves_the_connection_usable(client, model):
    for _ in range(3):
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=model, messages=[])
        client.completions.create(model=model, prompt="hi", max_tokens=1)
