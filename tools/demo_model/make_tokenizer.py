"""Trains the tokenizer on training questions: SentencePiece BPE as Mixtral's, but 1,536 pieces."""

import argparse
import io
import pathlib
import random

import sentencepiece

from conversations import conversation
from domains import DOMAINS, TRAIN


def lines(count: int, seed: int):
    """Text of training conversations; line ends stay bytes, as in Mixtral's tokenizer."""
    rng = random.Random(seed)
    names = list(DOMAINS)
    for _ in range(count):
        for message in conversation(lambda r: r.choice(names), TRAIN, rng):
            content = message["content"]
            if message["role"] == "user":
                content = f"[INST] {content} [/INST]"
            yield from filter(None, content.split("\n"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="models/demo/tokenizer.model")
    parser.add_argument("--conversations", type=int, default=60000)
    arguments = parser.parse_args()
    model = io.BytesIO()  # a model written to a path would carry that path in it
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines(arguments.conversations, seed=7),
        model_writer=model,
        model_type="bpe",
        vocab_size=1536,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        character_coverage=0.9999,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        num_threads=2,
        minloglevel=1,
    )
    pathlib.Path(arguments.output).write_bytes(model.getvalue())


if __name__ == "__main__":
    main()
