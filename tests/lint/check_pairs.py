"""a/b/c.cc is tested by tests/unit/a/b/c_test.cc, and every library has its link test.

Exceptions stand in untested.txt, one a line: `source through test` or `source because reason`.
"""

import re

from source_tree import PRODUCT, ROOT, Findings, files, read

EXCEPTIONS = "tests/lint/untested.txt"


def exceptions(findings):
    """source -> number of its line; a line that names nothing or gives no reason is a finding."""
    reasons = {}
    for number, line in enumerate(read(EXCEPTIONS).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        source, kind, reason = (line.split(maxsplit=2) + ["", ""])[:3]
        if kind not in ("through", "because") or not reason:
            findings.add(EXCEPTIONS, number, f"{source}: wanted through TEST or because REASON")
        if kind == "through" and not (ROOT / reason).is_file():
            findings.add(EXCEPTIONS, number, f"{reason} is not there")
        if not (ROOT / source).is_file():
            findings.add(EXCEPTIONS, number, f"{source} is not there")
        reasons[source] = number
    return reasons


def test_of(path):
    return f"tests/unit/{path.with_suffix('')}_test.cc"


def check_sources(findings, sources, tests, reasons):
    for path in sources:
        # What stands in a component's own folder is wiring: the end-to-end tests run it.
        if len(path.parts) < 3:
            continue
        tested, excused = test_of(path) in tests, str(path) in reasons
        if tested and excused:
            findings.add(EXCEPTIONS, reasons[str(path)], f"{path} is tested: take the line out")
        if not tested and not excused:
            findings.add(path, 1, f"has no {test_of(path)} and no line in {EXCEPTIONS}")


def beginnings(stem):
    """What a test may be the test of.

    a/x_y_z -> a/x_y_z, a/x_y, a/x, since a source may have several tests, as frame_hostile_test.cc;
    a/settings/x -> a/x, the sources in a component's own folder.
    """
    folder, _, name = stem.rpartition("/")
    words = name.split("_")
    folder = folder.removesuffix("/settings")
    return [f"{folder}/{'_'.join(words[:end])}" for end in range(len(words), 0, -1)]


def check_tests(findings, tests):
    for test in sorted(tests):
        stem = test[len("tests/unit/"):-len("_test.cc")]
        if (ROOT / stem).parent.name == (ROOT / stem).name:
            continue  # a/b/b_test.cc tests the library a/b as a whole
        if test.endswith("_test.cc") and not any(
                (ROOT / (source + suffix)).is_file()
                for source in beginnings(stem) for suffix in (".cc", ".h")):
            findings.add(test, 1, f"tests {stem}.cc or .h, which is not there")
        if not re.search(r"\bTEST(_F|_P)?\(|\bTYPED_TEST\(", read(test)) and test.endswith("_test.cc"):
            findings.add(test, 1, "has no test")


def check_link_tests(findings):
    texts = "".join(read(path) for path in files(".txt")
                    if path.name == "CMakeLists.txt" and path.parts[0] == "tests")
    linked = set(re.findall(r"windrose_link_test\(\s*(\w+)", texts))
    for loop in re.findall(r"foreach\(\w+([^)]*)\)\s*windrose_link_test\(\$", texts):
        linked |= set(loop.split())
    for path in files(".txt"):
        if path.name != "CMakeLists.txt" or path.parts[0] not in PRODUCT:
            continue
        for library in re.findall(r"windrose_library\(\s*(\w+)", read(path)):
            if library not in linked:
                findings.add(path, 1, f"{library} has no windrose_link_test")


def main():
    findings = Findings("pairs")
    reasons = exceptions(findings)
    sources = [path for path in files(".cc") if path.parts[0] in PRODUCT]
    tests = {str(path) for path in files(".cc") if str(path).startswith("tests/unit/")}
    check_sources(findings, sources, tests, reasons)
    check_tests(findings, tests)
    check_link_tests(findings)
    findings.finish()


if __name__ == "__main__":
    main()
