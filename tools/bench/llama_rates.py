"""Tokens per second of llama.cpp, measured and printed as build/release/bin/bench_engine does it."""

import argparse
import ctypes
import statistics
import time

import llama_cpp
import numpy
from llama_rpc_server import library

PROMPT = 16


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", default="1,8,32")
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rpc", default="", help="host:port,host:port of llama.cpp's RPC servers")
    return parser.parse_args()


def use_rpc_servers(endpoints: list[str]) -> None:
    """All layers go to them, as many to each."""
    ggml, rpc = library("ggml"), library("ggml-rpc")
    rpc.ggml_backend_rpc_add_server.restype = ctypes.c_void_p
    for endpoint in endpoints:
        registry = rpc.ggml_backend_rpc_add_server(endpoint.encode())
        assert registry, f"llama.cpp finds no server at {endpoint}"
        ggml.ggml_backend_register(ctypes.c_void_p(registry))


class Session:
    """A model and a context for up to 64 sequences."""

    def __init__(self, path: str, threads: int, rpc: list[str]):
        llama_cpp.llama_backend_init()
        model_parameters = llama_cpp.llama_model_default_params()
        if rpc:
            use_rpc_servers(rpc)
            model_parameters.n_gpu_layers = 999
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), model_parameters)
        assert self.model, f"llama.cpp cannot load {path}"
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = 64 * 128, 512, 512
        parameters.n_seq_max = 64
        parameters.kv_unified = True
        parameters.n_threads = parameters.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        assert self.context, "llama.cpp cannot make a context"
        self.batch = llama_cpp.llama_batch_init(512, 0, 1)

    def decode(self, rows: list[tuple[int, int, int, bool]]) -> None:
        """rows: (token, position, sequence, whether its logits are wanted)."""
        self.batch.n_tokens = len(rows)
        for index, (token, position, sequence, wanted) in enumerate(rows):
            self.batch.token[index] = token
            self.batch.pos[index] = position
            self.batch.n_seq_id[index] = 1
            self.batch.seq_id[index][0] = sequence
            self.batch.logits[index] = wanted
        assert llama_cpp.llama_decode(self.context, self.batch) == 0
        llama_cpp.llama_synchronize(self.context)

    def clear(self) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def greedy(self, count: int, vocabulary: int) -> list[int]:
        rows = (llama_cpp.llama_get_logits_ith(self.context, row) for row in range(count))
        return [int(numpy.argmax(numpy.ctypeslib.as_array(row, (vocabulary,)))) for row in rows]

    def prompt(self, sequence: int, tokens: int) -> list[tuple[int, int, int, bool]]:
        return [(3 + (sequence * 7919 + i * 104729) % 31997, i, sequence, i == tokens - 1)
                for i in range(tokens)]  # fmt: skip


def prefill_rate(session: Session, tokens: int) -> float:
    session.clear()
    began = time.perf_counter()
    session.decode(session.prompt(0, tokens))
    return tokens / (time.perf_counter() - began)


def decode_rate(session: Session, batch: int, tokens: int) -> float:
    session.clear()
    for sequence in range(batch):
        session.decode(session.prompt(sequence, PROMPT))
    following = [5] * batch
    began = time.perf_counter()
    for step in range(tokens):
        session.decode([(following[row], PROMPT + step, row, True) for row in range(batch)])
        following = session.greedy(batch, 32000)
    return batch * tokens / (time.perf_counter() - began)


def main() -> None:
    arguments = parse_arguments()
    session = Session(arguments.model, arguments.threads, [word for word in arguments.rpc.split(",") if word])
    decode_rate(session, 1, 2)
    if arguments.prefill:
        rates = [prefill_rate(session, arguments.prefill) for _ in range(arguments.runs)]
        print(f"prefill {arguments.prefill} tokens_per_second {statistics.median(rates):.2f}", flush=True)
    for batch in [int(word) for word in arguments.batches.split(",") if word]:
        rates = [decode_rate(session, batch, arguments.tokens) for _ in range(arguments.runs)]
        print(f"batch {batch} tokens_per_second {statistics.median(rates):.2f}", flush=True)


if __name__ == "__main__":
    main()
