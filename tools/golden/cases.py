"""The tiny models of the golden tests: between them they differ in everything a config can say."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    shape: dict  # as MixtralConfig's arguments
    rope_theta: float
    dtype: str  # of the stored weights: float32, bfloat16, float16
    published_form: bool  # config.json as published with Mixtral 8x7B, or as transformers 5 writes it
    shards: int = 1
    prompt_lengths: tuple[int, ...] = (1, 7, 53)


CASES = [
    Case(
        name="published_f32",
        shape=dict(
            vocab_size=259,
            hidden_size=48,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            num_local_experts=8,
            max_position_embeddings=256,
            rms_norm_eps=1e-5,
        ),
        rope_theta=1e6,
        dtype="float32",
        published_form=True,
    ),
    Case(
        name="transformers5_bf16",
        shape=dict(
            vocab_size=131,
            hidden_size=40,
            intermediate_size=56,
            num_hidden_layers=3,
            num_attention_heads=6,
            num_key_value_heads=1,
            head_dim=16,  # not hidden_size / num_attention_heads
            num_local_experts=4,
            max_position_embeddings=512,
            rms_norm_eps=1e-6,
        ),
        rope_theta=1e4,
        dtype="bfloat16",
        published_form=False,
        prompt_lengths=(3, 16, 70),
    ),
    Case(
        name="sharded_f16",
        shape=dict(
            vocab_size=320,
            hidden_size=64,
            intermediate_size=24,
            num_hidden_layers=4,
            num_attention_heads=8,
            num_key_value_heads=8,
            num_local_experts=6,
            max_position_embeddings=256,
            rms_norm_eps=1e-3,
        ),
        rope_theta=5e5,
        dtype="float16",
        published_form=True,
        shards=3,
        prompt_lengths=(5, 17, 49),
    ),
    Case(
        name="tied_top3_bf16",
        shape=dict(
            vocab_size=97,
            hidden_size=36,
            intermediate_size=33,
            num_hidden_layers=2,
            num_attention_heads=3,
            num_key_value_heads=3,
            num_local_experts=5,
            num_experts_per_tok=3,
            max_position_embeddings=256,
            tie_word_embeddings=True,
        ),
        rope_theta=2e4,
        dtype="bfloat16",
        published_form=False,
        shards=2,
        prompt_lengths=(2, 64),
    ),
]
