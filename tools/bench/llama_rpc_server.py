"""One of llama.cpp's RPC servers on this machine's processors; `llama_rates.py --rpc` is its client.

The Python package has the library, not the program, so this calls what that program calls.
"""

import argparse
import ctypes
import pathlib

import llama_cpp

CPU = 0  # ggml_backend_dev_type


def library(name: str) -> ctypes.CDLL:
    folder = pathlib.Path(llama_cpp.__file__).parent / "lib"
    return ctypes.CDLL(str(folder / f"lib{name}.so"), mode=ctypes.RTLD_GLOBAL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint", help="host:port to listen on")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    ggml, rpc = library("ggml"), library("ggml-rpc")
    ggml.ggml_backend_dev_by_type.restype = ctypes.c_void_p
    device = (ctypes.c_void_p * 1)(ggml.ggml_backend_dev_by_type(CPU))
    rpc.ggml_backend_rpc_start_server.argtypes = [
        ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)
    ]  # fmt: skip
    rpc.ggml_backend_rpc_start_server(arguments.endpoint.encode(), None, arguments.threads, 1, device)


if __name__ == "__main__":
    main()
