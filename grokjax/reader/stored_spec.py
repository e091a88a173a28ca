"""A sweep as the folder of its results says it, for whoever needs its runs and none of its measures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grokjax.reader.absent_parts import absent_parts
from grokjax.reader.file_paths import found_from, with_paths
from grokjax.reader.sources import recorded
from grokjax.reader.sweep import Sweep
from grokjax.reader.sweep_file import read_mapping, sweep_from_mapping
from grokjax.reader.yaml_file import parse


def mapping_of(root: Path, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What the sweep file of a folder says, with absolute paths: from the folder on, else where they led then.

    Args:
      spec: what its spec.json holds.
    """
    content = parse(spec["yaml"], str(root / "spec.json")).content
    return with_paths(content, lambda path, _: found_from(root, path, spec.get("files", {})))


def without_measures(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Without what no run depends on."""
    return {key: value for key, value in mapping.items() if key not in ("measure", "claims")}


def sweep_of(mapping: Mapping[str, Any], spec: Mapping[str, Any]) -> Sweep:
    """The sweep; parts whose file is gone have no code."""
    with recorded(spec.get("sources", ())), absent_parts():
        return sweep_from_mapping(read_mapping(mapping))
