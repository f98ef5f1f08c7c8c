"""PURE. How far a share of so many may be off: Wilson's interval (Wilson 1927), good for few and for shares near 0 and 1."""

from math import sqrt

Z = 1.959963984540054  # 95 %


def wilson(count: int, of: int, z: float = Z) -> tuple[float, float]:
    """(low, high) of the share count/of, in [0, 1]; of must be positive."""
    share = count / of
    centre = share + z * z / (2 * of)
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    whole = 1 + z * z / of
    return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)
