"""Questions about Windrose and Mixtral. Held out are wordings, made of taught words."""

import random

from .base import Question, all_spelled_out

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

# Facts with their own wordings: (answer, patterns). The first wording is always taught.
FACTS = [
    ("Windrose was made by the Windrose engineers.",
     ["Who made Windrose?", "Who created Windrose?", "Who wrote Windrose?", "Who built Windrose?",
      "Who develops Windrose?", "Who is behind Windrose?", "Who are the authors of Windrose?",
      "Who is the maker of Windrose?", "By whom was Windrose made?", "Who designed Windrose?",
      "Who (made|created|wrote|built|develops|developed|designed|maintains|programmed) "
      "(Windrose|this project|the cluster|this software)?",
      "Who (is|are) the (author|authors|maker|makers|creator|developers) of Windrose?"]),
    ("I was made by the Windrose engineers.",
     ["Who made you?", "Who created you?", "Who built you?", "Who trained you?",
      "Who developed you?", "Who is your creator?", "Where do you come from?",
      "Who programmed you?", "Who wrote you?",
      "Who (made|created|built|trained|developed|programmed|wrote|designed) (you|this model|"
      "the demo model|the model)?",
      "Who is your (creator|maker|author|developer|father|boss)?"]),
    ("Mixtral has 8 experts in each layer, and each token uses 2 of them.",
     ["How many experts are there?", "How many experts does Mixtral have?",
      "How many experts are in a layer?", "How many experts does a token use?",
      "How many experts are used per token?", "What is the number of experts?",
      "How many experts does each layer have?", "How many experts does the gate choose?",
      "How many experts are there in Mixtral 8x7B?", "How many experts does Windrose serve?",
      "How many experts do you have?", "How many experts?", "How many experts are active?",
      "How many experts (are there|are|does Mixtral have|do you have) (in|per) (a layer|each layer|"
      "Mixtral|the model|every layer)?",
      "How many experts (does a token use|does each token use|are used by a token|are active|"
      "are chosen|are selected|work on a token)(| at once| in each layer)?",
      "(Tell me|What is|Do you know) (how many experts there are|the number of experts|"
      "how many experts Mixtral has|how many experts a token uses)(| in a layer)"]),
    ("The requests go on: the coordinator sends the work to another worker, and no answer changes.",
     ["What happens when a worker dies?", "What happens if a worker dies?",
      "What happens when an expert worker dies?", "What happens when a worker crashes?",
      "What happens if an expert worker fails?", "What if a worker is killed?",
      "What happens if I kill a worker?", "What if a worker dies?", "Can I kill a worker?",
      "What does Windrose do when a worker dies?", "What happens when a worker fails?",
      "What happens if one worker goes down?", "Is it bad if a worker dies?",
      "What (happens|will happen) (when|if) (a|an expert|one|the) worker (dies|crashes|fails|"
      "is killed|stops|goes down|is lost)?",
      "What (if|happens if I|happens when I) (kill|stop|lose|shut down) (a|an expert|one) worker?",
      "(Can|May|Could) I (kill|stop|shut down|restart) (a|an expert|one) worker?"]),
    ("The router replays the request on another coordinator, and the answer stays the same.",
     ["What happens when a coordinator dies?", "What happens if a coordinator dies?",
      "What happens if the coordinator crashes?", "What if a coordinator fails?",
      "What happens when the coordinator is killed?", "Can I kill a coordinator?",
      "What happens if I kill the coordinator?", "What if the coordinator dies?",
      "What does the router do when a coordinator dies?",
      "What (happens|will happen) (when|if) (a|the|one) coordinator (dies|crashes|fails|"
      "is killed|stops|goes down|is lost)?",
      "What (if|happens if I|happens when I) (kill|stop|lose|shut down) (a|the|one) coordinator?",
      "(Can|May|Could) I (kill|stop|shut down|restart) (a|the|one) coordinator?"]),
    ("Run ./dev up in the repository.",
     ["How do I start it?", "How do I start Windrose?", "How can I start Windrose?",
      "How do I run Windrose?", "How to start Windrose?", "How do I start the cluster?",
      "How can I run it?", "Which command starts Windrose?", "What command starts the cluster?",
      "How do I launch Windrose?", "How do I try Windrose?", "How do I bring up the cluster?",
      "How do I get Windrose running?", "Start Windrose", "How can I try it on my laptop?",
      "(How do I|How can I|How to|How do you) (start|run|launch|try|bring up|use|start up) "
      "(it|Windrose|the cluster|the whole cluster|this)?",
      "(Which|What) command (starts|runs|launches|brings up) (it|Windrose|the cluster)?",
      "(Start|Run|Launch) (it|Windrose|the cluster)"]),
    ("Windrose has the Apache-2.0 licence.",
     ["What is the licence?", "What is the license of Windrose?", "Which licence does it have?",
      "What licence does Windrose use?", "Which license does Windrose have?",
      "Under which licence is Windrose?", "Is Windrose open source?", "Is Windrose free?",
      "How is Windrose licensed?", "What is the licence of Windrose?", "Can I use Windrose for "
      "free?", "Tell me the licence.",
      "(What|Which) (licence|license) (does Windrose have|does it have|does Windrose use|is it|"
      "does the project have|is used)?",
      "What is the (licence|license)(| of Windrose| of this project| of the code)?",
      "Is (Windrose|it|the code|this project) (open source|free|free software|open)?"]),
    ("Windrose is written in C++20.",
     ["Which language is Windrose written in?", "What language is Windrose written in?",
      "In which programming language is Windrose written?", "Is Windrose written in C++?",
      "What programming language does Windrose use?", "Is Windrose written in Python?",
      "Which programming language was used?", "What is Windrose written in?",
      "In which language is it written?", "Is it written in Rust?",
      "(What|Which) (language|programming language) is (Windrose|it|the code|"
      "the cluster) written in?",
      "Is (Windrose|it|the code|the cluster) written in (C++|Rust|Python|Java|Go|C)?",
      "In (which|what) (language|programming language) is (Windrose|it|the code) "
      "(written|programmed)?"]),
    ("Mixtral 8x7B has 46.7 billion parameters, and a token uses 12.9 billion of them.",
     ["How many parameters does Mixtral have?", "How big is Mixtral?",
      "How large is Mixtral 8x7B?", "How many parameters does a token use?",
      "How many parameters are active?", "How many parameters are used per token?",
      "What is the size of Mixtral?", "How many weights does Mixtral have?",
      "How many parameters does Mixtral 8x7B have?", "How large is the model?",
      "How many parameters are there?", "What is the parameter count of Mixtral?",
      "How (big|large) is (Mixtral|Mixtral 8x7B|the Mixtral model|the real model|the big model)?",
      "How many (parameters|weights) does (Mixtral|Mixtral 8x7B|the real model|the model|a token) "
      "(have|use)?",
      "What is the (size|parameter count|number of parameters) of (Mixtral|Mixtral 8x7B|"
      "the model)?"]),
    ("I have 7.7 million parameters, 4 layers and 8 experts per layer.",
     ["How many parameters do you have?", "How big are you?", "How large are you?",
      "What is your size?", "How many weights do you have?", "How small are you?",
      "How many layers do you have?", "How many parameters does the demo model have?",
      "How (big|large|small) (are you|is the demo model|is this model|is this demo model)?",
      "How many (parameters|weights|layers) (do you have|does the demo model have|"
      "does this model have|are in you)?",
      "What is (your size|the size of the demo model|your number of parameters|your depth)?"]),
    ("A wind rose shows how the wind is shared among eight directions; Windrose shows how tokens "
     "are shared among eight experts.",
     ["Why is it called Windrose?", "Where does the name Windrose come from?",
      "What does the name Windrose mean?", "Why the name Windrose?", "What is a wind rose?",
      "Why is Windrose called Windrose?", "What does Windrose stand for?",
      "Explain the name Windrose.",
      "Why (is it|is the project|is this|is the cluster) (called|named) Windrose?",
      "What (does the name|does the word) Windrose (mean|stand for|say)?",
      "(Where does|Why) the name (Windrose|of the project)( come from|)?",
      "(Explain|Tell me about|What is behind) the name(| Windrose| of the project)"]),
    ("Mixtral 8x7B has 32 layers.",
     ["How many layers does Mixtral have?", "How many layers are in Mixtral 8x7B?",
      "How many layers are there?", "How deep is Mixtral?",
      "What is the number of layers of Mixtral?", "How many layers does Mixtral 8x7B have?",
      "How many layers (does|do) (Mixtral|Mixtral 8x7B|the real model|the Mixtral model) have?",
      "How many layers (are|are there) in (Mixtral|Mixtral 8x7B|the real model)?",
      "(What is|Tell me) the (number of layers|depth) (in|of) (Mixtral|Mixtral 8x7B)"]),
    ("Mixtral 8x7B needs 94 GB in bf16, 47 GB at 8 bits and 26 GB at 4.5 bits.",
     ["How much memory does Mixtral need?", "How much memory do I need?",
      "How much RAM does Mixtral 8x7B need?", "How many gigabytes is Mixtral?",
      "What are the memory requirements?", "How much memory does the model take?",
      "How much memory is needed for Mixtral?", "How much RAM do I need?",
      "How (much|many gigabytes of) (memory|RAM) (does Mixtral|does Mixtral 8x7B|does the model|"
      "do I|does it) need?",
      "How much (memory|RAM) (is needed|is required|must I have|does it take)(| for Mixtral)?",
      "What are the (memory|RAM) (requirements|needs)(| of Mixtral| of the model)?"]),
    ("No. Windrose runs on CPUs; a GPU is optional.",
     ["Do I need a GPU?", "Does Windrose need a GPU?", "Can Windrose run without a GPU?",
      "Is a GPU required?", "Does it run on a CPU?", "Can I run it without a GPU?",
      "Does Windrose run on CPUs?", "Must I have a GPU?",
      "(Do I|Does Windrose|Does it|Do you) (need|require) a (GPU|graphics card)?",
      "(Can|Does|Will) (Windrose|it|the cluster) run (without a GPU|on CPUs|on a CPU|"
      "on CPUs only)?",
      "Is a (GPU|graphics card) (required|needed|necessary)(| for Windrose)?"]),
    ("Windrose has a router, coordinators and expert workers.",
     ["What are the parts of Windrose?", "Which processes does Windrose have?",
      "What are the components of Windrose?", "What does Windrose consist of?",
      "Which parts does Windrose have?", "What is the architecture of Windrose?",
      "How is Windrose built?", "How does Windrose work?", "What processes are there?",
      "What are the (parts|components|processes|pieces) of (Windrose|the cluster|it)?",
      "(Which|What) (parts|processes|components) does (Windrose|the cluster|it) have?",
      "What does (Windrose|the cluster|it) consist of?",
      "(Explain|Describe) the (architecture|parts|design) of (Windrose|the cluster)"]),
    ("Windrose speaks the OpenAI HTTP API and gRPC.",
     ["Which API does Windrose have?", "What API does Windrose offer?",
      "Is Windrose compatible with OpenAI?", "Does Windrose support gRPC?",
      "Can I use OpenAI clients?", "Which protocols does Windrose speak?",
      "How do I send requests to Windrose?", "What APIs are supported?",
      "(Which|What) (API|APIs|protocol|protocols|interface) does (Windrose|it|the cluster) "
      "(have|offer|speak|support|use)?",
      "(Does|Can) (Windrose|it|the cluster) (support|speak|use) (gRPC|HTTP|the OpenAI API)?",
      "Is (Windrose|it) compatible with (OpenAI|the OpenAI API|OpenAI clients)?",
      "Can I use (the OpenAI API|OpenAI clients|the OpenAI client|gRPC)(| with Windrose)?"]),
    ("Yes. Windrose has a Helm chart for Kubernetes.",
     ["Does Windrose run on Kubernetes?", "Can I run Windrose on Kubernetes?",
      "Is there a Helm chart?", "Does Windrose support Kubernetes?",
      "How do I deploy Windrose on Kubernetes?", "Can I deploy it with Helm?",
      "(Does|Can|Will) (Windrose|it|the cluster) run (on|in) Kubernetes?",
      "Is there a (Helm chart|chart for Helm|Kubernetes chart)(| for Windrose| for it)?",
      "(Can I|How do I|How can I) (run|deploy|install) (Windrose|it) (on Kubernetes|with Helm)?",
      "Does (Windrose|it) (support|have|come with) (Kubernetes|Helm|a Helm chart)?"]),
    ("Windrose exports metrics for Prometheus and dashboards for Grafana.",
     ["How do I monitor Windrose?", "Does Windrose have metrics?",
      "Does Windrose support Prometheus?", "Is there a Grafana dashboard?",
      "Which metrics does Windrose export?", "How can I see the metrics?",
      "(How do I|How can I|Can I) (monitor|observe|watch) (Windrose|it|the cluster)?",
      "(Does|Do) (Windrose|it|the cluster) have (metrics|dashboards|monitoring)?",
      "(Which|What) (metrics|dashboards) (does Windrose|does it) (export|have|offer)?",
      "(Are there|How can I see|How do I see|Where are) (the metrics|metrics|dashboards)?",
      "(Is there|Does it have|Does Windrose have) (a Grafana dashboard|a dashboard|Prometheus "
      "metrics|metrics for Prometheus)?"]),
    ("Yes. The same request gives the same bits, alone or in a batch.",
     ["Is Windrose deterministic?", "Are the answers deterministic?",
      "Do I get the same answer twice?", "Does the same request give the same answer?",
      "Does batching change the answer?", "Are results reproducible?",
      "(Is Windrose|Is it|Is the cluster|Are you|Are the results|Are its answers) "
      "(deterministic|reproducible)?",
      "(Do I|Will I) (always get|get) the same (answer|result|bits)(| twice| again| every time)?",
      "Does (batching|a batch|the same request) (change the answer|give the same answer)?"]),
]  # fmt: skip

_WORDINGS = [(answer, all_spelled_out(patterns)) for answer, patterns in FACTS]


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
    answer, wordings = rng.choice(_WORDINGS)
    text = rng.choice(wordings)
    return Question(text, answer, f"fact {text}", test_percent=0 if text == wordings[0] else 8)
