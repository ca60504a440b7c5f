"""What a name means: locals, closures, the module (evaluated when it is asked), builtins."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from vglint import origin
from vglint.interp.machine.budget import StatementError
from vglint.interp.machine.core import CONSTANTS, LIBRARY, Raised, Run, execute_unit
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    External,
    Instance,
    LaterV,
    ListV,
    Namespace,
    Scope,
    SetV,
    Value,
)
from vglint.source import code
from vglint.value import Unknown

if TYPE_CHECKING:
    from vglint.source.module import Module
    from vglint.source.unit import Unit

BUILTINS = {
    name: External("builtins." + name) for name in (*dir(builtins), "__import__") if name not in ("_", "__name__")
}
KEYWORDS: dict[str, Value] = {"True": True, "False": False, "None": None, "Ellipsis": Ellipsis, "__debug__": True}


def lookup(run: Run, name: str, scope: Scope) -> Value | Missing:
    """Returns the value of a name, MISSING where nothing binds it."""
    around: Scope | None = scope
    while around is not None:
        if name in around.names:
            value = around.names[name]
            return resolved(run, scope.module, name, value) if type(value) is LaterV else value
        around = around.parent
    if name in KEYWORDS:
        return KEYWORDS[name]
    if name in BUILTINS and not scope.module.module.binding(name):
        return BUILTINS[name]
    found = member(run, scope.module, name)
    if found is MISSING and not name.startswith("__"):
        package = outside(run, scope.module, set())
        if package:
            found = scope.module.names[name] = External(f"{package}.{name}")
    return found


def member(run: Run, space: Namespace, name: str) -> Value | Missing:
    """Returns a module-level name of a file, executing the statements that bind it."""
    if name in space.names:
        value = space.names[name]
        return resolved(run, space, name, value) if isinstance(value, LaterV) else value
    if name == "__name__":
        return space.module.name
    if name == "__file__":
        return space.module.path
    for unit in space.module.binding(name):
        _execute(run, space, (unit,))
        if space.in_order and name in space.names:
            break
    if not space.running or name not in space.names:
        for setter in ("globals", "setattr"):
            _execute(run, space, space.module.acting_on(setter))
    if name in space.names:
        value = space.names[name]
        if isinstance(value, (ListV, DictV, SetV)) or (
            type(value) is Instance and (isinstance(value.cls, ClassV) or value.cls.name == "argparse.ArgumentParser")
        ):
            _execute(run, space, space.module.acting_on(name))
        return resolved(run, space, name, value) if isinstance(value, LaterV) else value
    found = starred(run, space, name, set())
    if found is not MISSING:
        space.names[name] = found
        run.memory.note_name(space, name, MISSING)
    return found


def set_member(run: Run, space: Namespace, name: str, value: Value) -> None:
    """Binds a module-level name of a file from outside of its statements: `globals()[name] = …`, `setattr(module, name, …)`."""
    before = space.names.get(name, MISSING)
    run.journal.put(space.names, name, value)
    run.memory.note_name(space, name, before)


def _execute(run: Run, space: Namespace, units: tuple[Unit, ...]) -> None:
    for unit in units:
        if id(unit) in space.done or id(unit) in space.running:
            continue
        space.running.add(id(unit))
        try:
            with run.budget.apart():
                execute_unit(run, space, unit)
        except StatementError:
            changed = [
                name for name in unit.acts_on if isinstance(space.names.get(name), (ListV, DictV, SetV, Instance))
            ]
            for name in (*unit.names, *changed):  # half of what it does is nothing that a name could stand for
                space.names[name] = Unknown(origin.Budget(f"the statement that binds {name}"))
        finally:
            space.running.discard(id(unit))
            space.done.add(id(unit))


def resolved(run: Run, space: Namespace, name: str, value: LaterV) -> Value:
    """Looks into the file that an imported name comes from, and remembers what it means."""
    space.names[name] = Unknown(origin.Circle(f"{value.dotted}.{value.name}"))
    found = imported(run, space, value.dotted, value.level, value.name)
    space.names[name] = found
    run.memory.note_name(space, name, value)
    return found


OPTIONAL = frozenset(
    {
        "apex",
        "flash_attn",
        "xformers",
        "triton",
        "deepspeed",
        "megatron",
        "fairscale",
        "mamba_ssm",
        "causal_conv1d",
        "torch_xla",
        "tensorflow",
        "jax",
        "flax",
        "bitsandbytes",
        "torch_npu",
        "intel_extension_for_pytorch",
        "transformer_engine",
        "detectron2",
        "spconv",
        "torch_scatter",
    }
)
"""Packages that a plain PyTorch environment lacks: an import of one inside `try … except ImportError` fails."""
LIBRARIES = frozenset(
    "torch numpy math typing typing_extensions collections functools itertools os sys re copy abc dataclasses enum logging warnings random time json argparse operator contextlib inspect string types pathlib pickle glob shutil datetime tqdm pandas matplotlib sklearn scipy PIL cv2 einops".split()
)
STAR: dict[str, tuple[str, ...]] = {
    "math": ("sqrt", "log", "pi", "exp", "ceil", "floor", "cos", "sin", "prod"),
    "torch.nn": tuple(
        (
            "Module Linear Conv1d Conv2d Conv3d ConvTranspose2d BatchNorm1d BatchNorm2d LayerNorm GroupNorm Dropout ReLU GELU SiLU Sigmoid Tanh "
            "Softmax LogSoftmax Sequential ModuleList ModuleDict Parameter Embedding LSTM GRU RNN MaxPool2d AvgPool2d AdaptiveAvgPool2d "
            "CrossEntropyLoss MSELoss BCELoss BCEWithLogitsLoss NLLLoss Identity Flatten functional init"
        ).split()
    ),
}


def bind_import(run: Run, node: code.Import | code.ImportFrom, scope: Scope) -> list[tuple[str, Value]]:
    """Returns the names that an import binds, with their values; a star binds nothing here (see `starred`)."""
    if isinstance(node, code.Import):
        found: list[tuple[str, Value]] = []
        for alias in node.aliases:
            dotted = alias.name
            if alias.asname is not None:
                found.append((alias.asname, import_module(run, dotted, scope, whole=True)))
            else:
                found.append((dotted.partition(".")[0], import_module(run, dotted, scope, whole=False)))
        return found
    return [
        (
            alias.asname or alias.name,
            imported(
                run, scope.module, node.module, node.level, alias.name, alias.asname or "", later=scope.parent is None
            ),
        )
        for alias in node.aliases
        if alias.name != "*"
    ]


def imported(
    run: Run, space: Namespace, dotted: str, level: int, name: str, bound: str = "", *, later: bool = False
) -> Value:
    """Returns what `from dotted import name as bound` means; `later` puts off looking inside a file that exists."""
    source = space.module
    module = run.project.resolve(source, dotted, level) if level or not is_library(dotted) else None
    whole = f"{dotted}.{name}" if dotted else name
    if module is None:
        submodule = run.project.resolve(source, whole, level) if level or not is_library(dotted) else None
        if submodule is not None:
            return namespace(run, submodule)
        if level:
            return Unknown(origin.Name(f"{'.' * level}{whole}"))
        _refuse_optional(run, dotted, bound or name)
        return CONSTANTS.get(whole, External(whole))
    if later:
        return LaterV(dotted, level, name)
    value = member(run, namespace(run, module), name) if module is not source else MISSING
    if value is not MISSING:
        return value
    submodule = run.project.resolve(source, whole, level)
    if submodule is not None:
        return namespace(run, submodule)
    return Unknown(origin.Name(whole))


def starred(run: Run, space: Namespace, name: str, seen: set[int]) -> Value | Missing:
    """Returns a name that a star import, or a package's lazy import block, brings; MISSING where none does."""
    if id(space) in seen or len(seen) > 40:
        return MISSING
    seen.add(id(space))
    for node in _import_nodes(space, name):
        dotted, level = node.module, node.level
        is_star = any(alias.name == "*" for alias in node.aliases)
        if not is_star:
            alias = next((each for each in node.aliases if (each.asname or each.name) == name), None)
            if alias is not None:
                return imported(run, space, dotted, level, alias.name)
            continue
        if not level and is_library(dotted):
            if name in STAR.get(dotted, ()):
                return CONSTANTS.get(f"{dotted}.{name}", External(f"{dotted}.{name}"))
            continue
        module = run.project.resolve(space.module, dotted, level)
        if module is None or (name.startswith("_") and not module.binding("__all__")):
            continue
        target = namespace(run, module)
        value = member(run, target, name) if module.binding(name) else starred(run, target, name, seen)
        if value is not MISSING and not is_circle(value):
            return value
    return MISSING


def is_circle(value: Value) -> bool:
    """Whether a name's meaning is just being looked for, so that it is none yet: files that import each other."""
    return isinstance(value, Unknown) and isinstance(value.origin, origin.Circle)


def outside(run: Run, space: Namespace, seen: set[int]) -> str:
    """Returns the package that is not read and whose star import is all that can bind a name; '' where there is none."""
    if id(space) in seen or len(seen) > 40:
        return ""
    seen.add(id(space))
    for node in _import_nodes(space, ""):
        if not any(alias.name == "*" for alias in node.aliases):
            continue
        dotted, level = node.module, node.level
        if not level and is_library(dotted):
            continue
        module = run.project.resolve(space.module, dotted, level)
        found = dotted if module is None and not level else outside(run, namespace(run, module), seen) if module else ""
        if found:
            return found
    return ""


STARS = 60
"""Star imports of one file that are looked through, beside those whose module a name begins with: `AutoModel`, `from .auto import *`."""


def _import_nodes(space: Namespace, name: str) -> Iterator[code.ImportFrom]:
    """Yields the `from` imports that module-level execution does not take and that may bind a name: stars, and those under TYPE_CHECKING."""
    if space.imports is None:
        found: list[code.ImportFrom] = []
        for unit in space.module.statements:
            if "*" not in unit.names and unit.kind != "other":
                continue
            for statement in unit.body:
                if isinstance(statement, (code.ImportFrom, code.If, code.Try)):
                    found += [node for node in code.walk(statement) if isinstance(node, code.ImportFrom)]
        stars = [node for node in found if any(alias.name == "*" for alias in node.aliases)]
        plain = [node for node in found if node not in stars]
        space.imports = [*plain, *reversed(stars)]
    if len(space.imports) <= STARS:
        yield from space.imports
        return
    alike = [each for each in space.imports if _begins_with(name, each.module)]
    yield from alike
    plain = [each for each in space.imports if not any(alias.name == "*" for alias in each.aliases)]
    yield from plain
    yield from (each for each in space.imports[len(plain) :][:STARS] if each not in alike)


def _begins_with(name: str, module: str) -> bool:
    return name.lower().startswith(module.rpartition(".")[2].replace("_", "") or " ")


def import_module(run: Run, dotted: str, scope: Scope, *, whole: bool) -> Value:
    """Returns what `import a.b` binds: `a`, or `a.b` itself with `as`."""
    if not is_library(dotted):
        source = scope.module.module
        wanted = dotted if whole else dotted.partition(".")[0]
        module = run.project.resolve(source, wanted, 0)
        if module is not None:
            return namespace(run, module)
        if whole:
            parent = run.project.resolve(source, dotted.partition(".")[0], 0)
            if parent is not None:
                return Unknown(origin.Name(dotted))
        _refuse_optional(run, dotted)
    return External(dotted if whole else dotted.partition(".")[0])


def is_library(dotted: str) -> bool:
    return dotted.partition(".")[0] in LIBRARIES


def namespace(run: Run, module: Module) -> Namespace:
    """Returns the namespace of a file."""
    spaces = run.memory.namespaces
    key = str(module.file)
    space = spaces.get(key)
    if space is None or space.module is not module:
        space = spaces[key] = Namespace(module, {})
    return space


def _refuse_optional(run: Run, dotted: str, bound: str = "") -> None:
    """Lets the import of what may be missing fail inside a `try`: of packages that are seldom there, and of any of which nothing is known
    where the program defines the same name in another way, which can be read."""
    top = dotted.partition(".")[0]
    if run.context.trying and (top in OPTIONAL or (bound in run.context.otherwise and not _is_described(top))):
        raise Raised("ImportError")


@lru_cache(256)
def _is_described(top: str) -> bool:
    """Whether something is known of a package."""
    return top in LIBRARIES or top in sys.stdlib_module_names or any(name.startswith(f"{top}.") for name in LIBRARY)
