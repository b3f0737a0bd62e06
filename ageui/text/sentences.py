"""Small words of messages and tables."""

from engine.counted import counted as counted


def gigabytes(count: int) -> str:
    """Bytes as `1.78 GB`, from 10 GB on as `12.3 GB`."""
    return f"{count / 1e9:.{1 if count >= 1e10 else 2}f} GB"
