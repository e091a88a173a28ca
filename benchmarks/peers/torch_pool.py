"""A map in PyTorch as a careful user would train it: a process per core, runs from a queue, each ends by the stop rule.

python -m benchmarks.peers.torch_pool MAP OUTCOME [--processes 2] [--compiled] [--device cuda]
"""

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch

from benchmarks.peers.map_runs import MapRuns, Watch, read_map, write_outcome
from benchmarks.peers.networks import build, loss_of
from benchmarks.peers.torch_loop import optimizer_of, set_up


class Trainee:
    """The network of one process; runs are trained in it one after another, so it is compiled once."""

    def __init__(self, runs: MapRuns, options: argparse.Namespace):
        set_up(options)
        self.runs, self.device = runs, options.device
        self.network, loss = build(runs.start(0)).to(self.device), loss_of(runs.start(0))

        def objective(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return loss(self.network(inputs), targets)

        # The sizes of train sets differ: one program for all of them.
        self.objective = torch.compile(objective, dynamic=True) if options.compiled else objective
        train, _ = self._data(0)
        self.objective(*train).backward()  # compile before the first run

    def train(self, run: int) -> dict[str, Any]:
        """Train one run to its end."""
        began, start = time.perf_counter(), self.runs.start(run)
        self.network.load_state_dict(build(start).state_dict())
        optimizer = optimizer_of(start, self.network)
        train, test = self._data(run)
        watch, done, losses = Watch(self.runs), 0, []
        for look, step in enumerate(self.runs.looks):
            for _ in range(step - done):
                optimizer.zero_grad(set_to_none=True)
                self.objective(*train).backward()
                optimizer.step()
            done = int(step)
            loss, _, _ = self._look(*train)
            losses.append(loss)
            _, correct, total = self._look(*test)
            if watch.ends(look, correct, total):
                break
        ended = time.perf_counter()
        accuracy = correct / total
        return {"losses": losses, "accuracy": accuracy, "final_step": done, "began": began, "ended": ended}

    def _data(self, run: int) -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:
        """Inputs and targets of the train set, and of the test set."""
        order, count = self.runs.order[run], self.runs.n_train[run]
        return tuple(
            (
                torch.from_numpy(self.runs.inputs[part]).long().to(self.device),
                torch.from_numpy(self.runs.targets[part]).long().to(self.device),
            )
            for part in (order[:count], order[count:])
        )

    @torch.no_grad()
    def _look(self, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[float, int, int]:
        """Loss, number correct, number of examples."""
        outputs = self.network(inputs)
        loss = torch.nn.functional.cross_entropy(outputs, targets)
        return float(loss), int((outputs.argmax(1) == targets).sum()), len(targets)


_trainee: Trainee


def _begin(path: str, options: argparse.Namespace) -> None:
    global _trainee
    _trainee = Trainee(read_map(path), options)


def _train(run: int) -> dict[str, Any]:
    return _trainee.train(run)


def parser_of_map(about: str | None) -> argparse.ArgumentParser:
    """Options of a map by processes."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("map")
    parser.add_argument("outcome")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tf32", action="store_true")
    return parser


def main() -> None:
    options = parser_of_map(__doc__).parse_args()
    # A fork spares each process the import of PyTorch; CUDA does not survive it.
    context = multiprocessing.get_context("fork" if options.device == "cpu" else "spawn")
    runs = range(len(read_map(options.map).n_train))
    with ProcessPoolExecutor(options.processes, context, _begin, (options.map, options)) as pool:
        write_outcome(options.outcome, list(pool.map(_train, runs)))


if __name__ == "__main__":
    main()
