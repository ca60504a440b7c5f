"""`random-weights`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.actions.matching_init import target_of
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Splice


def random_weights(request: Request) -> Answer:
    """Fills weights at random where they are filled with one number: `nn.init.zeros_(m.weight)` becomes `nn.init.kaiming_normal_(m.weight, …)`."""
    source, name = request.source, request.names.spelled("torch.nn.init.kaiming_normal_")
    if name is None:
        return Refusal("no import leads to torch.nn.init")
    splices: list[Splice] = []
    for place in dict.fromkeys(request.places):
        filled = [one for graph in request.graphs for one in graph.parameters if one.init.span == place]
        if not filled:
            continue
        call = source.at(place)
        target = target_of(request, call) if isinstance(call, cst.Call) else None
        if target is None or call is None or any(one.shape is None or len(one.shape) < 2 for one in filled):
            return Refusal("it is not written as one call that fills weights alone")
        splices.append((*source.range(call), f'{name}({target}, nonlinearity="relu")'))
    return Change(tuple(splices), Allowed(inits=True)) if splices else Refusal("where they are filled is not found")
