"""Sums and differences of numbers below 100, and the tables up to 12.

A sum, the commuted sum and the two differences made of the same three numbers share one key, so a
held-out question was not seen in another guise either.
"""

import random

from .base import Question

ADDITION = [
    "What is {a} + {b}?",
    "What is {a} + {b}?",
    "What is {a}+{b}?",
    "{a} + {b}",
    "{a} + {b} = ?",
    "{a} + {b} =",
    "{a}+{b}",
    "{a}+{b}=",
    "{a} plus {b}?",
    "What is {a} plus {b}?",
    "How much is {a} + {b}?",
    "How much is {a} plus {b}?",
    "Calculate {a} + {b}.",
    "Compute {a} + {b}.",
    "Add {a} and {b}.",
    "Add {b} to {a}.",
    "What is the sum of {a} and {b}?",
    "What do you get if you add {b} to {a}?",
    "What does {a} + {b} equal?",
    "I have {a} apples and get {b} more. How many apples do I have?",
    "Anna has {a} books and Ben has {b}. How many do they have together?",
]
SUBTRACTION = [
    "What is {a} - {b}?",
    "What is {a} - {b}?",
    "What is {a}-{b}?",
    "{a} - {b}",
    "{a} - {b} = ?",
    "{a} - {b} =",
    "{a}-{b}",
    "{a} minus {b}?",
    "What is {a} minus {b}?",
    "How much is {a} - {b}?",
    "How much is {a} minus {b}?",
    "Calculate {a} - {b}.",
    "Compute {a} - {b}.",
    "Subtract {b} from {a}.",
    "Take {b} away from {a}.",
    "What does {a} - {b} equal?",
    "What do you get if you subtract {b} from {a}?",
]
SUBTRACTION_STORIES = [
    "What is the difference between {a} and {b}?",
    "I have {a} apples and eat {b}. How many apples are left?",
    "There were {a} birds and {b} flew away. How many are left?",
]
MULTIPLICATION = [
    "What is {a} * {b}?",
    "What is {a} x {b}?",
    "{a} * {b}",
    "{a} x {b}",
    "{a}*{b}",
    "{a} × {b}",
    "{a} * {b} = ?",
    "{a} times {b}?",
    "What is {a} times {b}?",
    "How much is {a} times {b}?",
    "How much is {a} * {b}?",
    "Multiply {a} by {b}.",
    "Multiply {a} and {b}.",
    "Calculate {a} * {b}.",
    "Compute {a} x {b}.",
    "What is the product of {a} and {b}?",
]
DIVISION = [
    "What is {a} / {b}?",
    "{a} / {b}",
    "{a}/{b}",
    "{a} : {b}",
    "{a} divided by {b}?",
    "What is {a} divided by {b}?",
    "How much is {a} / {b}?",
    "How much is {a} divided by {b}?",
    "Divide {a} by {b}.",
    "Calculate {a} / {b}.",
    "Compute {a} / {b}.",
]


def _split(number: int) -> tuple[int, int]:
    return number // 10 * 10, number % 10


def explained_sum(a: int, b: int) -> str:
    """Units, tens, result: a small model learns these three steps far sooner than one leap."""
    result = f"{a} + {b} = {a + b}."
    if a < 10 and b < 10:
        return result
    (a_tens, a_units), (b_tens, b_units) = _split(a), _split(b)
    units = f"{a_units} + {b_units} = {a_units + b_units}"
    return f"{units} and {a_tens} + {b_tens} = {a_tens + b_tens}, so {result}"


def explained_difference(a: int, b: int) -> str:
    """The smaller number is taken from the larger; a ten is borrowed where the units need it."""
    result = f"{a} - {b} = {a - b}."
    if a < 10 and b < 10:
        return result
    (tens, units), (less_tens, less_units) = _split(max(a, b)), _split(min(a, b))
    if units < less_units:
        tens, units = tens - 10, units + 10
    first = f"{units} - {less_units} = {units - less_units}"
    return f"{first} and {tens} - {less_tens} = {tens - less_tens}, so {result}"


def sum_question(a: int, b: int, pattern: str) -> Question:
    key = f"sum {min(a, b)} {max(a, b)}"
    return Question(pattern.format(a=a, b=b), explained_sum(a, b), key, topic=(a + b,))


def difference_question(a: int, b: int, pattern: str) -> Question:
    smaller, rest = min(a, b), abs(a - b)
    key = f"sum {min(smaller, rest)} {max(smaller, rest)}"
    text = pattern.format(a=a, b=b)
    return Question(text, explained_difference(a, b), key, topic=(a - b,))


def _number(rng: random.Random) -> int:
    return rng.randint(10, 99) if rng.random() < 0.85 else rng.randint(0, 9)


def addition(rng: random.Random) -> Question:
    return sum_question(_number(rng), _number(rng), rng.choice(ADDITION))


def subtraction(rng: random.Random) -> Question:
    a, b = _number(rng), _number(rng)
    if a < b and rng.random() < 0.9:
        a, b = b, a
    stories = SUBTRACTION_STORIES if a >= b else []
    return difference_question(a, b, rng.choice(SUBTRACTION + stories))


def tables(rng: random.Random) -> Question:
    """Multiplication and division are memorised; what is held out is the pair (fact, wording)."""
    a, b = rng.randint(1, 12), rng.randint(1, 12)
    if rng.random() < 0.6:
        pattern, answer = rng.choice(MULTIPLICATION), f"{a} × {b} = {a * b}."
    else:
        pattern, answer = rng.choice(DIVISION), f"{a * b} / {b} = {a}."
        a = a * b
    return Question(pattern.format(a=a, b=b), answer, f"table {pattern} {a} {b}")


FOLLOW_UPS = [
    ("And {a} + {b}?", sum_question),
    ("What about {a} + {b}?", sum_question),
    ("And {a} plus {b}?", sum_question),
    ("Now {a} + {b}.", sum_question),
    ("And {a} - {b}?", difference_question),
    ("What about {a} - {b}?", difference_question),
    ("And {a} minus {b}?", difference_question),
]
FOLLOW_UPS_ON_RESULT = [
    ("Now add {b}.", sum_question),
    ("Add {b} to that.", sum_question),
    ("And plus {b}?", sum_question),
    ("Now subtract {b}.", difference_question),
    ("And minus {b}?", difference_question),
]


def follow_up(rng: random.Random, previous: Question) -> Question:
    """A second question, on new numbers or on the result of the first."""
    result = previous.topic[0]
    if 0 <= result <= 99 and rng.random() < 0.5:
        pattern, make = rng.choice(FOLLOW_UPS_ON_RESULT)
        return make(result, rng.randint(0, 99), pattern)
    pattern, make = rng.choice(FOLLOW_UPS)
    return make(_number(rng), _number(rng), pattern)
