"""Slurm on two nodes of this machine. Each node has its own address, name, processes and /tmp, as two machines have.

All of it lives in namespaces of its own, so nothing else on this machine is seen, touched or ended, and all of it ends
with its first process: when standard input of that is closed, also where the tests were killed.
"""

import contextlib
import getpass
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_MACHINE = """
set -eu
mount -t tmpfs tmpfs /run
mkdir /run/netns
ip link set lo up
ip link add bridge type bridge
ip addr add 10.77.0.1/24 dev bridge
ip link set bridge up
munged --foreground --socket="$FOLDER/munge" --key-file="$FOLDER/key" --pid-file="$FOLDER/munged.pid" \
  --log-file="$FOLDER/munged.log" --seed-file="$FOLDER/seed" &
until [ -S "$FOLDER/munge" ]; do sleep 0.1; done
slurmctld -D &
for number in 1 2; do
  ip netns add n$number
  ip link add port$number type veth peer name eth0 netns n$number
  ip link set port$number master bridge up
  inside="nsenter --net=/run/netns/n$number"
  $inside ip link set lo up
  $inside ip addr add 10.77.0.1$number/24 dev eth0
  $inside ip link set eth0 up
  $inside unshare --pid --mount --uts --fork --mount-proc --kill-child bash "$FOLDER/node.sh" n$number "$@" &
done
cat > /dev/null
"""
_NODE = """
set -eu
hostname $1
mount --bind "$FOLDER/hosts" /etc/hosts
mount -t tmpfs tmpfs /mnt
for path in "${@:2}"; do mkdir -p "/mnt$path"; mount --bind "$path" "/mnt$path"; done
mount -t tmpfs tmpfs /tmp
for path in "${@:2}"; do mkdir -p "$path"; mount --bind "/mnt$path" "$path"; done
slurmd -D -N $1 &
wait
"""
_HOSTS = "127.0.0.1 localhost\n10.77.0.11 n1\n10.77.0.12 n2\n"
_CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(10.77.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmUser={user}
SlurmdUser={user}
MpiDefault=none
ReturnToService=2
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdSpoolDir={folder}/%n
NodeName=n1 NodeAddr=10.77.0.11 CPUs=2 RealMemory=1000 State=UNKNOWN
NodeName=n2 NodeAddr=10.77.0.12 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""
_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "unshare", "nsenter", "ip")
_SECONDS = 60.0


def why_not():
    """Why Slurm cannot run here; empty where it can."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (Debian: slurm-wlm munge iproute2)"
    tried = subprocess.run(["unshare", "--net", "--pid", "--mount", "--fork", "true"], capture_output=True, text=True)
    return tried.stderr.strip()


class Slurm:
    """A running one; what its clients are told."""

    def __init__(self, folder, process):
        self._process = process
        self._variables = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}

    def ask(self, *words):
        """What a client of Slurm prints."""
        inside = ["nsenter", f"--net=/proc/{self._process.pid}/ns/net", *map(str, words)]
        return subprocess.run(inside, env=self._variables, check=True, capture_output=True, text=True).stdout.strip()

    def submit(self, folder, script):
        """Queue a job that runs in that folder; gives its number."""
        (folder / "job.sh").write_text(script)
        return self.ask("sbatch", "--parsable", "--chdir", folder, folder / "job.sh")

    def tasks(self, job):
        """What `scontrol show job` says of every task of a job: mappings of text."""
        shown = self.ask("scontrol", "--oneliner", "show", "job", job).splitlines()
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in shown]


@contextlib.contextmanager
def slurm(*shared):
    """Slurm, ended at the end; the nodes see those folders of this machine, and of its /tmp nothing else."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:  # a short path, since sockets lie in it
        folder = Path(name)
        folder.chmod(0o755)  # as munged wants it
        for node in ("state", "n1", "n2"):
            (folder / node).mkdir()
        (folder / "key").touch(0o600)
        (folder / "key").write_bytes(secrets.token_bytes(128))
        (folder / "hosts").write_text(_HOSTS)
        (folder / "node.sh").write_text(_NODE)
        configuration = _CONFIGURATION.format(host=os.uname().nodename, folder=folder, user=getpass.getuser())
        (folder / "slurm.conf").write_text(configuration)
        seen = sorted({str(path) for path in (folder, sys.prefix, *shared)})
        alone = ["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child"]
        variables = os.environ | {"FOLDER": name, "SLURM_CONF": str(folder / "slurm.conf")}
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(
                [*alone, "bash", "-c", _MACHINE, "machine", *seen],
                env=variables,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            try:
                yield _when_idle(Slurm(folder, process), folder / "log")
            finally:
                process.kill()  # the kernel ends all that lives in its namespaces


def _when_idle(started, log):
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(subprocess.CalledProcessError):
            if started.ask("sinfo", "--noheader", "--format=%D %t") == "2 idle":
                return started
        time.sleep(0.2)
    raise AssertionError(f"Slurm has not begun within {_SECONDS} s: {log.read_text()}")
