"""Can the runs of a sweep decide its claims? Asked before anything is compiled, so that no training is in vain."""

import warnings
from functools import partial

import jax
import pandas as pd

from grokjax.analysis.claims import Claim, check_claim, make_claim
from grokjax.analysis.rules import find_rule
from grokjax.analysis.table import event_columns
from grokjax.core.data_warning import DataWarning
from grokjax.core.words import REPORTED_GROUPS
from grokjax.drive.opening import describe
from grokjax.lab.initial_params import initial_params_of
from grokjax.orders.order import grid_orders
from grokjax.reader.errors import Collector, suggestion, wrong
from grokjax.reader.plans import rule_to_plain
from grokjax.reader.stop_plan import AT_LOOKS, UNSEEN
from grokjax.reader.sweep import Sweep
from grokjax.reader.value_names import value_aliases
from grokjax.results.dataset import assemble
from grokjax.results.reading import looks_of
from grokjax.results.table import run_table
from grokjax.train.executables import number_format
from grokjax.train.feed import Feed
from grokjax.train.lane import fresh
from grokjax.train.look_names import look_names


def check_claims(sweep: Sweep, scale: str | None = None) -> None:
    """Refuse a phase rule that there is not, and claims that say nothing or that no runs of the sweep could decide.

    Args:
      scale: of the file, whose own claims would replace those in full.

    Raises:
      SpecError: with every claim that is wrong; names phases, keys, values and measures with the nearest valid one.
    """
    try:
        find_rule(rule_to_plain(sweep.rule))
    except ValueError as error:
        raise wrong("rule", str(error)) from None
    cells = pd.DataFrame(sweep.points.columns() if sweep.claims else {}, index=range(sweep.num_cells))
    problems, hint = Collector(), f"the scale {scale!r} may state `claims` of its own" if scale else ""
    cells.attrs["aliases"] = {path: value_aliases(records) for path, records in sweep.points.value_records.items()}
    for index, stated in enumerate(sweep.claims):
        with problems.collecting():
            try:
                claim = make_claim(stated.name, stated.that, stated.over)
                check_claim(claim, cells, _columns(sweep, claim))
            except ValueError as error:
                raise wrong(f"claims.{index}.that", str(error), hint=hint) from None
        with problems.collecting():
            try:
                find_rule(rule_to_plain(stated.rule or sweep.rule))
            except ValueError as error:
                raise wrong(f"claims.{index}.rule", str(error)) from None
    problems.finish()


def check_stop(sweep: Sweep) -> None:
    """Refuse conditions of the stop rule on what is not measured as a single number.

    Raises:
      SpecError: with the nearest measure that is.
    """
    own = [] if sweep.stop is None else sweep.stop.when
    known = [*AT_LOOKS, UNSEEN]
    if any(rule.measure not in known for rule in own):
        known += _measured(sweep)
    for index, rule in enumerate(own):
        if rule.measure not in known:
            raise wrong(f"stop.when.{index}.measure", "is not measured", rule.measure, suggestion(rule.measure, known))
    _warn_of_low_stop(sweep)


def _warn_of_low_stop(sweep: Sweep) -> None:
    """A run that ends below the phase rule's share of generalization stays undecided; better said before it trains."""
    try:
        needed = find_rule(rule_to_plain(sweep.rule)).thresholds.get("generalized", 0.0)
    except ValueError:
        return  # said by `check_claims`
    if sweep.stop is not None and sweep.stop.steps is not None and sweep.stop.at < needed:
        warnings.warn(
            f"stop.after_grok.at: {sweep.stop.at:g} is below the {needed:g} that count as generalized: runs that end "
            f"in between stay undecided; raise it, or set rule: {{generalized: {sweep.stop.at:g}}}",
            DataWarning,
            stacklevel=2,
        )


def _columns(sweep: Sweep, claim: Claim) -> list[str]:
    """Columns of the table as far as the claim asks for them; measures are traced only when they must be.

    What a probe gives is known when networks are stored: names under its own, `KIND/...`, are taken on trust.
    """
    named = {term.of for term in claim.terms if term.function == "median"}
    if not named:
        return []
    spec = describe(sweep)
    nothing = assemble([], spec["base"])
    known = [*run_table(nothing, spec, event_columns(looks_of(nothing, spec["constants"])))]
    known += [
        *(name for names in look_names().values() for name in names),
        *(f"{one}/accuracy" for one in REPORTED_GROUPS),
    ]
    kinds = {part.kind for part in sweep.measure.probes}
    known += [name for name in named if name.partition("/")[0] in kinds]
    return known if named <= set(known) else [*known, *_measured(sweep)]


def _measured(sweep: Sweep) -> list[str]:
    """Names of the scalars that the measures of a sweep give beside `fit`, from shapes alone."""
    run = grid_orders(sweep)[0].run
    feed = Feed(run, run.task.signature(), [run.task], sweep.measure, None, sweep.steps)
    program = feed.program(1, 1)
    with number_format(program):
        lane = jax.eval_shape(partial(fresh, program), feed.values(run, 0, initial_params_of(run)), feed.tables)
    return [name for name, buffer in lane.book.rows.items() if len(buffer.shape) == 1]
