"""What code that is not followed gets hold of: from there on, and not before, what it may change is unknown."""

from __future__ import annotations

from vglint.interp.machine.core import Run
from vglint.interp.nodes.distribution import UNKNOWN, overwrite
from vglint.interp.nodes.emit import emit
from vglint.interp.torch.module_methods import parameters_of
from vglint.interp.torch.readers import only_reads
from vglint.interp.torch.training import optimizer_nodes
from vglint.interp.values.inside import inside
from vglint.interp.values.objects import ModuleV, ParamV, ParamView, Site, Value
from vglint.origin import Argument
from vglint.value import Unknown


def escape(run: Run, callee: str, values: list[Value], site: Site) -> None:
    """Notes that modules, parameters and optimisers among `values`, or held by them, are handed to code that is not followed.

    Weights that escape before they are trained may have any distribution; in training code one `escape` node in program order names the
    parameters and optimisers. Code that is declared to only read lets nothing escape.
    """
    if (run.setup == 0 and run.modules_running) or only_reads(callee):
        return
    params: dict[int, ParamV] = {}
    optimizers: dict[int, None] = {}
    arguments: dict[str, None] = {}
    for value in inside(*values):
        if isinstance(value, ParamV):
            params.setdefault(id(value), value)
        elif isinstance(value, ParamView):
            params.setdefault(id(value.param), value.param)
        elif isinstance(value, ModuleV):
            params.update((id(param), param) for param in parameters_of(value))
        elif isinstance(value, Unknown) and isinstance(value.origin, Argument):
            arguments.setdefault(value.origin.path)
        else:
            optimizers.update(dict.fromkeys(optimizer_nodes(value)))
    for param in params.values():
        overwrite(run, param, UNKNOWN, site)
    if run.training_code and run.setup == 0 and (params or optimizers or arguments):
        named = [(str(number), param) for number, param in enumerate(params.values())]
        emit(run, "escape", list(optimizers), {"callee": callee, "arguments": tuple(arguments)}, site, params=named)
