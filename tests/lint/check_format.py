"""All C++ is as clang-format-14 would write it. `./dev fmt` makes it so."""

import re
import shutil
import subprocess

from source_tree import ROOT, Findings, cpp_files

FORMATTER = "clang-format-14"


def main():
    findings = Findings("format")
    if shutil.which(FORMATTER) is None:
        findings.add(FORMATTER, 1, "is not installed; ./dev setup installs it")
        findings.finish()
    paths = [str(path) for path in cpp_files()]
    run = subprocess.run([FORMATTER, "--dry-run", *paths], cwd=ROOT, capture_output=True, text=True,
                         check=False)
    worst = {}
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: warning", run.stderr, re.M):
        worst.setdefault(path, line)
    for path, line in worst.items():
        findings.add(path, line, "is not formatted; ./dev fmt does it")
    findings.finish()


if __name__ == "__main__":
    main()
