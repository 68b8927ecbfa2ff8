"""Writes questions.json: held-out questions the exported model answers right by a clear margin.

The end-to-end tests of the cluster ask them; the margin keeps a different order of additions, or
coarser weights, from turning an answer.
"""

import argparse
import pathlib
import random

import chat
from ask import answer
from conversations import conversation
from domains import DOMAINS, TEST
from export import write_json
from measure import margins, questions_of
from weights import load_exported

PER_DOMAIN = {"unknown": 2, "translation": 2, "windrose": 2, "addition": 2, "sorting": 2}
SMALLEST_MARGIN = 4.0
SEED = 11


def chained(count: int) -> list[list[dict]]:
    """Two or three turns, some under a system prompt."""
    rng, found = random.Random(f"chained/{SEED}"), []
    names = ["translation", "addition", "sorting"]
    while len(found) < count:
        messages = conversation(lambda r: r.choice(names), TEST, rng)
        users = sum(message["role"] == "user" for message in messages)
        if users in (2, 3) and (len(found) % 2 == 0) == (messages[0]["role"] == "system"):
            found.append(messages)
    return found


def chosen(model, tokenizer, conversations: list[list[dict]], count: int) -> list[dict]:
    """The first `count` different answers with a clear margin that generation gives as well."""
    leads = margins(model, [chat.encode(tokenizer, messages) for messages in conversations])
    picked = []
    for messages, lead in zip(conversations, leads, strict=True):
        question, reference = messages[:-1], messages[-1]["content"]
        if lead < SMALLEST_MARGIN or any(entry["answer"] == reference for entry in picked):
            continue
        if answer(model, tokenizer, question) == reference:
            picked.append({"messages": question, "answer": reference})
        if len(picked) == count:
            break
    return picked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("models/demo"))
    arguments = parser.parse_args()
    model = load_exported(arguments.model)
    tokenizer = chat.load_tokenizer(arguments.model / "tokenizer.model")
    questions = []
    for domain in DOMAINS:
        candidates = questions_of(domain, TEST, 60, SEED)
        questions += chosen(model, tokenizer, candidates, PER_DOMAIN.get(domain, 1))
    questions += chosen(model, tokenizer, chained(40), 3)
    write_json(arguments.model / "questions.json", questions)
    print(f"{len(questions)} questions")


if __name__ == "__main__":
    main()
