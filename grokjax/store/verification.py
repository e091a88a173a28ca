"""Is everything that HEAD names still what was written?"""

from pathlib import Path

from grokjax.store.files import checksum
from grokjax.store.head import read_head
from grokjax.store.layout import Layout
from grokjax.store.stored_params import read_spec


def verify(root: Path) -> tuple[int, list[str]]:
    """How many files were checked, and what is wrong with which.

    Checkpoints are checked by their sums file and by its presence; their arrays are checked when they are restored.

    Raises:
      StoreError: no sweep is there, or no HEAD is whole.
    """
    layout, spec = Layout(root), read_spec(root)
    head, warning = read_head(layout)
    problems = [warning] if warning else []
    if head is None:
        return 0, problems
    if head.spec_hash != spec["spec_hash"]:
        problems.append("spec.json is of another sweep than HEAD.json (an extension that has not been started yet)")
    files = dict(head.files)
    files |= {f"checkpoints/{number}.sums.json": digest for number, digest in head.checkpoints.items()}
    for name, digest in sorted(files.items()):
        path = root / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif checksum(path.read_bytes()) != digest:
            problems.append(f"{name} is damaged: its checksum is not the committed one")
    return len(files), problems
