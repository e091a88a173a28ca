"""Does TensorBoard's own reader find what was exported, and does parquet hold every measured row?"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from grokjax.report import tensorboard_export
from grokjax.results.results import read_results
from tests.store.small_sweep import small, typed

__all__ = ["small"]
event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
hparams_metadata = pytest.importorskip("tensorboard.plugins.hparams.metadata")


def of_run(folder):
    reader = event_accumulator.EventAccumulator(str(folder))
    reader.Reload()
    return reader


@pytest.fixture(scope="module")
def exported(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    assert typed("export", small, "--to", "tensorboard", "--out", folder / "board") == 0
    assert typed("export", small, "--to", "parquet", "--out", folder / "parquet") == 0
    return read_results(small), folder


def test_each_run_has_its_curves_in_tensorboard(exported):
    results, folder = exported
    for run_id in results.runs["run_id"]:
        history = results.history.sel(run_id=run_id)
        told = of_run(folder / "board" / run_id).Scalars("test/accuracy")
        assert [scalar.step for scalar in told] == history["step"].values[history["step"].values >= 0].tolist()
        np.testing.assert_allclose(
            [scalar.value for scalar in told], history["test/accuracy"].values[: len(told)], rtol=1e-6
        )


def test_each_run_is_a_session_with_its_settings(exported):
    results, folder = exported
    for run in results.runs.to_dict("records"):
        content = of_run(folder / "board" / run["run_id"]).SummaryMetadata("_hparams_/session_start_info").plugin_data
        session = hparams_metadata.parse_session_start_info_plugin_data(content.content)
        for path in results.spec["axes"]:
            told = session.hparams[path]
            expected = told.string_value if isinstance(run[path], str) else pytest.approx(told.number_value)
            assert run[path] == expected


def test_the_experiment_names_every_axis(exported):
    results, folder = exported
    content = of_run(folder / "board").SummaryMetadata("_hparams_/experiment").plugin_data.content
    experiment = hparams_metadata.parse_experiment_plugin_data(content)
    assert {*results.spec["axes"]} <= {info.name for info in experiment.hparam_infos}


def test_parquet_has_a_row_for_every_measured_step(exported):
    results, folder = exported
    rows, runs = (pd.read_parquet(folder / "parquet" / f"{name}.parquet") for name in ("history", "runs"))
    assert runs["run_id"].tolist() == results.runs["run_id"].tolist()
    assert len(rows) == np.count_nonzero(results.history["step"].values >= 0)
    last = rows.groupby("run_id", sort=False)["test/accuracy"].last()
    np.testing.assert_array_equal(last.to_numpy(), results.runs["test/accuracy"].to_numpy())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a RUN_ID and --format for weights, or --to and --out for results"),
        (["--to", "parquet"], "needs --out"),
        (["--to", "parquet", "--step", "3", "--out", "new"], "takes no RUN_ID, --step"),
        (["--format", "npz"], "takes a RUN_ID"),
    ],
)
def test_words_that_do_not_go_together_are_refused(small, capsys, words, message):
    assert typed("export", small, *words) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_is_there_is_not_written_into(small, tmp_path, capsys):
    assert typed("export", small, "--to", "parquet", "--out", tmp_path) == 2
    assert "is there already" in capsys.readouterr().err


def test_what_was_not_measured_at_a_step_is_no_point_of_a_curve():
    columns = {"step": [0, 10, -1], "bytes": [-1, 7, -1], "loss": [0.5, np.nan, np.nan], "below": [-1.0, 2.0, np.nan]}
    history = xr.Dataset({name: ("k", np.array(column)) for name, column in columns.items()})
    events = tensorboard_export._rows(history, ["bytes", "loss", "below"])
    told = [{value.tag: value.simple_value for value in event.summary.value} for event in events]
    assert told == [{"loss": 0.5, "below": -1.0}, {"bytes": 7.0, "below": 2.0}]


def test_an_export_that_fails_leaves_nothing_behind(small, tmp_path, monkeypatch):
    def fail(self, path, **_):
        Path(path).write_text("half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail)
    assert typed("export", small, "--to", "parquet", "--out", tmp_path / "files") == 6
    assert list(tmp_path.iterdir()) == []
