"""Do the files for Kubernetes and TPU hosts parse, and do they type what grokjax understands?

No cluster runs here; tests/drive/test_slurm.py runs the scripts for Slurm.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from grokjax.cli.parser import make_parser
from grokjax.reader.yaml_file import parse

FOLDER = Path(__file__).parents[2] / "docs/recipes/cluster"
JOB = parse((FOLDER / "kuberay.yaml").read_text()).content
CLUSTER = JOB["spec"]["rayClusterSpec"]
HEAD = CLUSTER["headGroupSpec"]
(WORKERS,) = CLUSTER["workerGroupSpecs"]


def pod(group):
    return group["template"]["spec"]


def container(group):
    (only,) = pod(group)["containers"]
    return only


def typed(text):
    """What `grokjax` is told by a command."""
    program, *words = shlex.split(text)
    assert program == "grokjax"
    return make_parser().parse_args(words)


def test_the_job_of_kubernetes_is_a_rayjob_whose_command_grokjax_understands():
    assert (JOB["apiVersion"], JOB["kind"]) == ("ray.io/v1", "RayJob")
    options = typed(JOB["spec"]["entrypoint"])
    assert (options.command, options.workers, options.device) == ("run", "ray", "gpu")
    mounted = [mount["mountPath"] for mount in container(HEAD)["volumeMounts"]]
    assert [str(Path(options.out).parent), str(Path(options.spec).parent)] == mounted


def test_only_the_head_of_the_cluster_holds_results_and_only_workers_hold_a_gpu():
    (results,) = [volume["name"] for volume in pod(HEAD)["volumes"] if "persistentVolumeClaim" in volume]
    assert results in [mount["name"] for mount in container(HEAD)["volumeMounts"]]
    assert "volumes" not in pod(WORKERS)
    gpus = [container(group)["resources"]["limits"].get("nvidia.com/gpu", 0) for group in (HEAD, WORKERS)]
    assert gpus == [0, 1]
    assert HEAD["rayStartParams"] == {"num-cpus": "0"}  # text, as KubeRay wants it
    assert container(HEAD)["image"] == container(WORKERS)["image"]


def test_the_cluster_asks_for_a_token_and_begins_with_a_worker_that_may_go():
    assert CLUSTER["authOptions"] == {"mode": "token"}
    version = [int(number) for number in CLUSTER["rayVersion"].split(".")]
    assert version >= [2, 52]  # the first of which KubeRay takes a token
    assert CLUSTER["enableInTreeAutoscaling"] is True
    assert 0 == WORKERS["minReplicas"] < WORKERS["replicas"] <= WORKERS["maxReplicas"]


@pytest.mark.parametrize("workers", ["ray", "ray:10.0.0.7:6379"])
def test_the_script_for_tpus_parses_and_types_what_grokjax_understands(workers):
    script = FOLDER / "tpu-vm.sh"
    subprocess.run(["bash", "-n", script], check=True)
    (command,) = re.findall(r"^ *(grokjax .*)$", script.read_text(), re.MULTILINE)
    options = typed(command.replace("$1", workers))
    assert (options.command, options.workers, options.device) == ("run", workers, "tpu")


@pytest.mark.parametrize(("words", "said"), [([], "usage"), (["nothing"], "usage"), (["join"], "address of the first")])
def test_the_script_for_tpus_starts_nothing_unless_it_is_told_what(words, said):
    ended = subprocess.run(["bash", FOLDER / "tpu-vm.sh", *words], capture_output=True, text=True)
    assert ended.returncode != 0
    assert said in ended.stderr
