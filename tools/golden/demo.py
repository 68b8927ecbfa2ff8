"""Prompts for the demo model: three kinds, each a seeded series, in case some give near ties."""

import pathlib
import random
from collections.abc import Iterator

import sentencepiece

BEGIN, END = 1, 2
SERIES = 40  # prompts to try of each kind


def _sum(draw: random.Random) -> list[str]:
    return [f"What is {draw.randint(10, 99)} + {draw.randint(10, 99)}?"]


def _sorting(draw: random.Random) -> list[str]:
    numbers = ", ".join(str(number) for number in draw.sample(range(10, 100), 5))
    return [f"Sort these numbers: {numbers}."]


def _conversation(draw: random.Random) -> list[str]:
    """Three turns, and so more than 48 tokens: attention reads at least four blocks of the cache."""
    question = draw.choice(["Who are you?", "What can you do?", "What is an expert worker?"])
    return [
        "Hello",
        "Hello! How can I help you?",
        *_sorting(draw),
        "I am sorting them for you now, just a moment please.",
        question,
    ]


def _encode(tokenizer, turns: list[str]) -> list[int]:
    """User and assistant take turns; the format is that of tools/demo_model/chat.py."""
    ids = [BEGIN]
    for number, text in enumerate(turns):
        from_user = number % 2 == 0
        ids += tokenizer.encode(f"[INST] {text} [/INST]" if from_user else text)
        ids += [] if from_user else [END]
    return ids


def _series(tokenizer, make) -> Iterator[list[int]]:
    for seed in range(SERIES):
        yield _encode(tokenizer, make(random.Random(seed)))


def demo_prompts(tokenizer_model: pathlib.Path) -> dict[str, Iterator[list[int]]]:
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer_model))
    kinds = {"sum": _sum, "sorting": _sorting, "conversation": _conversation}
    return {name: _series(tokenizer, make) for name, make in kinds.items()}
