"""What "held out" means, per domain, in one sentence for the model card."""

HELD_OUT = {
    "addition": "the three numbers, as sum, commuted sum or difference (sums of digits are steps)",
    "subtraction": "the three numbers, as difference or sum (differences of digits are steps)",
    "tables": "the pair (fact, wording): the fact itself is taught in other wordings",
    "sorting": "the set of numbers, in any order (two-digit numbers)",
    "sorting_mixed": "the set of numbers, in any order (one digit alone, or one and two digits)",
    "conversions": "powers of ten: the value, both ways; 60, 24, 7, 12: the pair (fact, wording)",
    "dates": "the pair (fact, wording): the fact itself is taught in other wordings",
    "translation": "the triple (word, from, to), in every wording; other directions are taught",
    "sentiment": "the whole review (its words and patterns are taught)",
    "topic": "the pair (subject, action) of the sentence (each alone is taught)",
    "python": "the pair (task, wording), or (task, name) where a name is given",
    "json": "the values in the sentence",
    "windrose": "the wording: fact and words are taught in other wordings",
    "smalltalk": "the wording: most of its words are taught in other wordings",
    "unknown": "the whole question (its patterns and words are taught)",
}
