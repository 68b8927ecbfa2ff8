"""Functions of at most 70 lines and 5 parameters; .cc of at most 500 lines, .h of at most 250."""

import re
import statistics

from source_tree import Findings, cpp_files, line_of, read, without_comments

MAX_FUNCTION_LINES = 70
MAX_PARAMETERS = 5
MAX_FILE_LINES = {".cc": 500, ".h": 250}
OPENING, CLOSING = "([{", ")]}"


def match_brace(code, begin):
    """The position behind the brace that closes the one at `begin`."""
    depth = 0
    for position in range(begin, len(code)):
        if code[position] == "{":
            depth += 1
        elif code[position] == "}":
            depth -= 1
            if depth == 0:
                return position + 1
    return len(code)


def at_top_level(head, character):
    """Whether `character` stands in `head` outside all brackets."""
    depth = 0
    for letter in head:
        if letter in OPENING:
            depth += 1
        elif letter in CLOSING:
            depth -= 1
        elif letter == character and depth == 0:
            return True
    return False


def kind_of_block(head):
    """What a brace opens, judged by the text between the last boundary and it."""
    words = re.sub(r"^\s*(template\s*<.*?>\s*(?=class|struct|union)|typedef\s+)", "", head.strip(),
                   flags=re.S)
    words = re.sub(r"^(public|private|protected)\s*:", "", words).strip()
    if re.match(r'(inline\s+)?namespace\b|extern\s*"', words):
        return "namespace"
    if re.match(r"(class|struct|union|enum)\b", words):
        return "type"
    without_operators = re.sub(r"operator\s*\S+?(?=\()", "operator", words)
    if "(" not in words or at_top_level(re.sub(r"[<>=!]=", "", without_operators), "="):
        return "value"
    # "Type(int a) : member_{…" opens a member's value, not the body.
    after_colon = re.search(r"\)\s*(?:noexcept\s*)?:(?!:)(.*)$", words, re.S)
    if after_colon and re.search(r"[\w>]\s*$", after_colon.group(1)):
        return "member"
    return "function"


def functions(code):
    """Yields (begin, end, head) for each function with a body, lambdas not counted."""
    position = boundary = 0
    while position < len(code):
        letter = code[position]
        if letter == "#" and code[:position].rpartition("\n")[2].strip() == "":
            end = re.compile(r"(?<!\\)\n|\Z").search(code, position).end()
            position = boundary = end
            continue
        if letter == "{":
            head = code[boundary:position]
            kind = kind_of_block(head)
            if kind == "function":
                end = match_brace(code, position)
                begin = boundary + len(head) - len(head.lstrip())
                yield begin, end, head
                position = boundary = end
                continue
            if kind in ("value", "member"):
                position = match_brace(code, position)
                continue
            boundary = position + 1
        elif letter in ";}":
            boundary = position + 1
        position += 1


def parameter_count(head):
    """The number of parameters in a function's head."""
    head = re.sub(r"operator\s*\(\s*\)", "operator", head)
    begin = head.find("(")
    depth, commas, position = 0, 0, begin
    for position in range(begin, len(head)):
        letter = head[position]
        if letter in "([{<":
            depth += 1
        elif letter in ")]}" or (letter == ">" and head[position - 1] != "-"):
            depth -= 1
            if depth == 0:
                break
        elif letter == "," and depth == 1:
            commas += 1
    inside = head[begin + 1:position].strip()
    return 0 if inside in ("", "void") else commas + 1


def check_file(findings, path):
    """Adds the file's findings; returns the lengths of its functions."""
    text = read(path)
    count = text.count("\n")
    if count > MAX_FILE_LINES[path.suffix]:
        findings.add(path, count, f"{count} lines, at most {MAX_FILE_LINES[path.suffix]}")
    code = without_comments(text)
    lengths = []
    for begin, end, head in functions(code):
        line = line_of(code, begin)
        length = line_of(code, end) - line + 1
        lengths.append(length)
        name = re.sub(r"\s+", " ", head.split("(")[0].strip())[-60:]
        if length > MAX_FUNCTION_LINES:
            findings.add(path, line, f"{name}: {length} lines, at most {MAX_FUNCTION_LINES}")
        if parameter_count(head) > MAX_PARAMETERS:
            findings.add(path, line,
                         f"{name}: {parameter_count(head)} parameters, at most {MAX_PARAMETERS}")
    return lengths


def main():
    findings = Findings("sizes")
    lengths = []
    for path in cpp_files():
        of_file = check_file(findings, path)
        if path.parts[0] not in ("tests", "bench"):
            lengths += of_file
    if lengths:
        tenths = statistics.quantiles(lengths, n=10)
        print(f"{len(lengths)} functions, median {statistics.median(lengths):.0f} lines, "
              f"90 % within {tenths[-1]:.0f}, longest {max(lengths)}")
    findings.finish()


if __name__ == "__main__":
    main()
