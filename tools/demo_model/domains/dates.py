"""Days and months: tables that are memorised; held out is the pair (fact, wording)."""

import random

from .base import Question

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September"]
MONTHS += ["October", "November", "December"]
LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
ORDINALS += ["tenth", "eleventh", "twelfth"]

AFTER = [
    "What day comes after {x}?",
    "Which day comes after {x}?",
    "What is the day after {x}?",
    "What day follows {x}?",
    "Today is {x}. What day is tomorrow?",
    "If today is {x}, what day is tomorrow?",
    "The day after {x}",
    "What comes after {x}?",
]
BEFORE = [
    "What day comes before {x}?",
    "Which day comes before {x}?",
    "What is the day before {x}?",
    "Today is {x}. What day was yesterday?",
    "If today is {x}, what day was yesterday?",
    "The day before {x}",
    "What comes before {x}?",
]
MONTH_AFTER = [
    "What month comes after {x}?",
    "Which month comes after {x}?",
    "What is the month after {x}?",
    "Which month follows {x}?",
    "What comes after {x}?",
    "What is the next month after {x}?",
]
MONTH_BEFORE = [
    "What month comes before {x}?",
    "Which month comes before {x}?",
    "What is the month before {x}?",
    "What comes before {x}?",
]
MONTH_LENGTH = [
    "How many days are in {x}?",
    "How many days does {x} have?",
    "How many days are there in {x}?",
    "How long is {x}?",
    "Number of days in {x}?",
    "How many days has {x}?",
]
DAYS_LATER = [
    "What day is {n} days after {x}?",
    "Which day is {n} days after {x}?",
    "What weekday is {n} days after {x}?",
    "Today is {x}. What day is it in {n} days?",
    "If today is {x}, what day is it in {n} days?",
    "It is {x}. Which weekday will it be in {n} days?",
    "{n} days after {x}",
    "What day comes {n} days after {x}?",
]
MONTH_NUMBER = [
    "Which month is the {x} month?",
    "What is the {x} month of the year?",
    "Which is the {x} month of the year?",
    "Name the {x} month.",
]
COUNTS = [
    ("How many days are in a week?", "1 week is 7 days."),
    ("How many days does a week have?", "1 week is 7 days."),
    ("How many months are in a year?", "1 year is 12 months."),
    ("How many months does a year have?", "1 year is 12 months."),
    ("How many days are in a year?", "A year has 365 days."),
    ("How many days does a year have?", "A year has 365 days."),
    ("How many weeks are in a year?", "A year has 52 weeks."),
    ("What are the days of the week?", "The days are " + ", ".join(DAYS) + "."),
    ("Name the days of the week.", "The days are " + ", ".join(DAYS) + "."),
    ("How many hours are in a day?", "1 day is 24 hours."),
]


def _neighbour(rng, names, patterns, step: int, word: str) -> Question:
    index, pattern = rng.randrange(len(names)), rng.choice(patterns)
    result = names[(index + step) % len(names)]
    text = pattern.format(x=names[index])
    answer = f"The {word} {'after' if step == 1 else 'before'} {names[index]} is {result}."
    return Question(text, answer, f"date {text}", topic=(result,))


def explained_days_later(count: int, index: int) -> str:
    """Whole weeks are taken off first, so that a table of 7 days and 7 distances is enough."""
    result = f"{count} days after {DAYS[index]} is {DAYS[(index + count) % 7]}."
    if count < 7:
        return result
    weeks = "1 week" if count < 14 else "2 weeks"
    rest = f" and {count % 7} day{'' if count % 7 == 1 else 's'}" if count % 7 else ""
    return f"{count} days are {weeks}{rest}, so {result}"


def _days_later(rng: random.Random) -> Question:
    index, count = rng.randrange(7), rng.randint(2, 14)
    text = rng.choice(DAYS_LATER).format(n=count, x=DAYS[index])
    result = DAYS[(index + count) % 7]
    answer = explained_days_later(count, index)
    return Question(text, answer, f"date {text}", topic=(result,))


def _month_length(rng: random.Random) -> Question:
    index = rng.randrange(12)
    text = rng.choice(MONTH_LENGTH).format(x=MONTHS[index])
    extra = ", or 29 in a leap year" if index == 1 else ""
    return Question(text, f"{MONTHS[index]} has {LENGTHS[index]} days{extra}.", f"date {text}")


def _month_number(rng: random.Random) -> Question:
    index = rng.randrange(12)
    text = rng.choice(MONTH_NUMBER).format(x=ORDINALS[index])
    return Question(text, f"The {ORDINALS[index]} month is {MONTHS[index]}.", f"date {text}")


def sample(rng: random.Random) -> Question:
    kind = rng.random()
    if kind < 0.2:
        step, patterns = rng.choice([(1, AFTER), (-1, BEFORE)])
        return _neighbour(rng, DAYS, patterns, step, "day")
    if kind < 0.35:
        step, patterns = rng.choice([(1, MONTH_AFTER), (-1, MONTH_BEFORE)])
        return _neighbour(rng, MONTHS, patterns, step, "month")
    if kind < 0.5:
        return _month_length(rng)
    if kind < 0.6:
        return _month_number(rng)
    if kind < 0.67:
        text, answer = rng.choice(COUNTS)
        return Question(text, answer, f"date {text}", test_percent=0)
    return _days_later(rng)


def follow_up(rng: random.Random, previous: Question) -> Question | None:
    """The day after the day just named."""
    if not previous.topic or previous.topic[0] not in DAYS:
        return None
    day = previous.topic[0]
    result = DAYS[(DAYS.index(day) + 1) % 7]
    text = rng.choice(["And the day after that?", "And the next day?", "And the day after?"])
    return Question(text, f"The day after {day} is {result}.", previous.key, topic=(result,))
