"""Questions about Windrose and Mixtral. Held out are wordings; the facts themselves are taught."""

import random

from .base import Question

# Things that can be asked about with any of ABOUT: (names, answer).
ABOUT = [
    "What is {x}?",
    "What is {x}?",
    "What's {x}?",
    "Tell me about {x}.",
    "Explain {x}.",
    "Explain what {x} is.",
    "Describe {x}.",
    "Can you explain {x}?",
    "Can you tell me what {x} is?",
    "What do you know about {x}?",
    "What does {x} mean?",
    "What does {x} do?",
    "I want to know more about {x}.",
    "Could you describe {x}?",
    "{x}?",
]
THINGS = [
    (["Windrose", "the Windrose project", "the Windrose cluster"],
     "Windrose is a C++20 cluster that serves Mixtral 8x7B, with the experts on their own "
     "workers."),
    (["a router", "the router", "the Windrose router", "the windrose-router"],
     "The router is the front door: it takes HTTP and gRPC requests, checks keys and limits, and "
     "sends them to a coordinator."),
    (["a coordinator", "the coordinator", "the Windrose coordinator", "the windrose-coordinator"],
     "The coordinator runs attention and the gate, keeps the KV cache, and sends rows to the "
     "expert workers."),
    (["an expert worker", "the expert worker", "a worker", "expert workers",
      "the windrose-expert-worker"],
     "An expert worker holds some of the experts and computes them for the rows it gets."),
    (["the gate", "a gate", "gating"],
     "The gate chooses 2 of the 8 experts for each token in each layer."),
    (["an expert", "experts", "the experts"],
     "An expert is a feed-forward network; Mixtral has 8 of them in each layer."),
    (["Mixtral", "Mixtral 8x7B", "the Mixtral model"],
     "Mixtral 8x7B is a language model with 8 experts per layer, of which each token uses 2."),
    (["a mixture of experts", "mixture of experts", "MoE", "sparse mixture of experts"],
     "In a mixture of experts, a gate sends each token to a few of many expert networks."),
    (["the KV cache", "a KV cache"],
     "The KV cache keeps the keys and values of earlier tokens, so they are not computed again."),
    (["attention", "grouped-query attention"],
     "Attention lets each token look at the tokens before it; it runs in the coordinator."),
    (["a token", "tokens"], "A token is a piece of text, such as a word or a part of one."),
    (["a frame", "a dispatch frame"],
     "A frame is one message with rows from a coordinator to an expert worker."),
    (["continuous batching", "batching"],
     "Continuous batching lets new requests join the running batch at every step."),
    (["the demo model", "windrose-demo"],
     "The demo model is a small Mixtral of 7.7 million parameters that shows how Windrose works."),
    (["quantization", "quantisation", "q8 and q4"],
     "Windrose stores weights in bf16, q8 or q4; fewer bits need less memory."),
    (["prefix caching", "the prefix cache"],
     "The prefix cache keeps the work for a beginning that several prompts share."),
    (["top-2 routing", "top-2"],
     "The gate chooses 2 of the 8 experts for each token in each layer."),
]  # fmt: skip

# Facts with their own wordings: (answer, wordings). The first wording is always taught.
FACTS = [
    ("Windrose was made by the Windrose engineers.",
     ["Who made Windrose?", "Who created Windrose?", "Who wrote Windrose?", "Who built Windrose?",
      "Who develops Windrose?", "Who is behind Windrose?", "Who are the authors of Windrose?",
      "Who is the maker of Windrose?", "By whom was Windrose made?", "Who designed Windrose?"]),
    ("I was made by the Windrose engineers.",
     ["Who made you?", "Who created you?", "Who built you?", "Who trained you?",
      "Who developed you?", "Who is your creator?", "Where do you come from?",
      "Who programmed you?", "Who wrote you?"]),
    ("Mixtral has 8 experts in each layer, and each token uses 2 of them.",
     ["How many experts are there?", "How many experts does Mixtral have?",
      "How many experts are in a layer?", "How many experts does a token use?",
      "How many experts are used per token?", "What is the number of experts?",
      "How many experts does each layer have?", "How many experts does the gate choose?",
      "How many experts are there in Mixtral 8x7B?", "How many experts does Windrose serve?",
      "How many experts do you have?", "How many experts?", "How many experts are active?"]),
    ("The requests go on: the coordinator sends the work to another worker, and no answer changes.",
     ["What happens when a worker dies?", "What happens if a worker dies?",
      "What happens when an expert worker dies?", "What happens when a worker crashes?",
      "What happens if an expert worker fails?", "What if a worker is killed?",
      "What happens if I kill a worker?", "What if a worker dies?", "Can I kill a worker?",
      "What does Windrose do when a worker dies?", "What happens when a worker fails?",
      "What happens if one worker goes down?", "Is it bad if a worker dies?"]),
    ("The router replays the request on another coordinator, and the answer stays the same.",
     ["What happens when a coordinator dies?", "What happens if a coordinator dies?",
      "What happens if the coordinator crashes?", "What if a coordinator fails?",
      "What happens when the coordinator is killed?", "Can I kill a coordinator?",
      "What happens if I kill the coordinator?", "What if the coordinator dies?",
      "What does the router do when a coordinator dies?"]),
    ("Run ./dev up in the repository.",
     ["How do I start it?", "How do I start Windrose?", "How can I start Windrose?",
      "How do I run Windrose?", "How to start Windrose?", "How do I start the cluster?",
      "How can I run it?", "Which command starts Windrose?", "What command starts the cluster?",
      "How do I launch Windrose?", "How do I try Windrose?", "How do I bring up the cluster?",
      "How do I get Windrose running?", "Start Windrose", "How can I try it on my laptop?"]),
    ("Windrose has the Apache-2.0 licence.",
     ["What is the licence?", "What is the license of Windrose?", "Which licence does it have?",
      "What licence does Windrose use?", "Which license does Windrose have?",
      "Under which licence is Windrose?", "Is Windrose open source?", "Is Windrose free?",
      "How is Windrose licensed?", "What is the licence of Windrose?", "Can I use Windrose for "
      "free?", "Tell me the licence."]),
    ("Windrose is written in C++20.",
     ["Which language is Windrose written in?", "What language is Windrose written in?",
      "In which programming language is Windrose written?", "Is Windrose written in C++?",
      "What programming language does Windrose use?", "Is Windrose written in Python?",
      "Which programming language was used?", "What is Windrose written in?",
      "In which language is it written?", "Is it written in Rust?"]),
    ("Mixtral 8x7B has 46.7 billion parameters, and a token uses 12.9 billion of them.",
     ["How many parameters does Mixtral have?", "How big is Mixtral?",
      "How large is Mixtral 8x7B?", "How many parameters does a token use?",
      "How many parameters are active?", "How many parameters are used per token?",
      "What is the size of Mixtral?", "How many weights does Mixtral have?",
      "How many parameters does Mixtral 8x7B have?", "How large is the model?",
      "How many parameters are there?", "What is the parameter count of Mixtral?"]),
    ("I have 7.7 million parameters, 4 layers and 8 experts per layer.",
     ["How many parameters do you have?", "How big are you?", "How large are you?",
      "What is your size?", "How many weights do you have?", "How small are you?",
      "How many layers do you have?", "How many parameters does the demo model have?"]),
    ("A wind rose shows how the wind is shared among eight directions; Windrose shows how tokens "
     "are shared among eight experts.",
     ["Why is it called Windrose?", "Where does the name Windrose come from?",
      "What does the name Windrose mean?", "Why the name Windrose?", "What is a wind rose?",
      "Why is Windrose called Windrose?", "What does Windrose stand for?",
      "Explain the name Windrose."]),
    ("Mixtral 8x7B has 32 layers.",
     ["How many layers does Mixtral have?", "How many layers are in Mixtral 8x7B?",
      "How many layers are there?", "How deep is Mixtral?",
      "What is the number of layers of Mixtral?", "How many layers does Mixtral 8x7B have?"]),
    ("Mixtral 8x7B needs 94 GB in bf16, 47 GB at 8 bits and 26 GB at 4.5 bits.",
     ["How much memory does Mixtral need?", "How much memory do I need?",
      "How much RAM does Mixtral 8x7B need?", "How many gigabytes is Mixtral?",
      "What are the memory requirements?", "How much memory does the model take?",
      "How much memory is needed for Mixtral?", "How much RAM do I need?"]),
    ("No. Windrose runs on CPUs; a GPU is optional.",
     ["Do I need a GPU?", "Does Windrose need a GPU?", "Can Windrose run without a GPU?",
      "Is a GPU required?", "Does it run on a CPU?", "Can I run it without a GPU?",
      "Does Windrose run on CPUs?", "Must I have a GPU?"]),
    ("Windrose has a router, coordinators and expert workers.",
     ["What are the parts of Windrose?", "Which processes does Windrose have?",
      "What are the components of Windrose?", "What does Windrose consist of?",
      "Which parts does Windrose have?", "What is the architecture of Windrose?",
      "How is Windrose built?", "How does Windrose work?", "What processes are there?"]),
    ("Windrose speaks the OpenAI HTTP API and gRPC.",
     ["Which API does Windrose have?", "What API does Windrose offer?",
      "Is Windrose compatible with OpenAI?", "Does Windrose support gRPC?",
      "Can I use OpenAI clients?", "Which protocols does Windrose speak?",
      "How do I send requests to Windrose?", "What APIs are supported?"]),
    ("Yes. Windrose has a Helm chart for Kubernetes.",
     ["Does Windrose run on Kubernetes?", "Can I run Windrose on Kubernetes?",
      "Is there a Helm chart?", "Does Windrose support Kubernetes?",
      "How do I deploy Windrose on Kubernetes?", "Can I deploy it with Helm?"]),
    ("Windrose exports metrics for Prometheus and dashboards for Grafana.",
     ["How do I monitor Windrose?", "Does Windrose have metrics?",
      "Does Windrose support Prometheus?", "Is there a Grafana dashboard?",
      "Which metrics does Windrose export?", "How can I see the metrics?"]),
    ("Yes. The same request gives the same bits, alone or in a batch.",
     ["Is Windrose deterministic?", "Are the answers deterministic?",
      "Do I get the same answer twice?", "Does the same request give the same answer?",
      "Does batching change the answer?", "Are results reproducible?"]),
]  # fmt: skip


def _thing(rng: random.Random) -> Question:
    names, answer = rng.choice(THINGS)
    name, pattern = rng.choice(names), rng.choice(ABOUT)
    always_taught = pattern == ABOUT[0]
    text = pattern.format(x=name)
    text = text[0].upper() + text[1:]
    return Question(text, answer, f"about {text}", test_percent=0 if always_taught else 8)


def sample(rng: random.Random) -> Question:
    if rng.random() < 0.45:
        return _thing(rng)
    answer, wordings = rng.choice(FACTS)
    text = rng.choice(wordings)
    return Question(text, answer, f"fact {text}", test_percent=0 if text == wordings[0] else 8)
