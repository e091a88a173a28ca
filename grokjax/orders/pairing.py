"""From which stored run does a run start? Of a folder it is told, and takes the run of equal seeds there.

A source that does not name its run is settled where an order makes a run, so that run ids hold the run that was meant.
The runs of a folder follow from the sweep that it holds, so they are known before they are trained.
"""

import collections
import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from grokjax.core.words import STREAMS
from grokjax.orders.identity import run_id
from grokjax.reader.conditions import holds, read_condition
from grokjax.reader.errors import wrong
from grokjax.reader.file_paths import names_run, split_source
from grokjax.reader.plans import SeedPlan
from grokjax.reader.points import Points, at_point
from grokjax.reader.run import Run, Seeds
from grokjax.reader.shipped import command_for
from grokjax.reader.shown_values import shown_setting
from grokjax.reader.stored_spec import mapping_of, sweep_of, without_measures
from grokjax.reader.value_names import value_aliases

_KEY, _BY_ID = "init.from", "name the run, DIR#RUN_ID"


def seeded_run(points: Points, seeds: SeedPlan, point: int, seed: int) -> Run:
    """The run of a point and a seed, by their numbers."""
    values = {**dict.fromkeys(STREAMS, seeds.values[seed]), **dict(seeds.streams)}
    base = dataclasses.replace(points.base, seeds=Seeds(**values))
    return paired(at_point(base, points[point]))


def paired(run: Run) -> Run:
    """The run with the id of the run that it starts from; itself when it draws all, or says the id.

    Raises:
      SpecError: the folder holds no such run, or more than one.
    """
    if run.init is None or names_run(run.init.source):
        return run
    folder, conditions = split_source(run.init.source)
    spec_json = Path(folder) / "spec.json"
    if not spec_json.is_file():
        raise wrong(_KEY, f"{folder} holds no sweep", hint=f"train it first: `{command_for(Path(folder))}`")
    candidates = _runs_of(Path(folder), conditions, spec_json.stat().st_mtime_ns)
    source = f"{folder}#{run_id(_only(candidates, run, folder))}"
    return dataclasses.replace(run, init=dataclasses.replace(run.init, source=source))


@dataclasses.dataclass(frozen=True)
class _Candidates:
    """Runs of a folder.

    Attributes:
      paths: of the axes in which they differ.
      by_seeds: runs of the same four seeds.
    """

    paths: Sequence[str]
    by_seeds: dict[Seeds, list[Run]]


@functools.lru_cache(maxsize=16)
def _runs_of(folder: Path, conditions: str, written: int) -> _Candidates:
    """The runs of the sweep that a folder holds; read again when its spec.json was `written` at another time."""
    try:
        spec = json.loads((folder / "spec.json").read_text())
        sweep = sweep_of(without_measures(mapping_of(folder, spec)), spec)
    except (ValueError, KeyError, OSError) as error:
        raise wrong(_KEY, f"the sweep in {folder} cannot be read", hint="name the run: DIR#RUN_ID") from error
    if sweep.compare is not None:
        raise wrong(
            _KEY, f"{folder} compares arms, so which runs it has hangs on results", hint="name the run: DIR#RUN_ID"
        )
    points, by_seeds = sweep.points, collections.defaultdict(list)
    for point in _fitting(points, conditions).tolist():
        for seed in range(len(sweep.seeds.values)):
            run = seeded_run(points, sweep.seeds, point, seed)
            by_seeds[run.seeds].append(run)
    return _Candidates(points.paths, dict(by_seeds))


def _fitting(points: Points, conditions: str) -> np.ndarray:
    """[point] int64, points for which conditions hold; all of them without any."""
    if not conditions:
        return np.arange(len(points))
    if not points.paths:
        raise wrong(
            _KEY, "the sweep of the folder has no axis, so there is nothing to compare", conditions, "leave it out"
        )
    aliases = {path: value_aliases(records) for path, records in points.value_records.items()}
    chosen = np.flatnonzero(holds(read_condition(conditions, _KEY), points.columns(), _KEY, aliases))
    if not len(chosen):
        raise wrong(_KEY, "no run of the folder is like that", conditions)
    return chosen


def _only(candidates: _Candidates, run: Run, folder: str) -> Run:
    """The one run of the same seeds; of several the one that has this run's values of the axes in which they differ."""
    seeds = ", ".join(f"{name}={getattr(run.seeds, name)}" for name in STREAMS)
    same_seeds = candidates.by_seeds.get(run.seeds, [])
    if not same_seeds:
        raise wrong(_KEY, f"{folder} has no run of the seeds {seeds}", hint=f"more seeds: `grokjax extend {folder}`")
    own = {path: shown_setting(run, path) for path in candidates.paths if not path.startswith("seeds.")}
    alike = [one for one in same_seeds if all(shown_setting(one, path) == value for path, value in own.items())]
    chosen = same_seeds if len(same_seeds) == 1 else alike
    if len(chosen) != 1:
        has = f"{folder} has {len(same_seeds)} runs of the seeds {seeds}"
        path = candidates.paths[0]
        example = f"{folder}#{path}={shown_setting(same_seeds[0], path)}"
        rule = f"{has}, {len(chosen) or 'none'} of them with this run's {', '.join(own)}"
        raise wrong(_KEY, rule, hint=f"say which, for example {example}")
    return chosen[0]
