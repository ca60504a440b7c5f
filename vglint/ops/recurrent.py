"""Recurrent layers and cells."""

from __future__ import annotations

from vglint.ops.entry import Config, Entry, ParamRule
from vglint.ops.shapes import first, flag, integer, multiply, same, tensor, whole
from vglint.ops.spec import Call, ParamSpec, Result, Tensor
from vglint.ops.weight import has_bias, within
from vglint.shape import Dim, Shape


def outputs(call: Call) -> tuple[Tensor, Tensor, Tensor]:
    """The output sequence, the last hidden state and the last cell state."""
    shape, config = first(call), call.config
    directions = 2 if flag(config.get("bidirectional", False)) else 1
    hidden = integer(config["hidden_size"])
    project = integer(config.get("proj_size", 0))
    width = hidden if project == 0 else project
    depth = multiply((integer(config.get("num_layers", 1)), directions))
    batch: Shape = ()
    if shape is None:
        return Tensor(), Tensor(), Tensor()
    if len(shape) == 3:
        batch = (shape[0] if flag(config.get("batch_first", False)) else shape[1],)
    sequence = Tensor((*shape[:-1], multiply((directions, width))))
    return sequence, Tensor((depth, *batch, width)), Tensor((depth, *batch, hidden))


def rnn_result(call: Call) -> Result:
    """(output, h_n)."""
    sequence, state, _ = outputs(call)
    return (sequence, state)


def lstm_result(call: Call) -> Result:
    """(output, (h_n, c_n))."""
    sequence, state, cell = outputs(call)
    return (sequence, (state, cell))


def cell_state(call: Call) -> Tensor:
    shape, state = first(call), tensor(call, "hx")
    hidden = (
        integer(call.config["hidden_size"]) if "hidden_size" in call.config else None if state is None else state[-1]
    )
    if shape is None:
        return Tensor(state)
    return Tensor((*shape[:-1], hidden))


def lstm_cell_result(call: Call) -> Result:
    """(h, c)."""
    return (cell_state(call), cell_state(call))


MOST_LAYERS = 256
"""Layers of one recurrent module whose weights are told apart."""


def layer_params(gates: int) -> ParamRule:
    """`weight_ih_l{layer}`, `weight_hh_l{layer}`, biases and, in an LSTM, the projection; every one uniform within 1/√hidden."""

    def rule(config: Config) -> tuple[ParamSpec, ...]:
        hidden = integer(config["hidden_size"])
        project = integer(config.get("proj_size", 0))
        directions = 2 if flag(config.get("bidirectional", False)) else 1
        state = hidden if project == 0 else project
        rows, init = multiply((gates, hidden)), within(hidden)
        found: list[ParamSpec] = []
        layers = whole(config.get("num_layers", 1))
        if layers > MOST_LAYERS:
            raise ValueError(f"{layers} layers are too many to be told apart")
        for layer in range(layers):
            inside = integer(config["input_size"]) if layer == 0 else multiply((state, directions))
            for direction in range(directions):
                suffix = f"l{layer}" + ("_reverse" if direction else "")
                shapes: list[tuple[str, Shape]] = [("weight_ih", (rows, inside)), ("weight_hh", (rows, state))]
                if has_bias(config):
                    shapes += [("bias_ih", (rows,)), ("bias_hh", (rows,))]
                if project != 0:
                    shapes.append(("weight_hr", (project, hidden)))
                found += [ParamSpec(f"{name}_{suffix}", shape, init) for name, shape in shapes]
        return tuple(found)

    return rule


def cell_params(gates: int) -> ParamRule:
    def rule(config: Config) -> tuple[ParamSpec, ...]:
        inside, hidden = integer(config["input_size"]), integer(config["hidden_size"])
        rows, init = multiply((gates, hidden)), within(hidden)
        shapes: list[tuple[str, Shape]] = [("weight_ih", (rows, inside)), ("weight_hh", (rows, hidden))]
        if has_bias(config):
            shapes += [("bias_ih", (rows,)), ("bias_hh", (rows,))]
        return tuple(ParamSpec(name, shape, init) for name, shape in shapes)

    return rule


def unpacked(call: Call) -> Result:
    """The padded tensor and the lengths."""
    shape = first(call)
    return (Tensor(shape), Tensor((None,)))


def padded(call: Call) -> Result:
    """As many as there are sequences, as long as the longest."""
    shapes = [shape for shape in call.inputs if shape is not None]
    if not shapes:
        return Tensor()
    lengths: list[Dim] = [shape[0] for shape in shapes]
    known = [length for length in lengths if isinstance(length, int)]
    longest = max(known) if len(known) == len(call.inputs) else None
    count = len(call.inputs) if len(call.inputs) > 1 else None
    lead = (count, longest) if flag(call.config.get("batch_first", False)) else (longest, count)
    return Tensor((*lead, *shapes[0][1:]))


_COMMON = "batch_first=False, dropout=0.0, bidirectional=False"
_PLACE = "-device=None, -dtype=None"

ENTRIES = (
    Entry(
        "rnn",
        "recurrent",
        "h' = tanh(W x + U h), layer by layer",
        rnn_result,
        f"nn.RNN(input_size, hidden_size, num_layers=1, nonlinearity='tanh', bias=True, {_COMMON}, {_PLACE})(%input, %hx=None)",
        params=layer_params(1),
    ).having("over_sequence"),
    Entry(
        "lstm",
        "recurrent",
        "long short-term memory, layer by layer",
        lstm_result,
        f"nn.LSTM(input_size, hidden_size, num_layers=1, bias=True, {_COMMON}, proj_size=0, {_PLACE})(%input, %%hx=None)",
        params=layer_params(4),
    ).having("gated", "over_sequence"),
    Entry(
        "gru",
        "recurrent",
        "gated recurrent unit, layer by layer",
        rnn_result,
        f"nn.GRU(input_size, hidden_size, num_layers=1, bias=True, {_COMMON}, {_PLACE})(%input, %hx=None)",
        params=layer_params(3),
    ).having("gated", "over_sequence"),
    Entry(
        "rnn_cell",
        "recurrent",
        "one step of an RNN",
        cell_state,
        f"""nn.RNNCell(input_size, hidden_size, bias=True, nonlinearity='tanh', {_PLACE})(%input, %hx=None)
        torch.rnn_tanh_cell(%input, %hx, %w_ih, %w_hh, %b_ih=None, %b_hh=None) | nonlinearity='tanh'
        torch.rnn_relu_cell(%input, %hx, %w_ih, %w_hh, %b_ih=None, %b_hh=None) | nonlinearity='relu'""",
        params=cell_params(1),
    ),
    Entry(
        "lstm_cell",
        "recurrent",
        "one step of an LSTM",
        lstm_cell_result,
        f"""nn.LSTMCell(input_size, hidden_size, bias=True, {_PLACE})(%input, %%hx=None)
        torch.lstm_cell(%input, %%hx, %w_ih, %w_hh, %b_ih=None, %b_hh=None)""",
        params=cell_params(4),
    ).having("gated"),
    Entry(
        "gru_cell",
        "recurrent",
        "one step of a GRU",
        cell_state,
        f"""nn.GRUCell(input_size, hidden_size, bias=True, {_PLACE})(%input, %hx=None)
        torch.gru_cell(%input, %hx, %w_ih, %w_hh, %b_ih=None, %b_hh=None)""",
        params=cell_params(3),
    ).having("gated"),
    Entry(
        "pack_padded_sequence",
        "shape",
        "a padded batch without its padding; keeps the padded shape",
        same,
        "torch.nn.utils.rnn.pack_padded_sequence(%input, %lengths, batch_first=False, enforce_sorted=True)",
    ),
    Entry(
        "pad_packed_sequence",
        "shape",
        "the inverse of pack_padded_sequence, and the lengths",
        unpacked,
        "torch.nn.utils.rnn.pad_packed_sequence(%sequence, batch_first=False, padding_value=0.0, total_length=None)",
    ),
    Entry(
        "pad_sequence",
        "combine",
        "sequences of different lengths as one batch",
        padded,
        "torch.nn.utils.rnn.pad_sequence(%%sequences, batch_first=False, padding_value=0.0, padding_side='right')",
    ),
    Entry(
        "pack_sequence",
        "combine",
        "sequences of different lengths, packed",
        padded,
        "torch.nn.utils.rnn.pack_sequence(%%sequences, enforce_sorted=True)",
    ),
)
