"""Figures that others published, the judgements we made, and the rules: data with its loaders."""
