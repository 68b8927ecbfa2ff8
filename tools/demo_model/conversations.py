"""Conversations made of the domains' questions: typing habits, turns, system prompts."""

import random

from domains import Question, draw, follow
from domains.base import lower_first

SYSTEM_PROMPTS = [
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a helpful assistant. Answer briefly.",
    "You are the Windrose demo model.",
    "You are a friendly assistant.",
    "Be concise.",
    "Answer in one sentence.",
    "You are an expert in many things.",
    "Be polite and answer correctly.",
    "You are Windrose, a helpful chat bot.",
]
OPENINGS_FOR_QUESTIONS = ["Can you tell me: ", "Please tell me: ", "Hey, ", "Hi, ", "Hello, "]
OPENINGS_FOR_QUESTIONS += ["Quick question: ", "Tell me, ", "Please: ", "Ok, ", "I wonder, "]
OPENINGS_FOR_ORDERS = ["Please ", "Please, ", "Could you ", "Can you ", "Hey, ", "Ok, ", "Now "]


def as_typed(question: Question, rng: random.Random) -> str:
    """The same question as different people type it."""
    text = question.text
    if rng.random() < 0.1:
        text = text.replace("What is ", "What's ", 1)
    ends_as_question = text.endswith("?")
    if not question.plain and rng.random() < 0.12:
        is_order = text.endswith(".") and not ends_as_question
        openings = OPENINGS_FOR_ORDERS if is_order else OPENINGS_FOR_QUESTIONS
        text = rng.choice(openings) + lower_first(text)
    dropped_mark = 0.25 if ends_as_question else 0.4 if text.endswith(".") else 0.0
    if dropped_mark and rng.random() < dropped_mark:
        text = text[:-1]
    if not question.plain and text[-1:].isalpha() and rng.random() < 0.15:
        text += rng.choice([" please", ", please", " please?"])
    style = rng.random()
    if style < 0.2:
        return lower_first(text)
    return text.lower() if style < 0.28 and not question.plain else text


def _turn(question: Question, rng: random.Random) -> list[dict]:
    return [
        {"role": "user", "content": as_typed(question, rng)},
        {"role": "assistant", "content": question.answer},
    ]


def _turn_count(rng: random.Random) -> int:
    draw_turns = rng.random()
    if draw_turns < 0.7:
        return 1
    if draw_turns < 0.85:
        return 2
    return 3 if draw_turns < 0.95 else rng.randint(4, 8)


def conversation(choose_domain, split: str, rng: random.Random) -> list[dict]:
    """One to eight turns; a later turn often leans on the one before it."""
    messages, question, domain = [], None, ""
    if rng.random() < 0.15:
        messages.append({"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    for _ in range(_turn_count(rng)):
        leaning = follow(domain, question, split, rng) if rng.random() < 0.6 and question else None
        if leaning is None:
            domain = choose_domain(rng)
            leaning = draw(domain, split, rng)
        question = leaning
        messages += _turn(question, rng)
    return messages
