"""Lets go of closed screens, which Textual would keep in memory."""

from typing import Any

from textual._styles_cache import StylesCache


def forget_styles_of_closed_widgets() -> None:
    """Keeps Textual's style cache from holding closed widgets.

    Up to release 8.2 at least, Textual caches `StylesCache.get_inner_outer` for every widget apart, since it lacks the
    decorator that its first parameter `cls` asks for. The cache then holds 1,024 widgets' rendered lines. As the class
    method it was meant to be, it holds colours alone.
    """
    cached: Any = vars(StylesCache).get("get_inner_outer")
    if hasattr(cached, "cache_info"):
        StylesCache.get_inner_outer = classmethod(cached)  # type: ignore[assignment, method-assign]
