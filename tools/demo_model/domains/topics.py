"""What is a short text about? Held out are whole texts."""

import random

from .base import Question

# topic -> (subjects, verbs with objects)
TOPICS = {
    "sport": (
        ["The striker", "The team", "The goalkeeper", "The coach", "The runner", "The cyclist",
         "Our club", "The tennis player", "The swimmer", "The referee"],
        ["scored twice in the final", "won the match", "lost the game", "saved a penalty",
         "trained for the race", "won a gold medal", "broke the world record",
         "played in the stadium", "won the championship", "missed the goal"],
    ),
    "weather": (
        ["The storm", "Heavy rain", "The snow", "A cold wind", "The fog", "The forecast",
         "The temperature", "Thick cloud", "A thunderstorm", "The sunshine"],
        ["will reach the coast tonight", "is expected on Monday", "will fall below zero",
         "covered the hills", "will continue until Friday", "brought sunny spells in the north",
         "is moving to the east", "will bring showers", "dropped to five degrees",
         "promises a dry weekend"],
    ),
    "food": (
        ["The chef", "The cook", "My grandmother", "The bakery", "This recipe", "The soup",
         "The cake", "Fresh bread", "The pasta", "The salad"],
        ["needs more salt and butter", "is baked in the oven", "tastes of garlic and onions",
         "is served with cheese", "was cooked with tomatoes", "uses flour, eggs and sugar",
         "goes well with rice", "smells of vanilla", "is roasted with potatoes",
         "is fried in olive oil"],
    ),
    "music": (
        ["The singer", "The orchestra", "The band", "The pianist", "The violinist", "The choir",
         "The guitarist", "The drummer", "Her new album", "The composer"],
        ["played a symphony", "sang a sad song", "recorded a new album", "gave a concert",
         "tuned the guitar", "wrote a melody", "performed on stage with a band",
         "practised the piano", "topped the charts", "sang the chorus twice"],
    ),
    "technology": (
        ["The computer", "The software", "A new phone", "The server", "The engineer",
         "The programmer", "The robot", "The update", "The database", "The laptop"],
        ["runs on a faster chip", "fixed a bug in the code", "needs a new password",
         "stores data in the cloud", "has a better screen and battery", "crashed after the update",
         "connects to the internet", "writes programs in C++", "compiled the program",
         "detected a virus"],
    ),
    "travel": (
        ["The tourists", "The plane", "Our flight", "The passengers", "The travellers",
         "The hotel guests", "The guide", "The tour bus", "The cruise ship", "The backpackers"],
        ["landed at the airport", "booked a hotel by the beach", "visited an old castle abroad",
         "packed the suitcases", "waited for a taxi to the airport", "showed their passports",
         "crossed the border", "left for a holiday in Spain", "took photos of the old town",
         "arrived at the island"],
    ),
    "health": (
        ["The doctor", "The nurse", "The patient", "The hospital", "The dentist", "The surgeon",
         "The medicine", "The vaccine", "The pharmacist", "The physician"],
        ["treated a broken leg", "recovered from the flu", "prescribed some pills",
         "lowered the blood pressure", "measured the fever", "cured the infection",
         "examined the heart", "helps against headaches", "pulled a tooth",
         "reduced the pain"],
    ),
    "money": (
        ["The bank", "The company", "The investor", "The market", "The stock exchange",
         "The government budget", "The share price", "The accountant", "The trader",
         "The insurance"],
        ["raised the interest rate", "fell by ten percent", "paid back the loan",
         "bought new shares", "made a large profit", "cut taxes", "lost millions of euros",
         "opened a savings account", "reported higher sales", "gave credit to customers"],
    ),
    "animals": (
        ["The lion", "The elephant", "The dog", "The cat", "The parrot", "The zookeeper",
         "The whale", "The horse", "The penguin", "The puppy"],
        ["sleeps in its cage", "wagged its tail", "hunts at night in the savannah",
         "feeds its young", "licked its fur", "ran through the meadow with its herd",
         "built a nest", "chased a mouse", "has sharp claws", "swam with its calf"],
    ),
    "school": (
        ["The teacher", "The pupils", "The students", "The professor", "The class",
         "The headmaster", "The university", "The schoolgirl", "The lecturer", "The exam"],
        ["did their homework", "passed the exam", "learned the alphabet", "wrote an essay",
         "sat in the classroom", "studied for the test", "gave a lecture", "got good marks",
         "opened their textbooks", "started a new lesson"],
    ),
}  # fmt: skip
TAILS = ["", "", "", " yesterday", " today", " this week", " last night", " again", " in the end"]
QUESTIONS = [
    "What is this text about: {t}",
    "What is this text about? {t}",
    "What is the topic of this text: {t}",
    "What is the topic of this sentence: {t}",
    "What is the topic: {t}",
    "Topic: {t}",
    "Classify the topic: {t}",
    "Which topic is this: {t}",
    "What topic is this sentence about: {t}",
    "Name the topic of this text: {t}",
    'What is the topic of "{t}"?',
    'What is "{t}" about?',
]


def _question(rng: random.Random, patterns: list[str]) -> Question:
    topic = rng.choice(list(TOPICS))
    subjects, actions = TOPICS[topic]
    text = f"{rng.choice(subjects)} {rng.choice(actions)}"
    key = f"text {text}"
    text += rng.choice(TAILS) + rng.choice([".", ".", ""])
    return Question(rng.choice(patterns).format(t=text), f"The topic is {topic}.", key)


def sample(rng: random.Random) -> Question:
    return _question(rng, QUESTIONS)


def follow_up(rng: random.Random, previous: Question) -> Question:
    del previous
    return _question(rng, ["And this one: {t}", "And this text: {t}", "What about this: {t}"])
