"""Sorting three to six numbers, and the largest or smallest of a few.

The key is the set of numbers, so the same numbers in another order are held out together.
"""

import random

from .base import Question

ASCENDING = [
    "Sort {n}",
    "Sort {n}.",
    "Sort these numbers: {n}",
    "Sort the numbers {n}.",
    "Sort {n} in ascending order.",
    "Sort {n} from smallest to largest.",
    "Put {n} in order.",
    "Put these numbers in ascending order: {n}",
    "Order these numbers: {n}",
    "Order {n} from small to large.",
    "Arrange {n} in ascending order.",
    "Can you sort {n}?",
    "Sort this list: {n}",
    "Sort the list {n}",
]
DESCENDING = [
    "Sort {n} in descending order.",
    "Sort {n} from largest to smallest.",
    "Sort these numbers in descending order: {n}",
    "Put {n} in descending order.",
    "Put these numbers in descending order: {n}",
    "Order {n} from large to small.",
    "Arrange {n} in descending order.",
    "Sort {n} in reverse order.",
    "Sort in descending order: {n}",
]
LARGEST = [
    "What is the largest of {n}?",
    "Which number is the largest: {n}?",
    "Find the largest number: {n}",
    "What is the biggest number in {n}?",
    "What is the maximum of {n}?",
    "Which is larger, {o}?",
    "Which is bigger, {o}?",
]
SMALLEST = [
    "What is the smallest of {n}?",
    "Which number is the smallest: {n}?",
    "Find the smallest number: {n}",
    "What is the minimum of {n}?",
    "Which is smaller, {o}?",
]


def _listed(rng: random.Random, numbers: list[int]) -> str:
    style = rng.random()
    if style < 0.6:
        return ", ".join(map(str, numbers))
    if style < 0.75:
        return " ".join(map(str, numbers))
    if style < 0.85:
        return "[" + ", ".join(map(str, numbers)) + "]"
    if style < 0.9:
        return ",".join(map(str, numbers))
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"


def ordered(numbers: list[int], descending: bool) -> str:
    return ", ".join(map(str, sorted(numbers, reverse=descending))) + "."


def _key(numbers: list[int]) -> str:
    return "sort " + " ".join(map(str, sorted(numbers)))


def _sort_question(rng: random.Random, numbers: list[int]) -> Question:
    descending = rng.random() < 0.3
    pattern = rng.choice(DESCENDING if descending else ASCENDING)
    text = pattern.format(n=_listed(rng, numbers))
    topic = (tuple(numbers), descending)
    return Question(text, ordered(numbers, descending), _key(numbers), topic=topic)


def _extreme_question(rng: random.Random, numbers: list[int]) -> Question:
    largest = rng.random() < 0.5
    pattern = rng.choice(LARGEST if largest else SMALLEST)
    if "{o}" in pattern:
        numbers = numbers[:2]
    either = f"{numbers[0]} or {numbers[1]}"
    text = pattern.format(n=_listed(rng, numbers), o=either)
    word, value = ("largest", max(numbers)) if largest else ("smallest", min(numbers))
    if "{o}" in pattern:
        word = "larger" if largest else "smaller"
    return Question(text, f"The {word} number is {value}.", _key(numbers))


def _question(rng: random.Random, numbers: list[int]) -> Question:
    make = _extreme_question if rng.random() < 0.2 else _sort_question
    return make(rng, numbers)


def two_digits(rng: random.Random) -> Question:
    numbers = [rng.randint(10, 99) for _ in range(rng.randint(3, 6))]
    return _question(rng, numbers)


def mixed_digits(rng: random.Random) -> Question:
    """One-digit numbers alone (half of the questions) or beside two-digit ones."""
    share = 1.0 if rng.random() < 0.5 else 0.4
    count = rng.randint(3, 6)
    small = [rng.randint(0, 9) for _ in range(count)]
    large = [rng.randint(10, 99) for _ in range(count)]
    numbers = [s if rng.random() < share else b for s, b in zip(small, large, strict=True)]
    return _question(rng, numbers)


FOLLOW_UPS = {
    True: ["And in ascending order?", "Now in ascending order.", "And from smallest to largest?"],
    False: ["And in descending order?", "Now in descending order.", "And in reverse order?"],
}


def follow_up(rng: random.Random, previous: Question) -> Question | None:
    """The same numbers the other way round."""
    if not previous.topic:
        return None
    numbers, descending = previous.topic
    answer = ordered(list(numbers), not descending)
    return Question(rng.choice(FOLLOW_UPS[descending]), answer, previous.key)
