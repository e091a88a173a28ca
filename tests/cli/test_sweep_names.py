"""Which sweep is meant by a word on the command line?"""

from pathlib import Path

import pytest

from grokjax.cli.main import UsageError
from grokjax.cli.sweep_names import find_sweep, packaged_sweeps


def test_a_shipped_sweep_is_found_beside_a_folder_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quickstart").mkdir()  # results of it, for instance
    assert find_sweep("quickstart") == packaged_sweeps()["quickstart"]


def test_a_file_comes_before_a_shipped_sweep_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quickstart").write_text("name: mine\n")
    assert find_sweep("quickstart") == Path("quickstart")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"did you mean 'quickstart'\?"):
        find_sweep("quikstart")
