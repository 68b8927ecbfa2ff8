"""Writes a random tiny Mixtral as a directory in the form of the Hugging Face hub.

The tensors are named and cut as the published Mixtral checkpoints have them (one matrix per expert).
transformers keeps them fused in memory, so the files are written here, and `verify` proves that
transformers reads them completely and would write the same names and values itself.
"""

import json
import pathlib
import tempfile

import safetensors.torch
import torch
from transformers import MixtralConfig, MixtralForCausalLM

from cases import Case

SPREAD = 1.6  # times 1 / sqrt(inputs): wide enough for logits and gates with clear winners


def config_of(case: Case) -> MixtralConfig:
    rope = {"rope_type": "default", "rope_theta": case.rope_theta}
    config = MixtralConfig(rope_parameters=rope, sliding_window=None, **case.shape)
    config.architectures = ["MixtralForCausalLM"]
    config.dtype = case.dtype
    return config


def _published(case: Case, config: MixtralConfig) -> dict:
    """The keys of the config.json that came with Mixtral 8x7B."""
    return {
        "architectures": ["MixtralForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": config.hidden_size,
        "initializer_range": 0.02,
        "intermediate_size": config.intermediate_size,
        "max_position_embeddings": config.max_position_embeddings,
        "model_type": "mixtral",
        "num_attention_heads": config.num_attention_heads,
        "num_experts_per_tok": config.num_experts_per_tok,
        "num_hidden_layers": config.num_hidden_layers,
        "num_key_value_heads": config.num_key_value_heads,
        "num_local_experts": config.num_local_experts,
        "output_router_logits": False,
        "rms_norm_eps": config.rms_norm_eps,
        "rope_theta": case.rope_theta,
        "router_aux_loss_coef": 0.02,
        "sliding_window": None,
        "tie_word_embeddings": config.tie_word_embeddings,
        "torch_dtype": case.dtype,
        "transformers_version": "4.36.0.dev0",
        "use_cache": True,
        "vocab_size": config.vocab_size,
    }


def _shapes(config: MixtralConfig) -> dict[str, tuple[int, ...]]:
    hidden, width = config.hidden_size, config.intermediate_size
    dim = config.head_dim or hidden // config.num_attention_heads
    queries, keys = config.num_attention_heads * dim, config.num_key_value_heads * dim
    shapes = {"model.embed_tokens.weight": (config.vocab_size, hidden)}
    for layer in range(config.num_hidden_layers):
        place = f"model.layers.{layer}."
        for expert in range(config.num_local_experts):
            of_expert = f"{place}block_sparse_moe.experts.{expert}."
            shapes[of_expert + "w1.weight"] = (width, hidden)
            shapes[of_expert + "w2.weight"] = (hidden, width)
            shapes[of_expert + "w3.weight"] = (width, hidden)
        shapes[place + "block_sparse_moe.gate.weight"] = (config.num_local_experts, hidden)
        shapes[place + "input_layernorm.weight"] = (hidden,)
        shapes[place + "post_attention_layernorm.weight"] = (hidden,)
        shapes[place + "self_attn.q_proj.weight"] = (queries, hidden)
        shapes[place + "self_attn.k_proj.weight"] = (keys, hidden)
        shapes[place + "self_attn.v_proj.weight"] = (keys, hidden)
        shapes[place + "self_attn.o_proj.weight"] = (hidden, queries)
    shapes["model.norm.weight"] = (hidden,)
    if not config.tie_word_embeddings:
        shapes["lm_head.weight"] = (config.vocab_size, hidden)
    return shapes


def random_tensors(case: Case, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in _shapes(config_of(case)).items():
        values = torch.randn(shape, generator=generator)
        if len(shape) == 1:
            values = 1 + 0.2 * values
        elif name != "model.embed_tokens.weight":
            values *= SPREAD / shape[1] ** 0.5
        tensors[name] = values.to(getattr(torch, case.dtype))
    return tensors


def _write_sharded(directory: pathlib.Path, tensors: dict, count: int) -> None:
    names, weight_map = list(tensors), {}
    for shard in range(count):
        # Dealt out in turn: a layer, and even an expert, lies in several files.
        part = {name: tensors[name] for name in names[shard::count]}
        file = f"model-{shard + 1:05}-of-{count:05}.safetensors"
        safetensors.torch.save_file(part, directory / file, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(part, file))
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    text = json.dumps(index, indent=2)
    (directory / "model.safetensors.index.json").write_text(text + "\n")


def write(directory: pathlib.Path, case: Case, tensors: dict[str, torch.Tensor]) -> None:
    config = config_of(case)
    if case.published_form:
        text = json.dumps(_published(case, config), indent=2)
    else:
        text = config.to_json_string().rstrip()
    (directory / "config.json").write_text(text + "\n")
    if case.shards == 1:
        file = directory / "model.safetensors"
        safetensors.torch.save_file(tensors, file, metadata={"format": "pt"})
    else:
        _write_sharded(directory, tensors, case.shards)


def load(directory: pathlib.Path) -> MixtralForCausalLM:
    """The reference: the stored weights upcast to f32, plain attention, plain experts."""
    model, report = MixtralForCausalLM.from_pretrained(
        directory,
        dtype=torch.float32,
        attn_implementation="eager",
        experts_implementation="eager",
        output_loading_info=True,
    )
    problems = {key: value for key, value in report.items() if value}
    if problems:
        raise SystemExit(f"{directory}: transformers does not read it whole: {problems}")
    return model.eval()


def verify(model: MixtralForCausalLM, tensors: dict[str, torch.Tensor]) -> None:
    """What transformers saves again must be what was stored, name by name and bit by bit."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        saved = {}
        for file in pathlib.Path(folder).glob("*.safetensors"):
            saved.update(safetensors.torch.load_file(file))
    if saved.keys() != tensors.keys():
        raise SystemExit(f"tensor names differ: {sorted(saved.keys() ^ tensors.keys())[:8]}")
    for name, tensor in tensors.items():
        if not torch.equal(saved[name], tensor.float()):
            raise SystemExit(f"{name}: transformers read other values than were stored")
