"""A run on a Dask cluster says what a run here says; a worker that is lost costs its piece a retry."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vglint.cli import cli
from vglint.config import Configuration
from vglint.finding import Report
from vglint.lint import cluster, lint
from vglint.lint.cluster import Cluster, ClusterError, Job, cluster_of
from vglint.lint.work import Done

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    distributed: Any = pytest.importorskip("distributed")
    import dask

    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(REPOSITORY)  # of the workers
    try:
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 1}),
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as workers,
        ):
            yield workers.scheduler_address
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("tanh_stack_loop.py", "layers_in_list.py"):
        shutil.copy(REPOSITORY / "fixtures" / "models" / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster, "_LEAST", 1)  # two pieces
    return tmp_path


def found(linted: Cluster | None = None) -> Report:
    settings = Configuration(isolated=True, overrides={"cache": False})
    return lint(["."], settings.of, linted=linted)


def test_a_cluster_says_what_one_machine_says(address: str, models: Path) -> None:
    here = found()
    assert len(here.findings) > 1 and here.files == 2
    assert found(Cluster(address)) == here


def test_a_lost_worker_costs_its_piece_a_retry(address: str, models: Path) -> None:
    lost = str(models / "lost")

    def once_lost(job: Job) -> Done:  # a function inside of another is sent to the workers as it is
        try:
            os.close(os.open(lost, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return cluster.perform(job)
        os._exit(1)

    here = found()
    assert found(Cluster(address, once_lost)) == here
    assert os.path.exists(lost)


def test_what_no_worker_survives_is_done_here(address: str, models: Path) -> None:
    def always_lost(job: Job) -> Done:
        os._exit(1)

    here = found()
    assert found(Cluster(address, always_lost)) == here


def test_workers_that_differ_are_refused(address: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "program_digest", lambda: b"other")
    with pytest.raises(ClusterError, match="another version of vglint"):
        found(Cluster(address))


def test_workers_that_see_other_files_are_refused(address: str, models: Path) -> None:
    def edited(job: Job) -> Done:
        if not any(
            file.endswith("tanh_stack_loop.py") for file in job.files
        ):  # two jobs run at once, and only one may write
            return cluster.perform(job)
        Path(job.folder, "tanh_stack_loop.py").write_text("import torch.nn as nn\n")
        done = cluster.perform(job)
        Path(job.folder, "tanh_stack_loop.py").write_text("import torch.nn as nn\n\n")
        return done

    with pytest.raises(ClusterError, match="is not the same on the workers"):
        found(Cluster(address, edited))


def test_where_no_cluster_is(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    done = CliRunner().invoke(cli, ["--isolated", "--no-cache", "--executor", "dask://127.0.0.1:9", "."])
    assert done.exit_code == 2 and "no cluster answers at tcp://127.0.0.1:9" in done.output


@pytest.mark.parametrize(
    "wrong", ["", "dask://", "dask://host", "dask://:1", "host:1", "ssh://host:1", "dask://host:x"]
)
def test_what_is_no_cluster(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no cluster"):
        cluster_of(wrong)
    assert CliRunner().invoke(cli, ["--executor", wrong, "."]).exit_code == 2


def test_what_is_linted_on_other_machines_is_files(models: Path) -> None:
    for more in (["-"], [".", "--watch"], [".", "--jobs", "2"]):
        assert CliRunner().invoke(cli, ["--executor", "dask://host:1", *more]).exit_code == 2
