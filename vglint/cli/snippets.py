"""What `vglint init` writes."""

from __future__ import annotations

import re

from vglint import HOME, __version__

REVISION = f"v{__version__}" if re.fullmatch(r"\d+\.\d+\.\d+", __version__) and __version__ != "0.0.0" else "main"
"""The tag of this version; a version between two has none."""

CONFIGURATION = """\
# Each key is explained by `vglint schema config`, each rule by `vglint explain VG101`.
# ignore = ["plain-depth"]              # rules not to run: ids, names or families
# exclude = ["third_party/"]            # patterns as in .gitignore
# baseline = "vglint-baseline.json"     # known findings: vglint . --write-baseline vglint-baseline.json
min-severity = "warning"                # error, warning or info
"""

HOOK = f"""\
  - repo: {HOME}
    rev: {REVISION}
    hooks:
      - id: vglint
"""

PRE_COMMIT = f"""\
repos:
{HOOK}"""

WORKFLOW = f"""\
name: vglint

on:
  pull_request:
  push:
    branches: [main]

permissions:
  contents: read

jobs:
  vglint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          fetch-depth: 2 # with the base of a pull request, so that changed lines are known
          persist-credentials: false
      - uses: {HOME.removeprefix("https://github.com/")}@{REVISION}
        with:
          paths: .
"""

GITLAB = f"""\
include:
  - remote: {HOME}/raw/{REVISION}/templates/vglint.gitlab-ci.yml
"""

AGENTS = """\
## vglint

vglint reads PyTorch code without running it and reports what keeps a model from training. Run it after each change of a model, a loss or a training
loop.

```sh
vglint . --output-format json
```

* Exit status: 0 nothing found, 1 findings or files that cannot be read, 2 wrong use (the message says what is right).
* `findings` is a list. `rule`, `path` and `line` say what and where, `message` and `detail` what is wrong and why, `advice` what to do, `effect` what
  that is predicted to change, `related` which other lines matter. Lines and columns count from 1. `vglint schema report` prints the JSON Schema.
* `problems` are files that could not be read. They are not checked.
* `vglint . --since HEAD --output-format json` lints what changed since the last commit, and what imports it.

Before you change code for a finding, read its rule: what it finds, why that is bad, when it is fine, with examples and their repairs.

```sh
vglint explain VG101 --json
```

* `vglint --diff --unsafe-fixes PATH` shows the changes that vglint proposes, `vglint --fix --unsafe-fixes PATH` makes them. Most of them change what the
  program computes: read them.
* `vglint graph FILE:CLASS --format json` shows the layers that vglint found in a model, and the predicted gradient of each.
* Mend the cause. Do not switch a rule off to make a finding go away. Where a finding is intended, say why on its line:
  `# vglint: ignore[VG101] the reason`. A comment without a reason is not accepted here.
* Never use `--probe`, `--prove-fix` or `vglint probe` on code that you do not trust: they run it.
"""
