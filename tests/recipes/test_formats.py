"""Is what docs/formats.md says of the sweep file, of JSON outputs and of files what the code reads and writes?"""

import json
import re
from pathlib import Path

import pytest

from grokjax.drive.preparation import forecast
from grokjax.reader.sweep_file import load
from grokjax.reader.yaml_file import parse
from grokjax.results.status import status

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/formats.md").read_text()
EXAMPLES = ROOT / "docs/recipes/examples"
BLOCKS = [parse(text).content for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
BASE = BLOCKS[0]


def loaded(block, scale=None):
    whole = block if "task" in block or "from" in block else {**BASE, **block}
    return load({"name": "x", **whole}, folder=EXAMPLES, scale=scale)


@pytest.mark.parametrize("place", range(len(BLOCKS)), ids=lambda place: f"{place}-{'-'.join(BLOCKS[place])}")
def test_a_block_of_the_page_loads(place):
    sweep = loaded(BLOCKS[place])
    assert sweep.num_runs >= 1
    assert set(BLOCKS[place]) - {"from", "scales"} <= set(sweep.to_mapping())
    for scale in BLOCKS[place].get("scales", ()):
        assert loaded(BLOCKS[place], scale).name.endswith(f"-{scale}")


def keys_of(value):
    """Keys of a mapping, and of the mappings in its lists."""
    if isinstance(value, list):
        return [keys_of(item) for item in value[:1]]
    if not isinstance(value, dict):
        return None
    return {key: None if key in ("phases", "static") else keys_of(item) for key, item in value.items()}


def test_the_json_of_plan_has_the_keys_of_the_page():
    shown = json.loads(re.search(r"plan SPEC --json`\n\n```json\n(.*?)```", PAGE, re.DOTALL)[1])
    real = forecast(load(ROOT / "sweeps/quickstart.yaml"), "cpu", with_probe=False).to_json()
    assert keys_of(real) == keys_of(shown)


def test_the_sweep_file_of_the_readme_is_the_one_that_ships():
    shown = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    assert shown == (ROOT / "sweeps/quickstart.yaml").read_text()


def test_the_json_of_status_has_the_keys_of_the_page(first_folder):
    shown = json.loads(re.search(r"status DIR --json`\n\n```json\n(.*?)```", PAGE, re.DOTALL)[1])
    assert keys_of(json.loads(json.dumps(status(first_folder)))) == keys_of(shown)


def test_every_file_of_a_results_folder_is_on_the_page(first_folder):
    for path in first_folder.iterdir():
        assert f"`{path.name}" in PAGE, path.name


def test_every_column_of_the_table_is_on_the_page(first_folder):
    columns = (first_folder / "table.csv").read_text().splitlines()[0].split(",")
    families = re.compile(
        r"seeds\.\w+|n_\w+|steps_to_(train|test)_\d+(_sustained)?(_after)?|(train|test)(_\w+)?/\w+|weight_norm/.*"
    )
    unnamed = [name for name in columns if f"`{name}`" not in PAGE and not families.fullmatch(name)]
    assert unnamed == []
