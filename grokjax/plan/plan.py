"""What a sweep amounts to before anything is compiled: cohorts, widths, memory, disk, and the choices that matter."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from grokjax.orders.order import Orders
from grokjax.plan.blocks import block_sizes
from grokjax.plan.cohorts import Cohort, find_cohorts
from grokjax.plan.forms import FIRST_FORMS, Forms, choose_forms
from grokjax.plan.memory import WIDTHS, Size, lanes_per_device, run_size
from grokjax.reader.measured_steps import look_steps, measured_steps
from grokjax.reader.sweep import Sweep

WEIGHTS_LIMIT = 2 * 10**9
"""Bytes up to which the final parameters of every run are stored without being asked for."""


@dataclasses.dataclass(frozen=True)
class CohortPlan:
    """One cohort before compilation.

    Attributes:
      width: lanes of one device.
      size: of one run.
      forms: of its program, unless it has begun to train in others.
      seconds: forecast of its wall time, without other work on the machine; None when nothing was timed.
      cpu_share: part of the cores asked for that were there to time it; None when nothing was timed or no CPU trains.
      compile_seconds: that compiling its programs took, or loading those that are kept; None when nothing was compiled.
      compiled_bytes: peak of all its lanes by the compiler's own account; None when nothing was compiled.
      run_seconds: of one run on one pool; None when nothing was timed.
      measure_seconds: of one step of one run, by measure, without other work on the machine, those of a look apart;
        empty when nothing was timed.
    """

    cohort: Cohort
    width: int
    size: Size
    forms: Forms = FIRST_FORMS
    seconds: float | None = None
    cpu_share: float | None = None
    compile_seconds: float | None = None
    compiled_bytes: int | None = None
    run_seconds: float | None = None
    measure_seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def bytes_per_run(self) -> int:
        """Of a device's memory, at this width; of one lane where not even that fits."""
        lanes = max(self.width, 1)
        return -(-self.size.device_bytes(lanes) // lanes)

    def narrower_widths(self) -> list[int]:
        """This width, then narrower ones in case the compiler needs more memory than shapes tell."""
        return [width for width in reversed(WIDTHS) if width <= self.width]


@dataclasses.dataclass(frozen=True)
class Plan:
    """A sweep before anything is compiled.

    Attributes:
      orders: those that are planned.
      num_looks, num_rows: how often a run is looked at, and measured in full.
      stores_weights: whether the final parameters of every run are stored.
      disk: forecast of bytes by kind of output, see `store.disk.Disk`; empty when nobody asked.
      platform: of the devices that train, as JAX names it.
    """

    sweep: Sweep
    orders: Orders
    cohorts: list[CohortPlan]
    num_looks: int
    num_rows: int
    stores_weights: bool
    disk: Mapping[str, int] = dataclasses.field(default_factory=dict)
    platform: str = "cpu"

    @property
    def forecast_seconds(self) -> float | None:
        """Wall time of training, later runs taken to be as long as these; None when nothing was timed."""
        seconds = [planned.seconds for planned in self.cohorts]
        later = 1 + self.later_runs / len(self.orders)
        return None if any(time is None for time in seconds) else later * float(sum(time or 0.0 for time in seconds))

    @property
    def compile_seconds(self) -> float | None:
        """Of the programs of all cohorts; None when nothing was compiled."""
        seconds = [planned.compile_seconds for planned in self.cohorts]
        return None if any(time is None for time in seconds) else float(sum(time or 0.0 for time in seconds))

    @property
    def later_runs(self) -> int:
        """Runs that the sweep orders once those of the plan have ended: arms at their best setting."""
        sweep = self.sweep
        return 0 if sweep.compare is None else len(sweep.compare.arms) * sweep.num_runs

    @property
    def disk_bytes(self) -> int:
        """Forecast of the finished folder."""
        return sum(size for kind, size in self.disk.items() if kind != "saves")

    @property
    def cpu_share(self) -> float | None:
        """The least of any cohort; None where no CPU was timed."""
        return min((planned.cpu_share for planned in self.cohorts if planned.cpu_share is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """The stable output of `grokjax plan --json`."""
        return {
            "name": self.sweep.name,
            "runs": sum(len(planned.cohort) for planned in self.cohorts),
            "later_runs": self.later_runs,
            "cells": self.orders.num_cells,
            "seeds": self.sweep.num_seeds,
            "steps": self.sweep.steps,
            "looks": self.num_looks,
            "measured_steps": self.num_rows,
            "cohorts": [
                {
                    "runs": len(planned.cohort),
                    "width": planned.width,
                    "static": planned.cohort.static,
                    "params": planned.size.num_params,
                    "decayed_params": planned.size.num_decayed,
                    "memory_bytes_per_run": planned.bytes_per_run,
                    "forecast_seconds": planned.seconds,
                    "run_seconds": planned.run_seconds,
                    "compile_seconds": planned.compile_seconds,
                    "measure_seconds": dict(planned.measure_seconds),
                    "forms": planned.forms._asdict(),
                }
                for planned in self.cohorts
            ],
            "memory_bytes_per_run": max(planned.bytes_per_run for planned in self.cohorts),
            "disk_bytes": self.disk_bytes,
            "disk": dict(self.disk),
            "stores_weights": self.stores_weights,
            "forecast_seconds": self.forecast_seconds,
            "compile_seconds": self.compile_seconds,
            "cpu_share": self.cpu_share,
        }


def make_plan(
    sweep: Sweep,
    orders: Orders,
    devices: int,
    is_cpu: bool,
    memory_bytes: int | None = None,
    lanes: int | None = None,
    platform: str = "cpu",
) -> Plan:
    """Plan orders of a sweep from shapes alone.

    Args:
      devices: number of devices that train.
      is_cpu: whether lanes are walked one after another, as on host devices.
      memory_bytes: free on one device; None when unknown.
      lanes: lanes of one device when the user says so.
      platform: of the devices, as JAX names it.
    """
    num_looks, num_rows = len(look_steps(sweep.measure, sweep.steps)), len(measured_steps(sweep.measure, sweep.steps))
    keeps_memorized = any(part.compares_with_memorized() for part in sweep.measure.what)
    plans = []
    for cohort in find_cohorts(orders):
        rows = block_sizes(cohort.run, cohort.signature, is_cpu)
        tables = len(cohort.tasks)
        size = run_size(
            cohort.run, cohort.signature, num_looks, num_rows, rows.step, is_cpu, tables, keeps_memorized, platform
        )
        width = lanes or lanes_per_device(len(cohort), size, memory_bytes, devices)
        plans.append(CohortPlan(cohort, width, size, choose_forms(cohort.run, cohort.signature, is_cpu, rows)))
    weights = sum(len(planned.cohort) * planned.size.stored_bytes for planned in plans)  # alike on any device
    stores_weights = weights <= WEIGHTS_LIMIT
    return Plan(sweep, orders, plans, num_looks, num_rows, stores_weights, platform=platform)
