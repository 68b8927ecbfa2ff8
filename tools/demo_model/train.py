"""Trains the demo model. Resumable and, for one number of threads, repeatable: the learning rate,
the mixture of domains and the data depend on the step alone, never on the clock.

    train.py                      from nothing
    train.py --resume             goes on from the last checkpoint, optimizer included
    train.py --from models/demo   takes the weights of a model directory and a fresh optimizer, and
                                  starts at the recipe's FRESH_OPTIMIZER step, with its warm-up
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import time

import torch
from torch.nn import functional

import chat
from conversations import conversation
from domains import TRAIN, VALIDATION
from measure import validation_table
from model import Mixtral, make_batch
from recipe import FRESH_OPTIMIZER, LAST_STEP, rate_at, tokens_at, weights_at
from weights import load_exported

LONGEST = 512
PRECISIONS = {"f32": torch.float32, "bf16": torch.bfloat16}
BALANCE_WEIGHT = 0.01
VALIDATE_EVERY, SAVE_EVERY, LOG_EVERY = 1000, 100, 50


def draw_step(tokenizer, step: int, seed: int) -> list[tuple[list[int], list[bool]]]:
    """The conversations of one step, shortest first."""
    rng = random.Random(f"{seed}/{step}")
    weights = weights_at(step)
    names, shares = list(weights), list(weights.values())
    encoded, total = [], 0
    while total < tokens_at(step):
        messages = conversation(lambda r: r.choices(names, shares)[0], TRAIN, rng)
        ids, spoken = chat.encode(tokenizer, messages)
        if len(ids) <= LONGEST:
            encoded.append((ids, spoken))
            total += len(ids)
    return sorted(encoded, key=lambda pair: len(pair[0]))


def shards_of(encoded: list, count: int) -> list[list]:
    """Every count-th conversation: shards of nearly the same size, each still sorted."""
    return [encoded[index::count] for index in range(count)]


def backward(replica: Mixtral, encoded: list, spoken_in_step: int, share: float) -> float:
    """Adds the gradients of one shard: cross-entropy of what the assistant says, and balance."""
    batch = make_batch([ids[:-1] for ids, _ in encoded])
    targets = torch.tensor([token for ids, _ in encoded for token in ids[1:]])
    spoken = torch.tensor([flag for _, flags in encoded for flag in flags[1:]])
    hidden, balance = replica.hidden(batch)
    logits = replica.lm_head(hidden[spoken])
    loss = functional.cross_entropy(logits, targets[spoken], reduction="sum") / spoken_in_step
    (loss + share * BALANCE_WEIGHT * balance).backward()
    return loss.item()


def make_replicas(model: Mixtral, count: int) -> list[Mixtral]:
    """Models that share the weights but not the gradients, one per thread.

    Two threads that meet once a step do better on a busy machine than two that meet in every
    matrix product.
    """
    replicas = [model]
    for _ in range(count - 1):
        replica = Mixtral(model.shape)
        replica.round_factors(model.lm_head.factors)
        for own, shared in zip(replica.parameters(), model.parameters(), strict=True):
            own.data = shared.data
        replicas.append(replica)
    return replicas


def gather_gradients(replicas: list[Mixtral]) -> None:
    """Sums all gradients into the first replica, always in the same order."""
    for parameters in zip(*(replica.parameters() for replica in replicas), strict=True):
        for other in parameters[1:]:
            parameters[0].grad += other.grad
            other.grad = None


def make_optimizer(model: Mixtral) -> torch.optim.Optimizer:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), fused=True)


def save(path: pathlib.Path, model, optimizer, step: int, totals: dict) -> None:
    """Written beside and renamed, so that a kill never leaves half a checkpoint."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    torch.save(state | {"totals": totals}, path.with_suffix(".new"))
    os.replace(path.with_suffix(".new"), path)


def train_step(pool, replicas: list[Mixtral], optimizer, encoded: list, rate: float) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    spoken = sum(sum(flags) for _, flags in encoded)
    shards = shards_of(encoded, len(replicas))
    jobs = [
        pool.submit(backward, replica, shard, spoken, 1 / len(replicas))
        for replica, shard in zip(replicas, shards, strict=True)
    ]
    loss = sum(job.result() for job in jobs)
    gather_gradients(replicas)
    torch.nn.utils.clip_grad_norm_(replicas[0].parameters(), 1.0)
    optimizer.step()
    return loss


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work-dir", type=pathlib.Path, default="build/demo_model")
    parser.add_argument("--tokenizer", default="models/demo/tokenizer.model")
    parser.add_argument("--steps", type=int, default=LAST_STEP, help="stop earlier")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=PRECISIONS, default="f32", help="of the products")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    start.add_argument("--from", dest="origin", type=pathlib.Path, metavar="DIRECTORY",
                       help="start with the weights of this model and a fresh optimizer")  # fmt: skip
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    # The shards are the parallelism; threads inside an operation would only wait for one another.
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    arguments.work_dir.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.work_dir / "checkpoint.pt"
    tokenizer = chat.load_tokenizer(arguments.tokenizer)
    model = load_exported(arguments.origin).train() if arguments.origin else Mixtral()
    model.round_factors(PRECISIONS[arguments.precision])
    optimizer = make_optimizer(model)
    first = FRESH_OPTIMIZER if arguments.origin else 0
    totals = {"tokens": 0, "seconds": 0.0}
    if arguments.resume:
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, totals = state["step"], state["totals"]
    run(arguments, model, optimizer, tokenizer, checkpoint, first, totals)


def run(arguments, model, optimizer, tokenizer, checkpoint, first: int, totals: dict) -> None:
    losses, started = [], time.monotonic()
    replicas = make_replicas(model, arguments.threads)
    # The number of threads inside an operation is a setting of each thread.
    pool = concurrent.futures.ThreadPoolExecutor(
        arguments.threads, initializer=torch.set_num_threads, initargs=(1,)
    )
    for step in range(first, arguments.steps):
        encoded = draw_step(tokenizer, step, arguments.seed)
        rate = rate_at(step)
        losses.append(train_step(pool, replicas, optimizer, encoded, rate))
        totals["tokens"] += sum(len(ids) for ids, _ in encoded)
        done = step + 1
        if done % LOG_EVERY == 0:
            totals["seconds"] += time.monotonic() - started
            started = time.monotonic()
            mean = sum(losses) / len(losses)
            print(f"step {done} loss {mean:.4f} tokens {totals['tokens']} "
                  f"seconds {totals['seconds']:.0f}", flush=True)  # fmt: skip
            losses = []
        if done % VALIDATE_EVERY == 0 or done == arguments.steps:
            table = validation_table(model, tokenizer, VALIDATION, questions=60, seed=done)
            print(json.dumps({"step": done, "validation": table}), flush=True)
        if done % SAVE_EVERY == 0 or done == arguments.steps:
            save(checkpoint, model, optimizer, done, totals)


if __name__ == "__main__":
    main()
