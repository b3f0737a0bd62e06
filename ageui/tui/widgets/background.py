"""Backgrounds of lines: translucent colours of a style sheet, blended in order."""

from rich.style import Style
from textual.widget import Widget


def background_style(widget: Widget, *components: str) -> Style:
    """The widget's own style with the backgrounds and text styles of component classes over it, in that order.

    Rich has no alpha channel, so this blends the colours.
    """
    color = widget.background_colors[1]
    text = Style()
    for name in components:
        styles = widget.get_component_styles(name)
        color = color + styles.background
        text += styles.text_style
    return widget.rich_style + text + Style(bgcolor=color.rich_color)
