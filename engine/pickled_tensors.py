"""Reads files of `torch.save` as tensors and plain values only, without running any code in a file.

Its messages replace torch's, which advise running the code in the file.
"""

import io
import json
import re
import shlex
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import torch
from torch import serialization

from engine.weights_formats import DAMAGED, refuse_archive

_UNKNOWN: Final = re.compile(r"Unsupported global: GLOBAL (\S+) was not")
_NAMED: Final = re.compile(r"(?:GLOBAL|global|class) '?([A-Za-z_][\w.]*\.\w+)")
_FILLED: Final = re.compile(r"Can only (append|SETITEM).* got <class '([^']+)'>")
_MOST_UNKNOWN: Final = 200
_MAGIC_NUMBER: Final = serialization.MAGIC_NUMBER.to_bytes(10, "little")
_BEGIN: Final = 64
_AS_TENSORS: Final = "{name: torch.as_tensor(array) for name, array in found.items()}"


class StandIn:
    """Replaces a Python object other than a tensor or plain value, and has its name and state."""

    content: Any = None

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.content = state

    @property
    def is_module(self) -> bool:
        """Whether it replaces a whole network."""
        return isinstance(self.content, Mapping) and "_modules" in self.content

    @property
    def name(self) -> str:
        return f"{type(self).__module__}.{type(self).__qualname__}"


class _ListStandIn(StandIn, list[Any]):
    """Replaces a kind of list."""


class _DictStandIn(StandIn):
    """Replaces a kind of dict: the items are read into a plain dict."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return OrderedDict()


def load_tensors(content: bytes) -> Any:
    """The content, on the CPU, of a file that holds only tensors and plain values.

    Raises `ValueError` with the problem and what to do.
    """
    refuse_archive(content)
    try:
        return _loaded(content)
    except Exception as error:  # a pickle that is damaged or malicious can fail in any way
        found = _NAMED.search(str(error))
    if found is not None:
        raise ValueError(f"it holds Python objects ({found[1]}), which could run code when read")
    raise ValueError(DAMAGED)


def load_foreign(content: bytes, path: str) -> Any:
    """Like `load_tensors`, with a `StandIn` for each object of another kind. `path` is for messages.

    Also raises `ValueError` for a whole pickled network.
    """
    refuse_archive(content)
    kinds = {name: _kind(name, StandIn) for name in _unknown_names(content)}
    problem = ""
    for _ in range(_MOST_UNKNOWN):
        try:
            with serialization.safe_globals([(kind, name) for name, kind in kinds.items()]):
                return _loaded(content)
        except Exception as error:  # a pickle that is damaged or malicious can fail in any way
            problem = str(error)
        if not _learn(kinds, problem):
            break
    raise ValueError(_refusal(problem, content, path, kinds))


def convert_line(path: str, keys: str = "") -> str:
    """The command that saves the tensors of a trusted file; `keys` lead to its model, such as `["model"]`."""
    load = f'import torch; found = torch.load({_quoted(path)}, map_location="cpu", weights_only=False){keys}; '
    return _command(path, load, 'getattr(found, "state_dict", lambda: found)()')


def arrays_line(path: str) -> str:
    """The command that saves the NumPy arrays of a trusted file as tensors."""
    load = f'import torch; found = torch.load({_quoted(path)}, map_location="cpu", weights_only=False); '
    return _command(path, load, _AS_TENSORS)


def whole_model(name: str, path: str, keys: str = "") -> str:
    """The problem of a whole pickled network of the class `name`."""
    return (
        f"it holds a whole pickled model ({name}), which would run the author's code when read; if you trust it, save "
        f"its tensors alone, from the folder of its code: {convert_line(path, keys)}"
    )


def subscript(key: object) -> str:
    """A key of a dict or list as Python code that fits into `convert_line`."""
    return _quoted(key) if isinstance(key, str) else repr(key)


def _command(path: str, load: str, tensors: str) -> str:
    code = f"{load}torch.save({tensors}, {_quoted(f'{path}.tensors.pth')})"
    return f"python -c {shlex.quote(code)}"


def _quoted(path: str) -> str:
    return json.dumps(path, ensure_ascii=False)


def _loaded(content: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _learn(kinds: dict[str, type[StandIn]], problem: str) -> bool:
    """Adds the stand-in whose lack made reading fail. Returns False if none would help."""
    if (unknown := _UNKNOWN.search(problem)) is not None:
        name = unknown[1] if "." in unknown[1] else f"builtins.{unknown[1]}"
        base: type[StandIn] = StandIn
    elif (filled := _FILLED.search(problem)) is not None:
        name, base = filled[2], _ListStandIn if filled[1] == "append" else _DictStandIn
    else:
        return False
    if name in kinds and issubclass(kinds[name], base):
        return False
    kinds[name] = _kind(name, base)
    return True


def _kind(name: str, base: type[StandIn]) -> type[StandIn]:
    module, _, own = name.rpartition(".")
    return type(own, (base,), {"__module__": module, "__qualname__": own})


def _unknown_names(content: bytes) -> list[str]:
    """The objects in a file that torch refuses; empty for older formats, which reveal them while reading."""
    try:
        return serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(content))
    except Exception:  # as above
        return []


def _refusal(problem: str, content: bytes, path: str, kinds: Iterable[str]) -> str:
    is_zip = content.startswith(b"PK")
    if not is_zip and _MAGIC_NUMBER not in content[:_BEGIN] and content.endswith(b"."):
        load = f'import pickle, torch; found = pickle.load(open({_quoted(path)}, "rb"), encoding="latin1"); '
        command = _command(path, load, _AS_TENSORS)
        return (
            "it is a pickle that torch.save did not write, which could run code when read; if you trust it and it "
            f"holds named arrays, convert it: {command}"
        )
    if "persistent_load" in problem:
        return whole_model(next(reversed([*kinds]), "its class is not known"), path)
    named = _NAMED.search(problem)
    if named is not None or "Trying to" in problem:
        what = f" ({named[1]})" if named is not None else ""
        return (
            f"it holds Python objects{what}, which could run code when read; if you trust it, save its tensors "
            f"alone: {convert_line(path)}"
        )
    if "Unsupported operand" in problem:
        return (
            "it was saved with a pickle protocol that cannot be read safely; if you trust it, save it again: "
            f"{convert_line(path)}"
        )
    return DAMAGED
