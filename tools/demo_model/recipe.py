"""What depends on the step: tokens per step, learning rate, and how often each domain is asked."""

import itertools

# (step, learning rate), straight lines between: warm-up, plateau, descent. To train longer, put
# steps of a plateau before the descent.
RATES = [(0, 0.0), (200, 1.5e-3), (1500, 1.5e-3), (1501, 1.2e-3), (3000, 1.2e-3), (3500, 0.45e-3)]
RATES += [(4200, 0.0), (4220, 0.5e-3), (4900, 0.0)]
# From here on the weights of the first 4,900 steps were trained again, with a fresh optimizer.
FRESH_OPTIMIZER = 4900
RATES += [(5100, 1.0e-3), (7000, 1.0e-3), (9000, 0.81e-3), (12700, 0.265e-3), (15500, 0.0)]
# New wordings came after a finished descent: a little warmth, and down again.
RATES += [(15560, 2.0e-4), (17000, 0.0)]
LAST_STEP = RATES[-1][0]

# (first step, tokens per step). Small steps learn more from each token.
TOKENS = [(0, 1536), (1500, 768), (4900, 1536)]

# (first step, weights). Hard domains get more, solved ones keep a little. Later rows were chosen
# by looking at the validation split alone; the last for wordings of visitor_questions.json.
MIXTURE = [
    (0, {
        "addition": 3.0, "subtraction": 3.0, "tables": 1.5, "sorting": 3.0, "sorting_mixed": 1.5,
        "conversions": 1.5, "dates": 1.5, "translation": 4.0, "sentiment": 0.7, "topic": 0.7,
        "python": 1.0, "json": 1.2, "windrose": 1.2, "smalltalk": 0.6, "unknown": 1.0,
    }),
    (2100, {
        "addition": 2.5, "subtraction": 2.5, "tables": 1.5, "sorting": 2.5, "sorting_mixed": 1.2,
        "conversions": 1.5, "dates": 1.5, "translation": 4.0, "sentiment": 0.5, "topic": 0.6,
        "python": 1.2, "json": 1.5, "windrose": 1.6, "smalltalk": 0.8, "unknown": 0.8,
    }),
    (2600, {
        "addition": 2.0, "subtraction": 2.2, "tables": 1.2, "sorting": 2.2, "sorting_mixed": 0.8,
        "conversions": 1.3, "dates": 1.5, "translation": 4.0, "sentiment": 0.6, "topic": 0.7,
        "python": 1.3, "json": 1.6, "windrose": 2.2, "smalltalk": 1.0, "unknown": 1.0,
    }),
    (3600, {
        "addition": 0.8, "subtraction": 1.5, "tables": 1.8, "sorting": 2.5, "sorting_mixed": 1.2,
        "conversions": 1.8, "dates": 2.0, "translation": 4.0, "sentiment": 1.0, "topic": 0.4,
        "python": 1.2, "json": 2.2, "windrose": 2.5, "smalltalk": 1.2, "unknown": 0.6,
    }),
    (4200, {
        "addition": 0.5, "subtraction": 0.9, "tables": 1.8, "sorting": 2.5, "sorting_mixed": 1.5,
        "conversions": 1.8, "dates": 2.0, "translation": 4.5, "sentiment": 0.8, "topic": 0.4,
        "python": 1.0, "json": 2.4, "windrose": 2.2, "smalltalk": 1.0, "unknown": 0.6,
    }),
    (4900, {
        "addition": 1.2, "subtraction": 1.8, "tables": 1.6, "sorting": 2.0, "sorting_mixed": 3.2,
        "conversions": 1.8, "dates": 2.0, "translation": 4.0, "sentiment": 1.2, "topic": 0.4,
        "python": 1.6, "json": 3.0, "windrose": 1.8, "smalltalk": 1.2, "unknown": 1.0,
    }),
    (7000, {
        "addition": 1.2, "subtraction": 1.9, "tables": 1.6, "sorting": 2.6, "sorting_mixed": 3.4,
        "conversions": 1.6, "dates": 2.2, "translation": 4.4, "sentiment": 1.2, "topic": 0.5,
        "python": 1.6, "json": 3.2, "windrose": 1.5, "smalltalk": 0.9, "unknown": 1.0,
    }),
    (9000, {
        "addition": 1.0, "subtraction": 1.6, "tables": 1.6, "sorting": 2.8, "sorting_mixed": 3.8,
        "conversions": 1.8, "dates": 1.6, "translation": 5.5, "sentiment": 0.9, "topic": 0.4,
        "python": 1.5, "json": 3.0, "windrose": 1.4, "smalltalk": 0.7, "unknown": 0.9,
    }),
    (12700, {
        "addition": 0.8, "subtraction": 1.5, "tables": 1.2, "sorting": 2.8, "sorting_mixed": 5.0,
        "conversions": 1.5, "dates": 1.2, "translation": 4.5, "sentiment": 1.2, "topic": 0.4,
        "python": 2.8, "json": 3.8, "windrose": 1.0, "smalltalk": 0.8, "unknown": 0.8,
    }),
    (15500, {
        "addition": 0.8, "subtraction": 1.5, "tables": 0.8, "sorting": 1.5, "sorting_mixed": 2.0,
        "conversions": 1.0, "dates": 1.0, "translation": 5.0, "sentiment": 1.0, "topic": 0.6,
        "python": 4.0, "json": 2.0, "windrose": 1.8, "smalltalk": 1.4, "unknown": 1.5,
    }),
]  # fmt: skip


def _row_at(step: int, rows: list[tuple]) -> tuple:
    return [row for row in rows if row[0] <= step][-1]


def tokens_at(step: int) -> int:
    return _row_at(step, TOKENS)[1]


def rate_at(step: int) -> float:
    for (start, first), (end, last) in itertools.pairwise(RATES):
        if step < end:
            return first + (last - first) * (step - start) / (end - start)
    return RATES[-1][1]


def weights_at(step: int) -> dict[str, float]:
    return _row_at(step, MIXTURE)[1]
