"""Is a short review positive or negative? Held out are whole reviews."""

import random

from .base import Question, lower_first

THINGS = [
    "film", "movie", "book", "hotel", "restaurant", "meal", "phone", "laptop", "concert", "game",
    "show", "service", "coffee", "pizza", "trip", "room", "staff", "camera", "song", "play",
    "product", "app", "story", "food", "music", "bike", "car", "chair", "lamp", "course", "lesson",
    "museum", "flight", "train", "shop", "soup", "cake", "view", "garden", "ending", "acting",
]  # fmt: skip
GOOD = [
    "great", "good", "wonderful", "excellent", "amazing", "fantastic", "lovely", "beautiful",
    "brilliant", "perfect", "delightful", "superb", "nice", "charming", "awesome", "fun", "funny",
    "delicious", "comfortable", "friendly", "impressive", "outstanding", "pleasant", "clever",
    "exciting", "fast", "reliable", "warm", "fresh", "helpful",
]  # fmt: skip
BAD = [
    "bad", "terrible", "awful", "horrible", "boring", "poor", "disappointing", "dreadful", "ugly",
    "slow", "rude", "dirty", "noisy", "broken", "useless", "annoying", "cold", "stale", "weak",
    "unpleasant", "dull", "disgusting", "cheap", "overpriced", "confusing", "lousy", "bland",
    "unreliable", "uncomfortable", "mediocre",
]  # fmt: skip
ADVERBS = ["very", "really", "so", "quite", "absolutely", "truly", "just", "simply", "too"]
LOVED = ["loved", "enjoyed", "liked", "adored", "really liked", "really enjoyed", "love", "like"]
HATED = ["hated", "disliked", "regret", "did not like", "didn't like", "did not enjoy", "hate"]
HATED += ["can't stand", "don't like", "don't recommend", "never liked"]
GOOD_PHRASES = [
    "I would come back any time", "I recommend it to everyone", "Best day of my life",
    "It made me very happy", "I can't wait to go again", "Worth every cent", "Five stars",
    "It works perfectly", "I was pleasantly surprised", "We had a great time", "Well done",
    "It exceeded my expectations", "I am very satisfied", "Everything went well",
    "I smiled all day", "I would buy it again", "It was a joy", "What a pleasure", "Thumbs up",
    "My children love it", "I could not stop laughing", "I will definitely return",
    "A masterpiece", "I couldn't put it down", "Highly recommended",
]  # fmt: skip
BAD_PHRASES = [
    "I would never come back", "I do not recommend it to anyone", "Worst day of my life",
    "It made me very angry", "I want my money back", "A waste of time", "One star",
    "It broke after a day", "I was badly disappointed", "We had a terrible time",
    "It did not meet my expectations", "I am not satisfied", "Everything went wrong",
    "I fell asleep", "I would not buy it again", "It was a nightmare", "What a shame",
    "Thumbs down", "My children hate it", "I could not wait for it to end", "Stay away",
    "I will never return", "A disaster", "A waste of money", "Not recommended", "Never again",
]  # fmt: skip
QUESTIONS = [
    "Is this review positive or negative: {t}",
    "Is this review positive or negative: {t}",
    "Is this review positive or negative? {t}",
    "Is this positive or negative: {t}",
    "Is the following review positive or negative? {t}",
    "Is this text positive or negative: {t}",
    "Is this sentence positive or negative: {t}",
    "Positive or negative: {t}",
    "Positive or negative? {t}",
    "What is the sentiment of this text: {t}",
    "What is the sentiment of this review: {t}",
    "What is the sentiment: {t}",
    "Classify the sentiment: {t}",
    "Classify the sentiment of this review: {t}",
    "Sentiment: {t}",
    "Is the writer happy or unhappy: {t}",
    'Is "{t}" positive or negative?',
    'What is the sentiment of "{t}"?',
]


def _adjectives(rng: random.Random, words: list[str]) -> str:
    adjective = rng.choice(words)
    if rng.random() < 0.35:
        adjective = f"{rng.choice(ADVERBS)} {adjective}"
    if rng.random() < 0.2:
        adjective += f" and {rng.choice(words)}"
    return adjective


def _sentence(rng: random.Random, good: bool) -> str:
    thing, other = rng.choice(THINGS), rng.choice(THINGS)
    words, opposite = (GOOD, BAD) if good else (BAD, GOOD)
    verb = rng.choice(LOVED if good else HATED)
    subject = rng.choice([f"The {thing}", f"This {thing}", "It", "That", f"My {thing}"])
    ending = rng.choice(["", "", " ever", " I have ever seen", " of the year", " in town"])
    forms = [
        f"{subject} {rng.choice(['was', 'is'])} {_adjectives(rng, words)}",
        f"{subject} {rng.choice(['was not', 'is not', 'wasn’t', 'was never'])} "
        + rng.choice(opposite),
        f"I {verb} {rng.choice(['it', 'this', 'everything', f'the {thing}', f'this {thing}'])}",
        f"We {verb} the {thing}",
        f"What a {rng.choice(words)} {thing}",
        f"{rng.choice(['The best', 'Best'] if good else ['The worst', 'Worst'])} {thing}{ending}",
        f"The {thing} was {_adjectives(rng, words)} and the {other} was {rng.choice(words)}",
        f"{rng.choice(words).capitalize()} {thing}",
        f"I {rng.choice(['think', 'feel', 'find'])} the {thing} is {_adjectives(rng, words)}",
        f"I {verb} every minute of it",
        rng.choice(GOOD_PHRASES if good else BAD_PHRASES),
    ]
    return rng.choice(forms).replace("’", "'")


def review(rng: random.Random, good: bool) -> str:
    sentences = [_sentence(rng, good) for _ in range(rng.choice([1, 1, 1, 2]))]
    mark = rng.choice([".", ".", "!", ""])
    return ". ".join(sentences) + mark


def _question(rng: random.Random, patterns: list[str]) -> Question:
    good = rng.random() < 0.5
    text = review(rng, good)
    key = f"review {text.rstrip('.!').lower()}"
    if rng.random() < 0.15:
        text = lower_first(text)
    answer = f"The sentiment is {'positive' if good else 'negative'}."
    return Question(rng.choice(patterns).format(t=text), answer, key, topic=(good,))


def sample(rng: random.Random) -> Question:
    return _question(rng, QUESTIONS)


def follow_up(rng: random.Random, previous: Question) -> Question:
    del previous
    return _question(rng, ["And this one: {t}", "And this: {t}", "What about this one: {t}"])
