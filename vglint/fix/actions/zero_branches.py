"""`zero-branches`."""

from __future__ import annotations

import re

from vglint.analysis.facts.model import ModelView
from vglint.fix.actions.matching_init import after_built
from vglint.fix.change import Allowed, Answer, Refusal, Request, change
from vglint.fix.models import model_of
from vglint.fix.remedies.zero_branches import last_layers


def zero_branches(request: Request) -> Answer:
    """Starts the last layer of each residual branch at zero, at the end of the model's `__init__`: `nn.init.zeros_(block.conv2.weight)`."""
    model = model_of(request)
    last = None if model is None else last_layers(model)
    zeros = request.names.spelled("torch.nn.init.zeros_")
    if model is None or last is None or zeros is None:
        return Refusal("the last layers of the branches are not found, or no import leads to torch.nn.init")
    owner, _ = after_built(request, model, "")
    if owner is None:
        return Refusal("the model is built neither by a class of this file that has an __init__ nor by one assignment")
    lines: dict[str, None] = {}
    for index in last:
        node = model.view.graph.nodes[index]
        names = [name for name in ("weight", "bias") if name in dict(node.params)]
        path = _own_path(model, node.path)
        found = re.fullmatch(r"([\w.]+?)\.\d+((?:\.\w+)*)", path)
        if found is not None:
            layer = f"block{_attributes(found[2])}"
            lines[f"for block in {owner}.{found[1]}:"] = None
            lines.update(dict.fromkeys(f"    {zeros}({layer}.{name})" for name in names))
        else:
            layer = f"{owner}{_attributes(f'.{path}')}"
            lines.update(dict.fromkeys(f"{zeros}({layer}.{name})" for name in names))
    return change(Allowed(inits=True), after_built(request, model, "\n".join(lines))[1])


def _own_path(model: ModelView, path: str) -> str:
    """Returns a layer's path inside its model, where the graph's paths start further out."""
    above = [module.path for module in model.view.graph.modules if module.type == model.type and module.path]
    return next((path[len(one) + 1 :] for one in above if path.startswith(f"{one}.")), path)


def _attributes(path: str) -> str:
    """Returns `.body[2]` for `.body.2`."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", path)
