"""What the shop "Hearth & Co." is and does: the facts behind the closed-book answers.

Owns the facts, their one right wording, and how people name them. The sentences around a topic
are made in `faq`.
"""

from __future__ import annotations

from dataclasses import dataclass

from training.text.lists import words


@dataclass(frozen=True)
class Fact:
    """One answer, the noun phrases that name it, and whole questions that ask for it."""

    name: str
    answer: str
    topics: tuple[str, ...]
    questions: tuple[str, ...]


def _fact(name: str, answer: str, topics: str, questions: str) -> Fact:
    return Fact(name, answer, tuple(topics.split("|")), tuple(questions.split("|")))


FACTS = (
    _fact(
        "refund",
        "You can return any unused item within 30 days of delivery for a full refund. The money "
        "goes back to "
        "the card or account you paid with, within 5 working days after the parcel reaches us.",
        "refund policy|refunds|refund rules|money back policy|return and refund policy|"
        "refund conditions",
        "Can I get a refund?|Can I get my money back?|How do refunds work?|Do you give refunds?|"
        "What happens if I want my money back?|Am I entitled to a refund?|"
        "Is it possible to be refunded?|"
        "I want my money back, what are the rules?|Do you refund items I do not like?|"
        "Will you refund me?|Can I return the {p}?|"
        "I do not like the {p}, can I get my money back?|Can I send the {p} back?",
    ),
    _fact(
        "return_steps",
        "To return an item, open My Orders, choose the item and print the free label. Pack it in "
        "the original "
        "box and drop it at any parcel point.",
        "return process|steps to return an item|way to send something back|return label",
        "How do I return an item?|How can I send something back?|What do I do to return a product?|"
        "Where do I find the return label?|How do I start a return?|How do I send back my order?|"
        "What are the steps to return something?|How can I give an item back?",
    ),
    _fact(
        "refund_time",
        "Refunds are paid within 5 working days after the parcel reaches our warehouse. Your "
        "bank may need "
        "2 more days to show it.",
        "refund time|waiting time for a refund|time until the refund arrives",
        "How long does a refund take?|When will I get my refund?|When will my refund arrive?|"
        "How many days until my refund is paid?|How fast do you pay refunds?|"
        "When do I see the money again?|"
        "How long must I wait for my refund?",
    ),
    _fact(
        "exchange",
        "We exchange unused items for another size or colour within 30 days. The first exchange "
        "of an order "
        "is free.",
        "exchange policy|exchanges|exchange rules",
        "Can I exchange an item?|Can I swap it for another colour?|Do you exchange products?|"
        "Can I change my item for another size?|How do exchanges work?|"
        "Is it possible to swap an item?",
    ),
    _fact(
        "shipping_time",
        "Standard shipping takes 3 to 5 working days. Express shipping arrives the next working "
        "day if you "
        "order before 2 pm.",
        "shipping time|delivery time|shipping policy|delivery times|shipping|delivery|"
        "delivery policy",
        "How long does shipping take?|How long does delivery take?|When will my parcel arrive?|"
        "How fast do you deliver?|How many days does delivery take?|When does an order arrive?|"
        "How soon will I receive my order?|What are your delivery times?",
    ),
    _fact(
        "shipping_cost",
        "Standard shipping costs 4.90 dollars and is free for orders over 50 dollars. Express "
        "shipping always "
        "costs 9.90 dollars.",
        "shipping cost|delivery cost|price of shipping|delivery fee|shipping fees|cost of delivery",
        "How much does shipping cost?|How much is delivery?|What do you charge for shipping?|"
        "Is shipping free?|Do I have to pay for delivery?|What does delivery cost?|"
        "When is delivery free?",
    ),
    _fact(
        "international",
        "We ship to 24 countries in Europe and North America. International parcels take 6 to 10 "
        "working days "
        "and cost 14.90 dollars.",
        "international shipping|shipping abroad|foreign delivery|worldwide shipping|"
        "list of countries you ship to",
        "Do you ship abroad?|Do you deliver to other countries?|Can you ship overseas?|"
        "Which countries do you ship to?|Do you ship internationally?|"
        "Do you send parcels to other countries?|Do you ship to France?|"
        "Can you deliver to Canada?|Do you ship to Germany?",
    ),
    _fact(
        "tracking",
        "We send a tracking link by email as soon as the parcel leaves our warehouse. You can "
        "also open My "
        "Orders and choose Track.",
        "order tracking|parcel tracking|tracking link|tracking",
        "How can I track my order?|Where is my order?|Where is my parcel?|"
        "How do I follow my parcel?|"
        "How do I see where my package is?|Can I track my delivery?|"
        "Where do I find the tracking number?|Where is my order {o}?|Where is order {o} now?|"
        "Can you tell me where order {o} is?|Where is my {p}?",
    ),
    _fact(
        "late",
        "If a parcel is more than 2 days late, write to help@hearth.example with your order "
        "number. We "
        "start a search and send a new parcel after 7 days.",
        "late parcels|lost parcels|delayed deliveries|missing parcels",
        "My parcel is late, what can I do?|My package never arrived.|What if my parcel is lost?|"
        "My order has not arrived yet.|What happens when a delivery is late?|"
        "My delivery is delayed.|My order {o} has not arrived.|The {p} never arrived.|"
        "Order {o} is late.",
    ),
    _fact(
        "damaged",
        "I am sorry about that. Send a photo of the damage to help@hearth.example within 14 days "
        "and we "
        "replace the item at no cost.",
        "damaged items|broken items|items that arrive broken",
        "My item arrived broken.|What if my item is damaged?|My parcel was damaged.|"
        "The product I received is broken.|What do I do with a damaged item?|"
        "It came broken, what now?|My {p} arrived broken.|The {p} is damaged.|"
        "The {p} came with a scratch.",
    ),
    _fact(
        "warranty",
        "Every product has a 2 year warranty against faults in material and work. It does not "
        "cover wear, "
        "accidents or wrong use.",
        "warranty|warranty policy|guarantee|product warranty|warranty rules|guarantee policy",
        "Do your products have a warranty?|How long is the warranty?|Is there a guarantee?|"
        "What does the warranty cover?|How many years of warranty do I get?|"
        "Are your products guaranteed?|Does the {p} have a warranty?|"
        "Is there a guarantee on the {p}?",
    ),
    _fact(
        "warranty_claim",
        "For a warranty claim, write to help@hearth.example with your order number and a photo "
        "of the fault. "
        "We repair or replace the item within 10 working days.",
        "warranty claim|warranty claims|claim process for the warranty",
        "How do I make a warranty claim?|How can I use my warranty?|How do I claim the guarantee?|"
        "Where do I send a warranty claim?|What do I need for a warranty claim?",
    ),
    _fact(
        "hours",
        "Our shop is open Monday to Friday from 9 am to 6 pm and Saturday from 10 am to 4 pm. We "
        "are closed "
        "on Sunday.",
        "opening hours|opening times|business hours|store hours|shop hours",
        "What are your opening hours?|When are you open?|When do you open?|When do you close?|"
        "Are you open on Saturday?|Are you open on Sunday?|What time does the shop open?|"
        "What time do you close?|Are you open on weekends?|On which days are you open?|"
        "Until when is the store open?",
    ),
    _fact(
        "holidays",
        "We are closed on public holidays and from 24 December to 1 January. Orders placed then "
        "are sent on "
        "2 January.",
        "holiday hours|public holidays|Christmas hours",
        "Are you open on public holidays?|Are you open at Christmas?|Do you work on holidays?|"
        "Is the shop open on New Year?|Are you closed on Christmas?",
    ),
    _fact(
        "contact",
        "You can write to help@hearth.example or call 555-0142, Monday to Friday from 9 am to 5 "
        "pm. We answer "
        "emails within 1 working day.",
        "contact details|customer service contact|support contact|phone number|email address",
        "How can I contact you?|How do I reach customer service?|What is your phone number?|"
        "What is your email address?|How can I talk to a person?|Can I speak to an agent?|"
        "How do I get in touch?|Can I talk to a human?",
    ),
    _fact(
        "location",
        "Our shop is at 12 Orchard Lane in Millbrook, next to the town library. Parking behind "
        "the shop is free.",
        "shop address|store location|address of the shop|location",
        "Where is your shop?|Where are you located?|What is your address?|"
        "How do I find your store?|"
        "Where can I visit you?|Is there a parking place?",
    ),
    _fact(
        "payment",
        "We accept credit cards, debit cards, PayPal, bank transfer and Hearth gift cards. We do "
        "not accept "
        "cash or cheques online.",
        "payment methods|payment options|ways to pay|accepted cards",
        "How can I pay?|Which payment methods do you accept?|Do you take credit cards?|"
        "Can I pay with PayPal?|Do you accept bank transfer?|What cards do you accept?|"
        "Can I pay by card?",
    ),
    _fact(
        "instalments",
        "Orders over 100 dollars can be paid in 3 monthly parts without interest. Choose Pay in "
        "3 at the checkout.",
        "payment in instalments|instalments|monthly payments",
        "Can I pay in instalments?|Can I pay monthly?|Do you offer instalments?|"
        "Can I pay in parts?|"
        "Is it possible to pay later in parts?",
    ),
    _fact(
        "cancel",
        "You can cancel an order free of charge within 2 hours, or until it is packed. Open My "
        "Orders and "
        "choose Cancel.",
        "cancellation policy|order cancellation|cancellation rules|cancellations",
        "Can I cancel my order?|How do I cancel an order?|Is it possible to cancel?|"
        "How can I stop my order?|I want to cancel my order.|Until when can I cancel?|"
        "Please cancel order {o}.|Can I cancel order {o}?|I want to cancel the {p}.",
    ),
    _fact(
        "change_order",
        "You can change the address or the items of an order until it is packed. Open My Orders "
        "and choose Edit.",
        "changing an order|address changes|order changes",
        "Can I change my order?|How do I change the delivery address?|"
        "Can I add an item to my order?|"
        "I typed the wrong address.|Can I edit my order?|How can I change my address?",
    ),
    _fact(
        "gift_cards",
        "Hearth gift cards are worth 10 to 200 dollars and are valid for 3 years. They arrive by "
        "email within "
        "10 minutes.",
        "gift cards|gift vouchers|gift card rules",
        "Do you sell gift cards?|How long is a gift card valid?|Can I buy a gift card?|"
        "How do gift cards work?|Do gift cards expire?",
    ),
    _fact(
        "discount",
        "Students and newsletter readers get 10 percent off one order each month. Codes can not "
        "be combined.",
        "discounts|discount codes|student discount|newsletter discount",
        "Do you have discounts?|Is there a discount code?|Do students get a discount?|"
        "How can I get a discount?|Can I combine discount codes?|Do you have any offers?",
    ),
    _fact(
        "loyalty",
        "With Hearth Points you collect 1 point for each dollar. 100 points are worth 5 dollars "
        "on your next order.",
        "loyalty program|Hearth Points|points program|bonus points",
        "Do you have a loyalty program?|What are Hearth Points?|How do I collect points?|"
        "What are my points worth?|How does the points program work?",
    ),
    _fact(
        "account",
        "Choose Sign up at the top of the page and enter your email and a password. You can also "
        "order as a "
        "guest without an account.",
        "account creation|opening an account|customer account|guest orders",
        "How do I create an account?|How do I sign up?|Do I need an account to order?|"
        "Can I order as a guest?|How can I register?",
    ),
    _fact(
        "password",
        "Choose Forgot password on the sign-in page and enter your email. The reset link is "
        "valid for 1 hour.",
        "password reset|forgotten passwords|resetting the password",
        "I forgot my password.|How do I reset my password?|I can not log in.|"
        "How can I change my password?|My password does not work.",
    ),
    _fact(
        "privacy",
        "We keep only the data we need for your order and never sell it. You can ask for a copy "
        "or for "
        "deletion at privacy@hearth.example.",
        "privacy policy|data protection|data privacy|use of personal data",
        "What do you do with my data?|Do you sell my data?|How do you protect my data?|"
        "Can you delete my data?|Is my data safe?",
    ),
    _fact(
        "invoice",
        "The invoice is sent by email with every parcel. You can also download it under My Orders.",
        "invoices|invoice|receipts",
        "Where is my invoice?|Can I get an invoice?|How do I download my invoice?|"
        "I need a receipt.|"
        "Where do I find the receipt?",
    ),
    _fact(
        "price_match",
        "If you find the same item cheaper within 14 days, we pay back the difference. Send us "
        "the link to "
        "the offer.",
        "price match|price guarantee|best price policy|price match policy",
        "Do you match prices?|I found it cheaper elsewhere.|Is there a price guarantee?|"
        "Do you offer a price match?|What if I find a lower price?",
    ),
    _fact(
        "gift_wrap",
        "Gift wrapping costs 3 dollars for each item and includes a card with your text. Choose "
        "it in the basket.",
        "gift wrapping|gift wrap|wrapping service",
        "Do you offer gift wrapping?|Can you wrap it as a gift?|How much is gift wrapping?|"
        "Can I add a card to a gift?",
    ),
    _fact(
        "products",
        "We sell things for the home: lamps, kitchen tools, tableware, textiles and small "
        "furniture. Most of "
        "them are made by small workshops.",
        "product range|assortment|products",
        "What do you sell?|What products do you have?|What can I buy here?|Do you sell lamps?|"
        "What kind of shop is this?|Do you sell furniture?",
    ),
    _fact(
        "stock",
        "Each product page shows if the item is in stock. Choose Notify me and we send an email "
        "when it is back.",
        "stock|availability|availability of items|items out of stock",
        "Is this item in stock?|When will it be back in stock?|Is it available?|"
        "How do I know if an item is in stock?|The item is sold out.|Is the {p} in stock?|"
        "Do you have the {p} in {k}?",
    ),
    _fact(
        "sustainability",
        "Our boxes are made of recycled paper and contain no plastic. For each order we plant "
        "one tree.",
        "sustainability|packaging|environment policy",
        "Is your packaging recycled?|Are you a green company?|What are your boxes made of?|"
        "Do you use plastic?|What do you do for the environment?",
    ),
)

FACT_BY_NAME = {fact.name: fact for fact in FACTS}

OVERVIEW_FACTS = words(
    "refund exchange shipping_time shipping_cost international warranty "
    "cancel payment gift_cards privacy hours "
    "contact"
)
