"""Held-out accuracy of the exported model: prints a table, writes evaluation.json."""

import argparse
import json
import pathlib
import random

import torch

import chat
from ask import answer
from conversations import SYSTEM_PROMPTS, conversation
from domains import DOMAINS, TEST
from export import write_json
from held_out import HELD_OUT
from measure import accuracy, questions_of
from weights import load_exported

SEED = 2026


def several_turns(count: int) -> list[list[dict]]:
    """Held-out conversations of 2 to 8 turns; the last answer is judged."""
    rng, found = random.Random(f"turns/{SEED}"), []
    while len(found) < count:
        messages = conversation(lambda r: r.choice(list(DOMAINS)), TEST, rng)
        if sum(message["role"] == "user" for message in messages) > 1:
            found.append(messages)
    return found


def with_system_prompt(count: int) -> list[list[dict]]:
    rng, found = random.Random(f"system/{SEED}"), []
    for domain in DOMAINS:
        for messages in questions_of(domain, TEST, count // len(DOMAINS), seed=SEED + 1):
            prompt = {"role": "system", "content": rng.choice(SYSTEM_PROMPTS)}
            found.append([prompt] + messages)
    return found


def judged(model, tokenizer, conversations: list[list[dict]], held_out: str) -> dict:
    right = accuracy(model, tokenizer, conversations)
    return {"accuracy": round(right, 4), "questions": len(conversations), "held_out": held_out}


def typed_by_hand(model, tokenizer) -> dict:
    """Questions as a visitor may type them; some of them are in training, so this is no test of
    generalisation but of what a visitor sees."""
    path = pathlib.Path(__file__).with_name("visitor_questions.json")
    wrong, pairs = [], json.loads(path.read_text(encoding="utf-8"))
    for question, expected in pairs:
        given = answer(model, tokenizer, [{"role": "user", "content": question}])
        if given != expected:
            wrong.append({"question": question, "expected": expected, "given": given})
    return {"right": len(pairs) - len(wrong), "questions": len(pairs), "wrong": wrong}


def evaluate(model, tokenizer, count: int) -> dict:
    domains = {
        domain: judged(model, tokenizer, questions_of(domain, TEST, count, SEED), HELD_OUT[domain])
        for domain in DOMAINS
    }
    turns = "all questions are held out; the last answer is judged"
    return {
        "what": "share of answers that greedy decoding gives exactly, bf16 weights computed in f32",
        "domains": domains,
        "several_turns": judged(model, tokenizer, several_turns(count), turns),
        "with_system_prompt": judged(model, tokenizer, with_system_prompt(count), "as above"),
        "typed_by_hand": typed_by_hand(model, tokenizer),
    }


def table(report: dict) -> str:
    rows = list(report["domains"].items())
    rows += [(name, report[name]) for name in ("several_turns", "with_system_prompt")]
    lines = [f"{name:20} {row['accuracy']:6.1%} of {row['questions']}" for name, row in rows]
    hand = report["typed_by_hand"]
    lines.append(f"{'typed_by_hand':20} {hand['right']} of {hand['questions']}")
    lines += [f"  {miss['question']!r} -> {miss['given']!r}" for miss in hand["wrong"]]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("models/demo"))
    parser.add_argument("--questions", type=int, default=400, help="at most, per domain")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_exported(arguments.model)
    tokenizer = chat.load_tokenizer(arguments.model / "tokenizer.model")
    report = evaluate(model, tokenizer, arguments.questions)
    write_json(arguments.model / "evaluation.json", report)
    print(table(report))


if __name__ == "__main__":
    main()
