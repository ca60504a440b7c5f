"""action.yml, the template for GitLab and what `vglint init` writes: read by their schemas, and their steps run as they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.ci.installing import without_network
from tests.stored import stored_schema
from vglint.cli.snippets import GITLAB, WORKFLOW

ROOT = Path(__file__).resolve().parent.parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
BAD = """\
from torch import nn

model = nn.Sequential(*[layer for _ in range(12) for layer in (nn.Linear(64, 64), nn.Sigmoid())])
"""
BAD_TOO = BAD.replace("12", "14")


def test_github_and_gitlab_read_them() -> None:
    action = stored_schema(lambda start: "creating-actions/metadata-syntax" in start)
    assert [error.message for error in Draft7Validator(action).iter_errors(ACTION)] == []
    workflow = stored_schema(lambda start: "workflow-syntax-for-github-actions" in start)
    given = {str(key).replace("True", "on"): value for key, value in yaml.safe_load(WORKFLOW).items()}
    assert [error.message for error in Draft7Validator(workflow).iter_errors(given)] == []
    gitlab = stored_schema(lambda start: "gitlab.com/.gitlab-ci.yml" in start)
    for text in (GITLAB, (ROOT / "templates" / "vglint.gitlab-ci.yml").read_text(encoding="utf-8")):
        assert [error.message for error in Draft7Validator(gitlab).iter_errors(yaml.safe_load(text))] == []


def test_steps_of_others_are_pinned() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step] + re.findall(r"uses: (actions/\S+)", WORKFLOW)
    assert len(used) == 3 and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used)
    assert ACTION["inputs"].keys() >= {"paths", "args", "since", "sarif-file", "upload-sarif", "python-version"}


def test_sarif_is_handed_over_whatever_was_found() -> None:
    (step,) = [step for step in STEPS if "upload-sarif" in step.get("uses", "")]
    assert step["if"] == "always() && inputs.upload-sarif == 'true'"


class Job:
    """A job that has checked out a repository, and runs the action's shell steps in it."""

    def __init__(self, folder: Path, installed: Path) -> None:
        self.folder, self.installed = folder, installed
        self.summary = folder.parent / "summary.md"

    def run(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Runs one step with its variables as GitHub would fill them in."""
        (step,) = [step for step in STEPS if step.get("name") == name]
        given = {key: str(one.get("default", "")) for key, one in ACTION["inputs"].items()} | {"since": ""}
        given |= {key.replace("_", "-"): value for key, value in inputs.items()}
        values = {
            "github.action_path": str(ROOT),
            "steps.python.outputs.python-path": sys.executable,
            **{f"inputs.{key}": value for key, value in given.items()},
            "inputs.sarif-file || (inputs.upload-sarif == 'true' && 'vglint.sarif') || ''": given["sarif-file"]
            or ("vglint.sarif" if given["upload-sarif"] == "true" else ""),
        }
        environment = {
            key: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: values[found[1]], text) for key, text in step["env"].items()
        }
        assert step["shell"] == "bash" and "${{" not in step["run"], "no expression is a part of the script"
        self.summary.write_text("")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env={
                **without_network(),
                **environment,
                "RUNNER_TEMP": str(self.installed),
                "GITHUB_STEP_SUMMARY": str(self.summary),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(["git", *identity, *arguments], cwd=self.folder, env=without_network(), capture_output=True, text=True, check=True)  # fmt: skip
        return done.stdout.strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runner's folder after the step that installs vglint: it stands here for one with blanks in its name."""
    folder = tmp_path_factory.mktemp("runner with blanks")
    done = Job(folder, folder).run("Install vglint")
    assert done.returncode == 0, done.stderr
    (site,) = folder.glob("vglint/**/site-packages")  # the steps ignore PYTHONPATH
    (site / "needed.pth").write_text(without_network()["PYTHONPATH"].replace(os.pathsep, "\n") + "\n")
    return folder


@pytest.fixture
def job(tmp_path: Path, installed: Path) -> Job:
    folder = tmp_path / "check out"
    (folder / "my models").mkdir(parents=True)
    return Job(folder, installed)


pytestmark = pytest.mark.skipif(sys.platform == "win32" or shutil.which("bash") is None, reason="needs bash")


def annotations(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith("::")]


def test_findings_are_annotated_summed_up_and_written(job: Job) -> None:
    (job.folder / "my models" / "net.py").write_text(BAD)
    (job.folder / "-odd.py").write_text(BAD_TOO)
    done = job.run("Lint", paths="my models\n-odd.py\n", upload_sarif="true", args="--min-severity warning")
    assert done.returncode == 1, done.stderr
    first, second = annotations(done)
    assert first.startswith("::error file=-odd.py,line=3") and second.startswith("::error file=my models/net.py,line=3")
    summary = job.summary.read_text()
    assert summary.startswith("### vglint: 2 problems") and "my models/net.py:3" in summary
    sarif = json.loads((job.folder / "vglint.sarif").read_text())
    assert len(sarif["runs"][0]["results"]) == 2


def test_clean_code_passes(job: Job) -> None:
    (job.folder / "net.py").write_text("from torch import nn\n\nmodel = nn.Linear(2, 2)\n")
    done = job.run("Lint")
    assert done.returncode == 0 and not annotations(done)
    assert job.summary.read_text().startswith("### vglint: no problems")
    assert not (job.folder / "vglint.sarif").exists()


def test_wrong_use_fails(job: Job) -> None:
    done = job.run("Lint", args="--no-such-option")
    assert done.returncode == 2 and "no-such-option" in done.stderr


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_of_many_findings_those_on_changed_lines_are_annotated(job: Job) -> None:
    lines = [
        f"m{number} = nn.Sequential(*[each for _ in range(12) for each in (nn.Linear(64, 64), nn.Sigmoid())])"
        for number in range(15)
    ]
    (job.folder / "net.py").write_text("\n".join(["from torch import nn", *lines]) + "\n")
    job.git("init", "-q")
    job.git("add", "-A")
    job.git("commit", "-qm", "first")
    base = job.git("rev-parse", "HEAD")
    lines[12] = lines[12].replace("12", "14")
    (job.folder / "net.py").write_text("\n".join(["from torch import nn", *lines]) + "\n")
    without = job.run("Lint", args="--unfixable ALL")
    assert len(annotations(without)) == 10, "GitHub would show no more"
    assert sum(line.startswith("error: net.py:") for line in without.stdout.splitlines()) == 5, (
        "the others are in the log"
    )
    done = job.run("Lint", since=base, args="--unfixable ALL")
    (only,) = annotations(done)
    assert only.startswith("::error file=net.py,line=14,") and done.returncode == 1
    assert sum(line.startswith("error: net.py:") for line in done.stdout.splitlines()) == 14
    assert len(annotations(job.run("Lint", since="0" * 40, args="--unfixable ALL"))) == 10, (
        "a revision that cannot be had does not stop the step"
    )


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_base_is_fetched_where_the_checkout_is_shallow(job: Job, tmp_path: Path) -> None:
    origin = Job(tmp_path / "origin", job.installed)
    origin.folder.mkdir()
    lines = [
        f"m{number} = nn.Sequential(*[each for _ in range(12) for each in (nn.Linear(64, 64), nn.Sigmoid())])"
        for number in range(11)
    ]
    origin.git("init", "-q")
    origin.git("config", "uploadpack.allowReachableSHA1InWant", "true")
    for text in (lines[:-1], lines):
        (origin.folder / "net.py").write_text("\n".join(["from torch import nn", *text]) + "\n")
        origin.git("add", "-A")
        origin.git("commit", "-qm", "a change")
    os.rmdir(job.folder / "my models")
    job.git("clone", "-q", "--depth=1", origin.folder.as_uri(), ".")
    (only,) = annotations(job.run("Lint", since=origin.git("rev-parse", "HEAD~1"), args="--unfixable ALL"))
    assert "line=12," in only


def test_the_summary_is_no_longer_than_github_takes(job: Job) -> None:
    (_, *_), (lint,) = STEPS, [step for step in STEPS if step.get("name") == "Lint"]
    assert "head -c 1000000" in lint["run"]


def test_the_job_for_gitlab_runs(job: Job) -> None:
    text = (ROOT / "templates" / "vglint.gitlab-ci.yml").read_text(encoding="utf-8")
    given = yaml.safe_load(text)
    (job.folder / "net.py").write_text(BAD)
    (program,) = [path for path in job.installed.glob("vglint/*/vglint*") if path.stem == "vglint"]
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(given["vglint"]["script"])],
        cwd=job.folder,
        env={
            **without_network(),
            **given["variables"],
            "PATH": os.pathsep.join([str(program.parent), os.environ["PATH"]]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "VG101" in done.stdout, done.stderr
    reports = given["vglint"]["artifacts"]["reports"]
    assert json.loads((job.folder / reports["codequality"]).read_text())[0]["check_name"] == "VG101"
    assert "VG101" in (job.folder / reports["junit"]).read_text()
