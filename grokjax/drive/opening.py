"""Opening a sweep's folder for writing: a new one is laid out, an old one must hold the same sweep."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grokjax.orders.identity import spec_hash
from grokjax.orders.order import Orders, count_runs, distinct_runs
from grokjax.orders.sources import source_of
from grokjax.plan.cohorts import find_cohorts
from grokjax.reader.paths import all_paths, value_at
from grokjax.reader.plans import claim_to_plain, read_claims, read_rule, rule_to_plain
from grokjax.reader.shown_values import shown_setting, shown_value, value_records
from grokjax.reader.stop_plan import StopPlan
from grokjax.reader.sweep import Sweep
from grokjax.results.orders_given import orders_given
from grokjax.results.stored_sweep import recorded_sources, refuse_changed_sources, written_from
from grokjax.store.committed import read_spec
from grokjax.store.files import is_unfinished, write_atomically, write_record
from grokjax.store.folder import SweepFolder
from grokjax.store.head import read_head
from grokjax.store.layout import PARTS, SCHEMA, SEED_PATHS, Layout, StoreError
from grokjax.store.programs import Programs


def open_for_writing(root: Path, sweep: Sweep, inside: Sequence[Path] = ()) -> SweepFolder:
    """The folder of a sweep; the caller holds its lock.

    Args:
      inside: folders that may lie in a new one: those that are merged into it.

    Raises:
      StoreError: the folder holds another sweep (the message lists what differs), or something that is no sweep.
    """
    layout = Layout(root)
    if layout.spec_json.exists():
        check_same(layout, sweep)
    else:
        refuse_strangers(root, inside)
        write_spec(layout, sweep)
    return SweepFolder(root, spec_hash(sweep), read_spec(root).get("replaced", ()))


def refuse_strangers(root: Path, inside: Sequence[Path] = ()) -> None:
    """Refuse a folder with files in it that is no sweep's; asked before even a lock file is put there.

    Raises:
      StoreError: names one of the files.
    """
    if Layout(root).spec_json.exists() or not root.is_dir():
        return
    known = {path.resolve() for path in inside}
    strangers = [
        path.name
        for path in root.iterdir()
        if path.name != "LOCK" and not is_unfinished(path) and path.resolve() not in known
    ]
    if strangers:
        raise StoreError(f"{root} is not empty and holds no sweep ({sorted(strangers)[0]}, ...); choose another --out.")


def write_spec(layout: Layout, sweep: Sweep, replaced: Sequence[str] = ()) -> None:
    """Write down what the folder is for. spec.json is what counts; spec.yaml repeats a part of it for people.

    Args:
      replaced: ids of stored runs that are the sweep's no more, since other code trains them again.
    """
    spec = describe(sweep, layout.root)
    write_record(layout.spec_json, spec | ({"replaced": sorted(replaced)} if replaced else {}))
    write_atomically(layout.spec_yaml, spec["yaml"].encode())


def describe(sweep: Sweep, root: Path = Path()) -> dict[str, Any]:
    """What a reader must know of a sweep without importing its parts; files are named from its folder on."""
    run, written, orders = sweep.base, written_from(sweep, root), source_of(sweep).first()
    settings = {path: shown_value(value_at(run, path), path) for path in all_paths(run) if not path.startswith("seeds")}
    return {
        "schema": SCHEMA,
        "spec_hash": spec_hash(sweep),
        **written,
        "sources": recorded_sources(sweep),
        "name": sweep.name,
        "num_runs": count_runs([orders]),
        "steps": sweep.steps,
        "axes": list(orders.paths),
        "groups": _axis_groups(sweep, orders),
        "base": {path: shown_setting(run, path) for path in (*orders.paths, *SEED_PATHS)},
        "settings": settings,
        "values": {path: value_records([value_at(run, path)], path) for path in PARTS} | _value_records(orders),
        "constants": {
            "task": run.task.kind,
            "loss": run.loss.kind,
            "full_batch": run.minibatch is None,
        },
        "stop": _stop(sweep.stop),
        "rule": rule_to_plain(sweep.rule),
        "claims": [claim_to_plain(claim) for claim in sweep.claims],
        "notes": sweep.notes,
        "tags": list(sweep.tags),
    }


def _axis_groups(sweep: Sweep, orders: Orders) -> list[list[str]]:
    """Paths that move together; those of a comparison stand alone."""
    return [list(axis.paths) for axis in sweep.axes] if sweep.compare is None else [[path] for path in orders.paths]


def _value_records(orders: Orders) -> dict[str, list[dict[str, Any]]]:
    """What is said and stored of the whole parts that tell runs apart, by path."""
    records = {path: kept for grid in orders.grids for path, kept in grid.points.value_records.items()}
    bases = [grid.points.base for grid in orders.grids]
    for path in (path for grid in orders.grids for path in grid.also if path not in records and path in PARTS):
        records[path] = value_records([value_at(base, path) for base in bases], path)
    return records


def _stop(stop: StopPlan | None) -> dict[str, Any] | None:
    """The stop rule as `analysis.stop_conditions` reads it."""
    if stop is None:
        return None
    after_grok = {"steps": stop.steps, "ratio": stop.ratio} | ({} if stop.at == StopPlan.at else {"at": stop.at})
    return after_grok | ({"when": [dataclasses.asdict(rule) for rule in stop.when]} if stop.when else {})


def check_same(layout: Layout, sweep: Sweep) -> None:
    """Refuse a sweep that is not the one in the folder; one of which nothing was trained yet makes room.

    Claims and the phase rule judge runs and train none: a sweep that differs in them alone is the same one, and its own
    are taken over.
    """
    stored = read_spec(layout.root)
    check_current(layout, stored)
    if stored["spec_hash"] == spec_hash(sweep):
        written = written_from(sweep, layout.root)["yaml"]
        if not (stored["yaml"] == written == _text(layout.spec_yaml)):
            # Notes were changed, files lie elsewhere, or spec.yaml is damaged or of before an extension.
            write_spec(layout, sweep, stored.get("replaced", ()))
        return
    judged = {"rule": read_rule(stored.get("rule", "default")), "claims": read_claims(stored["claims"])}
    if stored["spec_hash"] == spec_hash(dataclasses.replace(sweep, **judged)):
        write_spec(layout, sweep, stored.get("replaced", ()))  # the table is written again
        return
    if not _holds_work(layout):
        layout.plan.unlink(missing_ok=True)
        write_spec(layout, sweep)
        return
    if "sources" in stored:
        refuse_changed_sources(layout.root, stored, sweep)
    old, new = stored["yaml"].splitlines(), written_from(sweep, layout.root)["yaml"].splitlines()
    changes = [
        line for line in difflib.unified_diff(old, new, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))
    ]
    raise StoreError(
        f"{layout.root} holds another sweep than the one given. Give another --out, or use `grokjax extend` for more "
        "seeds, steps or values. What differs:\n  " + "\n  ".join(changes[:20] or ["(notes or parts' sources only)"])
    )


def note_total(layout: Layout, num_runs: int) -> None:
    """Write down that a sweep's source has ordered more runs."""
    spec = read_spec(layout.root)
    if spec["num_runs"] < num_runs:
        write_record(layout.spec_json, {**spec, "num_runs": num_runs})


def check_current(layout: Layout, spec: Mapping[str, Any]) -> None:
    """Refuse to write into a folder of an older schema.

    Raises:
      StoreError: with the command that brings it up to date.
    """
    if spec["schema"] < SCHEMA:
        raise StoreError(
            f"{layout.root}: written by an older grokjax (schema {spec['schema']}, now {SCHEMA}); it can be read, and "
            f"`grokjax migrate {layout.root}` lets it be trained into."
        )


def _text(path: Path) -> str:
    """What a file says; nothing when it cannot be read."""
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""


def _holds_work(layout: Layout) -> bool:
    """Whether a run or a part of one is stored, be it without a record of it."""
    head, _ = read_head(layout)
    return any(layout.runs.glob("[!.]*.npz")) or (head is not None and bool(head.files or head.checkpoints))


def change_spec(
    root: Path,
    sweep: Sweep,
    executor: str | None = None,
    lanes: int | None = None,
    with_retraining: bool = False,
) -> tuple[int, int, int]:
    """Make an extended sweep the folder's sweep; the caller holds its lock.

    Complete is only a folder whose HEAD is of the same spec.

    Args:
      with_retraining: whether stored runs that are none of these are replaced by them; they stay in their files.
      executor, lanes: those that are asked for; others than the folder's are refused before anything changes.

    Returns:
      How many of its runs are stored and finished, stored and to be continued, and to be trained from their beginning.
    """
    stored, orders = read_spec(root), source_of(sweep).first()
    check_current(Layout(root), stored)
    Programs(Layout(root).plan).executor(executor)
    folder = SweepFolder(root, spec_hash(sweep))
    folder.close()
    if lanes is not None:
        _check_lanes(folder, orders, sweep.steps, lanes)
    replaced = {*stored.get("replaced", ()), *(folder.ledger if with_retraining else ())}
    write_spec(Layout(root), sweep, sorted(replaced - {order.run_id for order in orders}) if replaced else ())
    known = list(orders_given(root, sweep))
    note_total(Layout(root), count_runs(known))
    return _count_reused(folder, known, sweep.steps)


def _check_lanes(folder: SweepFolder, orders: Orders, budget: int, lanes: int) -> None:
    """Refuse lanes in which no run of a cohort that is to be trained further could go on."""
    for cohort in find_cohorts(orders):
        if next(folder.ledger.left(cohort.in_turn(), budget), None) is not None:
            folder.programs.check_lanes(cohort.key, lanes)


def _count_reused(folder: SweepFolder, rounds: Sequence[Orders], budget: int) -> tuple[int, int, int]:
    wanted = distinct_runs(rounds)
    left = [run_id for run_id in wanted if not folder.ledger.is_done(run_id, budget)]
    continued = sum(folder.has_weights(folder.ledger[run_id].file) for run_id in left if run_id in folder.ledger)
    return len(wanted) - len(left), continued, len(left) - continued
