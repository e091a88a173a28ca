"""Does one line say where a sweep stands?"""

import datetime

import pytest

from grokjax.core.units import bytes_text
from grokjax.drive.progress import Progress
from grokjax.report.progress_text import progress_line, progress_view, status_text
from grokjax.report.terminal import duration_text, rendered

NOW = datetime.datetime(2026, 1, 2, 12, 3, 4)
PHASES = {"grokking": 30, "memorization": 40, "comprehension": 20, "confusion": 30}


@pytest.fixture
def progress():
    return Progress(
        total=245, cohorts=2, executor="map", pools=2, done=120, running=8, queued=117, stage="training",
        useful=51_200, executed=51_200, busy_seconds=19.6, seconds=10.0, steps_left=409_600,
    )  # fmt: skip


def test_a_line_holds_stage_runs_phases_speed_and_time_left(progress):
    assert progress_line(progress, PHASES, NOW) == (
        "12:03:04 training cohort 1/2 · 120/245 done, 8 running, 117 queued · F 30 M 40 G 30 C 20 · "
        "5,120 run-steps/s · occupancy 98 % · ETA 0:01:20"
    )


def test_before_anything_is_trained_there_is_no_rate():
    fresh = Progress(total=5, cohorts=1, executor="vmap", pools=1, queued=5, stage="compiling")
    assert progress_line(fresh, now=NOW) == "12:03:04 compiling cohort 1/1 · 0/5 done, 0 running, 5 queued"


def test_a_stop_gives_its_reason_and_diverged_runs_are_counted(progress):
    progress.stage, progress.reason, progress.diverged = "stopped", "max-seconds", 3
    line = progress_line(progress, now=NOW)
    assert line.startswith("12:03:04 stopped (max-seconds) · 120/245 done, 8 running, 117 queued, 3 diverged")
    assert "ETA" not in line


def test_a_finished_sweep_has_one_short_line():
    done = Progress(total=5, cohorts=1, executor="vmap", pools=1, done=5, stage="done")
    assert progress_line(done, {"grokking": 5}, NOW) == "12:03:04 done · 5/5 done · G 5"


def test_the_live_view_shows_a_bar_in_the_proportions_of_the_runs(progress):
    lines = rendered(progress_view(progress, PHASES, "quickstart")).splitlines()
    assert lines[0] == "quickstart · training cohort 1/2"
    bar = lines[1]
    assert (bar.count("█"), bar.count("▒"), bar.count("░")) == (29, 2, 29)  # of 60: 120, 8 and 117 of 245


def test_a_sweep_without_runs_yet_can_be_shown():
    text = rendered(progress_view(Progress(total=3, cohorts=1, executor="map", pools=1)))
    assert text.splitlines()[0] == "opening" and "0/3 done" in text


def test_status_is_told_from_the_mapping_that_json_prints(progress):
    text = status_text({**progress.to_json(), "diverged": 2}, PHASES)
    facts = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in text.splitlines()}
    assert facts["runs"] == "120 of 245 done, 8 running, 117 queued, 2 diverged"
    assert facts["left"] == "0:01:20 at most"
    assert facts["phases"] == "confusion 30, memorization 40, grokking 30, comprehension 20"
    assert text.count("98 %") == 1


def test_status_needs_only_the_numbers_of_runs():
    assert " ".join(status_text({"total": 4, "done": 4}).split()) == "runs 4 of 4 done, 0 running, 0 queued"


@pytest.mark.parametrize(
    ("seconds", "text"), [(80, "0:01:20"), (0.4, "0:00:00"), (36_000, "10:00:00"), (183_600, "2 d 03:00:00")]
)
def test_durations_are_written_as_clocks(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (999.6, "1 kB"), (1_250_000, "1.25 MB"), (2e15, "2e+03 TB")]
)
def test_bytes_are_written_in_decimal_units(count, text):
    assert bytes_text(count) == text


def test_before_a_cohort_trains_its_forecast_stands_in_place_of_the_rate(progress):
    progress.forecast_seconds, progress.disk_bytes = 3600.0, 71_400_000
    line = progress_line(progress, now=NOW)
    assert line.endswith("about 1:00:00 at most for this cohort · 71.4 MB on disk for the sweep") and "ETA" not in line


def test_a_forecast_says_when_other_work_takes_the_cores_and_only_then(progress):
    progress.forecast_seconds, progress.cpu_share = 3600.0, 0.25
    said = "about 1:00:00 at most for this cohort · the machine is busy: "
    said += "other work takes 75 % of the cores, about 4:00:00 beside it · "
    assert said in progress_line(progress, now=NOW)
    for share in (None, 1.0, 0.9):
        progress.cpu_share = share
        assert "other work" not in progress_line(progress, now=NOW)
