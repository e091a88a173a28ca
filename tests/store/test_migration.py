"""A folder of the first schema, as it was written then: can it be read, brought up to date, and gone on with?"""

import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from grokjax import open_results
from grokjax.store.files import read_record, write_record
from grokjax.store.layout import SCHEMA
from grokjax.store.verification import verify
from tests.store.small_sweep import LANES, copied, typed
from tests.store.sweeps import outcome

STORED = Path(__file__).with_name("schema_1.zip")
COMMANDS = ("status", "table", "phases", "verify", "events")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with zipfile.ZipFile(STORED) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "old"


def test_a_folder_of_the_first_schema_is_read_and_not_trained_into(old: Path, capsys) -> None:
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    for command in COMMANDS:
        assert typed(command, old) == 0, command
    capsys.readouterr()
    for words in (("run", old / "spec.yaml", "--out", old), ("extend", old, "--seeds", 2)):
        assert typed(*words) == 5
        assert f"`grokjax migrate {old}`" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file() and path.name != "LOCK"} == before


def test_a_migrated_folder_holds_the_same_and_can_be_extended(old: Path, capsys) -> None:
    before, runs = outcome(old), open_results(old).runs
    assert typed("migrate", old) == 0
    assert f"was of schema 1 and is of schema {SCHEMA} now" in capsys.readouterr().out
    assert outcome(old) == before and verify(old)[1] == []
    pd.testing.assert_frame_equal(open_results(old).runs, runs)
    assert typed("migrate", old) == 0 and "is up to date" in capsys.readouterr().out
    assert typed("run", old / "spec.yaml", "--out", old, *LANES) == 0
    assert typed("extend", old, "--seeds", 2, *LANES) == 0
    assert "2 runs reused" in capsys.readouterr().err and len(open_results(old).runs) == 4


@pytest.mark.parametrize("last", ["events.jsonl", "plan.json", "HEAD.json", "spec.json"])
def test_a_migration_that_is_killed_goes_on(old: Path, monkeypatch, last: str) -> None:
    from grokjax.store import files

    write = files.write_atomically

    def write_until(path: Path, content: bytes) -> None:
        if path.name == last:
            raise KeyboardInterrupt
        write(path, content)

    before = outcome(old)
    with monkeypatch.context() as patch:
        for module in ("files", "head"):
            patch.setattr(f"grokjax.store.{module}.write_atomically", write_until)
        assert typed("migrate", old) == 130
    assert typed("status", old) == 0
    assert typed("migrate", old) == 0
    assert outcome(old) == before and verify(old)[1] == []


def test_a_damaged_folder_is_not_migrated(old: Path, capsys) -> None:
    table = old / "table.csv"
    table.write_bytes(table.read_bytes()[:-1])
    before = (old / "spec.json").read_bytes()
    assert typed("migrate", old) == 5
    assert "table.csv is damaged" in capsys.readouterr().err and (old / "spec.json").read_bytes() == before


def test_a_folder_of_a_newer_schema_is_refused_by_every_command(small: Path, tmp_path: Path, capsys) -> None:
    root = copied(small, tmp_path)
    write_record(root / "spec.json", {**read_record(root / "spec.json"), "schema": SCHEMA + 1})
    for words in (
        *((one, root) for one in (*COMMANDS, "migrate")),
        ("run", small.parent / "sweep.yaml", "--out", root),
    ):
        assert typed(*words) == 5, words
        assert "written by a newer grokjax" in capsys.readouterr().err
    shutil.rmtree(root)
