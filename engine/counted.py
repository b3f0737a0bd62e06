"""Counts with their noun, in the singular or plural."""


def counted(number: int, noun: str) -> str:
    """`1 run`, `2 runs`, `10,432 runs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
