"""Random values: names, cities, order numbers, amounts, dates, products.

Most names and cities are built from syllables, so that the model has to copy what it reads and
can not answer from memory. Owns no sentence.
"""

from __future__ import annotations

import random

from training.text.lists import options, words

ONSETS = words("b br c ch cl d dr f fl g gr h j k l m n p pr qu r s sh sl st t th tr v w y z")
VOWELS = words("a e i o u ai ea ia io oo ou")
CODAS = ["", "", "", "l", "m", "n", "r", "s", "t", "nd", "rk", "st", "ck", "x"]
CITY_ENDS = words("ville ton burg ford haven field mouth port wick stad ora ia o a en dale holm")
REAL_CITIES = words(
    "London Paris Berlin Madrid Rome Vienna Oslo Dublin Lisbon Prague Warsaw "
    "Athens Helsinki Boston Chicago "
    "Denver Austin Seattle Toronto Montreal Sydney Melbourne Tokyo Osaka Mumbai Delhi Cairo "
    "Lagos Nairobi "
    "Lima Bogota Santiago Hamburg Munich Lyon Milan Naples Porto Ghent Leeds Bristol Glasgow "
    "Zurich Geneva"
)
FIRST_NAMES = words(
    "Anna Ben Clara David Emma Felix Grace Henry Isla Jack Karen Liam Maria Noah "
    "Olivia Peter Quinn Rosa Sam "
    "Tara Umar Vera Will Yara Zoe Ahmed Bianca Carlos Deepa Elena Farid Greta Hugo Ingrid Jonas "
    "Keiko Luca "
    "Mei Nadia Omar Priya Ravi Sofia Tomas Ursula Victor Wendy Yusuf Amir Chloe"
)
MONTHS = words(
    "January February March April May June July August September October November December"
)
PRODUCTS = options(
    "kettle|toaster|table lamp|floor lamp|candle|blanket|cushion|vase|mug|teapot|"
    "bread knife|frying pan|"
    "saucepan|rug|curtain|mirror|clock|wooden bowl|tea towel|cutting board|coffee grinder|"
    "wine glass|plate set|"
    "towel set|bath mat|picture frame|plant pot|watering can|doormat|basket|stool|side table|"
    "bookshelf|"
    "desk lamp|duvet|pillow|apron|oven glove|salad bowl|cake tin|rolling pin|pepper mill|lantern|"
    "coat rack"
)
COLOURS = words("red blue green white black grey yellow brown beige orange purple")
WEEKDAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")


def made_up_word(rng: random.Random, syllables: int) -> str:
    """A pronounceable word that nobody has met."""
    parts = [rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(syllables)]
    return "".join(parts).capitalize()


def city(rng: random.Random) -> str:
    """A city: one in five is real."""
    if rng.random() < 0.2:
        return rng.choice(REAL_CITIES)
    if rng.random() < 0.1:
        return f"{rng.choice(['New', 'Port', 'San', 'Upper', 'West'])} {made_up_word(rng, 2)}"
    if rng.random() < 0.5:
        return made_up_word(rng, rng.choice([2, 3]))
    return made_up_word(rng, rng.choice([1, 2])) + rng.choice(CITY_ENDS)


def person(rng: random.Random) -> str:
    """A first and a last name."""
    first = rng.choice(FIRST_NAMES) if rng.random() < 0.6 else made_up_word(rng, 2)
    return f"{first} {made_up_word(rng, rng.choice([1, 2, 2]))}"


def digits(rng: random.Random, count: int) -> str:
    """That many digits, the first one not zero."""
    return str(rng.randint(1, 9)) + "".join(str(rng.randint(0, 9)) for _ in range(count - 1))


def order_number(rng: random.Random) -> str:
    """An order number in one of the shop's four forms."""
    letter = rng.choice("ABCDEFGHKLMNPRSTUVWX")
    forms = (
        f"HC-{digits(rng, 5)}",
        f"HC-{digits(rng, 6)}",
        f"{letter}{digits(rng, 4)}",
        f"#{digits(rng, 6)}",
        f"{digits(rng, 4)}-{letter}",
    )
    return rng.choice(forms)


def amount(rng: random.Random) -> str:
    """A sum of money as a customer writes it."""
    whole, cents = rng.choice([rng.randint(2, 99), rng.randint(2, 999)]), rng.randint(0, 99)
    forms = (
        f"${whole}.{cents:02d}",
        f"${whole}",
        f"{whole}.{cents:02d} euros",
        f"€{whole}.{cents:02d}",
        f"£{whole}.{cents:02d}",
        f"{whole} dollars",
    )
    return rng.choice(forms)


def date(rng: random.Random) -> str:
    """A date in one of five spellings."""
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2019, 2029)
    forms = (
        f"{day} {MONTHS[month - 1]}",
        f"{MONTHS[month - 1]} {day}",
        f"{day} {MONTHS[month - 1]} {year}",
        f"{year}-{month:02d}-{day:02d}",
        f"{day:02d}/{month:02d}/{year}",
    )
    return rng.choice(forms)


def product(rng: random.Random) -> str:
    """A product of the shop, sometimes with its colour."""
    thing = rng.choice(PRODUCTS)
    return f"{rng.choice(COLOURS)} {thing}" if rng.random() < 0.35 else thing


def plural(noun: str) -> str:
    """The plural of a product name."""
    for end, plural_end in (("shelf", "shelves"), ("knife", "knives"), ("glass", "glasses")):
        if noun.endswith(end):
            return noun.removesuffix(end) + plural_end
    return noun + "s"


def email(rng: random.Random) -> str:
    """An address at one of the reserved example domains."""
    user = made_up_word(rng, 2).lower()
    dot = rng.choice([".", "_", "", digits(rng, 2)])
    return f"{user}{dot}{made_up_word(rng, 1).lower()}@example.{rng.choice(['com', 'org', 'net'])}"


def phone(rng: random.Random) -> str:
    """A telephone number."""
    return rng.choice(
        [
            f"555-{digits(rng, 4)}",
            f"+44 20 {digits(rng, 4)} {digits(rng, 4)}",
            f"0{digits(rng, 3)} {digits(rng, 6)}",
            f"({digits(rng, 3)}) 555-{digits(rng, 4)}",
        ]
    )


def street(rng: random.Random) -> str:
    """A street with a house number."""
    kind = rng.choice(["Street", "Road", "Lane", "Avenue", "Square"])
    return f"{rng.randint(1, 240)} {made_up_word(rng, 2)} {kind}"


def fill(template: str, rng: random.Random) -> str:
    """Put random values into a sentence; a value is made only where the sentence names it."""
    makers = {
        "p": product,
        "o": order_number,
        "m": amount,
        "d": date,
        "c": city,
        "k": lambda r: r.choice(COLOURS),
        "n": lambda r: str(r.randint(2, 20)),
        "name": person,
        "email": email,
        "phone": phone,
        "street": street,
    }
    for slot, make in makers.items():
        if "{" + slot + "}" in template:
            template = template.replace("{" + slot + "}", make(rng))
    return template
