"""How a sweep is run: lanes, device, time, who is told."""

import dataclasses
from collections.abc import Callable

from grokjax.drive.progress import Progress
from grokjax.train.devices import choose_pools, prepare_host_devices


@dataclasses.dataclass
class Options:
    """How a sweep is run; nothing here changes what comes out, save executor and, with `vmap`, lanes (to rounding).

    A folder keeps the program that its first runs were trained in, so these two are refused when they change later.

    Attributes:
      lanes: lanes of one device; None chooses.
      executor: `map`, `vmap`, or None for what suits the device.
      device: `cpu`, `gpu`, `gpu:N`, `tpu`, or None for JAX's default.
      max_seconds: stop after this time, resumable.
      save_seconds: time between saves of the batched state.
      workers: train in workers of Ray in place of this process: `ray` (the cluster that runs here), `ray:ADDRESS`, or
        `ray:N` for a cluster of its own with so many.
      worker_patience: seconds without an answer after which a worker is given up, at least.
      share: `(I, N)`, train every N-th run of the sweep from the I-th on; the others are trained elsewhere.
      stop: asked after every segment; a text ends the sweep, resumable, with that reason.
      watch: called at every change of stage and after every segment.
    """

    lanes: int | None = None
    executor: str | None = None
    device: str | None = None
    max_seconds: float | None = None
    save_seconds: float = 30.0
    workers: str | None = None
    worker_patience: float = 300.0
    share: tuple[int, int] = (0, 1)
    stop: Callable[[], str | None] = lambda: None
    watch: Callable[[Progress], None] = lambda progress: None


def check_device(options: Options) -> str:
    """The platform that will train, such as `cpu`; raises `DeviceError` where the device is missing."""
    prepare_host_devices()
    return choose_pools(options.device, options.executor)[0].devices[0].platform
