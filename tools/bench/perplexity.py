"""Perplexity of a model on held-out conversations, through a running cluster's API.

Start one with `build/release/bin/windrose up --model DIR`, then compare the figures of bf16, q8 and q4.
The text is what the demo model's generator writes for its test split; the tokens of the answers count.
"""

import argparse
import json
import math
import pathlib
import random
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/demo_model"))

import chat  # noqa: E402: found by the line above
from conversations import conversation  # noqa: E402
from domains import DOMAINS, TEST  # noqa: E402


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--tokenizer", default=str(ROOT / "models/demo/tokenizer.model"))
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def post(url: str, body: dict) -> dict:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def logprobs(url: str, model: str, ids: list[int]) -> list[float | None]:
    """Of every token of the prompt given those before it; the first has none."""
    body = {"model": model, "prompt": ids, "echo": True, "logprobs": 0, "max_tokens": 1, "temperature": 0}
    return post(url + "/v1/completions", body)["choices"][0]["logprobs"]["token_logprobs"][: len(ids)]


def main() -> None:
    arguments = parse_arguments()
    with urllib.request.urlopen(arguments.url + "/v1/models") as response:
        model = json.load(response)["data"][0]["id"]
    tokenizer = chat.load_tokenizer(arguments.tokenizer)
    rng = random.Random(arguments.seed)
    names = sorted(DOMAINS)
    total, count = 0.0, 0
    for _ in range(arguments.conversations):
        ids, spoken = chat.encode(tokenizer, conversation(lambda r: r.choice(names), TEST, rng))
        values = logprobs(arguments.url, model, ids[:512])
        chosen = [value for value, flag in zip(values, spoken) if flag and value is not None]
        total += sum(chosen)
        count += len(chosen)
    print(f"{model} perplexity {math.exp(-total / count):.5f} over {count} tokens")


if __name__ == "__main__":
    main()
