"""Any setting of the runs as a column, also one that no axis changes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from grokjax.analysis.columns import nearest, series
from grokjax.reader.value_names import Record, value_names
from grokjax.reader.yaml_text import flow
from grokjax.results.named_values import Records


def setting_paths(specs: Sequence[dict[str, Any]], records: Records) -> list[str]:
    """Every path that some run has, axes and base runs first, then what is inside values that are whole parts."""
    known = [path for spec in specs for path in (*spec["axes"], *spec["settings"])]
    inner = [
        f"{path}.{key}"
        for path, values in records.items()
        for record in values
        if isinstance(record["settings"], dict)
        for key in record["settings"]
        if key != "kind"
    ]
    return list(dict.fromkeys(known + inner))


def setting_column(path: str, runs: pd.DataFrame, specs: Sequence[dict[str, Any]], records: Records) -> np.ndarray:
    """[run] object, the value of a setting in each run; None where a run has none, or an old folder does not say.

    Args:
      path: in full.
      runs: of the sweeps, axes as columns.
      specs: spec.json of each sweep; what differs between them is an axis of the whole.
      records: of the values that are whole parts.

    Raises:
      ValueError: no run has such a setting; with the nearest one.
    """
    known = setting_paths(specs, records)
    if path not in known:
        raise ValueError(f"no setting {path!r}{nearest(path, known)}")
    if path in runs:
        return series(runs, path).to_numpy(object)
    part = max((axis for axis in records if path.startswith(f"{axis}.")), key=len, default="")
    column = np.full(len(runs), None, object)
    if not part or part not in runs:
        column[:] = next(spec["settings"][path] for spec in specs if path in spec["settings"])
        return column
    names, values = value_names(records[part]), series(runs, part).to_numpy(object)
    for record in records[part]:
        column[values == names[record["text"]]] = _inside(record, path.removeprefix(f"{part}.").split("."))
    if len({isinstance(value, str) for value in column.tolist() if value is not None}) > 1:
        column[:] = [None if value is None else str(value) for value in column]  # numbers and words, as axes hold them
    return column


def _inside(record: Record, keys: Sequence[str]) -> Any:
    """A setting of one value; None where it has none."""
    node = record["settings"]
    for key in keys:
        if isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            node = node.get(key) if isinstance(node, dict) else None
    return flow(node) if isinstance(node, list | dict) else node
