"""A real Slurm cluster of two nodes on this machine, in a folder of its own, with its own ports and its own key."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

NODES = ("node1", "node2")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "sinfo")

CONFIG = """
ClusterName=ageui
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=2,bf_interval=2
ReturnToService=2
SlurmdTimeout=20
KillWait=5
GresTypes=gpu
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=2000 Gres=gpu:1
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=2000 Gres=gpu:1
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
Epilog={folder}/epilog
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP OverSubscribe=NO PriorityTier=2 PreemptMode=OFF
"""
EPILOG = """#!/bin/sh
test ! -e {folder}/cleans-up-for-long || sleep 12
"""


def why_not() -> str | None:
    """Why no cluster can be started here; None if one can."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        names = ", ".join(missing)
        return f"Slurm is not installed ({names} missing): apt-get install slurmctld slurmd slurm-client munge"
    return None if os.geteuid() == 0 else "slurmd and munged of the tests need root"


class SlurmCluster:
    """The cluster; `environment` leads Slurm's commands to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        host = socket.gethostname().partition(".")[0]
        (self.folder / "slurm.conf").write_text(CONFIG.format(folder=self.folder, host=host, ports=_free_ports(3)))
        (self.folder / "gres.conf").write_text("NodeName=node[1-2] Name=gpu File=/dev/null\n")
        for name in ("state", *(f"spool-{node}" for node in NODES)):
            (self.folder / name).mkdir()
        epilog = self.folder / "epilog"
        epilog.write_text(EPILOG.format(folder=self.folder))
        epilog.chmod(0o700)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        files = {"socket": "munge.sock", "key-file": "munge.key", "log-file": "munge.log", "pid-file": "munge.pid"}
        files["seed-file"] = "munge.seed"
        options = [f"--{name}={self.folder / file}" for name, file in files.items()]
        self._begin("munged", ["munged", "--foreground", "--force", *options])
        self._wait(lambda: (self.folder / "munge.sock").exists())
        self._begin("slurmctld", ["slurmctld", "-D", "-f", self.environment["SLURM_CONF"]])
        for node in NODES:
            self.start_node(node)
        self._wait(lambda: self.said("sinfo", "--noheader", "--format=%T %D").split() == ["idle", "2"])

    def start_node(self, node: str) -> None:
        self._begin(node, ["slurmd", "-D", "-N", node, "-f", self.environment["SLURM_CONF"]])

    def kill_node_daemon(self, node: str) -> None:
        """Kills a node's daemon. Its jobs go on."""
        daemon = self._daemons.pop(node)
        daemon.kill()
        daemon.wait()

    def freeze(self, node: str) -> None:
        """Stops a node's daemon, which then looks like a node that hangs. Slurm places no job there meanwhile."""
        self.said("scontrol", "update", f"nodename={node}", "state=drain", "reason=frozen")
        self._daemons[node].send_signal(signal.SIGSTOP)

    def thaw(self, node: str) -> None:
        self._daemons[node].send_signal(signal.SIGCONT)
        self.said("scontrol", "update", f"nodename={node}", "state=resume")

    def processes_of(self, node: str, word: str) -> list[psutil.Process]:
        """The processes of the node's jobs with this word in their commands; their environment names the node."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):  # it has just ended
                environment = process.environ()
                is_of_node = environment.get("SLURMD_NODENAME") == node
                is_of_cluster = environment.get("SLURM_CONF") == self.environment["SLURM_CONF"]
                if is_of_node and is_of_cluster and word in process.cmdline():
                    found.append(process)
        return found

    def said(self, *command: str) -> str:
        """The output of one of Slurm's commands."""
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **self.environment}, check=False
        )
        return done.stdout

    def wait_until_idle(self) -> None:
        """Returns once no job is left."""
        self._wait(lambda: not self.said("squeue", "--noheader"))

    def stop(self) -> None:
        self.said("scancel", "--user=root")
        for daemon in reversed(self._daemons.values()):
            daemon.send_signal(signal.SIGCONT)
            daemon.terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _begin(self, name: str, command: list[str]) -> None:
        path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        program = shutil.which(command[0], path=path) or command[0]
        with (self.folder / f"{name}.out").open("ab") as output:
            self._daemons[name] = subprocess.Popen(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PATH": path, **self.environment},
                start_new_session=True,
            )

    def _wait(self, happened: Callable[[], bool], seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > end:
                logs = "\n".join(
                    f"{file.name}: {file.read_text(errors='replace')[-800:]}"
                    for pattern in ("*.log", "*.out")
                    for file in self.folder.glob(pattern)
                )
                raise AssertionError(f"the cluster does not do what it should:\n{logs}")
            time.sleep(0.05)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
