"""Checkpoints of the whole batched state by orbax, each with a checksum of every leaf: orbax notices no flipped bit."""

import contextlib
import json
import logging
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from grokjax.store.files import checksum, write_json
from grokjax.store.layout import Layout

Arrays = dict[str, np.ndarray]
_KEEP = 2


class Checkpoints:
    """Saves in the background, one at a time; restores only what verifies."""

    def __init__(self, layout: Layout):
        self._layout = layout
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        logging.getLogger("absl").setLevel(logging.ERROR)

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
        sums = {
            "about": about,
            "leaves": {
                name: {"shape": list(leaf.shape), "dtype": str(leaf.dtype), "crc32c": _sum(leaf)}
                for name, leaf in arrays.items()
            },
        }
        with _checkpointer(self._layout) as checkpointer:
            response = checkpointer.save_checkpointables_async(number, {"lanes": arrays}, force=True)
            if response is None:
                raise OSError(f"checkpoint {number} was not saved: orbax skipped it.")
            response.result()
            if checkpointer.latest is None or checkpointer.latest.step != number:
                raise OSError(f"checkpoint {number} is not listed after it was saved.")
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
        host = jax.sharding.SingleDeviceSharding(jax.local_devices(backend="cpu")[0])
        template = {
            name: jax.ShapeDtypeStruct(tuple(leaf["shape"]), np.dtype(leaf["dtype"]), sharding=host)
            for name, leaf in sums["leaves"].items()
        }
        with _checkpointer(self._layout) as checkpointer:
            restored = checkpointer.load_checkpointables(number, {"lanes": template})["lanes"]
        arrays = {name: np.array(leaf) for name, leaf in restored.items()}
        for name, leaf in sums["leaves"].items():
            if str(arrays[name].dtype) != leaf["dtype"] or _sum(arrays[name]) != leaf["crc32c"]:
                raise ValueError(f"leaf {name} of checkpoint {number} is not what was saved")
        return arrays, sums["about"]

    def forget(self, keep: set[int]) -> None:
        """Remove the sums of checkpoints that orbax has dropped."""
        for path in self._layout.checkpoints.glob("*.sums.json"):
            number = int(path.name.split(".")[0])
            if number not in keep and not (self._layout.checkpoints / str(number)).exists():
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all checkpoints, once a sweep is complete."""
        shutil.rmtree(self._layout.checkpoints, ignore_errors=True)


@contextlib.contextmanager
def _checkpointer(layout: Layout) -> Iterator[Any]:
    layout.checkpoints.mkdir(parents=True, exist_ok=True)
    training: Any = ocp.training  # its annotations name protocols that its own classes do not satisfy
    # A new one each time: after a failed restore the same checkpointer fails on good steps too.
    with training.Checkpointer(
        layout.checkpoints.absolute(),
        preservation_policy=training.preservation_policies.LatestN(_KEEP),
        cleanup_tmp_directories=True,
    ) as checkpointer:
        yield checkpointer


def _sum(leaf: np.ndarray) -> str:
    return checksum(np.ascontiguousarray(leaf).tobytes())
