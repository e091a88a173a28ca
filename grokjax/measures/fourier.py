"""Has a network learned modular addition by waves? Fourier power of embedding, hidden units and answers.

Papers: Nanda, Chan, Lieberum, Smith, Steinhardt 2023 (arXiv 2301.05217): key frequencies, restricted and excluded loss,
Gini coefficient, purity of hidden units; Doshi, Das, He, Gromov 2024 (arXiv 2310.13061): inverse participation ratio.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.fixed_product import fixed_product
from grokjax.core.interfaces import Measure, View
from grokjax.core.parameter_paths import path_name
from grokjax.core.part import Swept, part, setting
from grokjax.core.waves import checked_modulus, components, frequencies
from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.measures.class_outputs import mean_of, train_and_test
from grokjax.measures.real_fourier import (
    by_frequency,
    coefficients,
    gini,
    participation,
    powers,
)

_REPORTED = CrossEntropy(form="log1p")


class Answers(NamedTuple):
    """What the outputs are as functions of the right answer.

    Attributes:
      mean: [answer, class] outputs, averaged over the pairs with an answer.
      pairs: [answer] how many these are.
      constant: [class] mean outputs over all pairs.
    """

    mean: jax.Array
    pairs: jax.Array
    constant: jax.Array


@part
class Fourier(Measure):
    """Waves of x + y or x - y modulo p, on the whole table of ordered pairs; w_k = 2 pi k / p, t the right answer.

    - `fourier/frequency_share` [frequency]: of the outputs' power in cos(w_k t) and sin(w_k t), by frequency;
      `fourier/key_frequencies` [key]: the largest of them, or those that are set
    - `fourier/key_share`: of the variance of the outputs, what lies in the key frequencies
    - `fourier/restricted_loss`: cross-entropy over all pairs of outputs that are a constant and the key frequencies
    - `fourier/excluded_loss`: over the train set, of outputs without the key frequencies
    - `fourier/embedding_gini`: of the lengths of the embedding's components, cosines and sines apart;
      `fourier/input_ipr`, `fourier/output_ipr`: inverse participation ratio of columns of the embedding and rows of the
      output matrix, averaged: 1 for single frequencies
    - `fourier/unit_frequency`, `fourier/unit_purity` [unit]: of each unit of the last hidden layer, the frequency whose
      linear and quadratic waves explain most of its variance over all pairs, and that share; `fourier/pure_units`

    Where answers are not equally frequent (x * y), powers are of the mean outputs for each answer. The embedding is
    every parameter named embed..., or the one-hot rows of a first layer; what a network lacks is left out. Key
    frequencies differ from step to step unless they are set: Nanda et al. use those of the trained network throughout.
    Cost: two passes forward over the table, and for hidden units p^3 sums each.
    """

    paper = "Nanda, Chan, Lieberum, Smith, Steinhardt 2023, arXiv 2301.05217; Doshi et al. 2024, 2310.13061"

    keys: int = setting(5, "key frequencies, the largest at each step", at_least=1)
    frequencies: tuple[int, ...] | None = setting(None, "key frequencies held fixed, in place of the largest")
    units: bool = setting(True, "whether hidden units are looked at; false for a network that names none")
    pure: Swept = setting(0.85, "purity above which a unit counts as pure", at_least=0, at_most=1, scheduled=False)

    def measure(self, view: View) -> dict[str, jax.Array]:
        modulus = checked_modulus(view.signature, self.kind)
        measured = self._of_outputs(view, modulus) | _of_weights(view, modulus)
        if self.units:
            *_, activations = view.activations("units").values()
            frequency, purity = unit_waves(_on_pairs(view, activations.reshape(len(activations), -1), modulus))
            measured |= {"unit_frequency": frequency, "unit_purity": purity, "pure_units": jnp.mean(purity > self.pure)}
        return {f"fourier/{name}": _single(value) for name, value in measured.items()}

    def _of_outputs(self, view: View, modulus: int) -> dict[str, jax.Array]:
        outputs = view.logits()
        answers = by_answer(outputs, view.targets, modulus)
        coefficient = coefficients(answers.mean)
        power = jnp.sum(powers(coefficient), axis=1)[1:]
        share = power / jnp.where(jnp.sum(power) > 0, jnp.sum(power), 1.0)
        keys = self._keys(share, modulus)
        waves = key_waves(coefficient, keys)
        varying = jnp.sum(jnp.square(outputs - answers.constant[None]))
        of_keys = jnp.sum(answers.pairs * jnp.sum(jnp.square(waves), axis=1))
        restricted = _REPORTED.loss(waves + answers.constant[None], jnp.arange(modulus, dtype=jnp.int32))
        excluded = _REPORTED.loss(outputs - waves[view.targets], view.split.labels)
        return {
            "frequency_share": share,
            "key_frequencies": keys,
            "key_share": of_keys / jnp.where(varying > 0, varying, 1.0),
            "restricted_loss": jnp.sum(answers.pairs * restricted) / len(outputs),
            "excluded_loss": mean_of(excluded, train_and_test(view)["train"]),
        }

    def _keys(self, share: jax.Array, modulus: int) -> jax.Array:
        """[key] int32, frequencies from 1 on."""
        if self.frequencies is None:
            return 1 + jax.lax.top_k(share, min(self.keys, modulus // 2))[1].astype(jnp.int32)
        wrong = [frequency for frequency in self.frequencies if not 1 <= frequency <= modulus // 2]
        if wrong or not self.frequencies:
            got = f"got {wrong[0]}" if wrong else "none is given"
            raise ValueError(f"measure.what: fourier.frequencies must be from 1 to {modulus // 2}, {got}")
        return jnp.asarray(self.frequencies, jnp.int32)


def by_answer(outputs: jax.Array, targets: jax.Array, modulus: int) -> Answers:
    """Outputs [example, class] as functions of the right answers [example]."""
    is_answer = (targets[None] == jnp.arange(modulus, dtype=targets.dtype)[:, None]).astype(outputs.dtype)
    pairs, sums = jnp.sum(is_answer, axis=1), fixed_product(is_answer, outputs, "highest")
    return Answers(sums / jnp.maximum(pairs, 1)[:, None], pairs, jnp.sum(sums, axis=0) / len(outputs))


def key_waves(coefficient: jax.Array, keys: jax.Array) -> jax.Array:
    """[answer, class], the part with the frequencies `keys` of functions with coefficients [component, class]."""
    modulus = len(coefficient)
    is_key = jnp.any(jnp.asarray(frequencies(modulus))[:, None] == keys[None], axis=1)
    return fixed_product(
        jnp.asarray(components(modulus).T, coefficient.dtype), jnp.where(is_key[:, None], coefficient, 0.0), "highest"
    )


def unit_waves(activations: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Frequency [unit] int32 and purity [unit] of activations [x, y, unit].

    Of frequency k count the functions c(x), c(y) and c(x) d(y), where c and d are the cosine and the sine of k waves.
    """
    modulus, _, units = activations.shape
    centred = activations - jnp.mean(activations, axis=(0, 1), keepdims=True)
    of_x = coefficients(centred.reshape(modulus, -1)).reshape(modulus, modulus, units)  # [component, y, unit]
    only_y = jnp.square(coefficients(of_x[0]))
    only_x = jnp.square(jnp.sum(of_x, axis=1)) / modulus
    both = sum(
        jnp.square(jnp.sum(of_x * jnp.asarray(wave, of_x.dtype)[..., None], axis=1)) for wave in _own_waves(modulus)
    )
    energy = fixed_product(jnp.asarray(by_frequency(modulus), of_x.dtype), only_y + only_x + both, "highest")[1:]
    total = jnp.sum(jnp.square(centred), axis=(0, 1))
    return 1 + jnp.argmax(energy, axis=0).astype(jnp.int32), jnp.max(energy, axis=0) / jnp.where(total > 0, total, 1.0)


def _own_waves(modulus: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine [component, symbol] of each component's own frequency; zero where there is none."""
    rows, frequency = components(modulus), frequencies(modulus)
    cosines, sines = np.zeros_like(rows), np.zeros_like(rows)
    for component, k in enumerate(frequency[1:], start=1):
        cosines[component] = rows[2 * k - 1]
        sines[component] = rows[2 * k] if 2 * k < modulus else 0.0
    return cosines, sines


def _of_weights(view: View, modulus: int) -> dict[str, jax.Array]:
    """What embedding and output matrix say, where the network has them."""
    leaves = {path_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(view.params)}
    measured = {}
    inputs = input_tables(leaves, modulus)
    if inputs:
        coefficient = coefficients(jnp.concatenate(inputs, axis=1))
        measured["embedding_gini"] = gini(jnp.sqrt(jnp.sum(jnp.square(coefficient), axis=1)))
        measured["input_ipr"] = jnp.mean(participation(powers(coefficient), modulus))
    for name in ("unembed/kernel", "output/kernel"):
        if name in leaves and leaves[name].shape[1] in (modulus, view.signature.vocabulary):
            rows = leaves[name][:, :modulus].T
            measured["output_ipr"] = jnp.mean(participation(powers(coefficients(rows)), modulus))
            break
    return measured


def input_tables(leaves: dict[str, jax.Array], modulus: int) -> list[jax.Array]:
    """What each symbol becomes, [symbol, column] for each table of it: embeddings, or the rows of a one-hot layer."""
    embeddings = [leaf[:modulus] for name, leaf in leaves.items() if name.startswith("embed") and len(leaf) >= modulus]
    first = leaves.get("hidden_0/kernel")
    if embeddings or first is None or len(first) != 2 * modulus:
        return embeddings
    return [first[:modulus], first[modulus:]]


def _on_pairs(view: View, values: jax.Array, modulus: int) -> jax.Array:
    """[x, y, column] of values [example, column] in the order of the table."""
    x, y = (view.inputs[:, position] for position in view.signature.operands)
    example = jnp.zeros(len(values), jnp.int32).at[x * modulus + y].set(jnp.arange(len(values), dtype=jnp.int32))
    return values[example].reshape(modulus, modulus, -1)


def _single(value: jax.Array) -> jax.Array:
    return value if jnp.issubdtype(value.dtype, jnp.integer) else value.astype(jnp.float32)
