"""Writes a GGUF file of a Mixtral with random weights, to measure llama.cpp with.

The blocks are drawn directly in the quantised format: speed does not depend on what they hold, and
a file of gigabytes is written in seconds. Norms are ones and scales small, so that nothing overflows.
"""

import argparse
import pathlib

import gguf
import numpy
from gguf import GGMLQuantizationType as Type

SCALE = 2.0**-9  # of a block; with 4 or 8 bits this gives weights of about 0.01


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--type", choices=["q4_0", "q8_0", "bf16"], default="q4_0")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


class Blocks:
    """Random tensors of one quantised type, row by row as GGUF has them."""

    def __init__(self, seed: int):
        self.random = numpy.random.default_rng(seed)

    def q4_0(self, *shape: int) -> numpy.ndarray:
        return self._blocks(shape, 16)

    def q8_0(self, *shape: int) -> numpy.ndarray:
        return self._blocks(shape, 32)

    def bf16(self, *shape: int) -> numpy.ndarray:
        """Of either sign, between 2^-8 and 2^-7."""
        count = int(numpy.prod(shape))
        bits = self.random.integers(0, 256, count, dtype=numpy.uint16)
        words = (bits & 0x7F) | ((bits & 0x80) << 8) | 0x3B80
        return words.astype(numpy.uint16).view(numpy.uint8).reshape(*shape[:-1], shape[-1] * 2)

    def _blocks(self, shape: tuple[int, ...], quant_bytes: int) -> numpy.ndarray:
        count = int(numpy.prod(shape)) // 32
        raw = self.random.integers(0, 256, (count, 2 + quant_bytes), dtype=numpy.uint8)
        raw[:, :2] = numpy.array([SCALE], dtype=numpy.float16).view(numpy.uint8)
        return raw.reshape(*shape[:-1], shape[-1] // 32 * (2 + quant_bytes))


def add_metadata(writer: gguf.GGUFWriter, layers: int) -> None:
    writer.add_context_length(32768)
    writer.add_embedding_length(4096)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(14336)
    writer.add_head_count(32)
    writer.add_head_count_kv(8)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(1e6)
    writer.add_rope_dimension_count(128)
    writer.add_expert_count(8)
    writer.add_expert_used_count(2)
    writer.add_vocab_size(32000)
    writer.add_tokenizer_model("no_vocab")


def add_tensors(writer: gguf.GGUFWriter, layers: int, name: str, blocks: Blocks) -> None:
    kind = Type[name.upper()]
    draw = getattr(blocks, name)
    head, head_draw = (kind, draw) if name == "bf16" else (Type.Q8_0, blocks.q8_0)
    ones = numpy.ones(4096, dtype=numpy.float32)
    writer.add_tensor("token_embd.weight", draw(32000, 4096), raw_dtype=kind)
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", head_draw(32000, 4096), raw_dtype=head)
    for layer in range(layers):
        prefix = f"blk.{layer}."
        writer.add_tensor(prefix + "attn_norm.weight", ones)
        writer.add_tensor(prefix + "ffn_norm.weight", ones)
        gate = blocks.random.standard_normal((8, 4096), dtype=numpy.float32) * 0.02
        writer.add_tensor(prefix + "ffn_gate_inp.weight", gate)
        for part, outputs in [("q", 4096), ("k", 1024), ("v", 1024), ("output", 4096)]:
            writer.add_tensor(f"{prefix}attn_{part}.weight", draw(outputs, 4096), raw_dtype=kind)
        for part, shape in [("gate", (14336, 4096)), ("up", (14336, 4096)), ("down", (4096, 14336))]:
            writer.add_tensor(f"{prefix}ffn_{part}_exps.weight", draw(8, *shape), raw_dtype=kind)


def main() -> None:
    arguments = parse_arguments()
    draft = arguments.file.with_suffix(".new")  # what was interrupted has not the name of a whole file
    writer = gguf.GGUFWriter(draft, "llama", use_temp_file=True)
    add_metadata(writer, arguments.layers)
    add_tensors(writer, arguments.layers, arguments.type, Blocks(arguments.seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    draft.rename(arguments.file)


if __name__ == "__main__":
    main()
