"""Frees closed screens, which Textual would keep in memory."""

from typing import Any

from textual._styles_cache import StylesCache


def forget_styles_of_closed_widgets() -> None:
    """Keeps Textual's style cache from holding closed widgets.

    At least up to release 8.2, `StylesCache.get_inner_outer` has a parameter `cls` but is not a class method, so its
    cache holds 1,024 instances with the rendered lines of their widgets. As a class method, it holds only colours.
    """
    cached: Any = vars(StylesCache).get("get_inner_outer")
    if hasattr(cached, "cache_info"):
        StylesCache.get_inner_outer = classmethod(cached)  # type: ignore[assignment, method-assign]
