"""The transformer with each position computed once for every different thing that it depends on.

The mathematics is that of `transformer.py`. There, the stream is [example, token, width]. But before the first layer a
position depends on its own token only, and in a causal network all positions before the second operand depend on the
first operand only: such a position has one row per symbol, not one per example, and where no operand is seen, a single
row. Here every position has as many rows as its cause has values, and the sublayers are the same on fewer rows. What
needs no example is computed once a step (`prepare`), the rest once a block of examples (`answer`).

Form `merged` goes one step further: where nothing reads the stream between two matrices, they are one matrix that is
computed once a step, (Z W_O) W_in = Z (W_O W_in).
"""

from typing import Any

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params, Signature
from grokjax.core.symbol_lookup import rows_at
from grokjax.models.class_product import class_product
from grokjax.models.hidden_units import ACTIVATIONS, dropout
from grokjax.models.initializers import scheme
from grokjax.models.sublayers import FeedForward, normalisation, positions
from grokjax.models.symbol_rows import by_rows, in_blocks

Transformer = Any  # the part; its file imports this one

EXAMPLE = -1
Cause = int | None
"""What a position depends on: no operand (None: one row), one operand (its position: a row per symbol), or more
(EXAMPLE: a row per example)."""
Known = dict[tuple[Any, ...], jax.Array]
"""Rows by name: ("stream", place), ("query", place), ("key", place), ("value", place), ("score", query, key)."""


def causes_of(model: Transformer, signature: Signature) -> list[list[Cause]]:
    """[layer + 1][place]: what the stream depends on before each layer, and after the last."""
    tokens = signature.input_shape[0]
    causes: list[list[Cause]] = [[place if place in signature.operands else None for place in range(tokens)]]
    for _ in range(model.layers):
        seen = [common(*(causes[-1][other] for other in visible(model, place, tokens))) for place in range(tokens)]
        causes.append(seen if model.dropout is None else [EXAMPLE] * tokens)  # masks differ between examples
    return causes


def visible(model: Transformer, place: int, tokens: int) -> range:
    """Places that a place attends to."""
    return range(place + 1 if model.causal else tokens)


def common(*causes: Cause) -> Cause:
    """What something depends on that is made of things with these causes."""
    different = {cause for cause in causes if cause is not None}
    return None if not different else different.pop() if len(different) == 1 else EXAMPLE


def prepare(model: Transformer, params: Params, signature: Signature) -> dict[str, Any]:
    """What no example enters: known rows of each layer, and the parameters that examples meet."""
    network = Network(model, params, signature)
    stream, layers = network.embedded(), []
    for index in range(model.layers):
        known = network.projected(index, stream)
        layers.append(network.met_by_examples(index, known))
        stream = {
            place: network.after(index, known, place)
            for place in network.places(index)
            if network.causes[index + 1][place] != EXAMPLE
        }
    is_merged = model.form == "merged" and network.causes[1][-1] == EXAMPLE  # else no example meets a matrix
    return {  # names as text: the keys of a pytree must be of one type
        "layers": [{" ".join(map(str, name)): rows for name, rows in layer.items()} for layer in layers],
        "last": stream.get(network.tokens - 1),
        "params": {} if is_merged else network.params_of_examples(),
        "merged": network.merged(layers[0]) if is_merged else None,
    }


def answer(
    model: Transformer, prepared: dict[str, Any], inputs: jax.Array, signature: Signature, key: jax.Array | None
) -> jax.Array:
    """Outputs [example, column] of inputs [example, token]."""
    network = Network(model, prepared["params"], signature, inputs, key)
    last = network.tokens - 1
    stream: dict[int, jax.Array] = {}
    for index, layer in enumerate(prepared["layers"]):
        known = {_name(text): rows for text, rows in layer.items()} | network.projected(index, stream)
        if prepared["merged"] is not None:
            return network.merged_answer(known, prepared["merged"])
        stream = {
            place: network.after(index, known, place)
            for place in network.places(index)
            if network.causes[index + 1][place] == EXAMPLE
        }
    outputs = network.outputs(stream[last] if last in stream else prepared["last"])
    return jnp.broadcast_to(network.spread(outputs, network.causes[-1][last], EXAMPLE), (len(inputs), outputs.shape[1]))


def _name(text: str) -> tuple[Any, ...]:
    kind, *places = text.split()
    return kind, *map(int, places)


class Network:
    """One transformer before (`inputs` None) or while it meets a block of examples."""

    def __init__(
        self,
        model: Transformer,
        params: Params,
        signature: Signature,
        inputs: jax.Array | None = None,
        key: jax.Array | None = None,
    ):
        self.model, self.params, self.signature, self.inputs, self.key = model, params, signature, inputs, key
        self.tokens = signature.input_shape[0]
        self.causes = causes_of(model, signature)
        self.drawn = scheme(model.initializer, model.width, model.width, signature.vocabulary)

    def places(self, index: int) -> range:
        """Places at which a layer is computed: of the last layer only the last place is read."""
        return range(self.tokens - 1 if index == self.model.layers - 1 else 0, self.tokens)

    def spread(self, rows: jax.Array, own: Cause, cause: Cause) -> jax.Array:
        """Rows for each value of a cause that `own` is part of; a single row is left to broadcasting."""
        if own in (cause, None):
            return rows
        assert self.inputs is not None, "rows of examples are asked for before there are examples"
        return rows_at(rows, self.inputs[:, own])

    def embedded(self) -> dict[int, jax.Array]:
        """Embedding and position, one row per symbol at operands, one row elsewhere."""
        embedding = self.params["embed"]["embedding"]
        if self.model.positions == "learned":
            added = self.params["positions"]["embedding"]
        elif self.model.positions == "sinusoidal":
            added = jnp.asarray(positions(self.model, self.tokens, self.drawn), embedding.dtype)
        else:
            added = jnp.zeros((self.tokens, self.model.width), embedding.dtype)
        fixed = iter(self.signature.fixed)
        stream = {}
        for place, cause in enumerate(self.causes[0]):
            rows = embedding if cause is not None else embedding[(symbol := next(fixed)) : symbol + 1]
            stream[place] = rows + added[place][None]
        return stream

    def projected(self, index: int, stream: dict[int, jax.Array]) -> Known:
        """Stream, queries, keys and values of a layer at the places whose stream is given."""
        known: Known = {}
        for place, rows in stream.items():
            known["stream", place] = rows
            read = self._norm(index, "attention_norm", rows) if self.model.norm == "pre" else rows
            for name in ("query", "key", "value"):
                if name != "query" or place in self.places(index):
                    known[name, place] = self._dense(self.params[f"layer_{index}"]["attention"][name], read)
        return known

    def met_by_examples(self, index: int, known: Known) -> Known:
        """Of the known rows of a layer those that its places with a row per example are made of."""
        met: Known = {}
        for place in self.places(index):
            if self.causes[index + 1][place] != EXAMPLE:
                continue
            names: list[tuple[Any, ...]] = [("stream", place)]
            for other in visible(self.model, place, self.tokens):
                names.append(("value", other))
                if common(self.causes[index][place], self.causes[index][other]) == EXAMPLE:
                    names += [("query", place), ("key", other)]
                else:
                    met["score", place, other] = self._score(index, known, place, other)
            met |= {name: known[name] for name in names if name in known}
        return met

    def after(self, index: int, known: Known, place: int) -> jax.Array:
        """The stream after a layer at one place: a row for each value of its cause."""
        cause, before = self.causes[index + 1][place], self.causes[index]
        stream = self.spread(known["stream", place], before[place], cause)
        mixed = self._mixed(index, known, place, cause)

        def rest(stream: jax.Array, mixed: jax.Array) -> jax.Array:
            layer = self.params[f"layer_{index}"]
            stream = stream + self._dropped(self._dense(layer["attention"]["output"], mixed), 2 * index, place)
            if self.model.norm == "post":
                stream = self._norm(index, "attention_norm", stream)
            read = self._norm(index, "mlp_norm", stream) if self.model.norm == "pre" else stream
            added = FeedForward(self.model, self.drawn).apply({"params": layer["mlp"]}, read)
            stream = stream + self._dropped(jnp.asarray(added), 2 * index + 1, place)
            return self._norm(index, "mlp_norm", stream) if self.model.norm == "post" else stream

        return rest(stream, mixed) if self.inputs is not None else in_blocks(rest, stream, mixed)

    def outputs(self, stream: jax.Array) -> jax.Array:
        """[row, column] from the last place of the stream."""
        if self.model.norm == "pre" or self.model.final_norm:
            norm = normalisation(self.model, "final_norm")
            stream = jnp.asarray(norm.apply({"params": self.params["final_norm"]}, stream))
        layer = self._unembedding()
        return class_product(stream, layer["kernel"], layer.get("bias"))

    def params_of_examples(self) -> Params:
        """Parameters without those that only known rows are made of."""
        first = dict(self.params["layer_0"])
        first["attention"] = {"output": first["attention"]["output"]}
        dropped = {"positions"} if self.model.tied else {"positions", "embed"}
        return {name: leaf for name, leaf in self.params.items() if name not in dropped} | {"layer_0": first}

    def merged(self, known: Known) -> dict[str, jax.Array]:
        """Products of neighbouring matrices of a one-layer network, and what the known stream adds behind them."""
        layer, last = self.params["layer_0"], self.tokens - 1
        attention, inner, outer = layer["attention"]["output"], layer["mlp"]["hidden"], layer["mlp"]["output"]
        unembed = self._unembedding()
        stream = known["stream", last]
        stream = stream + attention["bias"][None] if "bias" in attention else stream
        answered = stream + outer["bias"][None] if "bias" in outer else stream
        return {
            "hidden": by_rows(attention["kernel"], inner["kernel"]),
            "hidden_start": self._dense(inner, stream),
            "output": by_rows(attention["kernel"], unembed["kernel"]),
            "hidden_output": by_rows(outer["kernel"], unembed["kernel"]),
            "output_start": self._dense(unembed, answered),
        }

    def merged_answer(self, known: Known, merged: dict[str, jax.Array]) -> jax.Array:
        """Outputs [example, column] of a one-layer network by its merged matrices."""
        cause = self.causes[0][self.tokens - 1]
        mixed = self._mixed(0, known, self.tokens - 1, EXAMPLE)
        hidden = mixed @ merged["hidden"] + self.spread(merged["hidden_start"], cause, EXAMPLE)
        hidden = ACTIVATIONS[self.model.activation](hidden)
        direct = class_product(mixed, merged["output"], self.spread(merged["output_start"], cause, EXAMPLE))
        return class_product(hidden, merged["hidden_output"], direct)

    def _score(self, index: int, known: Known, place: int, other: int) -> jax.Array:
        """[row, head] for each value of what query and key depend on together."""
        before = self.causes[index]
        cause = common(before[place], before[other])
        query = self.spread(known["query", place], before[place], cause)
        key = self.spread(known["key", other], before[other], cause)
        scale = (self.model.width / self.model.heads) ** 0.5
        return (query * key).reshape(-1, self.model.heads, self.model.width // self.model.heads).sum(axis=-1) / scale

    def _mixed(self, index: int, known: Known, place: int, cause: Cause) -> jax.Array:
        """[row, width] values mixed by attention, before the attention's output matrix."""
        before = self.causes[index]
        others = visible(self.model, place, self.tokens)
        scores = []
        for other in others:
            name = ("score", place, other)
            rows = known[name] if name in known else self._score(index, known, place, other)
            scores.append(self.spread(rows, common(before[place], before[other]), cause))
        highest = scores[0]
        for score in scores[1:]:
            highest = jnp.maximum(highest, score)
        # Softmax over a few places: one array a place, since an axis of three is no length for vector instructions.
        powers = [jnp.exp(score - jax.lax.stop_gradient(highest)) for score in scores]
        share = 1.0 / sum(powers[1:], start=powers[0])
        units = self.model.width // self.model.heads
        mixed = [
            jnp.repeat(power * share, units, axis=-1) * self.spread(known["value", other], before[other], cause)
            for other, power in zip(others, powers, strict=True)
        ]
        return sum(mixed[1:], start=mixed[0])

    def _dropped(self, added: jax.Array, number: int, place: int) -> jax.Array:
        """Dropout with the masks that the plain form draws for all places together."""
        if self.key is None or self.model.dropout is None:
            return added
        places = self.places(number // 2)
        alone = jnp.zeros((len(added), len(places), added.shape[1]), added.dtype)
        alone = alone.at[:, place - places.start].set(added)
        return dropout(alone, self.model.dropout, self.key, number)[:, place - places.start]

    def _norm(self, index: int, name: str, rows: jax.Array) -> jax.Array:
        layer = normalisation(self.model, name)
        return jnp.asarray(layer.apply({"params": self.params[f"layer_{index}"][name]}, rows))

    def _dense(self, layer: Params, rows: jax.Array) -> jax.Array:
        outputs = rows @ layer["kernel"] if self.inputs is not None else by_rows(rows, layer["kernel"])
        return outputs + layer["bias"][None] if "bias" in layer else outputs

    def _unembedding(self) -> Params:
        """Matrix and bias that give the outputs."""
        if not self.model.tied:
            return self.params["output"]
        layer = {"kernel": self.params["embed"]["embedding"][: self._columns()].T}
        return layer | ({"bias": self.params["output_bias"]} if self.model.output_bias else {})

    def _columns(self) -> int:
        vocabulary = self.signature.vocabulary or 0
        return vocabulary if self.model.outputs == "vocabulary" else self.signature.num_classes
