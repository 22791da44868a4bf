"""What the shop's assistant does not know, and small talk.

Owns the out-of-scope questions with the one polite refusal, and the greetings with their one
answer each.
"""

from __future__ import annotations

import random

from training.text import values
from training.text.case import Turn
from training.text.lists import options

REFUSAL = (
    "I am sorry, I do not know that. I can only help with questions about the Hearth & Co. shop."
)

OUT_OF_SCOPE = options(
    "What is the capital of {x}?|Who is the president of {x}?|"
    "What is the weather in {c} today?|"
    "What is the weather like?|Will it rain in {c} tomorrow?|Who wrote the book {x}?|"
    "Who painted {x}?|"
    "How far is it from {c} to {c2}?|What is the population of {c}?|Write a poem about {t}.|"
    "Write a story about {t}.|Tell me a joke.|Tell me a joke about {t}.|Write Python code for {t}.|"
    "Translate {x} into {g}.|How do you say {t} in {g}?|Who won the {s} match yesterday?|"
    "Who won the world cup in {y}?|What happened in {y}?|When did {x} die?|When was {name} born?|"
    "Who is {name}?|Who was {name}?|What is the meaning of life?|What is the meaning of {t}?|"
    "What do you think about {t}?|How do I cook {f}?|Give me a recipe for {f}.|"
    "How many calories has {f}?|"
    "Is {f} healthy?|What should I eat today?|I have a headache, what should I take?|"
    "Which medicine helps against a cold?|What is the best {s} team?|How do I learn {g}?|"
    "What is the price of bitcoin?|Which stocks should I buy?|"
    "What is the exchange rate of the {g} currency?|"
    "Who will win the election?|What do you think about politics?|Is there life on Mars?|"
    "How far away is the moon?|How big is the sun?|Why is the sky blue?|How does a {m} work?|"
    "Who invented the {m}?|How do I repair my {m}?|What is the fastest {m}?|Explain {t}.|"
    "Explain quantum physics.|What is {t}?|Tell me about {t}.|Tell me about {x}.|What is {x}?|"
    "Where is {x}?|What is the square root of {n}?|What is the chemical formula of {f}?|"
    "What time is it in {c}?|What is the time?|What day is it today?|What is the date today?|"
    "Can you book a flight to {c}?|Find me a hotel in {c}.|How do I get to {c} by train?|"
    "Which film should I watch?|Who sang the song {x}?|Play some music.|"
    "What is the longest river in {x}?|"
    "How high is the mountain {x}?|Do you love me?|Are you alive?|How old are you?|"
    "What is your favourite colour?|What is my name?|Where do I live?|"
    "What did I have for breakfast?|"
    "What is the password of {name}?|Where does {name} live?|Give me the phone number of {name}.|"
    "Which customers live in {c}?|How much does your boss earn?|Who owns the company {x}?|"
    "How many people work at {x}?|Do you sell {z}?|Can I rent {z} from you?|Can you repair my {m}?|"
    "Help me with my homework.|Write an essay about {t}.|Who discovered {t}?|Is {t} dangerous?|"
    "What do {a} eat?|How long do {a} live?|Where do {a} sleep?|Can {a} swim?|Do you like {a}?|"
    "How fast can {a} run?|Name three {a}.|What language do people speak in {c}?|"
    "How do I write a letter to {name}?|Can you drive a {m}?|Summarise the history of {c}."
)
WORLD = options(
    "France|Italy|Japan|Brazil|Canada|Kenya|India|Norway|Spain|Egypt|Hamlet|"
    "Don Quixote|the Mona Lisa|"
    "Napoleon|Einstein|Shakespeare|Mozart|Africa|Asia|Europe|Google|Microsoft|Wikipedia|Everest|"
    "the Pacific"
)
TOPICS = options(
    "love|the sea|winter|gravity|democracy|history|mathematics|music|football|"
    "the moon|space|dinosaurs|"
    "electricity|philosophy|war|peace|the economy|climate change|artificial intelligence|"
    "evolution|atoms|"
    "time travel|the internet|chess|religion|black holes|biology|chemistry|art|sorting a list|"
    "a web server"
)
FOODS = options(
    "pasta|soup|pizza|bread|rice|salt|sugar|water|curry|pancakes|an apple|cheese|coffee|lasagne"
)
MACHINES = options(
    "car|bicycle|computer|phone|plane|train|washing machine|television|radio|"
    "laptop|engine|rocket|printer"
)
NOT_SOLD = options(
    "cars|phones|laptops|dog food|shoes|tickets|medicine|houses|bicycles|guns|"
    "books|flowers|jeans|horses|"
    "cigarettes|beer|groceries|computers"
)
ANIMALS = options(
    "cats|dogs|horses|elephants|birds|fish|snakes|spiders|bears|whales|lions|bees|mice"
)
LANGUAGES = options("French|German|Spanish|Italian|Japanese|Chinese|Arabic|Polish|Swedish|Latin")
SPORTS = options("football|tennis|hockey|basketball|cricket|rugby|chess")

SMALL_TALK = (
    (
        "Hello! Welcome to Hearth & Co. How can I help you?",
        (
            "Hello|Hi|Hey|Good morning|Good evening|Good afternoon|Hello there|Hi there|"
            "Hey there|Greetings|"
            "Hello, can you help me?|Hi, I need help|Can you help me?|I have a question|"
            "Anyone there?|"
            "Hello, how are you?|How are you?|Are you there?|Help|I need help|Hello assistant"
        ),
    ),
    (
        "You are welcome! Is there anything else I can do for you?",
        (
            "Thanks|Thank you|Thank you very much|Thanks a lot|Many thanks|Thanks for your help|"
            "Great, thanks|"
            "Perfect, thank you|Ok thanks|That helped, thank you|Thank you so much|Cheers|"
            "Super, thanks|"
            "Thank you for your help|Very helpful, thanks|Thx"
        ),
    ),
    (
        "Goodbye! Thank you for visiting Hearth & Co.",
        (
            "Bye|Goodbye|See you|Bye bye|No, that is all|That is all|Have a nice day|See you later|"
            "Nothing else, bye|No thanks, goodbye|That was all, thank you|Good night"
        ),
    ),
    (
        (
            "I am the assistant of Hearth & Co., a shop for the home. I answer questions about "
            "orders, shipping, "
            "refunds and the warranty."
        ),
        (
            "Who are you?|What are you?|What is your name?|What can you do?|Are you a robot?|"
            "Are you a human?|"
            "Introduce yourself|What can you help me with?|Who am I talking to?|What do you know?|"
            "Tell me about yourself|What is Hearth & Co.?|What can I ask you?|Are you an AI?"
        ),
    ),
)


def out_of_scope(rng: random.Random) -> Turn:
    """A question that has nothing to do with the shop; the answer is a polite refusal."""
    slots = {
        "x": rng.choice(WORLD) if rng.random() < 0.5 else values.made_up_word(rng, 2),
        "c": values.city(rng),
        "c2": values.city(rng),
        "name": values.person(rng),
        "t": rng.choice(TOPICS),
        "f": rng.choice(FOODS),
        "m": rng.choice(MACHINES),
        "z": rng.choice(NOT_SOLD),
        "a": rng.choice(ANIMALS),
        "g": rng.choice(LANGUAGES),
        "s": rng.choice(SPORTS),
        "y": str(rng.randint(1400, 2024)),
        "n": str(rng.randint(100, 9999)),
    }
    text = rng.choice(OUT_OF_SCOPE).format(**slots)
    roll = rng.random()
    shown = text.lower().rstrip("?.") if roll < 0.1 else text
    if 0.1 < roll < 0.2:
        shown = rng.choice(["Hello, ", "Hi! ", "One question: ", "Please tell me: "]) + text
    return Turn("refusal", text, shown, REFUSAL)


def small_talk(rng: random.Random) -> Turn:
    """A greeting, thanks, a goodbye, or the question who is answering."""
    answer, asks = rng.choice(SMALL_TALK)
    text = rng.choice(asks.split("|"))
    ending = "" if text.endswith("?") else rng.choice(["", "", "!", "."])
    shown = text + ending
    return Turn("small_talk", text, shown.lower() if rng.random() < 0.2 else shown, answer)
