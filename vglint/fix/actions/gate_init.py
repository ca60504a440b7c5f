"""`gate-init`."""

from __future__ import annotations

import math

from vglint.fix.actions.recurrent_init import built
from vglint.fix.change import Allowed, Answer, Refusal, Request, change


def gate_init(request: Request) -> Answer:
    """Starts an LSTM with the forget bias at the logarithm of the number of steps (1 where that is not known), a GRU with orthogonal recurrent matrices."""
    found = built(request)
    ops = {node.op for _, node in request.nodes_at(request.finding.span)}
    if found is None or len(ops) != 1:
        return Refusal("the layer is not assigned as it is built")
    owner, statement = found
    is_lstm = ops == {"lstm"}
    fill = request.names.spelled(f"torch.nn.init.{'constant_' if is_lstm else 'orthogonal_'}")
    if fill is None:
        return Refusal("no import leads to torch.nn.init")
    lines = [f"for name, {'bias' if is_lstm else 'weight'} in {owner}.named_parameters():"]
    if is_lstm:
        steps = _steps(request)
        start = 1.0 if steps is None else round(math.log(steps), 1)
        lines += [
            '    if "bias_ih" in name:',
            f"        {fill}(bias[bias.numel() // 4 : bias.numel() // 2], {start})",
        ]
    else:
        lines += [
            '    if "weight_hh" in name:',
            "        for gate in weight.chunk(3):",
            f"            {fill}(gate)",
        ]
    return change(Allowed(inits=True), request.after(statement, "\n".join(lines)))


def _steps(request: Request) -> int | None:
    """Returns how many steps the layer is given; None where the graphs do not know it."""
    for graph, node in request.nodes_at(request.finding.span):
        shape = graph.nodes[node.inputs[0]].shape if node.inputs else None
        if shape is not None and len(shape) == 3:
            steps = shape[1 if node.get("batch_first") is True else 0]
            return steps if isinstance(steps, int) and steps > 1 else None
    return None
