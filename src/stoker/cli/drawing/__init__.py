"""Drawings: bars, charts and plots, of characters or as SVG. Pure; `pages` put words around."""
