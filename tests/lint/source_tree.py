"""What all checks need: the files of the tree, C++ without comments, and how findings are told."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT = ("common", "router", "coordinator", "expert-worker", "cli")
CODE = PRODUCT + ("bench", "tests")


def _names():
    """All that git knows or would add; of a tree without git, as archives are, all that is not made."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        cwd=ROOT, check=False, capture_output=True)
    if listed.returncode == 0:
        return listed.stdout.decode().split("\0")
    tops = (top for top in ROOT.iterdir() if top.name != "build" and not top.name.startswith(".venv"))
    found = (path for top in tops for path in ([top] if top.is_file() else top.rglob("*")))
    return [path.relative_to(ROOT).as_posix() for path in found]


def files(*suffixes):
    """All files of the tree with one of the suffixes, relative to the root."""
    paths = (pathlib.PurePosixPath(name) for name in sorted(set(_names())) if name)
    return [path for path in paths if path.suffix in suffixes and (ROOT / path).is_file()]


def cpp_files(*top_folders):
    """C++ sources and headers below the given top folders; all that hold code by default."""
    return [path for path in files(".cc", ".h") if path.parts[0] in (top_folders or CODE)]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\ ]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])+'", re.S)


def without_comments(text, keep_strings=False):
    """The text with comments, and string contents unless kept, blanked out; lines stay where they are."""

    def blank(match):
        token = match.group(0)
        # A quote inside a number (1'000'000) is no character literal.
        if token.startswith("'") and re.search(r"[0-9a-fA-F]$", text[:match.start()]):
            return token
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        if keep_strings:
            return token
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]

    return _TOKEN.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class Findings:
    """Collects findings; finish() prints them and ends the process."""

    def __init__(self, what):
        self._what = what
        self._lines = []

    def add(self, path, line, message):
        self._lines.append(f"{path}:{line}: {message}")

    def finish(self):
        for line in self._lines:
            print(line)
        count = len(self._lines)
        print(f"{self._what}: {'clean' if count == 0 else f'{count} findings'}")
        sys.exit(1 if count else 0)
