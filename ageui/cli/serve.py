"""`ageui serve`: the application in a browser on this machine."""

from typing import Annotated

import typer

from ageui.cli.options import Database


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")] = 8765,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Let the page queue, change and delete runs.")
    ] = False,
    sessions: Annotated[int, typer.Option(min=1, max=64, metavar="N", help="Most pages open at once.")] = 4,
    db: Database = None,
) -> None:
    """Serve the application to a browser on this machine.

    Prints a link that opens once, and the next link after its use. The page is read-only unless --allow-changes. Other
    machines cannot reach it: forward the port with ssh -L. Needs the extra serve.

        ageui serve
        ageui serve --port 9000 --allow-changes
    """
    import sys
    from contextlib import closing

    from ageui.console.consoles import messages
    from ageui.files.database_path import database_path
    from ageui.store import Store
    from ageui.text.clean import clean
    from engine.extras import check_installed

    check_installed("serve", "textual_serve")
    from ageui.serve.link import Link
    from ageui.serve.server import PageServer, serve_until_signal

    with closing(Store.open(database_path(db), read_only=not allow_changes)) as store:
        path = store.path
    command = [sys.executable, "-P", "-m", "ageui.serve", "--db", str(path)]
    command += ["--allow-changes"] if allow_changes else []
    link = Link()
    what = "with changes allowed" if allow_changes else "read-only"
    say = messages().print
    say(clean(f"{path} is served {what}; ctrl+c ends that; a link that works once is {link.place()}"), soft_wrap=True)
    try:
        serve_until_signal(PageServer(command, most_sessions=sessions, announce=link.show), port)
    finally:
        link.remove()
