"""./dev, with every program it starts replaced by one that only writes down how it was called."""

import os
import shutil
import subprocess

import pytest

from cluster import ROOT

CALLED = "called.txt"
INSTALLED = 'shift 2; for name; do echo "$name installed"; done'  # what dpkg-query says of each package


class Clone:
    """A folder with nothing but ./dev, where `programs` stand in for those of the system."""

    def __init__(self, folder):
        self.folder = folder
        self._programs = folder / "programs"
        shutil.copy(ROOT / "dev", folder / "dev")
        self.stand_in("dpkg-query", INSTALLED)
        for name in ("cmake", "ninja"):
            self.stand_in(name)

    def stand_in(self, name, script="", folder=None):
        """A program that notes its call and does what the script says."""
        path = (folder or self._programs) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/bash\necho "{name} $*" >> "{self.folder / CALLED}"\n{script}\n')
        path.chmod(0o755)

    def run(self, *arguments):
        environment = {**os.environ, "PATH": f"{self._programs}:{os.environ['PATH']}"}
        return subprocess.run([self.folder / "dev", *arguments], capture_output=True, text=True, timeout=30,
                              env=environment, check=False)

    def calls(self, program):
        path = self.folder / CALLED
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.split()[0] == program]


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def with_python(clone):
    """As if ./dev had made its virtual environment."""
    (clone.folder / "tests/e2e").mkdir(parents=True)
    (clone.folder / ".venv").mkdir()
    for wanted in ("tests/e2e/requirements.txt", ".venv/installed-requirements.txt"):
        (clone.folder / wanted).write_text("pytest\n")
    clone.stand_in("python", folder=clone.folder / ".venv/bin")


@pytest.mark.parametrize("arguments", [("--only", "relase"), ("--only", "e2e,relase"), ("--skip", "relase")])
def test_a_step_that_is_none_is_refused(clone, arguments):
    run = clone.run("test", *arguments)
    assert run.returncode == 1 and '"relase"' in run.stderr and "release" in run.stderr
    assert not (clone.folder / CALLED).exists()


def test_no_step_at_all_is_not_green(clone):
    with_python(clone)
    run = clone.run("test", "--only", "e2e", "--skip", "e2e")
    assert run.returncode == 1 and "green" not in run.stderr


@pytest.mark.parametrize("step", ["e2e", "chaos"])
def test_what_runs_the_programs_builds_them_first(clone, step):
    with_python(clone)
    run = clone.run("test", "--only", step)
    assert run.returncode == 0, run.stderr
    called = [line.split()[0] for line in (clone.folder / CALLED).read_text().splitlines()]
    assert called[-3:] == ["cmake", "ninja", "python"]
    assert "windrose-expert-worker" in clone.calls("ninja")[0]


def test_a_system_without_the_packages_of_debian_12_is_told_so(clone):
    clone.stand_in("dpkg-query")
    clone.stand_in("apt-get")
    clone.stand_in("sudo", 'exec "$@"')
    clone.stand_in("apt-cache", '[[ $2 != libboost1.81-dev ]]')
    run = clone.run("setup", "run")
    assert run.returncode == 1 and "Debian 12" in run.stderr and "does not have: libboost1.81-dev" in run.stderr
    assert clone.calls("apt-get") == ["apt-get update -qq"], "nothing is installed"


def test_what_was_deleted_is_not_tidied(clone):
    def git(*arguments):
        identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
        subprocess.run(["git", *identity, *arguments], cwd=clone.folder, check=True, capture_output=True)

    def commit():
        git("add", "--all")
        git("commit", "--message=some change")

    git("init")
    (clone.folder / "tests/lint").mkdir(parents=True)
    (clone.folder / "tests/lint/check_nothing.py").touch()
    for name in ("kept", "committed", "uncommitted"):
        (clone.folder / f"{name}.cc").touch()
    commit()
    (clone.folder / "committed.cc").unlink()
    commit()
    (clone.folder / "uncommitted.cc").unlink()
    (clone.folder / "kept.cc").write_text("int changed;\n")
    clone.stand_in("clang-tidy-14")
    run = clone.run("lint", "--tidy")
    assert run.returncode == 0, run.stderr
    calls = clone.calls("clang-tidy-14")
    assert len(calls) == 1 and "kept.cc" in calls[0]


@pytest.mark.parametrize("arguments", [("bench", "kernles"), ("bench", "engine", "--write"), ("bench", "--write", "sweeep"),
                                       ("lint", "--tydi"), ("test", "--only"), ("setup", "run", "all"), ("fmt", "dev")])
def test_an_argument_that_means_nothing_is_refused_before_anything_is_done(clone, arguments):
    run = clone.run(*arguments)
    assert run.returncode == 1 and arguments[-1] in run.stderr and "line " not in run.stderr
    assert not (clone.folder / CALLED).exists()


@pytest.mark.parametrize("argument", ["--help", "build"])
def test_clean_with_an_argument_removes_nothing(clone, argument):
    (clone.folder / "build").mkdir()
    run = clone.run("clean", argument)
    assert (clone.folder / "build").exists()
    assert run.stdout.startswith("Usage") if argument == "--help" else run.returncode == 1
    assert clone.run("clean").returncode == 0 and not (clone.folder / "build").exists()


def test_paths_that_up_is_given_begin_where_it_was_called(clone, tmp_path, monkeypatch):
    clone.stand_in("windrose", "pwd", folder=clone.folder / "build/release/bin")
    elsewhere = tmp_path / "some where"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = clone.run("up", "--model=mine")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == str(elsewhere)
    assert clone.calls("windrose") == ["windrose up --model=mine"]


def test_a_tree_without_git_is_linted(clone):
    (clone.folder / "tests/lint").mkdir(parents=True)
    for name in ("source_tree.py", "check_words.py"):
        shutil.copy(ROOT / "tests/lint" / name, clone.folder / "tests/lint")
    for name in ("common/bad.h", "build/made.h"):
        (clone.folder / name).parent.mkdir()
        (clone.folder / name).write_text("// A header.\n")
    run = clone.run("lint")
    assert run.returncode == 1 and "words: 1 findings" in run.stdout
    assert "common/bad.h:1: #pragma once is missing" in run.stdout
