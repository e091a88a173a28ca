"""What trains: devices of this process (`LocalFleet`), or workers elsewhere (`remote/ray_fleet.py`)."""

import abc
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from grokjax.drive.compile_ahead import CompileAhead
from grokjax.drive.options import Options
from grokjax.drive.preparation import Ready
from grokjax.drive.standing import Devices, Standing
from grokjax.drive.starts import Starts
from grokjax.orders.order import Order
from grokjax.plan.plan import CohortPlan
from grokjax.store.provenance import provenance
from grokjax.train.devices import choose_executor, choose_pools
from grokjax.train.preflight import device_facts, device_memory
from grokjax.train.trainer import Trainer


class Programs(Protocol):
    """Gives the programs of one cohort after another, and the lanes that they train."""

    def programs_of(self, planned: CohortPlan, first: Order, narrowed: int | None) -> Ready:
        """The programs of a cohort, waited for; see `CompileAhead`."""
        ...

    def begin_after(self, number: int) -> None:
        """Prepare the next cohort that has runs to train, if that can be done beside training."""
        ...

    def trainer(self, ready: Ready, orders: Iterable[Order], starts: Starts, snapshots: Sequence[int]) -> Trainer:
        """Lanes of a cohort; `snapshots` are steps at which parameters are handed out."""
        ...


class Fleet(abc.ABC):
    """What trains.

    Attributes:
      devices: what it is made of.
      failed: ids of runs that are given up.
    """

    devices: Devices
    failed: Sequence[str] = ()

    @abc.abstractmethod
    def provenance(self) -> dict[str, Any]:
        """What a start on these devices runs on."""

    @abc.abstractmethod
    def programs(self, standing: Standing) -> AbstractContextManager[Programs]:
        """What compiles for these devices."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of what is held beyond the lanes."""


class LocalFleet(Fleet):
    """Devices of this process."""

    def __init__(self, options: Options):
        self._pools = choose_pools(options.device, options.executor)
        device = self._pools[0].devices[0]
        executor, memory = choose_executor(device, options.executor), device_memory(self._pools[0])
        self.devices = Devices(device.platform, executor, memory, len(self._pools), len(self._pools[0].devices))

    def provenance(self) -> dict[str, Any]:
        return provenance(device_facts(self._pools))

    def programs(self, standing: Standing) -> AbstractContextManager[Programs]:
        return CompileAhead(standing, self._pools)

    def close(self) -> None:
        """Nothing is held."""
