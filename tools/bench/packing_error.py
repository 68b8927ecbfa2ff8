"""The relative error of q8 and q4 beside GGUF's Q8_0, Q4_0, Q4_1 and Q4_K, on one matrix.

The matrix is heavy-tailed: Student's t with five degrees of freedom, as trained weights roughly are.
llama.cpp's own library quantises, the gguf package reads back.
"""

import argparse
import ctypes
import pathlib
import subprocess
import tempfile

import gguf
import llama_cpp
import numpy
from gguf import GGMLQuantizationType as Type

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--cols", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def quantize(matrix: numpy.ndarray, kind: Type) -> numpy.ndarray:
    folder = pathlib.Path(llama_cpp.__file__).parent / "lib"
    library = ctypes.CDLL(str(folder / "libggml-base.so"))
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    block, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    rows, cols = matrix.shape
    out = numpy.empty((rows, cols // block * block_bytes), dtype=numpy.uint8)
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (matrix, out)]
    sizes = [ctypes.c_int64(number) for number in (0, rows, cols)]
    written = library.ggml_quantize_chunk(ctypes.c_int(kind.value), *pointers, *sizes, None)
    assert written == out.nbytes
    return out


def main() -> None:
    arguments = parse_arguments()
    random = numpy.random.default_rng(arguments.seed)
    matrix = random.standard_t(5, (arguments.rows, arguments.cols)).astype(numpy.float32) * 0.02
    norm = numpy.linalg.norm(matrix)
    for kind in [Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q4_K]:
        read = gguf.quants.dequantize(quantize(matrix, kind), kind)
        print(f"{kind.name} relative_error {numpy.linalg.norm(read - matrix) / norm:.5f}")
    with tempfile.NamedTemporaryFile() as file:
        file.write(matrix.tobytes())
        file.flush()
        program = ROOT / "build/release/bin/bench_packing"
        subprocess.run([program, file.name, str(arguments.cols)], check=True)


if __name__ == "__main__":
    main()
