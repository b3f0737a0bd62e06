"""The memory of this machine, and of the control groups that limit it."""

from pathlib import Path

import psutil
import pytest

from ageui.memory.device_memory import DeviceMemory, device_memory, gpu, group_memory


def test_memory_is_no_more_than_the_system_has_nor_than_its_control_groups_allow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = device_memory("cpu")
    assert found is not None
    assert 0 < found.free <= found.total <= psutil.virtual_memory().total
    groups = [DeviceMemory(123, 1000), DeviceMemory(456, 800)]
    monkeypatch.setattr("ageui.memory.device_memory.group_memory", lambda groups_file, mount: iter(groups))
    assert device_memory("cpu") == DeviceMemory(123, 800)


def _group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_every_control_group_around_the_process_may_have_a_limit(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("0::/outer/inner\n")
    mount = tmp_path / "mount"
    _group(mount / "outer", memory__max="1000", memory__current="700", memory__stat="anon 1\ninactive_file 50\n")
    _group(mount / "outer" / "inner", memory__max="max", memory__current="10", memory__stat="inactive_file 5\n")
    assert list(group_memory(tmp_path / "cgroup", mount)) == [DeviceMemory(350, 1000)]
    (mount / "outer" / "inner" / "memory.max").write_text("12")
    assert list(group_memory(tmp_path / "cgroup", mount)) == [DeviceMemory(7, 12), DeviceMemory(350, 1000)]


def test_control_groups_of_the_first_version_count_too(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("5:cpu,cpuacct:/box\n4:memory:/box\n0::/\n")
    _group(
        tmp_path / "mount" / "memory" / "box",
        memory__limit_in_bytes="900", memory__usage_in_bytes="950", memory__stat="total_inactive_file 20\n",
    )  # fmt: skip
    assert list(group_memory(tmp_path / "cgroup", tmp_path / "mount")) == [DeviceMemory(0, 900)]
    assert list(group_memory(tmp_path / "absent", tmp_path / "mount")) == []


@pytest.mark.gpu
def test_a_gpu_is_known_by_the_name_and_arithmetic_that_torch_tells() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    found, memory = gpu("cuda:0"), device_memory("cuda:0")
    assert found == (torch.cuda.get_device_name(0), torch.cuda.is_bf16_supported(including_emulation=False))
    assert memory is not None
    assert memory.free <= memory.total
