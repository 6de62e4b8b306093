"""The hybrid scan: where the network looks (orders) and how it remembers (kernels)."""

from __future__ import annotations

METHODS = ("sweep", "scan", "zorder", "zigzag", "hilbert")
"""The curves, from the simplest to the one that the paper uses."""

DIRECTIONS = (2, 4, 8)
"""How many symmetric variants of the curve may be scanned at once."""
