"""Changed inputs for everything that reads what others wrote."""

from __future__ import annotations

CURRENT = "current"
"""The file that holds the input under way: its length in eight bytes, and itself."""
LENGTH_BYTES = 8
MOST_BYTES = 64 << 10
