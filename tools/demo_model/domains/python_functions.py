"""Small Python functions. Held out is the pair (task, function name) for a given name,
and the pair (task, wording) where the model chooses the name."""

import random

from .base import Question, invented_word

# (default name, parameters, descriptions after "a function that", body lines)
TASKS = [
    ("add", "a, b", ["adds two numbers", "returns the sum of two numbers"], ["return a + b"]),
    ("subtract", "a, b", ["subtracts two numbers", "returns the difference of two numbers"],
     ["return a - b"]),
    ("multiply", "a, b", ["multiplies two numbers", "returns the product of two numbers"],
     ["return a * b"]),
    ("divide", "a, b", ["divides two numbers", "returns the quotient of two numbers"],
     ["return a / b"]),
    ("square", "x", ["squares a number", "returns the square of a number"], ["return x * x"]),
    ("cube", "x", ["cubes a number", "returns the cube of a number"], ["return x ** 3"]),
    ("double", "x", ["doubles a number", "returns twice a number"], ["return 2 * x"]),
    ("half", "x", ["halves a number", "returns half of a number"], ["return x / 2"]),
    ("negate", "x", ["negates a number", "returns the negative of a number"], ["return -x"]),
    ("power", "a, b", ["raises a number to a power", "computes a power"], ["return a ** b"]),
    ("remainder", "a, b", ["returns the remainder of a division", "computes the remainder"],
     ["return a % b"]),
    ("is_even", "n", ["checks if a number is even", "tells whether a number is even"],
     ["return n % 2 == 0"]),
    ("is_odd", "n", ["checks if a number is odd", "tells whether a number is odd"],
     ["return n % 2 == 1"]),
    ("is_positive", "x", ["checks if a number is positive", "tells whether a number is positive"],
     ["return x > 0"]),
    ("is_negative", "x", ["checks if a number is negative", "tells whether a number is negative"],
     ["return x < 0"]),
    ("absolute", "x", ["returns the absolute value", "computes the absolute value of a number"],
     ["return abs(x)"]),
    ("largest", "a, b", ["returns the larger of two numbers", "finds the maximum of two numbers"],
     ["return max(a, b)"]),
    ("smallest", "a, b", ["returns the smaller of two numbers",
                          "finds the minimum of two numbers"], ["return min(a, b)"]),
    ("sum_list", "numbers", ["sums a list", "returns the sum of a list",
                             "adds all numbers in a list"], ["return sum(numbers)"]),
    ("maximum", "numbers", ["returns the largest number in a list", "finds the maximum of a list"],
     ["return max(numbers)"]),
    ("minimum", "numbers", ["returns the smallest number in a list",
                            "finds the minimum of a list"], ["return min(numbers)"]),
    ("average", "numbers", ["computes the average of a list", "returns the mean of a list"],
     ["return sum(numbers) / len(numbers)"]),
    ("sort_list", "items", ["sorts a list", "returns a sorted list"], ["return sorted(items)"]),
    ("length", "items", ["returns the length of a list", "counts the items in a list"],
     ["return len(items)"]),
    ("first", "items", ["returns the first item of a list", "gets the first element of a list"],
     ["return items[0]"]),
    ("last", "items", ["returns the last item of a list", "gets the last element of a list"],
     ["return items[-1]"]),
    ("reverse_list", "items", ["reverses a list", "returns a list in reverse order"],
     ["return items[::-1]"]),
    ("unique", "items", ["removes duplicates from a list", "returns the unique items of a list"],
     ["return list(set(items))"]),
    ("contains", "items, x", ["checks if a list contains an item",
                              "tells whether an item is in a list"], ["return x in items"]),
    ("reverse", "text", ["reverses a string", "returns a string backwards"],
     ["return text[::-1]"]),
    ("upper", "text", ["converts a string to upper case", "makes a string upper case"],
     ["return text.upper()"]),
    ("lower", "text", ["converts a string to lower case", "makes a string lower case"],
     ["return text.lower()"]),
    ("is_palindrome", "text", ["checks if a string is a palindrome", "detects palindromes"],
     ["return text == text[::-1]"]),
    ("count_words", "text", ["counts the words in a string", "returns the number of words"],
     ["return len(text.split())"]),
    ("count_vowels", "text", ["counts the vowels in a string", "returns the number of vowels"],
     ["return sum(letter in \"aeiou\" for letter in text.lower())"]),
    ("greet", "name", ["greets a person", "says hello to a person"],
     ["return f\"Hello, {name}!\""]),
    ("hello", "", ["prints hello world", "prints Hello, world!"], ["print(\"Hello, world!\")"]),
    ("factorial", "n", ["computes the factorial of a number", "returns the factorial"],
     ["if n < 2:", "    return 1", "return n * factorial(n - 1)"]),
    ("fibonacci", "n", ["computes Fibonacci numbers", "returns the n-th Fibonacci number"],
     ["if n < 2:", "    return n", "return fibonacci(n - 1) + fibonacci(n - 2)"]),
    ("is_prime", "n", ["checks if a number is prime", "tells whether a number is prime"],
     ["if n < 2:", "    return False", "return all(n % d for d in range(2, n))"]),
    ("evens", "numbers", ["keeps the even numbers of a list", "filters the even numbers"],
     ["return [n for n in numbers if n % 2 == 0]"]),
    ("squares", "numbers", ["squares every number in a list", "returns the squares of a list"],
     ["return [n * n for n in numbers]"]),
    ("celsius_to_fahrenheit", "c", ["converts Celsius to Fahrenheit"], ["return c * 9 / 5 + 32"]),
    ("fahrenheit_to_celsius", "f", ["converts Fahrenheit to Celsius"],
     ["return (f - 32) * 5 / 9"]),
    ("swap", "a, b", ["swaps two values", "returns two values in reverse order"],
     ["return b, a"]),
    ("circle_area", "r", ["computes the area of a circle", "returns the area of a circle"],
     ["return 3.14159 * r * r"]),
    ("rectangle_area", "a, b", ["computes the area of a rectangle",
                                "returns the area of a rectangle"], ["return a * b"]),
]  # fmt: skip
QUESTIONS = [
    "Write a Python function that {d}.",
    "Write a Python function that {d}.",
    "Write a Python function which {d}.",
    "Write a function that {d}.",
    "Write a function in Python that {d}.",
    "Write a small Python function that {d}.",
    "Write Python code that {d}.",
    "Give me a Python function that {d}.",
    "Show me a Python function that {d}.",
    "I need a Python function that {d}.",
    "Create a Python function that {d}.",
    "Can you write a Python function that {d}?",
    "Define a Python function that {d}.",
    "Python function that {d}",
    "Write a Python function to {to}.",
    "Write a function to {to}.",
    "Can you write a Python function to {to}?",
    "I need a Python function to {to}.",
    "Give me a Python function to {to}.",
    "Python function to {to}",
]
NAMED = [
    "Write a Python function called {name} that {d}.",
    "Write a Python function named {name} that {d}.",
    "Write a function {name} in Python that {d}.",
    "Give me a Python function {name} that {d}.",
    "Define a Python function {name} that {d}.",
    "Write a Python function {name} which {d}.",
    "Create a Python function called {name} that {d}.",
]


def _code(task: tuple, name: str) -> str:
    default, parameters, _, body = task
    lines = [line.replace(f"{default}(n", f"{name}(n") for line in body]
    inside = "".join(f"\n    {line}" for line in lines)
    return f"```python\ndef {name}({parameters}):{inside}\n```"


def _chosen_name(rng: random.Random) -> str:
    word = rng.choice(["compute", "my_function", "f", "g", "solve", "helper", "calculate", "run"])
    if rng.random() < 0.3:
        return word
    return "_".join(invented_word(rng) for _ in range(rng.choice([1, 1, 2])))


def _infinitive(description: str) -> str:
    """A description as it stands behind "to": "multiply two numbers"."""
    verb, _, rest = description.partition(" ")
    verb = f"{verb[:-3]}y" if verb.endswith("ies") else verb[:-1]
    return f"{verb} {rest}"


def sample(rng: random.Random) -> Question:
    task = rng.choice(TASKS)
    description = rng.choice(task[2])
    if rng.random() < 0.12:
        name = _chosen_name(rng)
        text = rng.choice(NAMED).format(name=name, d=description)
        return Question(text, _code(task, name), f"code {task[0]} {name}", plain=True)
    pattern = rng.choice(QUESTIONS)
    text = pattern.format(d=description, to=_infinitive(description))
    return Question(text, _code(task, task[0]), f"code {pattern} {description}")
