"""What every domain shares: a question, the split by content, and small text helpers."""

import dataclasses
import hashlib
import itertools
import random
import re
import unicodedata

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclasses.dataclass(frozen=True)
class Question:
    """A question, its answer, and the key that decides whether training may see it.

    `key` names the content, never the position in a stream: two wordings of the same sum share it.
    `plain` questions are changed by nothing but their punctuation (JSON needs its capitals).
    `topic` carries what a follow-up question needs to know.
    """

    text: str
    answer: str
    key: str
    plain: bool = False
    topic: tuple = ()
    test_percent: int = 8


def split_of(question: Question) -> str:
    """Train, validation (steers the mixture) or test (only reported), by a hash of the content."""
    digest = hashlib.sha256(question.key.encode("utf-8")).digest()
    bucket = int.from_bytes(digest[:4], "big") % 100
    if bucket < question.test_percent:
        return TEST
    if bucket < question.test_percent + question.test_percent // 2:
        return VALIDATION
    return TRAIN


def spelled_out(pattern: str) -> list[str]:
    """All texts of a pattern, first choices first: "(a|b) c" stands for "a c" and "b c"."""
    parts = re.split(r"\(([^()]*)\)", pattern)
    choices = [part.split("|") if index % 2 else [part] for index, part in enumerate(parts)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def all_spelled_out(patterns: list[str]) -> list[str]:
    """The texts of all patterns, each once."""
    return list(dict.fromkeys(text for pattern in patterns for text in spelled_out(pattern)))


def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def strip_accents(text: str) -> str:
    """What people type on a keyboard without accents."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


_SYLLABLES = [
    consonant + vowel
    for consonant in ["b", "br", "c", "ch", "d", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p"]
    + ["qu", "r", "s", "sh", "st", "t", "th", "tr", "v", "w", "y", "z"]
    for vowel in ["a", "e", "i", "o", "u", "ai", "ea", "oo"]
]
_ENDINGS = ["", "", "n", "r", "s", "l", "m", "t", "ck", "nd", "x", "th"]


def invented_word(rng: random.Random) -> str:
    """A word that exists in no list, so that copying does not depend on our lists."""
    syllables = rng.choice([1, 2, 2, 3])
    return "".join(rng.choice(_SYLLABLES) for _ in range(syllables)) + rng.choice(_ENDINGS)


def random_letters(rng: random.Random) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return "".join(rng.choice(letters) for _ in range(rng.randint(2, 9)))
