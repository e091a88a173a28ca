"""A map by Ray Tune: the runs of `torch_pool.py` as trials, an actor per core that goes from one trial to the next.

    python -m benchmarks.peers.ray_map MAP OUTCOME [--processes 2]

A trial reports once, when its run has ended; users report at every look.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import ray
from ray import tune

from benchmarks.peers.map_runs import read_map, write_outcome
from benchmarks.peers.torch_pool import Trainee, parser_of_map


class Trial(tune.Trainable):
    """One run; Ray reuses its process, and so the network, for the next."""

    def setup(self, config: dict[str, Any]) -> None:
        options = config["options"]
        self.trainee, self.run, self.free_since = Trainee(read_map(options.map), options), config["run"], None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.run = new_config["run"]
        return True

    def step(self) -> dict[str, Any]:
        outcome = self.trainee.train(self.run)
        began = outcome["began"] if self.free_since is None else self.free_since
        self.free_since = time.perf_counter()
        # What Ray does between two trials of an actor counts as time of the second.
        return outcome | {"began": began, "run": self.run, "done": True}


def main() -> None:
    options = parser_of_map(__doc__).parse_args()
    options.map = str(Path(options.map).absolute())
    ray.init(num_cpus=options.processes, include_dashboard=False, log_to_driver=False, configure_logging=False)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(Trial, {"cpu": 1}),
            param_space={"run": tune.grid_search(list(range(len(read_map(options.map).n_train)))), "options": options},
            tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=options.processes),
            run_config=tune.RunConfig(
                storage_path=folder, verbose=0, checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False)
            ),
        )
        outcomes = [result.metrics for result in tuner.fit()]
    names = ("losses", "accuracy", "final_step", "began", "ended")
    by_run = sorted(outcomes, key=lambda outcome: outcome["run"])
    write_outcome(options.outcome, [{name: outcome[name] for name in names} for outcome in by_run])
    ray.shutdown()


if __name__ == "__main__":
    main()
