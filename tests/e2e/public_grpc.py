"""The public gRPC service, with stubs made from proto/ when first imported."""

import importlib
import pathlib
import sys
import tempfile

import grpc
from grpc_tools import protoc

from cluster import ROOT

_FILE = "windrose/inference/v1/inference.proto"
_folder = tempfile.TemporaryDirectory(prefix="windrose-e2e-proto-")
assert protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"--python_out={_folder.name}",
                    f"--grpc_python_out={_folder.name}", _FILE]) == 0
sys.path.insert(0, str(pathlib.Path(_folder.name)))
messages = importlib.import_module("windrose.inference.v1.inference_pb2")
services = importlib.import_module("windrose.inference.v1.inference_pb2_grpc")


def stub(router):
    """A stub for a router, as cluster.json describes it."""
    return services.InferenceServiceStub(
        grpc.insecure_channel(f"127.0.0.1:{router['grpc_port']}"))
