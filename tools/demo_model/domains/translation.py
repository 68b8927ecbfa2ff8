"""Words between English, French, German, Spanish and Italian.

The key is (concept, from, to): about 5 % of these triples are never asked in training, in no
wording. The other directions of the same concept are, that is what there is to generalise from.
"""

import random

from .base import Question, invented_word, strip_accents

LANGUAGES = ["English", "French", "German", "Spanish", "Italian"]

_TABLE = """
cat|chat|Katze|gato|gatto
dog|chien|Hund|perro|cane
house|maison|Haus|casa|casa
water|eau|Wasser|agua|acqua
bread|pain|Brot|pan|pane
hello|bonjour|hallo|hola|ciao
thank you|merci|danke|gracias|grazie
book|livre|Buch|libro|libro
friend|ami|Freund|amigo|amico
sun|soleil|Sonne|sol|sole
red|rouge|rot|rojo|rosso
milk|lait|Milch|leche|latte
goodbye|au revoir|auf Wiedersehen|adiós|arrivederci
day|jour|Tag|día|giorno
night|nuit|Nacht|noche|notte
car|voiture|Auto|coche|macchina
tree|arbre|Baum|árbol|albero
one|un|eins|uno|uno
two|deux|zwei|dos|due
three|trois|drei|tres|tre
love|amour|Liebe|amor|amore
mother|mère|Mutter|madre|madre
father|père|Vater|padre|padre
fish|poisson|Fisch|pez|pesce
horse|cheval|Pferd|caballo|cavallo
bird|oiseau|Vogel|pájaro|uccello
blue|bleu|blau|azul|blu
green|vert|grün|verde|verde
cheese|fromage|Käse|queso|formaggio
apple|pomme|Apfel|manzana|mela
coffee|café|Kaffee|café|caffè
tea|thé|Tee|té|tè
wine|vin|Wein|vino|vino
man|homme|Mann|hombre|uomo
woman|femme|Frau|mujer|donna
child|enfant|Kind|niño|bambino
door|porte|Tür|puerta|porta
window|fenêtre|Fenster|ventana|finestra
table|table|Tisch|mesa|tavolo
bed|lit|Bett|cama|letto
city|ville|Stadt|ciudad|città
sugar|sucre|Zucker|azúcar|zucchero
moon|lune|Mond|luna|luna
sea|mer|Meer|mar|mare
mountain|montagne|Berg|montaña|montagna
flower|fleur|Blume|flor|fiore
rain|pluie|Regen|lluvia|pioggia
year|année|Jahr|año|anno
brother|frère|Bruder|hermano|fratello
sister|sœur|Schwester|hermana|sorella
head|tête|Kopf|cabeza|testa
hand|main|Hand|mano|mano
eye|œil|Auge|ojo|occhio
heart|cœur|Herz|corazón|cuore
train|train|Zug|tren|treno
key|clé|Schlüssel|llave|chiave
money|argent|Geld|dinero|soldi
music|musique|Musik|música|musica
white|blanc|weiß|blanco|bianco
big|grand|groß|grande|grande
small|petit|klein|pequeño|piccolo
good|bon|gut|bueno|buono
new|nouveau|neu|nuevo|nuovo
hot|chaud|heiß|caliente|caldo
cold|froid|kalt|frío|freddo
please|s'il vous plaît|bitte|por favor|per favore
yes|oui|ja|sí|sì
four|quatre|vier|cuatro|quattro
five|cinq|fünf|cinco|cinque
six|six|sechs|seis|sei
seven|sept|sieben|siete|sette
eight|huit|acht|ocho|otto
nine|neuf|neun|nueve|nove
ten|dix|zehn|diez|dieci
"""
CONCEPTS = [line.split("|") for line in _TABLE.strip().splitlines()]

FROM_ENGLISH = [
    "How do you say {word} in {language}?",
    "How do you say {word} in {language}?",
    "How do I say {word} in {language}?",
    "How to say {word} in {language}?",
    "Say {word} in {language}.",
    "How would you say {word} in {language}?",
    "What is {word} in {language}?",
    "What is the {language} word for {word}?",
    "What is the {language} for {word}?",
    "What does {word} mean in {language}?",
]
ANY_DIRECTION = [
    "Translate {word} to {language}.",
    "Translate {word} to {language}.",
    "Translate {word} into {language}.",
    "Translate {word} from {source} to {language}.",
    "Translate the {source} word {word} to {language}.",
    "What is the {source} word {word} in {language}?",
    "What does {word} mean in {language}?",
    "What is {word} in {language}?",
    "{word} in {language}",
    "{word} in {language}?",
    "How do you say {word} in {language}?",
]
UNKNOWN_WORDS = [
    "cow", "mouse", "pig", "sheep", "chicken", "chair", "room", "kitchen", "garden", "country",
    "pen", "paper", "word", "egg", "butter", "salt", "meat", "beer", "star", "sky", "river",
    "forest", "wind", "week", "month", "hour", "boy", "girl", "king", "ear", "mouth", "nose",
    "ship", "plane", "clock", "work", "game", "life", "bad", "bicycle", "black", "yellow", "old",
    "street", "school", "foot", "fire", "snow",
    "helicopter", "philosophy", "spoon", "elephant", "computer", "umbrella", "jealousy", "ladder",
    "democracy", "carpet", "butterfly", "engineer", "mushroom", "thunder", "pocket", "whisper",
    "battery", "cathedral", "lawyer", "hammer", "pencil", "shoulder", "desert", "castle", "velvet",
    "holiday", "potato", "orange", "lemon", "tiger", "lion", "rabbit", "knife", "fork", "plate",
    "mirror", "candle", "bridge", "island", "soldier", "doctor", "teacher", "lightning", "pepper",
    "to run", "to eat", "to sleep", "happiness", "freedom", "I am hungry", "where is the station",
    "good luck", "happy birthday", "the weather is nice", "I like you", "see you tomorrow",
]  # fmt: skip
DO_NOT_KNOW = "I do not know that word."


def _as_typed(rng: random.Random, word: str) -> str:
    style = rng.random()
    if style < 0.12:
        word = word.lower()
    elif style < 0.2:
        word = strip_accents(word)
    quotes = rng.random()
    if quotes < 0.2:
        return f'"{word}"'
    return f"'{word}'" if quotes < 0.3 else word


def answer_for(concept: list[str], source: int, target: int) -> str:
    """Between two foreign languages the answer passes through English, as the model has to."""
    if source and target:
        middle = f'"{concept[0]}" in English'
        return f'"{concept[source]}" is {middle} and "{concept[target]}" in {LANGUAGES[target]}.'
    return f'"{concept[source]}" is "{concept[target]}" in {LANGUAGES[target]}.'


def _also_english(concept: list[str], source: int) -> bool:
    return source > 0 and concept[source].lower() == concept[0].lower()


def make(rng: random.Random, concept: list[str], source: int, target: int, pattern: str):
    text = pattern.format(
        word=_as_typed(rng, concept[source]), language=LANGUAGES[target], source=LANGUAGES[source]
    )
    key = f"word {concept[0]} {source} {target}"
    topic = (concept, source, target)
    return Question(text, answer_for(concept, source, target), key, topic=topic, test_percent=4)


def _some_concept(rng: random.Random) -> list[str]:
    """Words early in the table are asked more often, as common words are."""
    return CONCEPTS[int(len(CONCEPTS) * rng.random() ** 2)]


def _unknown(rng: random.Random) -> Question:
    word = rng.choice(UNKNOWN_WORDS) if rng.random() < 0.6 else invented_word(rng)
    language = rng.choice(LANGUAGES[1:])
    text = rng.choice(FROM_ENGLISH + ANY_DIRECTION).format(
        word=_as_typed(rng, word), language=language, source="English"
    )
    return Question(text, DO_NOT_KNOW, f"unknown word {word}", test_percent=4)


def sample(rng: random.Random) -> Question:
    if rng.random() < 0.06:
        return _unknown(rng)
    concept = _some_concept(rng)
    source = 0 if rng.random() < 0.25 else rng.randrange(5)
    if _also_english(concept, source):
        source = 0  # "table" is read as English, so that one question has one answer
    target = rng.choice([index for index in range(5) if index != source])
    patterns = FROM_ENGLISH + ANY_DIRECTION if source == 0 else ANY_DIRECTION
    return make(rng, concept, source, target, rng.choice(patterns))


def follow_up(rng: random.Random, previous: Question) -> Question | None:
    """The same word in another language, or another word in the same language."""
    if not previous.topic:
        return None
    concept, source, target = previous.topic
    if rng.random() < 0.7:
        other = rng.choice([index for index in range(5) if index not in (source, target)])
        patterns = ["And in {language}?", "And {language}?", "What about {language}?"]
        return make(rng, concept, source, other, rng.choice(patterns + ["And in {language}?"]))
    patterns = ["And {word}?", "What about {word}?", "And {word}?"]
    return make(rng, _some_concept(rng), source, target, rng.choice(patterns))


def _check_no_ambiguity() -> None:
    """One written form never stands for two concepts: a question without a source is answerable."""
    owner: dict[str, str] = {}
    for concept in CONCEPTS:
        for word in concept:
            for form in {word.lower(), strip_accents(word).lower()}:
                assert owner.setdefault(form, concept[0]) == concept[0], (form, concept[0])


_check_no_ambiguity()
