"""Builds the starter model: text, tokenizer, network, training, export and evaluation.

Nothing in the product imports this package; it is run from the repository root.
"""
