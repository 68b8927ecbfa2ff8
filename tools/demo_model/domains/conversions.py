"""Units. Powers of ten are computed (held out by value), the rest is a table (by wording)."""

import random

from .base import Question

# (one big unit, many, short; one small unit, many, short; factor)
DECIMAL = [
    (("kilometre", "kilometres", "km"), ("metre", "metres", "m"), 1000),
    (("metre", "metres", "m"), ("centimetre", "centimetres", "cm"), 100),
    (("metre", "metres", "m"), ("millimetre", "millimetres", "mm"), 1000),
    (("centimetre", "centimetres", "cm"), ("millimetre", "millimetres", "mm"), 10),
    (("kilogram", "kilograms", "kg"), ("gram", "grams", "g"), 1000),
    (("tonne", "tonnes", "t"), ("kilogram", "kilograms", "kg"), 1000),
    (("litre", "litres", "l"), ("millilitre", "millilitres", "ml"), 1000),
    (("euro", "euros", "euros"), ("cent", "cents", "cents"), 100),
]
TABLE = [
    (("hour", "hours", "h"), ("minute", "minutes", "min"), 60),
    (("minute", "minutes", "min"), ("second", "seconds", "s"), 60),
    (("day", "days", "days"), ("hour", "hours", "h"), 24),
    (("week", "weeks", "weeks"), ("day", "days", "days"), 7),
    (("year", "years", "years"), ("month", "months", "months"), 12),
    (("foot", "feet", "ft"), ("inch", "inches", "in"), 12),
    (("dozen", "dozens", "dozens"), ("piece", "pieces", "pieces"), 12),
]
LONG = [
    "How many {many} are in {value} {unit}?",
    "How many {many} are {value} {unit}?",
    "How many {many} are there in {value} {unit}?",
    "How many {many} do {value} {unit} make?",
    "How many {many} is {value} {unit}?",
    "Convert {value} {unit} to {many}.",
    "Convert {value} {unit} into {many}.",
    "What is {value} {unit} in {many}?",
    "What are {value} {unit} in {many}?",
    "{value} {unit} in {many}",
    "{value} {unit} to {many}",
    "Express {value} {unit} in {many}.",
    "Change {value} {unit} to {many}.",
    "Tell me how many {many} are in {value} {unit}.",
]
SHORT = [
    "{value} {short} in {small_short}",
    "{value} {short} to {small_short}",
    "Convert {value} {short} to {small_short}.",
    "What is {value} {short} in {small_short}?",
    "How many {small_short} are {value} {short}?",
    "{value}{short} in {small_short}",
]


def _amount(value: int, unit: tuple[str, str, str]) -> str:
    return f"{value} {unit[0] if value == 1 else unit[1]}"


def _american(text: str) -> str:
    return text.replace("metre", "meter").replace("litre", "liter")


def _question(rng: random.Random, row: tuple, value: int, held_out_by_wording: bool) -> Question:
    big, small, factor = row
    source, target, result = (big, small, value * factor)
    if rng.random() < 0.35:
        source, target, value, result = small, big, value * factor, value
    short = len(big[2]) < 4 and len(small[2]) < 4
    pattern = rng.choice(LONG + SHORT) if short else rng.choice(LONG)
    unit = source[0] if value == 1 else source[1]
    # "one hour" and "an hour" are how people ask for a single unit.
    shown = rng.choice([value, value, "one", "a"]) if value == 1 and pattern in LONG else value
    if shown == "a" and unit in ("hour", "inch"):
        shown = "an"
    text = pattern.format(
        value=shown, unit=unit, many=target[1], short=source[2], small_short=target[2]
    )
    if rng.random() < 0.3:
        text = _american(text)
    # The reversed conversion shares the key.
    key = f"unit {big[0]} {small[0]} {min(value, result)}"
    if held_out_by_wording:
        key += f" {pattern} {source[0]}"
    verb = "is" if value == 1 else "are"
    return Question(text, f"{_amount(value, source)} {verb} {_amount(result, target)}.", key)


def decimal(rng: random.Random) -> Question:
    value = rng.randint(1, 99) if rng.random() < 0.8 else rng.randint(1, 9)
    return _question(rng, rng.choice(DECIMAL), value, held_out_by_wording=value == 1)


def table(rng: random.Random) -> Question:
    return _question(rng, rng.choice(TABLE), rng.randint(1, 12), held_out_by_wording=True)


def sample(rng: random.Random) -> Question:
    return decimal(rng) if rng.random() < 0.5 else table(rng)
