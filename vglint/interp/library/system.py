"""`os`, `sys`, `importlib`, `logging` and their like: a plain PyTorch environment, in which nothing is set and nothing is read; and what
starts a function of the program."""

from __future__ import annotations

import keyword

from vglint import origin
from vglint.interp.machine.calls import Call, library, package
from vglint.interp.machine.core import CONSTANTS
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.names import import_module, is_library
from vglint.interp.protocols.asking import listed
from vglint.interp.values.objects import (
    CodeV,
    DictV,
    External,
    FunctionV,
    Instance,
    MethodV,
    PartialV,
    Value,
    VersionV,
)
from vglint.value import Unknown

TORCH = "2.13.0"
"""The version of torch whose names `ops/torch_names.txt` lists."""
CONSTANTS.update(
    {
        "typing.TYPE_CHECKING": False,
        "sys.maxsize": 2**63 - 1,
        "sys.version_info": VersionV((3, 11, 0)),
        "string.ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
        "string.ascii_letters": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "string.digits": "0123456789",
        "os.environ": DictV({}),
    }
)


@library("os.getenv", "os.environ.get", takes="key, default=None")
def environment(call: Call) -> Value:
    return call["default"]


@library(
    "warnings.warn", "warnings.filterwarnings", "logging.info", "logging.warning", "random.seed", "gc.collect"
)  # fmt: skip
def silent(call: Call) -> Value:
    return None


@library("random.random", takes="")
@library("random.uniform", takes="a, b")
def drawn(call: Call) -> Value:
    """A number for which a condition of a model may ask, as LayerDrop does."""
    even = call.last == "random" or (call["a"] == 0 and call["b"] == 1)
    return Unknown(origin.Drawn()) if even and not call.run.context.training_code else call.unknown()


@package(*"os re time json logging random glob datetime shutil pathlib sys pickle yaml".split())
def unread(call: Call) -> Value:
    """What these return is not known, and not made of tensors."""
    return call.unknown()


@package("builtins")
def exception(call: Call) -> Value | Missing:
    is_one = call.last.endswith(("Error", "Exception", "Warning", "Exit", "Interrupt", "Iteration"))
    return Instance(External(call.name), {}, call.site) if is_one else MISSING


@library("typing.cast", takes="typ, val")
def cast(call: Call) -> Value:
    return call["val"]


@library("tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.notebook.tqdm", takes="iterable=None, *args, **options")
def progress(call: Call) -> Value:
    return call["iterable"]


@library("tqdm.trange", "tqdm.auto.trange")
def progress_of_range(call: Call) -> Value:
    return call.invoke(External("builtins.range"), *call.args)


@library("keyword.iskeyword", takes="s")
def is_keyword(call: Call) -> Value:
    text = call["s"]
    return keyword.iskeyword(text) if isinstance(text, str) else Unknown(origin.Computed("iskeyword"))


@library("importlib.util.find_spec", takes="name, package=None")
def find_spec(call: Call) -> Value:
    """What vglint knows as a library is there, nothing else."""
    name = call["name"]
    if not isinstance(name, str):
        return Unknown(origin.Computed("find_spec"))
    return Instance(External(call.name), {}, call.site) if is_library(name) else None


@library("importlib.metadata.version", takes="distribution_name")
def installed_version(call: Call) -> Value:
    name = call["distribution_name"]
    return TORCH if name == "torch" else Unknown(origin.Call(f"version of {name!s}"))


@library("packaging.version.parse", "packaging.version.Version", "distutils.version.LooseVersion", takes="version")
def version(call: Call) -> Value:
    text = call["version"]
    if isinstance(text, VersionV):
        return text
    return VersionV.parsed(text) if isinstance(text, str) else Unknown(origin.Computed("version"))


@library("importlib.import_module", takes="name, package=None")
def import_by_name(call: Call) -> Value:
    name, package = call["name"], call["package"]
    if not isinstance(name, str):
        return Unknown(origin.Computed("import_module"))
    if name.startswith("."):
        if not isinstance(package, str):
            return Unknown(origin.Computed("import_module"))
        above = package.split(".")
        level = len(name) - len(name.lstrip("."))
        name = ".".join([*above[: len(above) - level + 1], name.lstrip(".")])
    return import_module(call.run, name, call.frame.scope, whole=True)


@library("types.FunctionType", takes="code, globals, name=None, argdefs=None, closure=None")
def function_type(call: Call) -> Value:
    """A function made anew from the code of another."""
    made = call["code"]
    return made.function if isinstance(made, CodeV) else call.unknown()


# ---- what starts a function of the program: in processes and threads, or from the command line


@library(
    "torch.multiprocessing.spawn",
    "torch_xla.distributed.xla_multiprocessing.spawn",
    takes="fn, args=(), nprocs=1, **options",
)
def spawn(call: Call) -> Value:
    """Calls the function with the number of the process before its arguments."""
    return _started(call, call["fn"], (Unknown(origin.Call(call.name)),), call["args"])


@library("accelerate.notebook_launcher", "accelerate.debug_launcher", takes="function, args=(), *rest, **options")
def launcher(call: Call) -> Value:
    return _started(call, call["function"], (), call["args"])


@library(
    "torch.multiprocessing.Process",
    "multiprocessing.Process",
    "threading.Thread",
    takes="group=None, target=None, name=None, args=(), kwargs=None, **options",
)
def process(call: Call) -> Value:
    return _started(call, call["target"], (), call["args"], call["kwargs"])


@library("fire.Fire", "typer.run", takes="function, *rest, **options")
def from_command_line(call: Call) -> Value:
    """Calls the function with what its arguments are where the command line does not say."""
    return _started(call, call["function"], (), ())


@library("absl.app.run", takes="main, *rest, **options")
def with_arguments(call: Call) -> Value:
    return _started(call, call["main"], (Unknown(origin.Call(call.name)),), ())


def _started(call: Call, function: Value, first: tuple[Value, ...], args: Value, keywords: Value = None) -> Value:
    """Calls a function of the program as another process would; what it returns is not handed back."""
    if not isinstance(function, (FunctionV, MethodV, PartialV)):
        return call.unknown()
    given = listed(call, args)
    named = keywords.items if isinstance(keywords, DictV) else {}
    if given is not None:
        call.invoke(function, *first, *given, **{key: each for key, each in named.items() if isinstance(key, str)})
    return call.unknown()
