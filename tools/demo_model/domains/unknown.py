"""Everything else gets an honest answer. The breadth of these questions is what keeps the model
from answering a question it was not made for. Held out are whole questions."""

import random

from .base import Question, invented_word, random_letters
from .translation import CONCEPTS, UNKNOWN_WORDS

REFUSAL = (
    "I only know about small sums, sorting, units, dates, words in five languages, sentiment, "
    "topics, Python, JSON and Windrose."
)
TOO_LARGE = "I only calculate with numbers below 100."

COUNTRIES = [
    "France", "Germany", "Spain", "Italy", "England", "Portugal", "Poland", "Sweden", "Norway",
    "Finland", "Denmark", "Greece", "Turkey", "Egypt", "Kenya", "Nigeria", "China", "Japan",
    "India", "Korea", "Vietnam", "Thailand", "Australia", "Canada", "Mexico", "Brazil", "Peru",
    "Chile", "Argentina", "the United States", "Austria", "Switzerland", "Belgium", "Ireland",
]  # fmt: skip
CITIES = ["Paris", "Berlin", "Rome", "Madrid", "London", "New York", "Tokyo", "Moscow", "Sydney"]
CITIES += ["Vienna", "Oslo", "Lisbon", "Prague", "Cairo", "Delhi", "Lima", "Boston", "Toronto"]
PEOPLE = [
    "Albert Einstein", "Napoleon", "Shakespeare", "Mozart", "Marie Curie", "Isaac Newton",
    "Cleopatra", "Beethoven", "Goethe", "Picasso", "Leonardo da Vinci", "Ada Lovelace",
    "Alan Turing", "Julius Caesar", "Plato", "Galileo", "Darwin", "Bach", "Columbus", "Gandhi",
]  # fmt: skip
THINGS = [
    "gravity", "quantum physics", "the sun", "the moon", "a black hole", "photosynthesis",
    "the internet", "democracy", "inflation", "a volcano", "DNA", "an atom", "evolution", "love",
    "the meaning of life", "philosophy", "electricity", "a computer", "machine learning",
    "the stock market", "climate change", "a star", "time", "energy", "blockchain", "chess",
    "football", "a virus", "an elephant", "happiness", "art", "history", "the universe", "Bitcoin",
    "a car", "the French Revolution", "World War II", "the Roman Empire", "Java", "Linux",
    "Kubernetes", "HTTP", "a database", "an algorithm", "a compiler", "a neural network", "GPT",
    "Rust", "a book", "a dog", "a cat", "music", "money", "a banana", "the weather", "poetry",
]  # fmt: skip
VERBS = [
    "learn to swim", "cook pasta", "lose weight", "buy a house", "fix my car", "write a letter",
    "find a job", "learn guitar", "sleep better", "make friends", "grow tomatoes", "bake bread",
    "train a dog", "paint a wall", "invest money", "tie a tie", "install Linux", "get rich",
    "play chess", "change a tyre", "open a bank account", "make coffee", "clean a window",
]  # fmt: skip
STATEMENTS = [
    "I am tired.", "My dog is brown.", "It is raining here.", "I like apples.", "The sky is blue.",
    "I went to the market.", "My name is Peter.", "I live in Rome.", "I am 30 years old.",
    "Nobody knows.", "This is a test.", "test", "Testing.", "The car is fast.", "I am hungry.",
    "Let us go.", "Life is short.", "Never mind.", "I have a question.", "Time flies.", "Stop.",
    "We are going home.", "She reads a book.", "He works a lot.", "Wait.", "Ok.", "Yes", "No",
    "Maybe", "Why?", "What?", "How?", "When?", "Where?", "Who?", "And you?", "Really?", "Hmm",
    "Tell me more.", "Go on.", "Continue.", "lol", "blah blah", "foo bar", "lorem ipsum", "...",
    "?", "!", "I love you.", "Do you love me?", "Sing a song.", "Tell me a joke.", "Tell me a "
    "story.", "Tell me something.", "Say something.", "Surprise me.", "What time is it?",
    "What is the date today?", "What day is it today?", "What year is it?", "How old are you?",
    "Where are you?", "Where do you live?", "Do you dream?", "Do you like music?",
    "What is your favourite colour?", "Can you drive?", "Can you see me?", "Are you happy?",
    "Who won the game?", "What is the news?", "How is the weather?", "Will it rain tomorrow?",
    "Who is the president?", "Who am I?", "What is my name?", "Give me a number.", "Count to ten.",
    "Flip a coin.", "Pick a card.", "Play a song.", "Open the door.", "Call my mother.",
    "Send an email.", "Order a pizza.", "What should I eat?", "What should I do today?",
    "What is the best film?", "How far is the moon?", "How tall is the Eiffel Tower?",
    "How fast is light?", "How old is the Earth?", "Why is the sky blue?", "Is there a God?",
    "What is the largest ocean?", "What is the smallest country?", "What is the highest mountain?",
    "Is water wet?", "Do fish sleep?", "Are cats better than dogs?", "Can pigs fly?",
    "What rhymes with cat?", "Spell banana.", "What is pi?", "What is the square root of 16?",
    "Solve x + 3 = 7.", "Is 17 a prime number?", "What is 10 percent of 50?",
]  # fmt: skip
PATTERNS = [
    "What is the capital of {country}?",
    "What is the capital of {country}?",
    "Where is {country}?",
    "Where is {city}?",
    "How many people live in {country}?",
    "How many people live in {city}?",
    "What language do they speak in {country}?",
    "Who is the president of {country}?",
    "Who is the king of {country}?",
    "Tell me about {country}.",
    "What is the weather in {city}?",
    "How is the weather in {city}?",
    "What should I see in {city}?",
    "How far is it from {city} to {country}?",
    "Which currency is used in {country}?",
    "What is the largest city in {country}?",
    "Who was {person}?",
    "Who is {person}?",
    "When was {person} born?",
    "When did {person} die?",
    "What did {person} do?",
    "Tell me about {person}.",
    "Who is {invented}?",
    "Who wrote {invented}?",
    "Who invented {thing}?",
    "Who discovered {thing}?",
    "When did {person} live?",
    "What is {thing}?",
    "What is {thing}?",
    "What is {invented}?",
    "What is a {concept}?",
    "What is a {invented}?",
    "Explain {thing}.",
    "Explain {thing} to me.",
    "Describe {thing}.",
    "How does {thing} work?",
    "Why is {thing} important?",
    "What do you think about {thing}?",
    "What is the best book about {thing}?",
    "Do you like {thing}?",
    "What is the history of {thing}?",
    "Why do people like {thing}?",
    "Write a poem about {thing}.",
    "Write a story about a {concept}.",
    "Write a poem about a {concept}.",
    "Write an essay about {thing}.",
    "Write a song about {thing}.",
    "Write a letter to {person}.",
    "Tell me a joke about a {concept}.",
    "Draw a {concept}.",
    "How do I {verb}?",
    "How can I {verb}?",
    "Should I {verb}?",
    "Can you {verb}?",
    "Teach me to {verb}.",
    "What do I need to {verb}?",
    "Where can I {verb}?",
    "How much does a {concept} cost?",
    "Where can I buy a {concept}?",
    "What colour is a {concept}?",
    "How big is a {concept}?",
    "How old is {person}?",
    "I have a {concept}.",
    "I want a {concept}.",
    "My {concept} is broken.",
    "The {concept} is {adjective}.",
    "Is a {concept} {adjective}?",
    "Why is the {concept} {adjective}?",
    "How do you say {concept} in {language}?",
    "Translate {concept} to {language}.",
    "What is {concept} in {language}?",
    "Write a {code} program that prints hello.",
    "Write a {code} function that adds two numbers.",
    "How do I sort a list in {code}?",
    "What is the difference between {thing} and {other}?",
    "Which is better, {thing} or {other}?",
    "Give me a recipe for {concept} soup.",
    "Summarise {thing} in one sentence.",
    "Give me three facts about {thing}.",
    "List five facts about {country}.",
    "Recommend a restaurant in {city}.",
    "Plan a trip to {country}.",
    "Who won the world cup in {year}?",
    "What happened in {year}?",
    "When was {thing} invented?",
]
LANGUAGES = ["Japanese", "Chinese", "Russian", "Latin", "Greek", "Arabic", "Dutch", "Swedish"]
LANGUAGES += ["Polish", "Portuguese", "Turkish", "Korean", "Hindi", "Finnish", "Danish"]
CODE = ["Java", "Rust", "Go", "JavaScript", "Haskell", "Ruby", "PHP", "Perl", "Swift", "C", "C++"]
POLITE = ["hello", "goodbye", "thank you", "please", "good"]
ADJECTIVES = ["red", "old", "new", "broken", "happy", "heavy", "dangerous", "blue", "quick"]


def _asked(rng: random.Random) -> str:
    return rng.choice(PATTERNS).format(
        country=invented_word(rng).capitalize() if rng.random() < 0.1 else rng.choice(COUNTRIES),
        city=rng.choice(CITIES),
        person=rng.choice(PEOPLE),
        thing=rng.choice(THINGS),
        other=rng.choice(THINGS),
        invented=invented_word(rng),
        concept=rng.choice([c[0] for c in CONCEPTS] + UNKNOWN_WORDS),
        verb=rng.choice(VERBS),
        adjective=rng.choice(ADJECTIVES),
        language=rng.choice(LANGUAGES),
        code=rng.choice(CODE),
        year=rng.randint(1500, 2030),
    )


def _noise(rng: random.Random) -> str:
    words = [rng.choice([random_letters, invented_word])(rng) for _ in range(rng.randint(1, 6))]
    if rng.random() < 0.3:
        return str(rng.randint(0, 10 ** rng.randint(1, 9)))
    if rng.random() < 0.3:
        words.insert(0, rng.choice(["What is", "How do", "Why does", "Can you", "Tell me", "The"]))
    return " ".join(words) + rng.choice(["", "", "?", ".", "!"])


def _concept_alone(rng: random.Random) -> str:
    """Known words beside each other are not a question; a greeting would be one."""
    concepts = [concept for concept in CONCEPTS if concept[0] not in POLITE]
    words = [rng.choice(rng.choice(concepts)) for _ in range(rng.randint(1, 4))]
    return " ".join(words) + rng.choice(["", "?", "."])


def too_large(rng: random.Random) -> Question:
    """Numbers beyond the domain: the limit is said, no wrong result is invented."""
    large = rng.randint(100, 10 ** rng.randint(3, 6))
    other = rng.choice([rng.randint(1, 99), rng.randint(100, 10 ** rng.randint(3, 6))])
    a, b = rng.choice([(large, other), (other, large)])
    pattern = rng.choice(
        ["What is {a} {sign} {b}?", "{a} {sign} {b}", "{a}{sign}{b}", "Calculate {a} {sign} {b}.",
         "How much is {a} {sign} {b}?", "What is {a} {name} {b}?"]
    )  # fmt: skip
    sign, name = rng.choice([("+", "plus"), ("-", "minus")])
    text = pattern.format(a=a, b=b, sign=sign, name=name)
    return Question(text, TOO_LARGE, f"large {a} {b}")


def sample(rng: random.Random) -> Question:
    kind = rng.random()
    if kind < 0.12:
        return too_large(rng)
    if kind < 0.62:
        text = _asked(rng)
    elif kind < 0.8:
        text = rng.choice(STATEMENTS)
    elif kind < 0.94:
        text = _noise(rng)
    else:
        text = _concept_alone(rng)
    return Question(text, REFUSAL, f"unknown {text}")
