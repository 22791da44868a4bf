"""Synthetic models for tests, by the names that tests know: those of `stoker.models.synthetic`.

python -m stoker.testing.synthetic tiny PATH
"""

from __future__ import annotations

from stoker.models.synthetic.write import (
    SHAPES,
    TINY,
    Shape,
    main,
    write_model,
    write_split_model,
)

__all__ = ["SHAPES", "TINY", "Shape", "main", "write_model", "write_split_model"]

if __name__ == "__main__":
    main()
