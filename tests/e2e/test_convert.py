"""`windrose convert`, and what serves the result: only its own files, and only undamaged ones."""

import hashlib
import json
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from cluster import MODEL, PROGRAMS, Cluster, convert, post_json

WINDROSE = str(PROGRAMS / "windrose")
WORKER = str(PROGRAMS / "windrose-expert-worker")
QUESTION = {"messages": [{"role": "user", "content": "What is 17 + 25?"}], "temperature": 0}


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    return convert(tmp_path_factory.mktemp("converted"), "q8")


@pytest.fixture(scope="module")
def converted_to_bf16(tmp_path_factory):
    return convert(tmp_path_factory.mktemp("converted"), "bf16")


@pytest.fixture
def damaged(converted, tmp_path):
    folder = pathlib.Path(shutil.copytree(converted, tmp_path / "damaged"))
    path = folder / "expert-03.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    return folder


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def worker_command(folder, *arguments):
    return [WORKER, f"--model={folder}", f"--listen=127.0.0.1:{free_port()}",
            f"--admin-listen=127.0.0.1:{free_port()}", *arguments]


def run_worker(folder, *arguments):
    return subprocess.run(worker_command(folder, *arguments), capture_output=True, text=True,
                          timeout=60)


def test_a_converted_model_answers(converted):
    with Cluster(model=converted, workers=2, replication=1) as running:
        status, answer = post_json(f"{running.urls[0]}/v1/chat/completions",
                                   {**QUESTION, "model": running.model})
        assert status == 200, answer
        if MODEL.name == "demo":
            assert "42" in answer["choices"][0]["message"]["content"]


def answer_with_logprobs(model, order, *arguments):
    with Cluster(model=model, workers=2, replication=1,
                 arguments=[f"--coordinator-arguments=--bf16-order={order}", *arguments]) as running:
        status, answer = post_json(f"{running.urls[0]}/v1/chat/completions",
                                   {**QUESTION, "model": running.model, "logprobs": True, "max_tokens": 12})
        assert status == 200, answer
        return answer["choices"]


@pytest.mark.skipif("avx2" not in pathlib.Path("/proc/cpuinfo").read_text(), reason="no AVX2")
@pytest.mark.parametrize("order", ["pairs", "blocks"])
def test_workers_with_another_instruction_set_give_the_same_bits(converted_to_bf16, order):
    own = answer_with_logprobs(converted_to_bf16, order)
    other = answer_with_logprobs(converted_to_bf16, order, "--worker-arguments=--instruction-set=AVX2")
    assert own == other


def test_a_worker_needs_no_files_but_its_own(converted, tmp_path):
    for name in ("config.json", "windrose.json", "expert-03.safetensors"):
        shutil.copy(converted / name, tmp_path / name)
    run = run_worker(tmp_path, "--experts=3,4")
    assert run.returncode == 1
    assert "expert-04.safetensors" in run.stderr
    shutil.copy(converted / "expert-04.safetensors", tmp_path)
    worker = subprocess.Popen(worker_command(tmp_path, "--experts=3,4"), stderr=subprocess.PIPE,
                              text=True)
    try:
        assert any("worker_ready" in line for line in worker.stderr)
    finally:
        worker.terminate()
        worker.wait(30)


@pytest.mark.parametrize("when", ["background", "before-ready"])
def test_a_worker_with_damaged_weights_ends(damaged, when):
    run = run_worker(damaged, "--experts=3", f"--verify-weights={when}")
    assert run.returncode == 1
    assert "expert-03.safetensors: tensor model.layers." in run.stderr
    assert re.search("the manifest has hash [0-9a-f]{32}, the file's bytes have [0-9a-f]{32}", run.stderr)
    assert ("worker_ready" in run.stderr) == (when == "background")


def test_verifying_can_be_turned_off(damaged):
    with Cluster(model=damaged, workers=1, replication=1,
                 arguments=["--worker-arguments=--verify-weights=off"]) as running:
        running.wait_ready()


def test_a_directory_without_its_manifest_is_unfinished(converted, tmp_path):
    folder = pathlib.Path(shutil.copytree(converted, tmp_path / "unfinished"))
    (folder / "windrose.json").rename(folder / "windrose.json.partial")
    run = run_worker(folder)
    assert run.returncode == 1
    assert "unfinished" in run.stderr


def test_a_tokenizer_that_no_coordinator_takes_is_refused_before_anything_is_written(tmp_path):
    source = pathlib.Path(shutil.copytree(MODEL, tmp_path / "source"))
    (source / "tokenizer.model").write_bytes(b"pieces")
    run = subprocess.run([WINDROSE, "convert", str(source), str(tmp_path / "converted")],
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "tokenizer.model: not a SentencePiece model" in run.stderr
    assert not (tmp_path / "converted").exists()


def test_a_packed_model_is_not_packed_again(converted, tmp_path):
    run = subprocess.run([WINDROSE, "convert", str(converted), str(tmp_path / "again")],
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "packed in q8 already" in run.stderr


def model_with_chat_template(folder, tokenizer_config):
    source = pathlib.Path(shutil.copytree(MODEL, folder / "source"))
    (source / "tokenizer_config.json").write_text(tokenizer_config)
    return source


def test_a_chat_template_of_another_kind_is_warned_of_wherever_the_model_goes(tmp_path):
    chat_ml = "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    source = model_with_chat_template(tmp_path, json.dumps({"chat_template": chat_ml}))
    sha256 = hashlib.sha256(chat_ml.encode()).hexdigest()
    target = tmp_path / "converted"
    run = subprocess.run([WINDROSE, "convert", str(source), str(target), "--dtype=q8"],
                         capture_output=True, text=True, timeout=60, check=True)
    assert f"tokenizer_config.json: the model's chat template (SHA-256 {sha256})" in run.stderr
    assert (target / "chat_template.jinja").read_text() == chat_ml
    run = subprocess.run([WINDROSE, "inspect", str(target)], capture_output=True, text=True,
                         timeout=60, check=True)
    assert f"chat_template.jinja: the model's chat template (SHA-256 {sha256})" in run.stdout
    with Cluster(model=target, workers=1, replication=1) as running:
        log = (running.folder / "coordinator-0.log").read_text()
        assert "chat_template_ignored" in log and sha256 in log
        status, answer = post_json(f"{running.urls[0]}/v1/chat/completions",
                                   {**QUESTION, "model": running.model})
        assert status == 200, answer


def test_a_tokenizer_config_that_cannot_be_read_stops_nobody(tmp_path):
    source = model_with_chat_template(tmp_path, '{"chat_template":')
    with Cluster(model=source, workers=1, replication=1) as running:
        assert "tokenizer_config.json: bad JSON" in (running.folder / "coordinator-0.log").read_text()


def test_a_model_without_a_chat_template_is_not_warned_of(converted):
    with Cluster(model=converted, workers=1, replication=1) as running:
        assert "chat_template" not in (running.folder / "coordinator-0.log").read_text()
