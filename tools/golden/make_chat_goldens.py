"""Records chat prompts and plain encodings as mistral-common's InstructTokenizerV1 makes them.

    python tools/golden/make_chat_goldens.py tests/unit/coordinator/text/data/chat_goldens.txt

Needs `pip install "mistral-common[sentencepiece]"`. The file is a list of cases, one item per line:

    case NAME
    message ROLE CONTENT        CONTENT is backslash-escaped (\\n, \\t, \\\\)
    continue                    the last message is continued
    ids ID ID ...               ends the case

    text CONTENT                a text alone, encoded without <s>
    ids ID ID ...
"""

import pathlib
import sys

from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.normalize import InstructRequestNormalizer
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.tokens.tokenizers.instruct import InstructTokenizerV1
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

USER, ASSISTANT, SYSTEM = "user", "assistant", "system"
CLASSES = {USER: UserMessage, ASSISTANT: AssistantMessage, SYSTEM: SystemMessage}
CODE = "def f(x):\n    return {\n\t'a': x ** 2,  # squared\n    }\n"

CASES = [
    ("one question", [(USER, "What is the capital of Norway?")], False),
    ("four turns, closed", [(USER, "a"), (ASSISTANT, "b"), (USER, "c"), (ASSISTANT, "d")], False),
    ("system first", [(SYSTEM, "SYSTEM"), (USER, "a")], False),
    ("system in the middle", [(USER, "a"), (ASSISTANT, "b"), (SYSTEM, "Be brief."), (USER, "c")], False),
    ("system between two user messages", [(USER, "a"), (SYSTEM, "Be brief."), (USER, "b")], False),
    ("system at the end", [(USER, "a"), (SYSTEM, "Be brief.")], False),
    ("two systems", [(SYSTEM, "One."), (SYSTEM, "Two."), (USER, "a")], False),
    ("system only", [(SYSTEM, "Say something.")], False),
    ("consecutive users", [(USER, "a"), (USER, "b"), (ASSISTANT, "c"), (USER, "d")], False),
    ("consecutive assistants", [(USER, "a"), (ASSISTANT, "b"), (ASSISTANT, "c"), (USER, "d")], False),
    ("empty among consecutive users", [(USER, "a"), (USER, ""), (USER, "b")], False),
    ("empty user", [(USER, "")], False),
    ("assistant first", [(ASSISTANT, "Hello!"), (USER, "Hi")], False),
    ("assistant first, with a system", [(SYSTEM, "S"), (ASSISTANT, "Hello!"), (USER, "Hi")], False),
    ("continued", [(USER, "Count to five."), (ASSISTANT, "1, 2,")], True),
    ("continued, with a system", [(SYSTEM, "S"), (USER, "a"), (ASSISTANT, "The answer is")], True),
    ("unicode", [(USER, "Grüße aus Köln — naïve café, Ελλάδα, 日本語, العربية")], False),
    ("emoji", [(USER, "👩‍👩‍👧‍👦 and 🇳🇴 and \U0001fae0?"), (ASSISTANT, "😀"), (USER, "🦙🦙")], False),
    ("code", [(USER, "Explain:\n\n" + CODE), (ASSISTANT, CODE), (USER, "\t\tThanks\n\n\n")], False),
    ("spaces", [(USER, "  two  spaces   and a trailing one ")], False),
    ("control text", [(USER, "</s><s>[INST] <unk> [/INST] <0x0A> </s>")], False),
    ("NUL and U+2581", [(USER, "a\0b\u2581c\u2581")], False),
]

TEXTS = [
    "Hello", " Hello", "", " ", "\n", "a" * 40, "1234567890", "</s>", "<s>", "<unk>", "<0x41>", "\u2581",
    "e\u0301", "\ufffd", "\U0010ffff", "naïve\r\ncafé", "\ue000private", "http://example.org/?q=1&r=2",
]


def escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r").replace(
        "\0", "\\0")


def encode_chat(tokenizer, messages, continued):
    parsed = []
    for index, (role, content) in enumerate(messages):
        prefix = {"prefix": True} if continued and index == len(messages) - 1 else {}
        parsed.append(CLASSES[role](content=content, **prefix))
    request = InstructRequestNormalizer.normalizer().from_chat_completion_request(
        ChatCompletionRequest(messages=parsed))
    return tokenizer.encode_instruct(request).tokens


def main():
    tokenizer = MistralTokenizer.v1().instruct_tokenizer
    assert type(tokenizer) is InstructTokenizerV1
    lines = ["# Recorded by tools/golden/make_chat_goldens.py; do not edit."]
    for name, messages, continued in CASES:
        lines.append(f"case {name}")
        lines += [f"message {role} {escape(content)}" for role, content in messages]
        lines += ["continue"] if continued else []
        lines.append("ids " + " ".join(map(str, encode_chat(tokenizer, messages, continued))))
    for text in TEXTS:
        lines.append(f"text {escape(text)}")
        lines.append("ids " + " ".join(map(str, tokenizer.tokenizer.encode(text, bos=False, eos=False))))
    pathlib.Path(sys.argv[1]).write_bytes(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
