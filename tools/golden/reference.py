"""Runs a MixtralForCausalLM and records everything that the C++ tests compare."""

import dataclasses

import torch
from transformers import MixtralForCausalLM

# Below these a different, equally valid order of additions could change a choice.
GATE_MARGIN = 1e-4  # between neighbouring gate logits, down to the first expert not chosen
GREEDY_MARGIN = 1e-3  # between the best logit and the next


@dataclasses.dataclass
class Run:
    """One prompt and its greedy continuation; `fed` tokens went through the model."""

    prompt: list[int]
    greedy: list[int]
    logits: torch.Tensor  # [prompt, vocabulary], one row per position of the prompt
    experts: torch.Tensor  # [layers, fed, top_k], by falling probability
    weights: torch.Tensor  # [layers, fed, top_k]
    gate_margin: float
    greedy_margin: float

    def is_clear(self) -> bool:
        return self.gate_margin >= GATE_MARGIN and self.greedy_margin >= GREEDY_MARGIN

    def tensors(self, number: int) -> dict[str, torch.Tensor]:
        fields = {
            "prompt": torch.tensor(self.prompt, dtype=torch.int32),
            "greedy": torch.tensor(self.greedy, dtype=torch.int32),
            "logits": self.logits.float(),
            "experts": self.experts.to(torch.int32),
            "weights": self.weights.float(),
        }
        return {f"{number}.{name}": value.contiguous() for name, value in fields.items()}


class GateRecorder:
    """Collects what each layer's gate decided in the latest forward pass."""

    def __init__(self, model: MixtralForCausalLM):
        self.choices = []
        for layer in model.model.layers:
            layer.mlp.gate.register_forward_hook(self._record)

    def _record(self, _module, _inputs, outputs) -> None:
        logits, weights, experts = outputs
        self.choices.append((logits, weights, experts))

    def take(self) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        choices, self.choices = self.choices, []
        return choices


def _gate_margin(logits: torch.Tensor, top_k: int) -> float:
    count = min(top_k + 1, logits.shape[-1])
    ordered = logits.topk(count, dim=-1).values
    return (ordered[..., :-1] - ordered[..., 1:]).min().item()


def _top_margin(logits: torch.Tensor) -> float:
    best = logits.topk(2).values
    return (best[0] - best[1]).item()


@torch.no_grad()
def run(
    model: MixtralForCausalLM,
    recorder: GateRecorder,
    prompt: list[int],
    count: int,
    stop_at: int | None = None,
) -> Run | None:
    """Up to `count` greedy tokens, `stop_at` included when it comes; None when one is a near tie.

    Without a cache: every token is computed from the whole text, so the record depends on no trick.
    """
    greedy, margin, prompt_logits = [], float("inf"), None
    while len(greedy) < count and (not greedy or greedy[-1] != stop_at):
        recorder.take()
        logits = model(torch.tensor([prompt + greedy]), use_cache=False).logits[0]
        prompt_logits = logits[: len(prompt)] if prompt_logits is None else prompt_logits
        margin = min(margin, _top_margin(logits[-1]))
        if margin < GREEDY_MARGIN:
            return None
        greedy.append(int(logits[-1].argmax()))
    gates = recorder.take()
    result = Run(
        prompt=prompt,
        greedy=greedy,
        logits=prompt_logits,
        experts=torch.stack([experts for _, _, experts in gates]),
        weights=torch.stack([weights for _, weights, _ in gates]),
        gate_margin=min(_gate_margin(logits, experts.shape[-1]) for logits, _, experts in gates),
        greedy_margin=margin,
    )
    return result if result.is_clear() else None
