"""A run on the workers of a Dask cluster: each lints some of the files in a process of its own, as this machine would."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from vglint import disk
from vglint.config import Settings
from vglint.lint import work
from vglint.lint.cache import digest
from vglint.lint.parallel import batches
from vglint.lint.progress import Progress
from vglint.lint.project import linted_here
from vglint.lint.shards import PartError

_LEAST = 300_000
"""Bytes of source for which a process on a worker is worth its start."""
_TURNS = 3
"""Pieces for each thread of the cluster: more of them lose what one process reads once, fewer leave workers idle at the end."""
_PATIENCE = 10
"""Seconds until a scheduler has answered."""
_START = 60
"""Seconds until it has a worker: one that was lost is started again."""


class ClusterError(PartError):
    """A cluster that cannot do its part."""


class Job(Struct, frozen=True):
    """Some files for a worker: `folder` is the current one, `program` a hash of the vglint that asks."""

    folder: str
    program: bytes
    task: work.Task
    files: tuple[str, ...]


Work = Callable[[Job], "work.Done"]


class Cluster(Struct, frozen=True):
    """The workers of a scheduler at `address`; `done` is what each of them does with a job. They see the files under the same paths."""

    address: str
    done: Work | None = None

    def __call__(
        self, settings: Settings, paths: Sequence[str], missing: Sequence[str], gaps: bool, chosen: bool = False
    ) -> work.Done:
        """Lints files as a Linter does. A worker that is lost costs its piece a retry; what no worker can do is done here. Raises ClusterError."""
        task = work.Task(settings, tuple(paths), gaps, chosen)
        work.begin(task)
        whole = work.Done(rules=work.rules())
        if not missing:
            return whole
        alone = replace(task, settings=replace(settings, cache=False, jobs=1))
        left = []
        progress = Progress(len(missing))
        try:
            for piece, done in _answers(self.address, self.done or perform, alone, missing):
                if done is None:
                    left += piece
                else:
                    _compare(done)
                    whole.add(done)
                progress.advance(len(piece))
        finally:
            progress.close()
        if left:
            whole.add(linted_here(settings, paths, left, gaps, chosen))
        return whole


def cluster_of(text: str) -> Cluster:
    """Returns the cluster that `dask://host:port` names; raises ValueError."""
    kind, _, place = text.partition("://")
    host, _, port = place.rpartition(":")
    if kind != "dask" or not host or not port.isdecimal():
        raise ValueError(f"{text!r} is no cluster: dask://host:port is the scheduler of one")
    return Cluster(f"tcp://{place}")


def _answers(
    address: str, do: Work, task: work.Task, files: Sequence[str]
) -> Iterator[tuple[list[str], work.Done | None]]:
    """Yields pieces of the files with what workers found in them, None where every worker that tried was lost."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise ClusterError("--executor needs Dask: pip install 'vglint[dask]'") from None
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
        client.wait_for_workers(1, timeout=_START)
    except (OSError, ValueError) as error:  # a timeout is an OSError
        raise ClusterError(f"no cluster answers at {address}: {error}") from None
    with client:
        threads = max(1, sum(client.nthreads().values()))
        sizes = [_size(file) for file in files]
        pieces = batches(files, sizes, max(_LEAST, sum(sizes) // (_TURNS * threads)))
        folder, program = os.getcwd(), program_digest()
        waiting = {client.submit(do, Job(folder, program, task, tuple(piece)), pure=False): piece for piece in pieces}
        for future in distributed.as_completed(waiting, loop=client.loop):
            try:
                done = future.result()
            except distributed.scheduler.KilledWorker:
                done = None
            except ClusterError:
                raise
            except Exception as error:
                raise ClusterError(f"a worker fails: {type(error).__name__}: {error}") from None
            yield waiting[future], done


def _compare(done: work.Done) -> None:
    """Raises ClusterError where a worker read something else than lies here."""
    for file, stamp in done.stamps.items():
        try:
            same = digest(disk.read(file, disk.most_of(file))) == stamp.digest
        except (OSError, ValueError):
            same = False
        if not same:
            raise ClusterError(
                f"{file} is not the same on the workers: they must see the same files under the same paths"
            )


def perform(job: Job) -> work.Done:
    """Does a job on a worker, in a process that has a main thread for itself. Raises ClusterError."""
    if program_digest() != job.program:
        raise ClusterError("the workers have another version of vglint")
    if not all(os.path.lexists(os.path.join(job.folder, file)) for file in job.files):
        raise ClusterError(f"the workers do not see the files below {job.folder}")
    paths = [os.path.abspath(path) for path in sys.path if path]
    code = f"import sys; sys.path[:] = {paths!r}; from vglint.lint.cluster import answer; answer()"
    done = subprocess.run([sys.executable, "-I", "-c", code], input=pickle.dumps(job), capture_output=True, check=False)
    if done.returncode:
        raise ClusterError(f"a worker fails: {done.stderr.decode(errors='replace').strip()[-500:]}")
    found: work.Done = pickle.loads(done.stdout)
    return found


def answer() -> None:
    """Does the job that standard input holds; what is found goes to standard output."""
    job: Job = pickle.loads(sys.stdin.buffer.read())
    os.chdir(job.folder)
    task = job.task
    done = linted_here(task.settings, task.paths, job.files, task.gaps, task.chosen)
    sys.stdout.buffer.write(pickle.dumps(done))


def program_digest() -> bytes:
    """Returns a hash of vglint's own files and of its rules."""
    package = Path(__file__).parent.parent
    files = [*package.rglob("*.py"), *package.rglob("*.toml"), *package.rglob("*.txt")]
    files += (package.parent / "rules").rglob("*.toml")
    named = sorted((file.relative_to(package.parent).as_posix(), file) for file in files)
    return digest(b"".join(name.encode() + digest(file.read_bytes()) for name, file in named))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
