"""Are phases told apart by people who see colours differently, and in grey? Distances are CIEDE2000."""

import itertools

import numpy as np
import pytest

from grokjax.analysis.rules import PHASES
from grokjax.report.colours import PHASE_STYLES, phase_letters

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
MACHADO = {
    "full colour vision": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
SHARED = ("confusion", "memorization", "diverged", "undecided")
DEFAULT = (*SHARED, "grokking", "comprehension", "unfit", "collapsed")
DOSHI = (*SHARED, "coexistence", "partial_inversion", "full_inversion", "forgetting")
TOGETHER = sorted({pair for names in (DEFAULT, DOSHI) for pair in itertools.combinations(sorted(names), 2)})


def linear(colour):
    channels = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(colour, seen=MACHADO["full colour vision"]):
    relative = TO_XYZ @ np.clip(seen @ linear(colour), 0, 1) / WHITE
    f = np.where(relative > 216 / 24389, np.cbrt(relative), (24389 / 27 * relative + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(one, other):
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = c1 * c2 == 0
    turn = 0.0 if grey else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if grey else (h1 + h2) / 2 + (0 if abs(h1 - h2) <= 180 else 180 if h1 + h2 < 360 else -180)
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    terms = ((0.17, 1, 30), (-0.24, 2, 0), (-0.32, 3, -6), (0.20, 4, 63))
    t = 1 - sum(weight * np.cos(np.radians(times * hue - shift)) for weight, times, shift in terms)
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    r_c = 2 * np.sqrt(c_mean**7 / (c_mean**7 + 25**7))
    r_t = -np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2)))) * r_c
    x, y, z = (l2 - l1) / s_l, (c2 - c1) / s_c, d_h / s_h
    return np.sqrt(x * x + y * y + z * z + r_t * y * z)


@pytest.mark.parametrize(
    ("one", "other", "published"),  # Sharma, Wu, Dalal 2005, table 1
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_colour_distance_is_the_published_one(one, other, published):
    assert ciede2000(one, other) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("seen", MACHADO)
def test_phases_that_occur_together_keep_their_distance(seen):
    distances = {
        pair: ciede2000(*(lab(PHASE_STYLES[name].colour, MACHADO[seen]) for name in pair)) for pair in TOGETHER
    }
    assert min(distances.values()) > 10, min(distances, key=distances.get)  # about 2 is just visible side by side
    plain = {pair: far for pair, far in distances.items() if not any(PHASE_STYLES[name].hatch for name in pair)}
    assert min(plain.values()) > 15, min(plain, key=plain.get)


@pytest.mark.parametrize("seen", MACHADO)
def test_no_two_phases_of_any_rules_look_the_same(seen):
    colours = [lab(style.colour, MACHADO[seen]) for style in PHASE_STYLES.values()]
    assert min(ciede2000(one, other) for one, other in itertools.combinations(colours, 2)) > 7


def test_in_grey_phases_that_occur_together_differ_in_lightness_or_hatch():
    def grey(name):
        return lab(PHASE_STYLES[name].colour)[0]

    close = [pair for pair in TOGETHER if abs(grey(pair[0]) - grey(pair[1])) < 8]
    assert [pair for pair in close if PHASE_STYLES[pair[0]].hatch == PHASE_STYLES[pair[1]].hatch] == []


def test_every_phase_has_a_style_and_a_letter_of_its_own():
    assert tuple(PHASE_STYLES) == PHASES
    letters = [style.letter for style in PHASE_STYLES.values()]
    assert len({letter.lower() for letter in letters}) == len(PHASES)
    assert all(len(letter) == 1 and letter == letter.upper() for letter in letters)


@pytest.mark.parametrize("name", PHASES)
def test_letters_can_be_read_on_their_field(name):
    style = PHASE_STYLES[name]
    lights = sorted(float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour)) for colour in (style.colour, style.ink))
    assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5  # WCAG AA


def test_counts_are_written_with_their_letters_in_the_order_of_legends():
    counts = {"grokking": 1200, "memorization": 40, "collapsed": 0, "undecided": 2}
    assert phase_letters(counts) == "M 40 G 1,200 ? 2"
