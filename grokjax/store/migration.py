"""Bringing a folder of an older schema up to date: every record gets a checksum; no run, weight or history changes."""

from pathlib import Path

from grokjax.store.committed import read_spec
from grokjax.store.files import read_json_lines, read_record, write_json_lines, write_record
from grokjax.store.head import read_head, write_head
from grokjax.store.layout import SCHEMA, Layout, StoreError
from grokjax.store.lock import exclusive
from grokjax.store.verification import verify


def migrate(root: Path) -> int:
    """The schema that the folder had. Killed at any moment, the same call goes on: spec.json is replaced last.

    Raises:
      StoreError: no sweep is there, it is damaged, or of a newer schema; nothing was changed.
      LockedError: another process works on it.
    """
    layout, old = Layout(root), read_spec(root)["schema"]
    if old == SCHEMA:
        return old
    with exclusive(layout.lock):
        spec = read_spec(root)
        _, problems = verify(root)
        if problems:
            raise StoreError(f"{root} is damaged ({problems[0]}); mend it before it is migrated. Nothing was changed.")
        for path in (layout.events, layout.provenance):
            write_json_lines(path, read_json_lines(path))
        for path in (layout.plan, layout.live):
            if path.exists():
                write_record(path, read_record(path, is_old=True))
        head, _ = read_head(layout)
        if head is not None:
            write_head(layout, head.next())
        text = layout.spec_yaml.read_text()
        write_record(layout.spec_json, {**spec, "schema": SCHEMA, "yaml": text})
    return old
