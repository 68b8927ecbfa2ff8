"""The domains: name -> a function that draws one question, and what may follow it."""

import random

from . import arithmetic, conversions, dates, json_extraction, python_functions, sentiment
from . import smalltalk, sorting, topics, translation, unknown, windrose
from .base import TEST, TRAIN, VALIDATION, Question, split_of

__all__ = ["DOMAINS", "FOLLOW_UPS", "Question", "TEST", "TRAIN", "VALIDATION", "draw", "follow"]

DOMAINS = {
    "addition": arithmetic.addition,
    "subtraction": arithmetic.subtraction,
    "tables": arithmetic.tables,
    "sorting": sorting.two_digits,
    "sorting_mixed": sorting.mixed_digits,
    "conversions": conversions.sample,
    "dates": dates.sample,
    "translation": translation.sample,
    "sentiment": sentiment.sample,
    "topic": topics.sample,
    "python": python_functions.sample,
    "json": json_extraction.sample,
    "windrose": windrose.sample,
    "smalltalk": smalltalk.sample,
    "unknown": unknown.sample,
}
FOLLOW_UPS = {
    "addition": arithmetic.follow_up,
    "subtraction": arithmetic.follow_up,
    "sorting": sorting.follow_up,
    "sorting_mixed": sorting.follow_up,
    "dates": dates.follow_up,
    "translation": translation.follow_up,
    "sentiment": sentiment.follow_up,
    "topic": topics.follow_up,
}


def draw(domain: str, split: str, rng: random.Random) -> Question:
    """One question of the wanted split; the others are thrown away."""
    while True:
        question = DOMAINS[domain](rng)
        if split_of(question) == split:
            return question


def follow(domain: str, previous: Question, split: str, rng: random.Random) -> Question | None:
    """A question that leans on the one before it, if the domain has one."""
    if domain not in FOLLOW_UPS:
        return None
    for _ in range(200):
        question = FOLLOW_UPS[domain](rng, previous)
        if question is None or split_of(question) == split:
            return question
    return None
