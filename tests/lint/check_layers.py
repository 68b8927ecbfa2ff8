"""Every #include and every DEPS obeys cmake/layers.txt, and every source belongs to a target."""

import re

from source_tree import CODE, PRODUCT, ROOT, Findings, cpp_files, line_of, read, without_comments

LAYERS = "cmake/layers.txt"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
# Roots of third-party headers that layers.txt must grant. All else in <…> is the system's.
THIRD_PARTY = ("absl", "boost", "CLI", "google", "grpc", "grpcpp", "hwy", "openssl", "prometheus",
               "re2", "sentencepiece", "sentencepiece_processor.h", "spdlog", "xxhash.h", "gtest",
               "gmock", "benchmark")


def parse_layers(text, findings):
    """folder -> (folders named, third-party prefixes)."""
    layers = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\S+)\s*:([^|]*)\|(.*)", line)
        if not match:
            findings.add(LAYERS, number, "wanted: folder : folders | prefixes")
            continue
        folder, used = match.group(1), match.group(2).split()
        for name in used:
            if name not in layers:
                findings.add(LAYERS, number, f"{folder} uses {name}, which is not above it")
        layers[folder] = (used, match.group(3).split())
    return layers


def reachable(layers, folder):
    """The folders that `folder` may use, itself included."""
    seen, todo = set(), [folder]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += layers.get(name, ([], []))[0]
    return seen


def folder_of(path):
    """The folder that layers.txt speaks of: a/b for a/b/c.h and deeper, a for a/main.cc."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def check_own_include(findings, layers, where, allowed, included):
    target = folder_of(included)
    if included.startswith("windrose/"):
        target = "proto"
    if included.split("/")[0] in ("tests", "bench"):
        findings.add(*where, f"includes {included}: nothing includes tests or benches")
    elif target not in allowed:
        findings.add(*where, f"includes {included}, but its folder may not use {target}")
    elif target == "proto":
        return
    elif not (ROOT / included).is_file():
        findings.add(*where, f"includes {included}, which is not a file")


def is_own(included):
    return included.split("/")[0] in CODE + ("proto", "windrose")


def check_includes(findings, layers):
    for path in cpp_files(*PRODUCT):
        folder = folder_of(str(path))
        if folder not in layers:
            findings.add(path, 1, f"{folder} has no line in {LAYERS}")
            continue
        allowed, prefixes = reachable(layers, folder), layers[folder][1]
        text = read(path)
        for match in INCLUDE.finditer(without_comments(text, keep_strings=True)):
            included, where = match.group(2), (path, line_of(text, match.start()))
            if is_own(included):
                check_own_include(findings, layers, where, allowed, included)
            elif match.group(1) == '"' and "/" not in included:
                findings.add(*where, f"includes {included}: name it from the root of the tree")
            elif included.split("/")[0] in THIRD_PARTY and not any(
                    included == prefix or included.startswith(prefix + "/") or
                    included.startswith(prefix + ".") for prefix in prefixes):
                findings.add(*where, f"includes {included}: {folder} may not use that library")


def library_folder(name):
    """common_net -> common/net; common_wire_grpc -> common/wire."""
    for component in PRODUCT:
        stem = component.replace("-", "_") + "_"
        if not name.startswith(stem):
            continue
        words = name[len(stem):].split("_")
        for end in range(len(words), 0, -1):
            folder = f"{component}/{'_'.join(words[:end])}"
            if (ROOT / folder).is_dir():
                return folder
    return None


def check_links(findings, layers):
    for folder in layers:
        file = ROOT / folder / "CMakeLists.txt"
        if not file.is_file():
            continue
        text = re.sub(r"#[^\n]*", "", file.read_text())
        for name in re.findall(r"\b(?:DEPS|INTERFACE)\b([^)]*)", text):
            for dependency in re.findall(r"[a-z_]+", name):
                target = library_folder(dependency)
                if target and target not in reachable(layers, folder):
                    findings.add(f"{folder}/CMakeLists.txt", 1, f"links {dependency}: see {LAYERS}")


def check_sources_are_built(findings):
    for path in cpp_files():
        if path.suffix != ".cc" or "corpus_main" in path.name:
            continue
        folder = ROOT / path.parent
        while not (folder / "CMakeLists.txt").is_file():
            folder = folder.parent
        built = (folder / "CMakeLists.txt").read_text()
        if not re.search(rf"(?<![\w-]){re.escape(path.name)}\b", built):
            findings.add(path, 1, "belongs to no target")


def main():
    findings = Findings("layers")
    layers = parse_layers(read(LAYERS), findings)
    check_includes(findings, layers)
    check_links(findings, layers)
    check_sources_are_built(findings)
    findings.finish()


if __name__ == "__main__":
    main()
