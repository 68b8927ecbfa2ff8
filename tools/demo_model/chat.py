"""The chat format: exactly mistral-common's InstructTokenizerV1, in ids, never as one text.

Each piece is encoded on its own, so each starts with SentencePiece's own dummy space, and text
never becomes a special id.
"""

import sentencepiece

BOS, EOS = 1, 2


def load_tokenizer(path: str) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def encode(tokenizer, messages: list[dict]) -> tuple[list[int], list[bool]]:
    """Ids of a conversation, and for each id whether the assistant says it (EOS included)."""
    ids, spoken, system = [BOS], [False], ""
    for message in messages:
        if message["role"] == "system":
            system = message["content"] + "\n\n"
        elif message["role"] == "user":
            piece = tokenizer.encode(f"[INST] {system}{message['content']} [/INST]")
            ids, spoken, system = ids + piece, spoken + [False] * len(piece), ""
        else:
            piece = tokenizer.encode(message["content"]) + [EOS]
            ids, spoken = ids + piece, spoken + [True] * len(piece)
    return ids, spoken
