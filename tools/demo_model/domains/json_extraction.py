"""Facts of a sentence as JSON. Held out are whole sentences (the values in them)."""

import json
import random

from .base import Question, invented_word

NAMES = [
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas", "Karin",
    "Leo", "Maria", "Nina", "Oscar", "Paula", "Quentin", "Rosa", "Samuel", "Tina", "Ursula",
    "Victor", "Wendy", "Xavier", "Yara", "Zoe", "Peter", "John", "Mary", "Alice", "Bob", "Carlos",
    "Sofia", "Lucas", "Mia", "Noah", "Lena", "Tom", "Julia", "Marco", "Elena", "Pierre", "Ivan",
    "Olga", "Ahmed", "Fatima", "Kenji", "Yuki", "Raj", "Priya", "Sarah", "Paul", "Laura", "Max",
]  # fmt: skip
CITIES = [
    "Paris", "Berlin", "Rome", "Madrid", "London", "Vienna", "Oslo", "Lisbon", "Prague", "Dublin",
    "Athens", "Warsaw", "Helsinki", "Zurich", "Geneva", "Milan", "Munich", "Hamburg", "Lyon",
    "Seville", "Porto", "Naples", "Boston", "Chicago", "Tokyo", "Cairo", "Delhi", "Lima", "Seoul",
]  # fmt: skip
JOBS = [
    "teacher", "doctor", "baker", "engineer", "nurse", "lawyer", "pilot", "cook", "farmer",
    "painter", "driver", "singer", "writer", "gardener", "plumber", "dentist",
]  # fmt: skip
ITEMS = [
    "book", "lamp", "chair", "phone", "bicycle", "coat", "cake", "ticket", "table", "pen", "cup",
    "bag", "watch", "hat", "radio", "shirt", "camera", "clock", "piano", "guitar",
]  # fmt: skip
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

SENTENCES = [
    (["name", "age"], ["{name} is {age} years old.", "{name} is {age}.",
                       "My friend {name} is {age} years old.", "{name}, aged {age}."]),
    (["name", "city"], ["{name} lives in {city}.", "{name} is from {city}.",
                        "{name} moved to {city}."]),
    (["name", "age", "city"], ["{name} is {age} years old and lives in {city}.",
                               "{name}, {age}, lives in {city}.",
                               "{name} from {city} is {age} years old."]),
    (["name", "job"], ["{name} works as a {job}.", "{name} is a {job}."]),
    (["name", "job", "city"], ["{name} is a {job} in {city}.",
                               "{name} works as a {job} in {city}."]),
    (["item", "price"], ["The {item} costs {price} euros.", "A {item} costs {price} euros.",
                         "The price of the {item} is {price} euros."]),
    (["name", "item", "price"], ["{name} bought a {item} for {price} euros.",
                                 "{name} paid {price} euros for a {item}."]),
    (["name", "day"], ["{name} is coming on {day}.", "I will meet {name} on {day}.",
                       "The meeting with {name} is on {day}."]),
]  # fmt: skip
WITH_KEYS = [
    "Extract the {k} as JSON: {s}",
    "Extract {k} as JSON: {s}",
    "Extract {k} from this text as JSON: {s}",
    "Return {k} as JSON: {s}",
    "Give me the {k} as JSON: {s}",
    "Give me JSON with {k}: {s}",
    "{s} Give me the {k} as JSON.",
    "{s} Extract {k} as JSON.",
    "JSON with {k}: {s}",
]
WITHOUT_KEYS = [
    "Turn this into JSON: {s}",
    "Convert this to JSON: {s}",
    "Convert to JSON: {s}",
    "Write this as JSON: {s}",
    "Extract the data as JSON: {s}",
    "As JSON: {s}",
    "{s} Write this as JSON.",
]


def _values(rng: random.Random) -> dict:
    invented = rng.random() < 0.12
    return {
        "name": invented_word(rng).capitalize() if invented else rng.choice(NAMES),
        "city": invented_word(rng).capitalize() if rng.random() < 0.05 else rng.choice(CITIES),
        "age": rng.randint(1, 99),
        "price": rng.randint(1, 999) if rng.random() < 0.5 else rng.randint(1, 99),
        "job": rng.choice(JOBS),
        "item": rng.choice(ITEMS),
        "day": rng.choice(DAYS),
    }


def _in_order_of(sentence: str, keys: list[str]) -> list[str]:
    return sorted(keys, key=lambda key: sentence.index(f"{{{key}}}"))


def _joined(keys: list[str]) -> str:
    return keys[0] if len(keys) == 1 else ", ".join(keys[:-1]) + f" and {keys[-1]}"


def sample(rng: random.Random) -> Question:
    """The keys come in the order asked for; where none are, in the order of the sentence."""
    all_keys, sentences = rng.choice(SENTENCES)
    values = _values(rng)
    pattern = rng.choice(sentences)
    sentence = pattern.format(**values).replace(" a engineer", " an engineer")
    record = " ".join(str(values[key]) for key in all_keys)
    keys = _in_order_of(pattern, all_keys)
    if rng.random() < 0.4:
        text = rng.choice(WITHOUT_KEYS).format(s=sentence)
    else:
        keys = rng.sample(keys, rng.randint(1, len(keys)))
        if rng.random() < 0.5:
            keys = _in_order_of(pattern, keys)
        text = rng.choice(WITH_KEYS).format(k=_joined(keys), s=sentence)
    answer = json.dumps({key: values[key] for key in keys}, ensure_ascii=False)
    return Question(text, answer, f"json {record}", plain=True)
