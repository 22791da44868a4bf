"""The nouns of Stoker: what every room may speak of. Standard library only, no effects."""
