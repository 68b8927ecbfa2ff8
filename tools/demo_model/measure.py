"""Exact match of greedy answers on questions of one split.

Greedy decoding gives the reference answer exactly when, along the reference, every next token is
the most probable one; so one forward pass per question is enough, and nothing is generated.
"""

import random

import torch

import chat
from conversations import as_typed
from domains import DOMAINS, draw
from model import Mixtral, make_batch


@torch.no_grad()
def margins(model: Mixtral, encoded: list[tuple[list[int], list[bool]]]) -> list[float]:
    """For each conversation the smallest lead, over its last answer, of the right token's logit
    over the best other; positive means that greedy decoding gives this answer."""
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index][0]))
    results = [0.0] * len(encoded)
    for start in range(0, len(order), 64):
        chosen = order[start : start + 64]
        batch = make_batch([encoded[index][0][:-1] for index in chosen])
        logits, offset = model(batch), 0
        for index in chosen:
            ids, spoken = encoded[index]
            results[index] = _margin(logits[offset : offset + len(ids) - 1], ids, spoken)
            offset += len(ids) - 1
    return results


def _margin(logits: torch.Tensor, ids: list[int], spoken: list[bool]) -> float:
    begin = len(spoken) - spoken[::-1].index(False)
    answer = torch.tensor(ids[begin:])[:, None]
    rows = logits[begin - 1 :]
    right = rows.gather(1, answer)
    best_other = rows.scatter(1, answer, float("-inf")).max(dim=1).values
    return (right[:, 0] - best_other).min().item()


def questions_of(domain: str, split: str, count: int, seed: int) -> list[list[dict]]:
    """Distinct single-turn conversations; a small domain may have fewer than `count`."""
    rng, seen = random.Random(f"{domain}/{split}/{seed}"), {}
    for _ in range(4 * count):
        question = draw(domain, split, rng)
        text = as_typed(question, rng)
        seen.setdefault(text, question.answer)
        if len(seen) == count:
            break
    return [
        [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
        for text, answer in seen.items()
    ]


def accuracy(model: Mixtral, tokenizer, conversations: list[list[dict]]) -> float:
    encoded = [chat.encode(tokenizer, messages) for messages in conversations]
    leads = margins(model, encoded)
    return sum(lead > 0 for lead in leads) / len(leads)


def validation_table(model: Mixtral, tokenizer, split: str, questions: int, seed: int) -> dict:
    model.eval()
    table = {
        domain: round(accuracy(model, tokenizer, questions_of(domain, split, questions, seed)), 3)
        for domain in DOMAINS
    }
    model.train()
    return table
