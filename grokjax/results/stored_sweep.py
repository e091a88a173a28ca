"""The sweep of a folder, and the user's files that it names: where are they now, and are they what they were?"""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from grokjax.orders.identity import earlier_ids, sources_of, spec_hash
from grokjax.orders.sources import source_of
from grokjax.reader.file_paths import relative_to, with_paths
from grokjax.reader.shown_values import shown_value
from grokjax.reader.sources import recorded, source_text
from grokjax.reader.stored_spec import mapping_of, sweep_of, without_measures
from grokjax.reader.sweep import Sweep
from grokjax.reader.sweep_file import load, read_mapping, sweep_from_mapping
from grokjax.reader.yaml_text import dump
from grokjax.results.reading import whole_runs
from grokjax.store.committed import is_old, read_spec
from grokjax.store.layout import Layout, StoreError

_MOST_ASKED = 1000  # orders, the first to be trained, whose earlier run ids are looked for in a folder


def stored_sweep(root: Path) -> Sweep:
    """The sweep of a folder; imports the user's own parts if it names any.

    Raises:
      StoreError: there is none, it is damaged, or a file of the user's that it needs is not there.
      SpecError: this grokjax, or its parts of today, refuse it.
    """
    spec = read_spec(root)
    mapping = stored_mapping(root, spec)
    _refuse_missing_files(root, mapping)
    with recorded(spec.get("sources", ())):
        return load(mapping)


def sweep_for_reading(root: Path) -> Sweep:
    """The sweep of a folder without its measures, which no run depends on; parts whose file is gone have no code.

    Raises:
      StoreError, SpecError: see `stored_sweep`.
    """
    spec = read_spec(root)
    mapping = without_measures(stored_mapping(root, spec))
    _refuse_missing_files(root, mapping, {record["name"] for record in spec.get("sources", ())})
    return sweep_of(mapping, spec)


def stored_mapping(root: Path, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What the sweep file of a folder says, with absolute paths: from the folder on, else where they led then."""
    return read_mapping(Layout(root).spec_yaml) if is_old(spec) else mapping_of(root, spec)


def written_yaml(root: Path, spec: Mapping[str, Any]) -> str:
    """The text of a folder's sweep, every setting written out; folders of before have it in a file of its own."""
    return Layout(root).spec_yaml.read_text() if is_old(spec) else spec["yaml"]


def has_arms(root: Path, spec: Mapping[str, Any]) -> bool:
    """Whether the sweep of a folder compares arms, of which some runs only tune."""
    return "compare" in stored_mapping(root, spec)


def written_from(sweep: Sweep, root: Path) -> dict[str, Any]:
    """`yaml`, the text of a sweep with paths relative to its folder, and `files`, where these lead now."""
    files: dict[str, str] = {}

    def relative(path: str, _: str) -> str:
        shortened = relative_to(root, path)
        if shortened != path:
            files[shortened] = path
        return shortened

    return {"yaml": dump(with_paths(sweep.to_mapping(), relative)), "files": files}


def recorded_sources(sweep: Sweep) -> list[dict[str, str]]:
    """Name, checksum and text of each source file of the user's."""
    return [
        {"name": name, "sha256": source.sha256, "text": source_text(source.file) if source.file else ""}
        for name, source in sources_of(sweep).items()
    ]


def as_recorded(sweep: Sweep, root: Path) -> Sweep:
    """A sweep whose source files go by the checksums that its folder knows, where they are the same programs."""
    if not Layout(root).spec_json.is_file():
        return sweep
    sources = read_spec(root).get("sources", ())
    known = {record["sha256"] for record in sources}
    if not known or all(source.sha256 in known for source in sources_of(sweep).values()):
        return sweep
    with recorded(sources):
        return sweep_from_mapping(sweep.to_mapping())


def changed_sources(spec: Mapping[str, Any], sweep: Sweep, with_measures: bool = True) -> list[str]:
    """Names of the user's files that are other programs than those that the folder's runs were trained by."""
    present = sources_of(sweep, with_measures)
    if "sources" not in spec:  # of before they were noted: one of them, if anything
        return [] if spec["spec_hash"] == spec_hash(sweep) else list(present)
    known = {(record["name"], record["sha256"]) for record in spec["sources"]}
    names = {name for name, _ in known}
    return [name for name, source in present.items() if name in names and (name, source.sha256) not in known]


def refuse_changed_sources(root: Path, spec: Mapping[str, Any], sweep: Sweep) -> None:
    """Refuse to go on with other code than that of the runs that are there, the user's or ours.

    Raises:
      StoreError: names the files, or the settings that mean something else now, and the ways on; nothing was changed.
    """
    _refuse_revised(root, spec, sweep)
    changed = changed_sources(spec, sweep, with_measures=False)
    if changed:
        raise StoreError(
            f"{_changed(root, changed)}. Bring it back (spec.json has the text of then under `sources`), or let "
            f"`grokjax extend {root} --retrain` train these runs again; nothing was changed."
        )


def _refuse_revised(root: Path, spec: Mapping[str, Any], sweep: Sweep) -> None:
    """Refuse runs that an older grokjax trained, to which a setting of theirs meant something else."""
    known = whole_runs(root).difference(spec.get("replaced", ()))
    orders = source_of(sweep).first()
    for number in orders.in_turn()[:_MOST_ASKED].tolist() if known else ():
        run = orders[number].run
        for run_id, name in earlier_ids(run).items():
            if run_id in known:
                setting = shown_value(getattr(run, name), name)
                raise StoreError(
                    f"{root}: run {run_id} and others were trained by an older grokjax, to which {name}: {setting} "
                    "meant something else. Tables, phases, curves and stored parameters are there to be read. To train "
                    f"give another --out, or let `grokjax extend {root} --retrain` train them again; nothing changed."
                )


def measures_remark(root: Path, spec: Mapping[str, Any], sweep: Sweep) -> str:
    """What is to be said when measures alone are other programs than then; empty when they are not."""
    of_runs = changed_sources(spec, sweep, with_measures=False)
    changed = [name for name in changed_sources(spec, sweep) if name not in of_runs]
    return f"{_changed(root, changed)}; what was measured of these stays as it is" if changed else ""


def _changed(root: Path, names: list[str]) -> str:
    has, runs = "has" if len(names) == 1 else "have", len(whole_runs(root))
    more = "in more than comments, docstrings and layout"
    return f"{root}: {', '.join(names)} {has} changed, {more}, since {runs} runs were trained here"


def _refuse_missing_files(root: Path, mapping: Mapping[str, Any], not_needed: Container[str] = ()) -> None:
    missing = []

    def look(path: str, leads_to: str) -> str:
        if leads_to in ("kind", "path") and not Path(path).exists() and Path(path).name not in not_needed:
            missing.append(path)
        return path

    with_paths(dict(mapping), look)
    if missing:
        raise StoreError(
            f"{root}: needs {missing[0]}, which is not there. Put it there, or give the sweep file beside it: "
            f"`grokjax run FILE.yaml --out {root}` trains nothing twice and notes where it is. Tables, phases, curves "
            "and stored parameters need no file of yours."
        )
