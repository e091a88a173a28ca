"""Checkpoints of the whole batched state by orbax, each with a checksum of every leaf: orbax notices no flipped bit."""

import contextlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from orbax.checkpoint import v1 as ocp

from grokjax.store.files import checksum, write_json
from grokjax.store.layout import Layout

Arrays = dict[str, np.ndarray]
_OF_SYSTEM = re.compile(r"os_error_code='(\d+)'")


class Checkpoints:
    """Saves in the background, one at a time; restores only what verifies."""

    def __init__(self, layout: Layout):
        self._layout = layout
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        logging.getLogger("absl").setLevel(logging.CRITICAL)  # what orbax raises is said once, by us, without its stack

    def close(self) -> None:
        """Wait for the save under way."""
        self._thread.shutdown()

    def save(self, number: int, arrays: Arrays, about: dict[str, Any]) -> Future:
        """Save in the background; the future gives the checksum of the sums once everything is on disk.

        Args:
          number: of the checkpoint; must grow.
          arrays: leaves by name; not changed by the caller afterwards.
          about: JSON-able description, kept with the checksums.
        """
        return self._thread.submit(self._save, number, arrays, about)

    def _save(self, number: int, arrays: Arrays, about: dict[str, Any]) -> str:
        sums: dict[str, Any] = {
            "about": about,
            "leaves": {
                name: {"shape": list(leaf.shape), "dtype": str(leaf.dtype), "crc32c": _sum(leaf)}
                for name, leaf in arrays.items()
            },
        }
        with _system_errors(self._layout), _checkpointer(self._layout) as checkpointer:
            response = checkpointer.save_checkpointables_async(number, {"lanes": arrays}, force=True)
            if response is None:
                raise OSError(f"checkpoint {number} was not saved: orbax skipped it.")
            response.result()
            if checkpointer.latest is None or checkpointer.latest.step != number:
                raise OSError(f"checkpoint {number} is not listed after it was saved.")
        sums["files"] = file_sums(self._layout, number)
        write_json(self._layout.sums_file(number), sums)
        return checksum(self._layout.sums_file(number).read_bytes())

    def restore(self, number: int, sums_checksum: str) -> tuple[Arrays, dict[str, Any]]:
        """Leaves and description of a checkpoint.

        Raises:
          ValueError, OSError, KeyError: it is missing or damaged; whatever orbax raises is passed on.
        """
        content = self._layout.sums_file(number).read_bytes()
        if checksum(content) != sums_checksum:
            raise ValueError(f"checksums of checkpoint {number} are damaged")
        sums = json.loads(content)
        present = file_sums(self._layout, number)  # asked first: orbax says of damage more than anybody can read
        for name, digest in sums.get("files", {}).items():
            if present.get(name) != digest:
                raise ValueError(f"{name} is {'damaged' if name in present else 'missing'}")
        # NumPy arrays as a template: on the way through JAX a float64 would come back as float32.
        template = {name: np.empty(leaf["shape"], leaf["dtype"]) for name, leaf in sums["leaves"].items()}
        with _checkpointer(self._layout) as checkpointer:
            restored = checkpointer.load_checkpointables(number, {"lanes": template})["lanes"]
        arrays = {name: np.array(leaf) for name, leaf in restored.items()}
        for name, leaf in sums["leaves"].items():
            if str(arrays[name].dtype) != leaf["dtype"] or _sum(arrays[name]) != leaf["crc32c"]:
                raise ValueError(f"leaf {name} of checkpoint {number} is not what was saved")
        return arrays, sums["about"]

    def keep_only(self, numbers: set[int]) -> None:
        """Remove every other checkpoint; only while nothing is saved."""
        for path in self._layout.checkpoints.glob("*"):
            number = path.name.split(".")[0]
            if not number.isdigit() or int(number) in numbers:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def clear(self) -> None:
        """Remove all checkpoints, once a sweep is complete."""
        shutil.rmtree(self._layout.checkpoints, ignore_errors=True)


def file_sums(layout: Layout, number: int) -> dict[str, str]:
    """Checksum of every file of a checkpoint, by its path below the checkpoint's folder."""
    root = layout.checkpoints / str(number)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): checksum(path.read_bytes()) for path in files}


@contextlib.contextmanager
def _checkpointer(layout: Layout) -> Iterator[Any]:
    layout.checkpoints.mkdir(parents=True, exist_ok=True)
    # Orbax keeps all: by itself it drops what HEAD still names when later saves were killed before HEAD named them.
    training: Any = ocp.training  # its annotations name protocols that its own classes do not satisfy
    # A new one each time: after a failed restore the same checkpointer fails on good steps too.
    with training.Checkpointer(
        layout.checkpoints.absolute(),
        preservation_policy=training.preservation_policies.PreserveAll(),
        cleanup_tmp_directories=True,
    ) as checkpointer:
        yield checkpointer


@contextlib.contextmanager
def _system_errors(layout: Layout) -> Iterator[None]:
    """A full disk comes out of tensorstore as a ValueError of many lines; here it is the OSError that it was."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        code = _OF_SYSTEM.search(str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1])), str(layout.checkpoints)) from error


def _sum(leaf: np.ndarray) -> str:
    return checksum(np.ascontiguousarray(leaf).tobytes())
