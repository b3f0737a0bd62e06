"""Measures parts, one after the other: reads requests from stdin and tells rows and figures on stdout, in JSON lines.

What libraries print goes to stderr.
"""

import gc
import importlib
import json
import os
import sys
import traceback

from check import Check, Session


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(**told: object) -> None:
        answers.write(json.dumps(told) + "\n")

    for line in sys.stdin:
        request = json.loads(line)
        session = Session(Check(**request["check"]), request["seconds"], request["found"], tell)
        try:
            importlib.import_module(request["module"]).measure(session, **request["arguments"])
            tell(end="")
        except Exception as error:
            traceback.print_exc()
            tell(end=f"failed: {type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}")
        _release()


def _release() -> None:
    """Frees what the part leaves, the GPU's memory too; later parts need not look through what was imported."""
    if "engine" in sys.modules:
        from engine.release_memory import release_memory

        release_memory()
    gc.freeze()


if __name__ == "__main__":
    main()
