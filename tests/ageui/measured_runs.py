"""Done runs with measured peaks, as this machine's processor would have had them."""

from typing import Any

from store_rows import claimed, config, end

from ageui.memory.expected_memory import memory_keys
from ageui.memory.measured_peaks import MemoryKey
from ageui.store import Store
from engine.data.spec import BUILT_IN, DataSpec
from engine.library_versions import NETWORK_LIBRARIES

GB = 10**9


def measured_run(
    store: Store,
    gigabytes: float,
    *,
    spec: DataSpec = BUILT_IN,
    threads: int | None = None,
    step: int = 0,
    **changes: Any,
) -> int:
    """The id of a new run that is done, and took so much memory."""
    run_id = store.runs.add(config(**changes), spec, name=None)
    attempt = claimed(store, run_id)
    assert attempt is not None
    with store.writing(run_id, attempt) as writer:
        writer.started(manifest(next(memory_keys(config(**changes), "cpu", threads)), sum(spec.synthetic.counts)), step)
        writer.memory(int(gigabytes * GB))
    end(store, run_id, attempt)
    return run_id


def manifest(key: MemoryKey, images: int) -> dict[str, Any]:
    """The manifest of a run with a key."""
    return {
        "device": key.device,
        "device_type": "cuda" if key.on_gpu else "cpu",
        "placement": "asked for",
        "dtype": key.dtype,
        "threads": key.threads,
        "versions": dict(zip(NETWORK_LIBRARIES, key.versions, strict=True)),
        "recipe": key.recipe,
        "data": {"hash": "h", "splits": {"train": {"images": images, "labelled": images}}},
    }
