"""Small arithmetic: sums and differences up to 99, small products, and the 30 day rule.

Owns the wordings and the ranges. The key is the pair of numbers for sums and differences, so
held-out pairs are new; products and the rule are few, so there the whole question is the key.
"""

from __future__ import annotations

import random

from training.text import values
from training.text.case import Turn
from training.text.lists import options

SUM_ASKS = options(
    "What is {a} + {b}?|{a} + {b} =|Add {a} and {b}.|How much is {a} plus {b}?|"
    "Calculate {a} + {b}.|"
    "I pay {a} dollars and {b} dollars. How many dollars is that?|Work out {a} + {b}.|"
    "Sum of {a} and {b}?"
)
DIFFERENCE_ASKS = options(
    "What is {a} - {b}?|{a} - {b} =|Subtract {b} from {a}.|How much is {a} minus {b}?|"
    "Calculate {a} - {b}.|"
    "I have {a} dollars and spend {b}. How many dollars are left?|Work out {a} - {b}."
)
PRODUCT_ASKS = options(
    "What is {a} x {b}?|{a} times {b} =|How much is {a} times {b}?|Multiply {a} by {b}.|"
    "What do {a} {p} cost at {b} dollars each?|I buy {a} {p} for {b} dollars each. What is the "
    "total?|"
    "{a} {p} at {b} dollars each. How many dollars in total?"
)
RULE_ASKS = options(
    "I bought the {p} {n} days ago. Can I return it?|Can I return the {p} after {n} days?|"
    "The {p} was delivered {n} days ago. Can I still get a refund?|"
    "It has been {n} days since I received the {p}. Can I send it back?|"
    "Is a refund for the {p} possible after {n} days?"
)
REFUND_DAYS = 30


def addition(rng: random.Random) -> Turn:
    """The sum of two numbers below 100."""
    a, b = rng.randint(1, 99), rng.randint(1, 99)
    return Turn("addition", f"{a}+{b}", rng.choice(SUM_ASKS).format(a=a, b=b), str(a + b))


def subtraction(rng: random.Random) -> Turn:
    """The difference of two numbers below 100, never negative."""
    a, b = sorted((rng.randint(1, 99), rng.randint(1, 99)), reverse=True)
    return Turn("subtraction", f"{a}-{b}", rng.choice(DIFFERENCE_ASKS).format(a=a, b=b), str(a - b))


def multiplication(rng: random.Random) -> Turn:
    """The price of two to nine things at 2 to 12 dollars."""
    a, b = rng.randint(2, 9), rng.randint(2, 12)
    ask = rng.choice(PRODUCT_ASKS).format(a=a, b=b, p=values.plural(rng.choice(values.PRODUCTS)))
    return Turn("multiplication", ask, ask, str(a * b))


def refund_rule(rng: random.Random) -> Turn:
    """Whether a purchase so many days ago is within the refund period."""
    days = rng.choice([rng.randint(2, 60), rng.randint(22, 38), rng.randint(61, 120)])
    ask = rng.choice(RULE_ASKS).format(n=days, p=values.product(rng))
    answer = (
        f"Yes, {days} days is within the {REFUND_DAYS} day refund period."
        if days <= REFUND_DAYS
        else f"No, {days} days is past the {REFUND_DAYS} day refund period."
    )
    return Turn("refund_rule", ask, ask, answer)
