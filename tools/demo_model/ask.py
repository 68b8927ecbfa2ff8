"""Asks the exported model on the command line: ask.py "What is 17 + 25?" "And 3 + 4?"."""

import argparse
import pathlib

import torch

import chat
from model import Mixtral, make_batch
from weights import load_exported

LONGEST_ANSWER = 160


@torch.no_grad()
def answer(model: Mixtral, tokenizer, messages: list[dict]) -> str:
    """The greedy answer; each step computes the whole conversation again, which is fast enough."""
    ids, _ = chat.encode(tokenizer, messages)
    begin = len(ids)
    while len(ids) - begin < LONGEST_ANSWER and len(ids) < model.shape.positions:
        token = model(make_batch([ids]))[-1].argmax().item()
        if token == chat.EOS:
            break
        ids.append(token)
    return tokenizer.decode(ids[begin:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", nargs="+", help="the user's turns of one conversation")
    parser.add_argument("--system", help="system prompt")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("models/demo"))
    arguments = parser.parse_args()
    model = load_exported(arguments.model)
    tokenizer = chat.load_tokenizer(arguments.model / "tokenizer.model")
    messages = [{"role": "system", "content": arguments.system}] if arguments.system else []
    for question in arguments.questions:
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": answer(model, tokenizer, messages)})
        print(messages[-1]["content"])


if __name__ == "__main__":
    main()
