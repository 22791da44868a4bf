"""Classification tasks: intent, sentiment, and whether a text holds personal data.

Owns the messages and labels. The key of a turn is the message, so held-out messages are new
combinations of known parts; the README says so.
"""

from __future__ import annotations

import random

from training.text import values
from training.text.case import Turn
from training.text.lists import options
from training.text.reading import FILLERS, lay_out

INTENT_MESSAGES = {
    "refund": "I want my money back for the {p}.|Please refund the {p}.|"
    "I would like a refund for order {o}.|"
    "When do I get the money for the {p} I returned?|I sent the {p} back and want my {m} returned.|"
    "The {p} is not what I wanted, please pay me back.|I returned the {p} on {d} and still have "
    "no refund.|"
    "Give me a refund of {m}, please.|How do I get my {m} back?|"
    "I am returning the {p} and expect a refund.",
    "delivery": "Where is my parcel?|The {p} has not arrived.|"
    "My order {o} should have come on {d}.|"
    "When will the {p} be delivered?|The courier never came to {c}.|"
    "Can you deliver the {p} to {c}?|"
    "The tracking for {o} has not changed.|How long does shipping to {c} take?|"
    "I am still waiting for my {p}.|The package with the {p} is lost.",
    "warranty": "The {p} stopped working after a year.|Is the {p} still under warranty?|"
    "The {p} is faulty, does the guarantee cover it?|I want to claim the warranty for my {p}.|"
    "The {p} broke by itself on {d}, can you repair it?|Will you repair the {p}?|"
    "The handle of the {p} came off, it is only {n} months old.|"
    "The {p} has a fault, is it guaranteed?",
    "cancellation": "Please cancel order {o}.|I want to cancel the {p}.|"
    "Stop my order {o}, I do not need it.|"
    "I changed my mind, cancel the {p} please.|Can I still cancel what I ordered on {d}?|"
    "Do not send the {p}, I want to cancel.|I ordered the {p} by mistake, please stop it.|"
    "Call off order {o}, please.",
    "payment": "My card was declined.|I was charged twice for the {p}.|Can I pay {m} with PayPal?|"
    "The payment of {m} failed.|My bank shows {m} two times.|Which cards do you take?|"
    "I can not pay for order {o} with my card.|The checkout does not accept my card.|"
    "Can I pay for the {p} by bank transfer?|Why was {m} taken from my account twice?",
    "product": "Is the {p} made of wood?|How big is the {p}?|Does the {p} come in {k}?|"
    "Is the {p} in stock?|What is the {p} made of?|How heavy is the {p}?|"
    "Do you have the {p} in {k}?|"
    "Can I put the {p} in the dishwasher?|Is the {p} good for a small kitchen?|"
    "What colours does the {p} have?",
    "account": "I forgot my password.|I can not log in.|How do I change my email address?|"
    "Please delete my account.|My login does not work since {d}.|I want to sign up.|"
    "The password reset link has expired.|How do I create an account?|"
    "Please change the name on my account.|"
    "My account is locked.",
}
INTENTS = {label: tuple(text.split("|")) for label, text in INTENT_MESSAGES.items()}
INTENT_ASKS = options(
    "Classify the intent of this message: {l}.|What is the intent? Choose one: {l}.|"
    "Which topic fits this message: {l}?|Intent ({l}):|Pick the intent of the message. Labels: "
    "{l}.|"
    "What does the customer want? Answer with one word: {l}."
)

SENTIMENT_PARTS = {
    "positive": "I love the {p}.|The {p} is wonderful.|Great service, the {p} came early.|"
    "I am very happy with the {p}.|The {p} is even better than I hoped.|What a beautiful {p}!|"
    "Thank you for the fast delivery to {c}.|The best {p} I ever had.|I will buy from you again.|"
    "Your team was so kind and helpful.|My family is delighted with the {p}.|Perfect quality.|"
    "The {p} looks amazing.|Excellent {p}, works perfectly.|I can only recommend this shop.|"
    "So pleased with the {p}!|The {p} made my day.|Five stars for the {p}.",
    "negative": "I hate the {p}.|The {p} is terrible.|Awful service, nobody answers.|"
    "I am very unhappy with the {p}.|The {p} is worse than I feared.|What a useless {p}!|"
    "The {p} broke on the first day.|The worst {p} I ever had.|I will never buy from you again.|"
    "Your team was rude.|My family is disappointed with the {p}.|Poor quality.|"
    "The {p} looks cheap and ugly.|Horrible {p}, it does not work at all.|"
    "I can not recommend this shop.|"
    "So angry about the {p}!|The {p} ruined my day.|One star for the {p}.|A waste of money.",
    "neutral": "The {p} is {k}.|I ordered the {p} on {d}.|The {p} is for my office.|"
    "The box has {n} parts.|"
    "The parcel was sent to {c}.|I have a question about the {p}.|The {p} costs {m}.|"
    "My order number is {o}.|The {p} stands in the kitchen.|I bought {n} of them.|"
    "It was delivered on {d}.|Does the {p} come in {k}?|The invoice is for {m}.|"
    "The {p} is on page {n} of the catalogue.|I live in {c}.|Please send the invoice to my office.",
}
SENTIMENTS = {label: tuple(text.split("|")) for label, text in SENTIMENT_PARTS.items()}
SENTIMENT_ASKS = options(
    "Classify the sentiment of this message. Answer positive, negative or neutral.|"
    "Is this message positive, negative or neutral?|What is the sentiment: positive, negative or "
    "neutral?|"
    "Sentiment (positive, negative, neutral):|Rate the mood of this text as positive, negative or "
    "neutral.|"
    "How does the customer feel? Answer positive, negative or neutral.|"
    "Classify the sentiment of this message."
)

PERSONAL = options(
    "My name is {name}.|I am {name}.|You can reach me at {email}.|My email is {email}.|"
    "Call me on {phone}.|My phone number is {phone}.|I live at {street}.|Send it to {street}, {c}.|"
    "Best regards, {name}|Write to {email}, please.|My address is {street} in {c}.|"
    "Please call {name} on {phone}."
)
IMPERSONAL = options(
    "Order {o} is late.|The total was {m}.|The {p} arrived on {d}.|I bought {n} of them.|"
    "The {p} is {k}.|The shop in {c} was closed.|Is the {p} in stock?|"
    "The delivery to {c} took {n} days.|"
    "The price went up to {m}.|I need it by {d}.|The label says {o}.|"
    "You can reach the shop by bus.|"
    "The team was friendly.|Call me when it is ready.|Please write to me soon.|"
    "My neighbour has the parcel."
)
PERSONAL_ASKS = options(
    "Does this message contain personal data? Answer yes or no.|"
    "Is there personal data in this text? yes or no|"
    "Check for personal data (name, email, phone, address). Answer yes or no.|"
    "Contains personal data, yes or no?|Does the text hold a name, an email, a phone number or an "
    "address? "
    "Answer yes or no.|Personal data check. Answer yes or no."
)


def intent(rng: random.Random) -> Turn:
    """Which of seven topics a message is about."""
    label = rng.choice(list(INTENTS))
    parts = [values.fill(rng.choice(INTENTS[label]), rng)]
    if rng.random() < 0.5:
        parts.insert(
            0, rng.choice(["Hello.", "Hi there.", "Good morning.", "Dear team.", "Please help me."])
        )
    if rng.random() < 0.3:
        parts.append(
            rng.choice(["Thank you.", "Please answer soon.", "Can you help?", "Thanks a lot."])
        )
    labels = list(INTENTS)
    if rng.random() < 0.5:
        rng.shuffle(labels)
    text = " ".join(parts)
    ask = rng.choice(INTENT_ASKS).format(l=", ".join(labels))
    return Turn("intent", text, lay_out(rng, ask, text), label)


def sentiment(rng: random.Random) -> Turn:
    """Positive, negative or neutral; a neutral fact beside a feeling does not change it."""
    label = rng.choice(list(SENTIMENTS))
    parts = [values.fill(rng.choice(SENTIMENTS[label]), rng)]
    if rng.random() < 0.4:
        parts.append(values.fill(rng.choice(SENTIMENTS[label]), rng))
    if rng.random() < 0.4:
        parts.append(values.fill(rng.choice(SENTIMENTS["neutral"]), rng))
    rng.shuffle(parts)
    text = " ".join(parts)
    return Turn("sentiment", text, lay_out(rng, rng.choice(SENTIMENT_ASKS), text), label)


def personal_data(rng: random.Random) -> Turn:
    """Whether a text names a person, an email, a telephone number or a street address."""
    parts = [values.fill(rng.choice(IMPERSONAL), rng) for _ in range(rng.choice([1, 1, 2]))]
    if rng.random() < 0.4:
        plain = [f for f in FILLERS if "neighbour" not in f]
        parts.append(rng.choice(plain).replace("{p}", values.product(rng)).replace("{n}", "3"))
    label = rng.choice(["yes", "no"])
    if label == "yes":
        parts.append(values.fill(rng.choice(PERSONAL), rng))
    rng.shuffle(parts)
    text = " ".join(parts)
    return Turn("personal_data", text, lay_out(rng, rng.choice(PERSONAL_ASKS), text), label)
