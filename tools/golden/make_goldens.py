#!/usr/bin/env python3
"""Records what transformers' Mixtral computes, for the parity tests in tests/golden.

    make_goldens.py            all tiny models, weights and expectations
    make_goldens.py --demo     only the expectations for models/demo: run it whenever its weights change

Everything is seeded: the same versions (requirements.txt) on the same kind of machine give the same
files. A seed is passed over when a choice of the gate or of a greedy token is nearly a tie, because
the tests ask for the same choices, and two correct orders of addition may break a tie differently.
"""

import argparse
import pathlib
import random
import shutil

import safetensors.torch
import torch

import checkpoint
from cases import CASES, Case
from demo import demo_prompts
from reference import GateRecorder, Run, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "golden" / "data"
GREEDY_TOKENS = 64
SEED_LIMIT = 500


def save_expected(directory: pathlib.Path, runs: list[Run]) -> None:
    tensors = {}
    for number, result in enumerate(runs):
        tensors.update(result.tensors(number))
    safetensors.torch.save_file(tensors, directory / "expected.safetensors")


def report(name: str, runs: list[Run]) -> None:
    gate = min(result.gate_margin for result in runs)
    greedy = min(result.greedy_margin for result in runs)
    largest = max(result.logits.abs().max().item() for result in runs)
    used = len({expert for result in runs for expert in result.experts.flatten().tolist()})
    print(
        f"{name}: gate margin {gate:.1e}, greedy margin {greedy:.1e}, "
        f"largest logit {largest:.1f}, {used} experts used"
    )


def runs_with_seed(directory: pathlib.Path, case: Case, seed: int) -> list[Run] | None:
    tensors = checkpoint.random_tensors(case, seed)
    checkpoint.write(directory, case, tensors)
    model = checkpoint.load(directory)
    recorder, draw, runs = GateRecorder(model), random.Random(seed), []
    for length in case.prompt_lengths:
        prompt = [1] + [draw.randrange(3, model.config.vocab_size) for _ in range(length - 1)]
        result = run(model, recorder, prompt, GREEDY_TOKENS)
        if result is None:
            return None
        runs.append(result)
    checkpoint.verify(model, tensors)
    return runs


def make_tiny(case: Case) -> None:
    directory = DATA / case.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for seed in range(SEED_LIMIT):
        runs = runs_with_seed(directory, case, seed)
        if runs is not None:
            save_expected(directory, runs)
            report(f"{case.name} (seed {seed})", runs)
            return
    raise SystemExit(f"{case.name}: no clear seed below {SEED_LIMIT}")


def make_demo() -> None:
    """The demo model's own answers, each up to its end token. Near ties are passed over."""
    model = checkpoint.load(ROOT / "models" / "demo")
    recorder, runs = GateRecorder(model), []
    end = model.config.eos_token_id
    for name, candidates in demo_prompts(ROOT / "models" / "demo" / "tokenizer.model").items():
        attempts = (run(model, recorder, prompt, GREEDY_TOKENS, end) for prompt in candidates)
        result = next((attempt for attempt in attempts if attempt is not None), None)
        if result is None:
            raise SystemExit(f"demo: no clear prompt of kind {name}: raise SERIES in demo.py")
        runs.append(result)
    directory = DATA / "demo"
    directory.mkdir(parents=True, exist_ok=True)
    save_expected(directory, runs)
    report("demo", runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demo", action="store_true", help="only the demo model's expectations")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # tiny matrices, and one order of additions
    if not arguments.demo:
        for case in CASES:
            make_tiny(case)
    make_demo()


if __name__ == "__main__":
    main()
