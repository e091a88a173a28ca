"""Workers as actors of Ray, one a device. The one file that knows Ray; an extra, `pip install 'grokjax[ray]'`.

Ray does not start an actor again by itself, since its lanes would be empty, and nobody waits for one without a limit.
"""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any

import jax

from grokjax.drive.fleet import Fleet, Programs
from grokjax.drive.options import Options
from grokjax.drive.remote.crew import Crew, Member, WorkerLostError, WorkersError
from grokjax.drive.remote.host import Host
from grokjax.drive.remote.remote_programs import RemotePrograms
from grokjax.drive.standing import Devices, Standing
from grokjax.reader.errors import first_line, wrong
from grokjax.store.provenance import provenance
from grokjax.train.program import MAP, VMAP

_PASSED_ON = ("PYTHONPATH", "NPROC", "XDG_CACHE_HOME")
_SETTINGS = ("JAX_", "XLA_")  # what variables begin with on which programs and bits depend
_PLATFORMS = {"GPU": "cuda", "TPU": "tpu", "CPU": "cpu"}


class RayFleet(Fleet):
    """Workers of a cluster of Ray; see `Options.workers`."""

    def __init__(self, options: Options):
        """Connect, and wait for the first worker.

        Raises:
          SpecError: `--workers` makes no sense.
          WorkersError: Ray is not installed, no cluster is there, or no worker comes.
        """
        jax.config.update("jax_platforms", "cpu")  # this process leaves accelerators to the workers
        self._crew = RayCrew(options)
        try:
            facts = self._crew.first_member(lambda: None).facts
        except BaseException:
            self._crew.close()
            raise
        executor = options.executor or (MAP if facts["platform"] == "cpu" else VMAP)
        self.devices = Devices(facts["platform"], executor, facts["memory"], self._crew.planned(), facts["devices"])
        self.failed = self._crew.suspects.failed
        self._record = facts["provenance"]

    def provenance(self) -> dict[str, Any]:
        own, (device,) = provenance([]), self._record["devices"]
        return self._record | {"devices": [device] * self.devices.pools, "command": own["command"]}

    def programs(self, standing: Standing) -> AbstractContextManager[Programs]:
        self._crew.tell_to(standing.folder.warn)
        return RemotePrograms(standing, self._crew)

    def close(self) -> None:
        self._crew.close()


class RayCrew(Crew):
    """Actors of Ray.

    Attributes:
      size: how many workers there are to be; None for as many as the cluster has room for, now and later.
    """

    def __init__(self, options: Options):
        super().__init__(options.worker_patience)
        address, self.size = _parsed(str(options.workers))
        self._ray = _connect(address, self.size)
        self._kind = _kind_of(options.device, self._ray.cluster_resources())
        self._number = 0
        self._actors: dict[int, Any] = {}
        platform = _PLATFORMS[self._kind]
        variables = {
            name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_SETTINGS)
        }
        variables |= {"JAX_PLATFORMS": platform, "JAX_NUM_CPU_DEVICES": "1", "NPROC": os.environ.get("NPROC", "2")}
        self._actor = self._ray.remote(
            num_cpus=1 if self._kind == "CPU" else 0,
            num_gpus=1 if self._kind == "GPU" else 0,
            resources={"TPU": 1} if self._kind == "TPU" else {},
            max_concurrency=2,  # a ping is answered while a cohort is compiled
            max_restarts=0,
            max_task_retries=0,
            runtime_env={"env_vars": variables},
        )(Host)

    def recruit(self) -> None:
        if not self.may_recruit:
            return
        wanted = max(1, self._room()) if self.size is None else self.size - len(self.members)
        for _ in range(wanted - len(self.on_the_way)):
            self._hire()

    def _hire(self) -> None:
        actor = self._actor.remote("cpu" if self._kind == "CPU" else None)

        def call(method: str, *arguments: Any) -> Future:
            return getattr(actor, method).remote(*arguments).future()

        member = Member(self._number, call, time.monotonic())
        self._actors[self._number] = actor
        self._number += 1
        self.on_the_way[call("facts")] = member

    def planned(self) -> int:
        """Workers that a sweep is planned for: those asked for, or what the cluster has."""
        return self.size or max(1, int(self._ray.cluster_resources().get(self._kind, 0)))

    def _room(self) -> int:
        """Workers for which there is room now."""
        return int(self._ray.available_resources().get(self._kind, 0))

    def result(self, future: Future, timeout: float | None = None) -> Any:
        exceptions = self._ray.exceptions
        try:
            return future.result(timeout)
        except TimeoutError as error:
            raise WorkerLostError(f"no answer within {timeout} s") from error
        except exceptions.RayTaskError as error:
            raise error.cause from None
        except exceptions.RayError as error:  # the actor, its node or the way to it
            raise WorkerLostError(type(error).__name__) from error

    def wanted(self) -> str:
        there = self._ray.cluster_resources().get(self._kind, 0)
        return f"each needs 1 {self._kind}; the cluster has {there:.0f}, of which {self._room()} are free"

    def says_who_waits(self) -> bool:
        return self.size is not None

    def release(self, member: Member) -> None:
        actor = self._actors.pop(member.number, None)
        if actor is not None:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.kill(actor, no_restart=True)

    def close(self) -> None:
        """End all workers and leave the cluster; one of its own ends."""
        for member in [*self.members, *self.on_the_way.values()]:
            self.release(member)
        self._ray.shutdown()


def _parsed(workers: str) -> tuple[str | None, int | None]:
    """Address, and how many workers; `ray` means the cluster that runs here."""
    engine, _, where = workers.partition(":")
    if engine != "ray" or (where.isdigit() and int(where) < 1):
        raise wrong("--workers", "must be ray, ray:N with N from 1, or ray:ADDRESS", workers)
    return (None, int(where)) if where.isdigit() else (where or "auto", None)


def _connect(address: str | None, size: int | None) -> Any:
    """The module `ray`, connected."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise WorkersError("--workers needs Ray: pip install 'grokjax[ray]'") from None
    own: dict[str, Any] = {} if address else {"num_cpus": size, "include_dashboard": False}
    try:
        with _kept_handlers():  # `local`: otherwise Ray joins any cluster that it finds on this machine
            ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        asked = f"no cluster of Ray at {address}" if address else "Ray does not start here"
        hint = " (`ray start --head` starts one, --workers ray:N one of its own)" if address == "auto" else ""
        raise WorkersError(f"{asked}: {first_line(error)}{hint}") from error
    return ray


def _kind_of(device: str | None, resources: dict[str, float]) -> str:
    """What a worker asks the cluster for: what --device says, else the best kind that is there."""
    kinds = {"gpu": "GPU", "cuda": "GPU", "tpu": "TPU", "cpu": "CPU"}
    if device is not None:
        if device not in kinds:
            raise wrong("--device", "with --workers must be cpu, gpu or tpu", device)
        return kinds[device]
    return next((kind for kind in ("TPU", "GPU") if resources.get(kind)), "CPU")


@contextlib.contextmanager
def _kept_handlers() -> Iterator[None]:
    """Ray sets a handler of SIGTERM that ends this process without a save."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
