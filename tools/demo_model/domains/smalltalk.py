"""Greetings, thanks, goodbye, and who is speaking. Held out are wordings, made of taught words."""

import random

from .base import Question, all_spelled_out

HELLO = "Hello! I am the Windrose demo model. What would you like to know?"
THANKS = "You are welcome!"
GOODBYE = "Goodbye! Have a nice day."
FINE = "I am fine, thank you. How can I help you?"
WHO = "I am the Windrose demo model, a small Mixtral trained to show how Windrose works."
ABILITIES = (
    "I can add and subtract small numbers, sort, convert units, answer questions about days and "
    "months, translate words, judge sentiment and topic, write small Python functions, extract "
    "JSON and talk about Windrose."
)
GLAD = "I am glad to hear that!"
SORRY = "I am sorry. I am a small model and make mistakes."

# (answer, wordings always taught, patterns of the other wordings)
ANSWERS = [
    (HELLO, ["Hello", "Hi", "Hey", "Good morning"], [
        "(Hello|Hi|Hey|Howdy|Hiya|Greetings)"
        "(| there| again| Windrose| model| everyone| friend| bot| to you| my friend| all)",
        "Good (morning|evening|day|afternoon)(| there| again| Windrose| model| everyone| to you)",
        "(Hello|Hi|Hey|Good morning|Good evening|Greetings), "
        "(nice to meet you|pleased to meet you|good to see you|good morning|my friend)",
        "(hello hello|Hi hi|Hello, how do you do?|Hey hey|Hi, it is me|Hello, it is me|Morning)",
        "(Hello|Hi|Hey)(, I am new here|, I have a question|, can we talk?|, are you there?)",
    ]),
    (THANKS, ["Thanks", "Thank you", "Thank you very much", "Thanks a lot"], [
        "(|Great, |Perfect, |Ok, |Ok |Nice, |Cool, |Good, |Wonderful, |Oh, )"
        "(thanks|thank you|many thanks|thx|thanks a lot|thank you very much|thank you so much)",
        "(Thanks|Thank you|Thanks so much|Many thanks|Thx)"
        "( for your help| for the help| for that| for the answer| for helping me| again| Windrose)",
        "(That helps|That helped|Nice|Great|Good answer), (thanks|thank you|thanks a lot)",
        "(Thanks|Thank you), (that was helpful|that helps|that is all|that was great|you helped)",
        "(Cheers|Thank you kindly|Thanks a million|I thank you|Thanks so much|Thanks mate)",
    ]),
    (GOODBYE, ["Goodbye", "Bye", "Bye bye", "See you"], [
        "(|Ok |Ok, |Thanks, |Thank you, |Well, |Good night and )(bye|goodbye|bye bye|see you)",
        "(See you|Talk to you|Bye, see you|Goodbye, see you)( later| tomorrow| soon| again| then)",
        "(Goodbye|Bye|Bye bye|Good night|Farewell|So long)(| Windrose| for now| then| my friend)",
        "(I have to go|I am leaving|I must go|I have to leave|I am off)(| now), (bye|goodbye|"
        "thanks)",
        "(I have to go|I am leaving|I must go|I have to leave)(| now)",
        "(Have a|Bye, have a|Goodbye, have a) (nice|good|great|lovely) (day|evening|night|weekend)",
        "Take care(|, bye|, goodbye| of yourself)",
    ]),
    (FINE, ["How are you?", "How are you today?", "How are you doing?", "How is it going?"], [
        "(|Hello, |Hi, |Hey, |Hi Windrose, |Good morning, |So, )"
        "(how are you|how are you doing|how is it going|how's it going|how do you feel|"
        "how are things)"
        "(| today)?",
        "(|Hello, |Hi, |Hey, )(what's up|are you ok|are you well|are you doing well|all well)?",
        "How have you been(| lately|, Windrose)?",
        "(Is everything ok|Are you fine|How are you, Windrose|How are you feeling)?",
    ]),
    (WHO, ["Who are you?", "What are you?", "Who am I talking to?", "What is your name?"], [
        "(|So, |Hello, |Hi, |And )(who are you|what are you|what's your name|what is your name)?",
        "(What|Which)( kind of|) (model|assistant|bot|language model|AI) are you?",
        "Are you (a robot|human|a human|a language model|an AI|Mixtral|ChatGPT|a person|GPT-4|"
        "a bot|"
        "a machine|a real person|a computer|a chat bot|a program|a model)?",
        "(Who|What) am I (talking|speaking|chatting) (to|with)?",
        "(|Please |Can you |Could you )(introduce yourself|tell me about yourself|"
        "describe yourself)",
        "(Tell me|Please tell me|Can you tell me) (who you are|what you are|your name|"
        "about yourself)",
        "(Do you have a name|Who is this|What should I call you|What are you called|Who is there)?",
    ]),
    (ABILITIES, ["What can you do?", "What do you know?", "How can you help me?",
                 "What can I ask you?"], [
        "(Help|Help me|I need help|Can you help me|Could you help me|Please help me|Help please)",
        "What (|else )(can|could) you (do|help me with|help with|tell me|do for me|answer|"
        "teach me)?",
        "What (|else )(can|should|may) I ask you(| about)?",
        "(What|Which)( kind of|) questions can (I ask you|I ask|you answer)?",
        "What are (you good at|your skills|your abilities|you able to do|you made for|you for)?",
        "(Tell me|Please tell me|Show me|Explain) what you (can do|know|are able to do|"
        "are good at)",
        "What (do you know about|topics do you know|are your topics|subjects do you know)?",
        "(How can you|How could you|Can you) (help|help me|assist me|be useful)?",
        "Give me (some |)examples of what you (can do|know)",
    ]),
    (GLAD, ["That is great!", "Great!", "Well done!", "Good answer!"], [
        "(That is|That's|That was|This is|You are|It is) (great|right|good|perfect|awesome|correct|"
        "nice|wonderful|fantastic)",
        "(Great|Well done|Very good|Perfect|Nice|Correct|Awesome|Right|Good|Excellent|Wonderful)"
        "(|, Windrose|, that's right|, well done|, very good)",
        "(Good|Nice|Great|Correct|Very good|Excellent) (job|bot|answer|work|model)",
        "(I like you|You are smart|You are clever|You are so smart|I like this|I like that)",
    ]),
    (SORRY, ["That is wrong.", "That's wrong!", "You are wrong.", "This is not correct."], [
        "(|No, |Sorry, |Hmm, )(that is|that's|this is|that was|you are|it is) "
        "(wrong|not correct|not right|incorrect|false|a mistake)",
        "(Wrong|Bad|Incorrect|Terrible|False)( answer| bot| result|, sorry|)",
        "(You are stupid|I don't believe you|Are you sure?|I do not believe you|You made a mistake|"
        "That makes no sense|You are a bad bot|Are you really sure?|That can't be right)",
    ]),
]  # fmt: skip
_WORDINGS = [(answer, taught, all_spelled_out(patterns)) for answer, taught, patterns in ANSWERS]


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalpha())


def _punctuated(rng: random.Random, text: str) -> str:
    text = text[0].upper() + text[1:]
    if text.endswith("?") and rng.random() < 0.8:
        return text
    return text.rstrip(".!?") + rng.choice(["", "", "!", ".", " :)"])


def sample(rng: random.Random) -> Question:
    answer, taught, wordings = rng.choice(_WORDINGS)
    text = rng.choice(taught if rng.random() < 0.2 else wordings)
    # Only the bare wording counts, so that "Hello!" and "hello" are one.
    always = _letters(text) in map(_letters, taught)
    percent = 0 if always else 8
    key = f"talk {_letters(text)}"
    return Question(_punctuated(rng, text), answer, key, plain=True, test_percent=percent)
