"""Sweeps that ship with grokjax: where they are, and by which command each is trained."""

from pathlib import Path

import grokjax


def packaged_sweeps() -> dict[str, Path]:
    """Sweeps that ship with grokjax, by name."""
    folder = packaged_folder()
    return {} if folder is None else {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def packaged_folder() -> Path | None:
    """Where they are."""
    package = Path(grokjax.__file__).parent
    return next((path for path in (package / "sweeps", package.parent / "sweeps") if path.is_dir()), None)


def command_for(folder: Path) -> str:
    """What is typed to train the sweep whose results would lie in a folder; SWEEP where none that ships is meant."""
    name, _, scale = folder.name.partition("-")
    if name not in packaged_sweeps():
        return f"grokjax run SWEEP.yaml --out {folder}"
    out = "" if folder == Path.cwd() / "results" / folder.name else f" --out {folder}"
    return f"grokjax run {name}{f' --scale {scale}' if scale else ''}{out}"
