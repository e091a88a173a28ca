"""Are axes called what papers call them, and never two of them the same?"""

from grokjax.report.axis_names import paper_name, paper_names


def test_a_setting_without_known_words_keeps_its_path():
    assert paper_name("optimizer.weight_decay") == "weight decay"
    assert paper_name("model.embedding") == "model.embedding"


def test_two_axes_are_never_called_the_same():
    assert paper_names(("a.strength", "b.strength")) == {"a.strength": "a.strength", "b.strength": "b.strength"}
    assert paper_names(("a.width", "")) == {"a.width": "width", "": ""}
