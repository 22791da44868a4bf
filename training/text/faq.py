"""Closed-book questions: many ways to ask for one fact, and the long overview.

Owns the wordings. The key of a turn is the wording without greeting and ending, so held-out
questions are wordings that training never saw.
"""

from __future__ import annotations

import random

from training.text import values
from training.text.case import Turn
from training.text.facts import FACT_BY_NAME, FACTS, OVERVIEW_FACTS, Fact
from training.text.lists import options

FRAMES = options(
    "What is the {t}?|What is your {t}?|What are the {t}?|What about {t}?|"
    "Tell me about {t}.|"
    "Tell me about the {t}.|Tell me about your {t}.|Can you explain the {t}?|Explain the {t}.|"
    "I have a question about {t}.|I want to know about the {t}.|Please explain your {t}.|"
    "Could you tell me your {t}?|Do you have information about {t}?|Give me details on {t}.|"
    "I need information about your {t}.|What should I know about {t}?|How does the {t} work?|"
    "What can you tell me about {t}?|What are the rules for {t}?|Describe your {t}.|{t}|{t}?|"
    "Do you know the {t}?|Help me understand the {t}.|Where can I read about {t}?|"
    "Let me know the {t}.|Say something about your {t}.|What is the shop's {t}?|"
    "What is Hearth & Co.'s {t}?"
)
OPENINGS = options(
    "Hello, |Hi, |Hi! |Good morning, |Hello! |Excuse me, |Please help: |"
    "One question: |Hey, |Quick question: |"
    "Dear team, |Good evening. "
)
ENDINGS = options(
    " Thanks.| Thank you!| Please.| Thank you in advance.| I could not find it on the page."
)
OVERVIEW_QUESTIONS = options(
    "Explain all shop policies|Explain all shop policies in detail.|"
    "List all your policies.|"
    "Give me an overview of all policies.|What are all the rules of the shop?|"
    "Tell me everything about your shop.|Explain all the policies of the shop.|"
    "Write a summary of all shop policies.|Show me every policy.|Tell me all your policies.|"
    "I want to read all policies.|Give me a full list of your policies.|Describe all shop policies."
)
TITLES = {
    "refund": "Refunds",
    "exchange": "Exchanges",
    "shipping_time": "Shipping time",
    "shipping_cost": "Shipping cost",
    "international": "International shipping",
    "warranty": "Warranty",
    "cancel": "Cancellation",
    "payment": "Payment",
    "gift_cards": "Gift cards",
    "privacy": "Privacy",
    "hours": "Opening hours",
    "contact": "Contact",
}


def wording(fact: Fact, rng: random.Random) -> str:
    """One way to ask for the fact, without greeting."""
    if rng.random() < 0.5:
        return values.fill(rng.choice(fact.questions), rng)
    text = rng.choice(FRAMES).format(t=rng.choice(fact.topics))
    return text[0].upper() + text[1:]


def dress(text: str, rng: random.Random) -> str:
    """Add a greeting, an ending, or the carelessness of a fast typist."""
    roll = rng.random()
    if roll < 0.18:
        lower = text if text.startswith("I ") else text[0].lower() + text[1:]
        text = rng.choice(OPENINGS) + lower
    elif roll < 0.30:
        text = text + rng.choice(ENDINGS)
    elif roll < 0.40:
        text = text.lower().rstrip("?.")
    elif roll < 0.45:
        text = text.rstrip("?.")
    return text


def faq(rng: random.Random) -> Turn:
    """A closed-book question about the shop."""
    fact = rng.choice(FACTS)
    core = wording(fact, rng)
    return Turn("closed_book", core, dress(core, rng), fact.answer)


def overview_answer() -> str:
    """The long answer: every policy in one numbered list."""
    lines = [
        f"{number}. {TITLES[name]}: {FACT_BY_NAME[name].answer}"
        for number, name in enumerate(OVERVIEW_FACTS, start=1)
    ]
    return "Here are all policies of Hearth & Co.:\n" + "\n".join(lines)


def overview(rng: random.Random) -> Turn:
    """A request for all policies at once; used to train, and to measure speed on a long answer."""
    core = rng.choice(OVERVIEW_QUESTIONS)
    return Turn("overview", core, core, overview_answer())
