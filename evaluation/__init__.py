"""Everything frozen, and how it is judged."""
