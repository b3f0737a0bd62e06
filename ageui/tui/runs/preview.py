"""The run under the cursor, beside the table of runs."""

import asyncio
from contextlib import suppress

from textual import getters
from textual.containers import VerticalScroll

from ageui.tui.base_app import BaseApp
from ageui.tui.debounce import Debounce
from ageui.tui.queue_state import waiting_text
from engine.errors import AgeUIError

PREVIEW_FROM = 160
"""The smallest width in columns with room for a preview."""


class RunPreview(VerticalScroll, can_focus=False):
    """Reads the run in a thread once the cursor rests. Makes its contents when it is first seen, after the table."""

    app = getters.app(BaseApp)

    DEFAULT_CSS = """
    RunPreview {
        display: none;
        width: 40%;
        max-width: 84;
        background: $surface;
        border-left: vkey $panel;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._run_id: int | None = None
        self._read_at_rest = Debounce(self, self._start_reading)

    def look_at(self, run_id: int | None) -> None:
        """Shows another run soon; None leaves the preview empty."""
        if run_id != self._run_id:
            self._run_id = run_id
            self.look_again()

    def look_again(self) -> None:
        """Shows the current state of the run, soon."""
        if self.display:
            self._read_at_rest()

    def scroll_on(self) -> None:
        """Scrolls by a page; from the end to the start."""
        if self.scroll_offset.y >= self.max_scroll_y:
            self.scroll_home(animate=False)
        else:
            self.scroll_page_down(animate=False)

    def _start_reading(self) -> None:
        self.screen.run_worker(self._read_and_show(), group="preview", exclusive=True, exit_on_error=False)

    async def _read_and_show(self) -> None:
        from ageui.tui.runs.previewed_run import PreviewedRun  # imports the charts

        run_id, detail = self._run_id, None
        if run_id is not None:
            with suppress(AgeUIError):  # deleted meanwhile, or the table says why nothing can be read
                detail = await asyncio.to_thread(self.app.store.runs.detail, run_id)
        if not self.is_attached:
            return
        if not self.children:
            await self.mount(PreviewedRun())
        waiting = waiting_text(self.app.queue_state, detail.id) if detail is not None else ""
        self.query_one(PreviewedRun).show(detail, waiting)
