"""The application: its screens, global keys and the command palette."""

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.events import Resize
from textual.screen import Screen

from ageui.store import Store
from ageui.tui import changes, keys
from ageui.tui.base_app import BaseApp
from ageui.tui.dialogs.small_terminal import SmallTerminal, is_too_small
from ageui.tui.messages import OpenComparison, OpenNewRun, OpenRun
from ageui.tui.palette import KeyCommands
from ageui.tui.permissions import EVERYTHING, Permissions
from ageui.tui.prefs import Prefs
from ageui.tui.runs.screen import RunsScreen
from ageui.tui.themes import DEFAULT_THEME, THEME_NAMES, THEMES


class AgeUIApp(BaseApp):
    """`ageui` in a terminal. Imports all screens but the first when they open, for a faster start.

    `wants_demo` tells the caller to open the demo next. `is_demo` marks the demo, which changes no preferences.
    """

    TITLE = "ageui"
    CSS_PATH = ["app.tcss", "dialogs/dialogs.tcss"]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {KeyCommands}  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (150, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]  # noqa: RUF012
    MODES = {"runs": RunsScreen}  # noqa: RUF012
    DEFAULT_MODE = "runs"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.EVERYWHERE)]

    def __init__(
        self,
        store: Store,
        prefs: Prefs | None = None,
        notice: str | None = None,
        permissions: Permissions = EVERYTHING,
    ) -> None:
        super().__init__(store, prefs, notice, permissions)
        self.wants_demo = False
        self.is_demo = False
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.prefs.theme if self.prefs.theme in self.available_themes else DEFAULT_THEME

    @property
    def _background_screens(self) -> list[Screen[object]]:
        """No screens beneath an opaque screen. Otherwise, Textual would treat the first of them as current, draw it out
        of sight, and redraw the whole terminal each time."""
        return super()._background_screens if self.screen.styles.background.a < 1 else []

    def on_resize(self, event: Resize) -> None:
        """Covers the screens while the terminal is too small for them."""
        is_covered = isinstance(self.screen, SmallTerminal)
        if is_too_small(event.size) and not is_covered:
            self.push_screen(SmallTerminal())
        elif is_covered and not is_too_small(event.size):
            self.pop_screen()

    # Screens

    @on(OpenRun)
    def open_run(self, message: OpenRun) -> None:
        from ageui.tui.run.screen import RunScreen

        self.push_screen(RunScreen(message.run_id))

    @on(OpenComparison)
    def open_comparison(self, message: OpenComparison) -> None:
        from ageui.tui.compare.screen import CompareScreen

        self.push_screen(CompareScreen(message.run_ids))

    @on(OpenNewRun)
    def open_new_run(self, message: OpenNewRun) -> None:
        from ageui.tui.new_run.screen import NewRunScreen

        if message.like is not None or not isinstance(self.screen, NewRunScreen):
            self.push_screen(NewRunScreen(message.like))

    def action_new_run(self) -> None:
        self.open_new_run(OpenNewRun())

    def action_data(self) -> None:
        from ageui.tui.data.screen import DataScreen

        if not isinstance(self.screen, DataScreen):
            self.push_screen(DataScreen())

    def action_studies(self) -> None:
        from ageui.tui.studies.screen import StudiesScreen

        below = [screen for screen in self.screen_stack if isinstance(screen, StudiesScreen)]
        if not below:
            self.push_screen(StudiesScreen())
        while below and self.screen is not below[-1]:
            self.pop_screen()

    def action_help(self) -> None:
        from ageui.tui.dialogs.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def action_open_demo(self) -> None:
        if self.is_demo:
            self.tell("this is the demo already; ^q quits it")
            return
        if self.is_web:
            self.tell("the demo opens in a terminal: ageui demo")
            return
        self.wants_demo = True
        self.exit()

    def save_prefs(self) -> None:
        if not self.is_demo:
            super().save_prefs()

    async def action_back(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()

    # The queue

    def action_pause_queue(self) -> None:
        self.change(changes.pause_or_resume_queue)

    def action_worker(self) -> None:
        self.change(changes.start_or_stop_worker)

    # Palette and themes

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The commands of the palette: keys of the open screen, keys of every screen, then themes."""
        seen: set[str] = set()
        by_place = keys.in_order(screen.active_bindings.values())
        for active in sorted(by_place, key=lambda one: one.node is self):
            key, namespace = active.binding, active.node
            if not key.tooltip or key.action in seen or not isinstance(namespace, (Screen, AgeUIApp)):
                continue
            seen.add(key.action)
            run = partial(self.run_action, key.action, namespace)
            yield SystemCommand(f"{key.tooltip} ({self.get_key_display(key)})", "", run)
        for name in THEME_NAMES:
            yield SystemCommand(f"Theme {name}", "", partial(self.use_theme, name))

    def use_theme(self, name: str) -> None:
        self.theme = name
        self.prefs.theme = name
        self.save_prefs()

    def action_next_theme(self) -> None:
        place = THEME_NAMES.index(self.theme) if self.theme in THEME_NAMES else -1
        name = THEME_NAMES[(place + 1) % len(THEME_NAMES)]
        self.use_theme(name)
        self.tell(f"theme {name}")
