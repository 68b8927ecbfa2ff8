"""Records what the gguf package makes of random blocks, and a tiny Mixtral as its writer writes it.

    python tools/golden/make_gguf_goldens.py tests/unit/common/model/data

Needs `pip install gguf==0.19.0 numpy`. Two files:

    gguf_blocks.txt     one row of blocks a line: FORMAT BYTES NUMBERS, in hexadecimal; a number is
                        eight digits, the bits of an f32
    tiny_mixtral.gguf   one layer; number (row, column) of every matrix is row + column / 64 as
                        Hugging Face has it, of expert e's it is e + row / 64 + column / 8192
"""

import pathlib
import sys

import gguf
import numpy as np
from gguf.constants import GGUFValueType
from gguf.quants import dequantize, quantize

FORMATS = {name: gguf.GGMLQuantizationType[name]
           for name in ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K")}
# Where a block has f16 scales.
SCALES = {"Q8_0": (0,), "Q4_0": (0,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}
# Largest, smallest normal, smallest subnormal, negative, negative zero, infinite.
EXTREME_SCALES = (0x7BFF, 0x0400, 0x0001, 0xBC00, 0x8000, 0x7C00)
NUMBERS_OF_PLAIN_ROWS = 16

HIDDEN, WIDTH, HEADS, KV_HEADS, HEAD_DIM, EXPERTS = 32, 64, 4, 2, 8, 3
TOKENS = ("<unk>", "<s>", "</s>", "<0x00>", "\u2581", "a")


def with_scales(block, name, scales):
    """A copy of `block` with these bits as its scales, in turn."""
    block = block.copy()
    for place, scale in zip(SCALES[name], scales):
        block[place:place + 2] = np.array([scale], dtype="<u2").view(np.uint8)
    return block


def blocks_of(name, random):
    """Rows of bytes: random scales of ordinary size, then each extreme."""
    numbers, size = gguf.GGML_QUANT_SIZES[FORMATS[name]]
    if numbers == 1:
        # Any bits but NaNs, whose payload no two languages agree on.
        bits = random.integers(0, 256, (64, NUMBERS_OF_PLAIN_ROWS * size), dtype=np.uint8)
        finite = [row for row in bits if np.isfinite(dequantize(row, FORMATS[name])).all()]
        return finite[:3]
    ordinary = random.normal(0, 0.01, (2, 2)).astype("<f2").view("<u2")
    extreme = [EXTREME_SCALES[i:i + 1] + EXTREME_SCALES[:1] for i in range(len(EXTREME_SCALES))]
    return [with_scales(random.integers(0, 256, size, dtype=np.uint8), name, scales)
            for scales in [*ordinary.tolist(), *extreme]]


def write_blocks(path):
    random = np.random.default_rng(98)
    lines = []
    for name, number in FORMATS.items():
        for block in blocks_of(name, random):
            with np.errstate(all="ignore"):
                bits = dequantize(block, number).astype("<f4").view("<u4")
            numbers = "".join(f"{value:08x}" for value in bits.tolist())
            lines.append(f"{name} {block.tobytes().hex()} {numbers}\n")
    path.write_text("".join(lines))


def matrix(rows, columns):
    return (np.arange(rows)[:, None] + np.arange(columns)[None, :] / 64).astype(np.float32)


def expert_matrices(rows, columns):
    """[experts, rows, columns]"""
    of_one = np.arange(rows)[:, None] / 64 + np.arange(columns)[None, :] / 8192
    return (np.arange(EXPERTS)[:, None, None] + of_one).astype(np.float32)


def interleaved(weights, heads):
    """Rows as the converter for the llama architecture orders those of queries and keys."""
    halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, -1)
    return halves.swapaxes(1, 2).reshape(weights.shape)


def add_keys(writer):
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_expert_count(EXPERTS)
    writer.add_expert_used_count(2)
    writer.add_vocab_size(len(TOKENS))
    writer.add_quantization_version(2)
    writer.add_key_value("windrose.test.i8", -3, GGUFValueType.INT8)
    writer.add_tags(["tiny", "test"])
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0, 0.0, 0.0, 0.0, -1.0, -2.5])
    writer.add_token_types([2, 3, 3, 6, 1, 1])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(True)


def add_tensors(writer):
    norm = matrix(1, HIDDEN)[0]
    q8 = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("token_embd.weight", matrix(len(TOKENS), HIDDEN))
    writer.add_tensor("blk.0.attn_norm.weight", norm)
    writer.add_tensor("blk.0.attn_q.weight", interleaved(matrix(HEADS * HEAD_DIM, HIDDEN), HEADS))
    writer.add_tensor("blk.0.attn_k.weight", interleaved(matrix(KV_HEADS * HEAD_DIM, HIDDEN), KV_HEADS))
    writer.add_tensor("blk.0.attn_v.weight", matrix(KV_HEADS * HEAD_DIM, HIDDEN))
    writer.add_tensor("blk.0.attn_output.weight", matrix(HIDDEN, HEADS * HEAD_DIM).astype(np.float16))
    writer.add_tensor("blk.0.ffn_norm.weight", norm)
    writer.add_tensor("blk.0.ffn_gate_inp.weight", matrix(EXPERTS, HIDDEN))
    for name, shape in (("gate", (WIDTH, HIDDEN)), ("down", (HIDDEN, WIDTH)), ("up", (WIDTH, HIDDEN))):
        writer.add_tensor(f"blk.0.ffn_{name}_exps.weight", quantize(expert_matrices(*shape), q8),
                          raw_dtype=q8)
    writer.add_tensor("output_norm.weight", norm)
    writer.add_tensor("output.weight", matrix(len(TOKENS), HIDDEN).astype(np.float16))


def write_model(path, **options):
    writer = gguf.GGUFWriter(path, "llama", **options)
    add_keys(writer)
    add_tensors(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    write_blocks(folder / "gguf_blocks.txt")
    write_model(folder / "tiny_mixtral.gguf")


if __name__ == "__main__":
    main()
