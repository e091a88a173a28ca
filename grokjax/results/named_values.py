"""What are whole parts called in tables and histories, and what else may be typed for them?

Stored are texts that never change; names are made of all values that are shown together, so that they tell them apart.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from grokjax.reader.value_names import Record, read_text, value_aliases, value_names
from grokjax.store.layout import PARTS

Records = dict[str, list[Record]]


def records_of(specs: Sequence[dict[str, Any]], dataset: xr.Dataset, paths: Sequence[str]) -> Records:
    """By path, the values that the runs of some sweeps have there; in folders without records, by their texts.

    Args:
      specs: spec.json of each folder.
      dataset: of their runs, with texts as stored.
      paths: of the axes.
    """
    records = {}
    for path in paths:
        values = dataset[path].values if path in dataset else np.zeros(0)
        texts = dict.fromkeys(map(str, values.tolist())) if values.dtype.kind in "OU" else {}
        known = [
            record
            for spec in specs
            for record in spec.get("values", {}).get(path, ())
            if path in spec["axes"] or record["text"] in texts
        ]
        recorded = {record["text"] for record in known}
        made = [
            {"text": text, "settings": read_text(text)} for text in _part_texts(path, texts) if text not in recorded
        ]
        if known or made:
            records[path] = known + made
    return records


def with_names(dataset: xr.Dataset, records: Records) -> xr.Dataset:
    """The dataset with names in place of stored texts."""
    named = {}
    for path, known in records.items():
        if path in dataset:
            names = value_names(known)
            texts = dataset[path].values.tolist()
            named[path] = (dataset[path].dims, np.array([names.get(text, text) for text in texts], str))
    return dataset.assign(named)


def aliases_of(records: Records) -> dict[str, dict[str, list[str]]]:
    """Column -> what else may be typed for its values -> their names."""
    return {path: value_aliases(known) for path, known in records.items()}


def _part_texts(path: str, texts: Iterable[str]) -> list[str]:
    """Those texts of an axis that stand for whole parts."""
    has_parts = path in PARTS or (path != "train.minibatch" and any(text.endswith(("}", "}]")) for text in texts))
    return [text for text in texts if has_parts and text not in ("", "null") and not _is_number(text)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
