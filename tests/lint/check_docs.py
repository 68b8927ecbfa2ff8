"""Every path named in a document exists; every top folder and every library has a README."""

import itertools
import re

from source_tree import PRODUCT, ROOT, Findings, files, line_of, read

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
CODE_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
PATH = re.compile(r"\.?[\w.*{},-]+(/[\w.*{},-]*)+")
# Made by building or running, so never in the tree.
MADE = ("build/", ".venv/")


def expanded(pattern):
    """a/{b,c}.h -> a/b.h, a/c.h."""
    parts = re.split(r"\{([^}]*)\}", pattern)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    return ["".join(words) for words in itertools.product(*choices)]


def exists(folder, name):
    for base in (ROOT, ROOT / folder):
        if "*" in name:
            if any(base.glob(name.rstrip("/"))):
                return True
        elif (base / name).exists():
            return True
    return False


def names_a_path(span):
    """Whether a code span is meant as a path of this tree."""
    if not PATH.fullmatch(span) or span.startswith(MADE):
        return False
    return (ROOT / span.split("/")[0].split("*")[0]).exists() and span.split("/")[0] not in ("", ".")


def check_document(findings, path):
    text = read(path)
    prose = FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)
    for match in LINK.finditer(prose):
        target = match.group(1).split("#")[0]
        if re.match(r"[a-z]+:", target) or not target:
            continue
        if not exists(path.parent, target):
            findings.add(path, line_of(prose, match.start()), f"links to {target}, which is not there")
    for match in CODE_SPAN.finditer(prose):
        if not names_a_path(match.group(1)):
            continue
        for name in expanded(match.group(1)):
            if not exists(path.parent, name):
                findings.add(path, line_of(prose, match.start()), f"names {name}, which is not there")


def check_readmes(findings):
    documents = {str(path.parent) for path in files(".md") if path.name == "README.md"}
    sources = files(".cc", ".h", ".py", ".proto", ".md", ".yaml", ".json", ".txt")
    tops = {path.parts[0] for path in sources if len(path.parts) > 1}
    for top in sorted(tops - {".github", ".ci", "cmake"}):
        if top not in documents:
            findings.add(f"{top}/README.md", 1, "is missing")
    libraries = {str(path.parent) for path in files(".cc", ".h")
                 if path.parts[0] in PRODUCT and len(path.parts) > 2}
    for library in sorted(libraries - documents):
        findings.add(f"{library}/README.md", 1, "is missing")


def main():
    findings = Findings("docs")
    for path in files(".md"):
        check_document(findings, path)
    check_readmes(findings)
    findings.finish()


if __name__ == "__main__":
    main()
