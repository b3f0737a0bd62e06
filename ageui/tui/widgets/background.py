"""Blends translucent backgrounds of a style sheet, for lines that a widget draws itself."""

from rich.style import Style
from textual.widget import Widget


def background_style(widget: Widget, *components: str) -> Style:
    """The widget's style under the backgrounds and text styles of component classes, in this order.

    Blends the colours, because Rich has no alpha channel.
    """
    color = widget.background_colors[1]
    text = Style()
    for name in components:
        styles = widget.get_component_styles(name)
        color = color + styles.background
        text += styles.text_style
    return widget.rich_style + text + Style(bgcolor=color.rich_color)
