"""What the model says, through the official client."""

import json
import os

import pytest

from cluster import MODEL

QUESTIONS = MODEL / "questions.json"


def test_lists_the_model_with_its_context(client, model):
    models = client.models.list().data
    assert [each.id for each in models] == [model]
    assert models[0].max_model_len > 0
    assert client.models.retrieve(model).id == model


def test_chat_answers_whole(client, model):
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "What is 17 + 25?"}], temperature=0)
    choice = answer.choices[0]
    assert answer.object == "chat.completion"
    assert choice.message.role == "assistant" and choice.message.content
    assert not choice.message.content.startswith(" ")
    assert choice.finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_chat_streams_the_same_text(client, model):
    request = dict(model=model, messages=[{"role": "user", "content": "What is Windrose?"}],
                   temperature=0, max_tokens=64)
    whole = client.chat.completions.create(**request)
    chunks = list(client.chat.completions.create(
        **request, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1


def test_the_same_seed_gives_the_same_text(client, model):
    request = dict(model=model, prompt="A long story:", temperature=1.0, seed=7, max_tokens=48,
                   extra_body={"ignore_eos": True})
    texts = {client.completions.create(**request).choices[0].text for _ in range(3)}
    assert len(texts) == 1
    other = client.completions.create(**{**request, "seed": 8}).choices[0].text
    assert other not in texts


def test_several_choices_differ_by_index(client, model):
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Tell me a word."}], n=3, seed=1,
        temperature=1.5, max_tokens=16)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]


def test_stop_strings_end_the_text(client, model):
    whole = client.completions.create(model=model, prompt="1 2 3", temperature=0, max_tokens=32,
                                      extra_body={"ignore_eos": True}).choices[0].text
    stop = whole[len(whole) // 2:][:3]
    cut = client.completions.create(model=model, prompt="1 2 3", temperature=0, max_tokens=32,
                                    stop=[stop], extra_body={"ignore_eos": True}).choices[0]
    assert cut.finish_reason == "stop"
    assert cut.text == whole[:whole.index(stop)]


def test_echo_scores_every_prompt_token_and_one_more(client, model):
    ids = [1, 400, 500, 600, 700]
    choice = client.completions.create(model=model, prompt=ids, max_tokens=1, temperature=0,
                                       logprobs=1, echo=True, seed=1234).choices[0]
    scores = choice.logprobs
    assert len(scores.tokens) == len(scores.token_logprobs) == len(ids) + 1
    assert len(scores.top_logprobs) == len(scores.text_offset) == len(ids) + 1
    assert scores.token_logprobs[0] is None and scores.top_logprobs[0] is None
    assert all(score <= 0 for score in scores.token_logprobs[1:])
    # The generated token is the likeliest one, and its score is the same float in both places.
    assert scores.token_logprobs[-1] == max(scores.top_logprobs[-1].values())


def test_echo_without_generation_scores_the_prompt_alone(client, model):
    ids = [1, 400, 500, 600]
    choice = client.completions.create(model=model, prompt=ids, max_tokens=0, temperature=0,
                                       logprobs=5, echo=True).choices[0]
    assert len(choice.logprobs.token_logprobs) == len(ids)


def test_several_prompts_answer_in_order(client, model):
    prompts = [[1, 400, 500], [1, 401, 501, 601]]
    both = client.completions.create(model=model, prompt=prompts, max_tokens=4, temperature=0)
    alone = [client.completions.create(model=model, prompt=prompt, max_tokens=4, temperature=0)
             for prompt in prompts]
    assert [choice.index for choice in both.choices] == [0, 1]
    assert [choice.text for choice in both.choices] == [each.choices[0].text for each in alone]
    assert both.usage.prompt_tokens == 7


def test_chat_logprobs_carry_the_bytes(client, model):
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "What is 17 + 25?"}], temperature=0,
        logprobs=True, top_logprobs=2, max_tokens=8)
    scored = answer.choices[0].logprobs.content
    assert all(len(each.top_logprobs) == 2 for each in scored)
    text = b"".join(bytes(each.bytes) for each in scored).decode()
    assert text.strip().startswith(answer.choices[0].message.content.strip())


def known_questions():
    return json.loads(QUESTIONS.read_text()) if QUESTIONS.is_file() else []


@pytest.mark.skipif(not QUESTIONS.is_file() and "WINDROSE_E2E_MODEL" in os.environ,
                    reason="another model than the demo model")
def test_the_demo_model_knows_its_answers(client, model):
    questions = known_questions()
    assert len(questions) >= 10
    wrong = []
    for known in questions:
        answer = client.chat.completions.create(
            model=model, messages=known["messages"], temperature=0,
            max_tokens=200).choices[0].message.content
        if answer.strip() != known["answer"].strip():
            wrong.append((known["messages"], known["answer"], answer))
    assert not wrong
