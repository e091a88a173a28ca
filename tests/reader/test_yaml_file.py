"""Does the guarded reader take what people write and refuse what is not plain data?"""

import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokjax.reader.errors import SpecError
from grokjax.reader.yaml_file import MOST_BYTES, load, parse, parse_value, resolve
from grokjax.reader.yaml_text import dump, flow

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        ["no", "on", "1e-3", "012", "1:30", "null", "~", "", "x+y", "./net.py:MyNet", "- a", "a: b", "#", "..."]
    ),
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TREES = st.dictionaries(
    KEYS, st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
)


@settings(max_examples=60)
@given(TREES)
def test_what_is_written_reads_back_equal(tree):
    if not tree:
        assert dump(tree) == ""
        return
    read = parse(dump(tree)).content
    assert read == tree
    assert repr(read) == repr(tree)  # 1 and 1.0 and True are equal, but not the same


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.0e-2", 0.01),
        (".5", 0.5),
        ("1e5", 100000.0),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("0", 0),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("2024-01-01", "2024-01-01"),
        ("true", True),
        ("null", None),
        ("x+y", "x+y"),
        ("1_000", "1_000"),
        (".inf", math.inf),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text, value):
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize("text", ["012", "-007", "0_1", "1:30", "1:30:59", "9" * 5000])
def test_ambiguous_and_endless_numbers_are_refused(text):
    with pytest.raises(SpecError, match="steps"):
        parse(f"train:\n  steps: {text}\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"# only a comment\n", "is empty"),
        (b"- a\n- b\n", "must be a mapping"),
        (b"hello", "must be a mapping"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "NUL byte"),
        (b"name: \xff\xfe", "not UTF-8 text at byte 6"),
        ("name: a".encode("utf-16"), "UTF-16"),
        (b"a: 1\na: 2\n", "duplicate key 'a', first at line 1"),
        (b"1: a\n", "keys must be text"),
        (b"null: a\n", "keys must be text"),
        (b"[a]: b\n", "keys must be text"),
        (b"a: 1\n---\nb: 2\n", "one document"),
        (b"a: &x [*x]\n", "aliases"),
        (b"a: *x\n", "aliases"),
        (b"a: !!python/object/apply:os.system [ls]\n", "tags are not allowed"),
        (b"a: !!int ''\n", "tags are not allowed"),
        (b"a: !!binary x\n", "tags are not allowed"),
        (b"a:\n\t- b\n", "tabs"),
        (b"a: [1, 2\nb: 3\n", "flow sequence"),
        (b"a: 'open\n", "quoted scalar"),
        (b"a: " + b"[" * 50_000, "nested deeper"),
        (b"a: " + b"{x: " * 33 + b"1" + b"}" * 33, "nested deeper"),
        (b"a: " + b"x" * MOST_BYTES, "limit is 256 KiB"),
        (b"a: \x07\n", "not YAML"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_in_one_line(tmp_path, content, message):
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    with pytest.raises(SpecError, match="bad.yaml") as caught:
        load(file)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_values_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr("grokjax.reader.yaml_file.MOST_NODES", 100)
    assert len(parse("a: [" + "1, " * 90 + "1]").content["a"]) == 91
    with pytest.raises(SpecError, match="more than 100 values"):
        parse("a: [" + "1, " * 100 + "1]")


def test_a_byte_order_mark_is_no_problem(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfname: a\n")
    assert load(tmp_path / "a.yaml").content == {"name": "a"}


def test_what_is_no_readable_file_is_refused(tmp_path):
    (tmp_path / "grok.yaml").write_text("name: a\n")
    os.mkfifo(tmp_path / "pipe")
    for path, message in [
        ("grk.yaml", "did you mean 'grok.yaml'"),
        (".", "is a directory"),
        ("pipe", "not a regular file"),
    ]:
        with pytest.raises(SpecError, match=message):
            load(tmp_path / path)
    with pytest.raises(SpecError, match="cannot be read"):
        load("a\0b.yaml")


def test_keys_know_their_lines():
    document = parse("name: a\naxes:\n  optimizer.weight_decay: [1, 2]\nregularizers:\n  - kind: l2\n    strength: 1\n")
    assert document.lines["axes.optimizer.weight_decay"] == 3
    assert document.lines["regularizers.0.strength"] == 6


def test_a_value_of_the_command_line_is_one_value():
    assert parse_value("[1, 1e-3]", "a") == [1, 0.001]
    assert parse_value("{kind: adamw, b1: 0.9}", "a") == {"kind": "adamw", "b1": 0.9}
    for text in ("a: b", "- a", "a: b\nc: d", "{a: 1", "&x 1"):
        with pytest.raises(SpecError, match="key"):
            parse_value(text, "key")


def test_one_line_form_reads_back():
    value = {"kind": "adamw", "b1": [0.9, None, True, "x, y", "a: b", "1"]}
    assert parse_value(flow(value), "key") == value
