"""How does a Flax module of the user become a model? Its fields are static settings, its parameters a nested dict.

The module is called with inputs [example, ...]. Where its call takes `train` or `deterministic`, it is told whether it
trains. Fields named `num_classes` and `vocabulary` that the sweep file does not set come from the task.
"""

import dataclasses
import inspect
import typing
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import nnx

from grokjax.core.interfaces import Model, Params, Signature
from grokjax.core.part import Part
from grokjax.core.streams import stream, substream
from grokjax.models.sown import captured, sown
from grokjax.reader.user_class import FILLED, Given, make_part, parameters_of, static_settings

_NO_STATE = (
    ". A train set is walked in blocks of examples, so statistics of a batch would be those of a block; "
    "use LayerNorm, GroupNorm or RMSNorm, whose statistics are of one example"
)
_DROPOUT = 1  # substream of the key of `init` for modules that ask for dropout while they are set up


def part_from_linen(module: type[nn.Module], kind: str, sha256: str) -> type[Part]:
    """A model part around a linen module class."""
    try:
        hints = typing.get_type_hints(module)
    except NameError:
        hints = {}
    parameters = {}
    for field in dataclasses.fields(module):
        if field.name in ("parent", "name") or not field.init:
            continue
        default = field.default if field.default is not dataclasses.MISSING else inspect.Parameter.empty
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        parameters[field.name] = Given(hints.get(field.name, Any), default)
    return make_part(LinenModel, kind, sha256, static_settings(parameters), doc=module.__doc__, module_class=module)


def part_from_nnx(module: type[nnx.Module], kind: str, sha256: str) -> type[Part]:
    """A model part around an nnx module class; its constructor must take `rngs`."""
    parameters = parameters_of(module.__init__, skip=("self",))
    if "rngs" not in parameters:
        raise TypeError("the constructor of an nnx module must take rngs")
    del parameters["rngs"]
    return make_part(NnxModel, kind, sha256, static_settings(parameters), doc=module.__doc__, module_class=module)


class UserModel(Model):
    """What both kinds of Flax module share."""

    module_class: ClassVar[Any]

    def settings_for(self, signature: Signature) -> dict[str, Any]:
        """Arguments of the module's constructor."""
        arguments = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in FILLED:
            if name in arguments and arguments[name] is None:
                arguments[name] = getattr(signature, name)
                if arguments[name] is None:
                    raise ValueError(f"model.{name}: the task has none, so it must be set")
        return arguments

    def modes(self, training: bool) -> dict[str, bool]:
        """Keyword arguments that tell the module whether it trains."""
        known = inspect.signature(self.module_class.__call__).parameters
        return {name: on for name, on in (("train", training), ("deterministic", not training)) if name in known}


class LinenModel(UserModel):
    """A linen module."""

    def init(self, key: jax.Array, signature: Signature) -> Params:
        example = jnp.zeros((1, *signature.input_shape), signature.input_dtype)
        rngs = {"params": key, "dropout": substream(key, _DROPOUT)}
        variables = self.module_class(**self.settings_for(signature)).init(rngs, example, **self.modes(training=False))
        others = sorted(set(variables) - {"params"})
        if others:
            raise ValueError(f"model.kind: {self.kind} keeps {', '.join(others)} beside its parameters{_NO_STATE}")
        return variables.get("params", {})

    def logits(self, prepared: Params, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        module = self.module_class(**self.settings_for(signature))
        rngs = None if key is None else {"dropout": key[0]}  # Flax draws one mask for the whole block
        return module.apply({"params": prepared}, inputs, rngs=rngs, **self.modes(training=key is not None))

    def activations(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return sown(self.module_class(**self.settings_for(signature)), params, inputs, **self.modes(training=False))

    def captured(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        module = self.module_class(**self.settings_for(signature))
        return captured(module, params, inputs, **self.modes(training=False))


class NnxModel(UserModel):
    """An nnx module; parameters are its `nnx.Param` variables as a plain nested dict with text keys."""

    def init(self, key: jax.Array, signature: Signature) -> Params:
        module = self._module(signature, key, substream(key, _DROPOUT))
        return _text_keys(nnx.to_pure_dict(nnx.state(module, nnx.Param)))

    def logits(self, prepared: Params, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        # The module is set up anew only for its structure; XLA drops the parameters drawn here, which nobody reads.
        any_key = stream(jnp.zeros((), jnp.uint32), "init")
        module = self._module(signature, any_key, any_key if key is None else key[0])
        if key is None:
            module.eval()
        else:
            module.train()
        graph, own, rest = nnx.split(module, nnx.Param, ...)
        params = _keys_like(prepared, nnx.to_pure_dict(own))
        nnx.replace_by_pure_dict(own, params)
        return nnx.merge(graph, own, rest)(inputs, **self.modes(training=key is not None))

    def _module(self, signature: Signature, key: jax.Array, dropout_key: jax.Array) -> nnx.Module:
        module = self.module_class(**self.settings_for(signature), rngs=nnx.Rngs(params=key, dropout=dropout_key))
        others = nnx.state(module, nnx.Not(nnx.Any(nnx.Param, nnx.RngState)))
        if jax.tree.leaves(others):
            raise ValueError(f"model.kind: {self.kind} keeps variables beside its parameters{_NO_STATE}")
        return module


def _text_keys(tree: Any) -> Any:
    """Keys of a nested dict as text: lists of layers have whole numbers for keys."""
    return {str(name): _text_keys(value) for name, value in tree.items()} if isinstance(tree, dict) else tree


def _keys_like(tree: Any, like: Any) -> Any:
    """A nested dict with text keys, with the keys of `like`."""
    return (
        {name: _keys_like(tree[str(name)], value) for name, value in like.items()} if isinstance(like, dict) else tree
    )
