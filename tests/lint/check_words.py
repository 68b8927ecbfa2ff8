"""Calls and words that are banned, and where each is allowed after all. See STYLE.md."""

import re

from source_tree import (CODE, PRODUCT, Findings, cpp_files, files, line_of, read,
                         without_comments)

EVERYWHERE = CODE
# (pattern in code, folders it is looked for in, places where it is allowed, why not)
BANNED_CALLS = [
    (r"_clock::now\b", PRODUCT, ["common/base/"], "ask a Clock or an EventLoop"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>:])sleep\s*\(",
     PRODUCT + ("tests/unit", "tests/sim"), [], "wait on a condition with a deadline"),
    (r"\bstd::(random_device|mt19937\w*|rand)\b|(?<![\w.>:])s?rand\s*\(", PRODUCT,
     ["common/base/"], "use Philox or Entropy of common/base/random.h"),
    (r"\bgetenv\b", PRODUCT, ["common/config/", "/main.cc"], "read it with common/config"),
    (r"\bstd::(jthread|thread|async)\b(?!::id)", PRODUCT, ["common/base/", "common/net/", "/main.cc"],
     "threads are made in common/base, common/net and main.cc"),
    (r"\bstd::(mutex|shared_mutex|recursive_mutex|condition_variable\w*|lock_guard|unique_lock"
     r"|scoped_lock)\b", PRODUCT, ["common/base/"], "use common/base/mutex.h"),
    (r"\babsl::(Mutex|CondVar|Notification)\b", EVERYWHERE, [], "use common/base/mutex.h"),
    (r"\bstd::w?regex\b", EVERYWHERE, [], "recurses once per character"),
    (r"\b(atoi|atol|atoll|atof|strtok|sprintf|vsprintf|strcpy|strcat|gets|alloca)\s*\(",
     EVERYWHERE, [], "has no bounds or no errors"),
    (r"\bthrow\b(?!\s*\()", PRODUCT, [], "we return a Status"),
    (r"\.detach\s*\(\s*\)", EVERYWHERE, [], "threads are joined"),
    (r"(?<![\w.>:])(abort|_Exit|quick_exit)\s*\(|\bstd::(abort|exit|terminate|quick_exit)\b",
     PRODUCT, ["common/base/check.cc", "/main.cc"], "only main ends the process"),
    (r"\bassert\s*\(", EVERYWHERE, [], "use CHECK, DCHECK or a Status"),
    (r"\bstd::endl\b", EVERYWHERE, ["cli/"], "write '\\n' and flush on purpose"),
    (r"\busing\s+namespace\b", EVERYWHERE, [], "name what is used"),
]
# Owning news and deletes that are right: one reason each.
RAW_OWNERSHIP_ALLOWED = [
    "common/tensor/aligned_buffer.h",  # aligned memory behind a deleter
    "coordinator/server/",        # gRPC reactors delete themselves in OnDone
    "coordinator/experts_grpc/",  # likewise
    "expert-worker/server/",      # likewise
    "router/upstream/",           # likewise
    "router/server/",             # likewise
]
NEW = re.compile(r"\bnew\s+[A-Za-z_(]|\bdelete\s+[A-Za-z_*(]|\bdelete\s*\[")
OWNED_AT_ONCE = re.compile(r"(unique_ptr\s*<[^;]*>|WrapUnique|shared_ptr\s*<[^;]*>|\.reset)\s*\w*[({]")
FILE_NAME = re.compile(r"(^|[_-])(utils?|helpers?|misc|manager|stuff)([_.-]|$)")


def in_folders(path, folders):
    return any(str(path).startswith(folder.rstrip("/") + "/") for folder in folders)


def is_allowed(path, allowed):
    return any(str(path).startswith(place) or (place.startswith("/") and str(path).endswith(place))
               for place in allowed)


def check_calls(findings, path, code):
    for pattern, folders, allowed, why in BANNED_CALLS:
        if not in_folders(path, folders) or is_allowed(path, allowed):
            continue
        for match in re.finditer(pattern, code):
            findings.add(path, line_of(code, match.start()), f"{match.group(0).strip()}: {why}")


def check_ownership(findings, path, code):
    if path.parts[0] not in PRODUCT or is_allowed(path, RAW_OWNERSHIP_ALLOWED):
        return
    for match in NEW.finditer(code):
        if re.search(r"=\s*$", code[:match.start()]) and match.group(0).startswith("delete"):
            continue
        statement = code[max(code.rfind(mark, 0, match.start()) for mark in ";{}") + 1:match.end()]
        if not OWNED_AT_ONCE.search(statement):
            findings.add(path, line_of(code, match.start()),
                         "new or delete without an owner in the same statement")


def check_comments(findings, path, text):
    for match in re.finditer(r"\b(TODO|FIXME|XXX|HACK)\b(\(#\d+\))?", text):
        if match.group(1) != "TODO" or not match.group(2):
            findings.add(path, line_of(text, match.start()), "write TODO(#issue), or do it")
    for match in re.finditer(r"NOLINT(NEXTLINE|BEGIN|END)?(\([\w.,\- ]+\))?(:? *\w+)?", text):
        if match.group(1) != "END" and not (match.group(2) and match.group(3)):
            findings.add(path, line_of(text, match.start()), "NOLINT(check): reason")


def check_shape(findings, path, text):
    if FILE_NAME.search(path.name):
        findings.add(path, 1, "a name that says nothing: what is it for?")
    if path.suffix == ".h":
        if not text.startswith("//"):
            findings.add(path, 1, "a header opens with what it is, who owns it, which thread")
        # Highway compiles *-inl.h once per instruction set; their guards are of another kind.
        if "#pragma once" not in text and not path.name.endswith("-inl.h"):
            findings.add(path, 1, "#pragma once is missing")
    for match in re.finditer(r"\bDISABLED_\w+", text):
        findings.add(path, line_of(text, match.start()), "a disabled test is a red build")


def check_no_machine(findings):
    for path in files(".md", ".cc", ".h", ".py", ".txt", ".cmake", ".proto", ".json", ".yml", ".yaml"):
        if path.name == "check_words.py" or "corpus" in path.parts:
            continue
        text = read(path)
        for match in re.finditer(r"(?<![\w.])/(work|root)/", text):
            findings.add(path, line_of(text, match.start()), "a path of one machine")


def main():
    findings = Findings("words")
    for path in cpp_files():
        text = read(path)
        code = without_comments(text)
        check_calls(findings, path, code)
        check_ownership(findings, path, code)
        check_comments(findings, path, text)
        check_shape(findings, path, text)
    check_no_machine(findings)
    findings.finish()


if __name__ == "__main__":
    main()
