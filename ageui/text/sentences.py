"""Small words of messages and tables."""

from engine.counted import counted as counted


def gigabytes(count: int) -> str:
    """Bytes as `1.78 GB`, from 10 GB on as `12.3 GB`."""
    return f"{count / 1e9:.{1 if count >= 1e10 else 2}f} GB"


def memory_sentence(predicted: int | None, peak: int | None) -> str:
    """`peak memory 1.78 GB, 1.73 GB predicted`; empty if neither is known."""
    if peak is None:
        return f"peak memory about {gigabytes(predicted)}, as predicted" if predicted is not None else ""
    return f"peak memory {gigabytes(peak)}" + (f", {gigabytes(predicted)} predicted" if predicted is not None else "")
