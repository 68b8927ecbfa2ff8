"""Writes a checkpoint as a Hugging Face Mixtral directory, and checks it against transformers."""

import argparse
import json
import os
import pathlib

import torch
from safetensors.torch import save_file

import chat
from domains import DOMAINS, TEST
from measure import questions_of
from model import Mixtral, Shape, make_batch
from weights import load_exported, to_hugging_face

SYSTEM = "You are a helpful assistant."


def configuration(shape: Shape) -> dict:
    """The fields of Mixtral-8x7B's published config.json, with our sizes."""
    return {
        "architectures": ["MixtralForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": chat.BOS,
        "eos_token_id": chat.EOS,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "initializer_range": 0.02,
        "intermediate_size": shape.expert_width,
        "max_position_embeddings": shape.positions,
        "model_type": "mixtral",
        "num_attention_heads": shape.heads,
        "num_experts_per_tok": shape.experts_per_token,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
        "num_local_experts": shape.experts,
        "output_router_logits": False,
        "rms_norm_eps": shape.norm_epsilon,
        "rope_theta": shape.rope_theta,
        "router_aux_loss_coef": 0.01,
        "sliding_window": None,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.36.0",
        "use_cache": True,
        "vocab_size": shape.vocabulary,
    }


def write_json(path: pathlib.Path, value) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def export(checkpoint: pathlib.Path, directory: pathlib.Path) -> None:
    state = torch.load(checkpoint, map_location="cpu")
    named = to_hugging_face(state["model"])
    named = {name: tensor.to(torch.bfloat16) for name, tensor in named.items()}
    # Beside and renamed: a process that maps the old weights keeps them whole.
    path, beside = directory / "model.safetensors", directory / "model.safetensors.new"
    save_file(named, beside, metadata={"format": "pt"})
    beside.chmod(0o644)
    os.replace(beside, path)
    write_json(directory / "config.json", configuration(Shape()))
    ids = {"_from_model_config": True, "bos_token_id": chat.BOS, "eos_token_id": chat.EOS}
    write_json(directory / "generation_config.json", ids)
    print(f"exported step {state['step']}, {state['totals']}")


def sample_messages() -> list[list[dict]]:
    """A question of every domain, and one conversation with a system prompt and two turns."""
    single = [questions_of(domain, TEST, 1, seed=3)[0] for domain in DOMAINS]
    system = {"role": "system", "content": SYSTEM}
    return single + [[system] + single[0] + single[1]]


@torch.no_grad()
def largest_difference(directory: pathlib.Path) -> float:
    """Ours and transformers', both in f32 on the exported weights: largest difference of logits."""
    from transformers import MixtralForCausalLM

    theirs = MixtralForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    ours: Mixtral = load_exported(directory)
    tokenizer = chat.load_tokenizer(directory / "tokenizer.model")
    worst = 0.0
    for messages in sample_messages():
        ids, _ = chat.encode(tokenizer, messages)
        expected = theirs(torch.tensor([ids])).logits[0]
        worst = max(worst, (ours(make_batch([ids])) - expected).abs().max().item())
    return worst


def check_chat_format(directory: pathlib.Path) -> None:
    """The ids must be those of mistral-common's reference, special ids included."""
    from mistral_common.protocol.instruct.messages import (
        AssistantMessage,
        SystemMessage,
        UserMessage,
    )
    from mistral_common.protocol.instruct.request import ChatCompletionRequest
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    tokenizer = chat.load_tokenizer(directory / "tokenizer.model")
    reference = MistralTokenizer.from_file(str(directory / "tokenizer.model"))
    kinds = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}
    for messages in sample_messages():
        question = messages[:-1]
        theirs = [kinds[message["role"]](content=message["content"]) for message in question]
        expected = reference.encode_chat_completion(ChatCompletionRequest(messages=theirs))
        assert chat.encode(tokenizer, question)[0] == expected.tokens, question


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=pathlib.Path, default=pathlib.Path("build/demo_model"))
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("models/demo"))
    arguments = parser.parse_args()
    export(arguments.work_dir / "checkpoint.pt", arguments.output)
    difference = largest_difference(arguments.output)
    print(f"largest difference of logits to transformers: {difference:.2e}")
    assert difference < 1e-4
    check_chat_format(arguments.output)
    print("the chat format is mistral-common's")


if __name__ == "__main__":
    main()
