"""The model's weights under the names of Hugging Face's Mixtral, both ways."""

import pathlib

import torch
from safetensors.torch import load_file

from model import Mixtral

EXPERT_PARTS = ("w1", "w2", "w3")


def to_hugging_face(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """One matrix per expert, and a `model.` prefix before everything but the head."""
    named = {}
    for name, tensor in state.items():
        parent, _, part = name.rpartition(".")
        if part in EXPERT_PARTS:
            for expert, matrix in enumerate(tensor):
                named[f"model.{parent}.experts.{expert}.{part}.weight"] = matrix.contiguous()
        else:
            named[name if name.startswith("lm_head") else f"model.{name}"] = tensor
    return named


def from_hugging_face(named: dict[str, torch.Tensor], model: Mixtral) -> dict[str, torch.Tensor]:
    state = {}
    for name in model.state_dict():
        parent, _, part = name.rpartition(".")
        if part in EXPERT_PARTS:
            experts = range(model.shape.experts)
            keys = [f"model.{parent}.experts.{expert}.{part}.weight" for expert in experts]
            state[name] = torch.stack([named[key] for key in keys])
        else:
            state[name] = named[name if name.startswith("lm_head") else f"model.{name}"]
    return state


def load_exported(directory: pathlib.Path) -> Mixtral:
    """The shipped weights: rounded to bf16, computed with in f32."""
    named = load_file(pathlib.Path(directory) / "model.safetensors")
    model = Mixtral()
    state = from_hugging_face(named, model)
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return model.eval()
