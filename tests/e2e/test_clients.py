"""Request bodies as well-known clients send them: all are answered."""

import pytest

from cluster import post_json
from sse import read_stream

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
HI = [{"role": "user", "content": "hi"}]
# What openai-python makes of an answer that is sent back.
ANSWER = {"role": "assistant", "content": "hello", "refusal": None, "annotations": None,
          "audio": None, "function_call": None, "tool_calls": None}

WHOLE = {
    "lm-eval scores": (COMPLETIONS, {
        "prompt": [[1, 400, 500], [1, 600]], "temperature": 0, "max_tokens": 1, "logprobs": 1,
        "seed": 1234, "echo": True}),
    "lm-eval generates": (COMPLETIONS, {
        "prompt": ["Question: 1 + 1?"], "max_tokens": 4, "temperature": 0,
        "stop": ["Question:", "</s>", "<|im_end|>"], "seed": 1234}),
    "lm-eval chats": (CHAT, {
        "messages": [{**HI[0], "type": "text"}], "max_tokens": 4, "temperature": 0,
        "stop": ["</s>"], "seed": 1234}),
    "LangChain completes": (COMPLETIONS, {
        "prompt": ["a", "b"], "frequency_penalty": 0, "logit_bias": {}, "max_tokens": 4, "n": 1,
        "presence_penalty": 0, "temperature": 0.7, "top_p": 1, "best_of": 1, "seed": None}),
    "LangChain chats": (CHAT, {
        "messages": HI, "stream": False, "n": 1, "temperature": 0.7, "max_completion_tokens": 4,
        "stop": None, "parallel_tool_calls": None}),
    "LiteLLM": (CHAT, {
        "messages": HI, "max_tokens": 4, "user": "u", "metadata": {"key": "value"}, "store": False,
        "service_tier": "auto", "tools": [], "tool_choice": "none"}),
    "openai-python goes on": (CHAT, {
        "messages": [{"role": "developer", "content": "Be brief."}, *HI, ANSWER, *HI],
        "max_tokens": 4}),
}

STREAMED = {
    "vLLM's benchmark completes": (COMPLETIONS, {
        "prompt": "hi", "temperature": 0.0, "repetition_penalty": 1.0, "max_tokens": 4,
        "logprobs": None, "ignore_eos": True}),
    "vLLM's benchmark chats": (CHAT, {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "temperature": 0.0, "max_completion_tokens": 4, "ignore_eos": True}),
    "Open WebUI": (CHAT, {
        "messages": HI, "max_tokens": 4, "seed": 42, "stop": [], "frequency_penalty": 0.5,
        "logit_bias": {}, "ignore_eos": True}),
}


@pytest.mark.parametrize("path,body", WHOLE.values(), ids=WHOLE.keys())
def test_answers_whole(cluster, model, path, body):
    status, answer = post_json(f"{cluster.urls[0]}{path}", {"model": model, **body})
    assert status == 200, answer
    assert all(choice["finish_reason"] for choice in answer["choices"])


@pytest.mark.parametrize("path,body", STREAMED.values(), ids=STREAMED.keys())
def test_streams(cluster, model, path, body):
    stream = read_stream(cluster.urls[0], path, {"model": model, **body})
    assert stream.complete, stream
    assert stream.usage["completion_tokens"] == 4
