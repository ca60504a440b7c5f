"""Elementwise nonlinearities, softmax and the gated linear unit."""

from __future__ import annotations

from vglint.graph import Init
from vglint.ops.entry import Config, Entry
from vglint.ops.shapes import axis, divide, first, integer, replace, same
from vglint.ops.spec import Call, ParamSpec, Result, Tensor


def halved(call: Call) -> Result:
    shape = first(call)
    if shape is None:
        return Tensor()
    dim = axis(call.config.get("dim", -1), len(shape))
    return Tensor(replace(shape, dim, divide(shape[dim], 2)))


def slope_params(config: Config) -> tuple[ParamSpec, ...]:
    init = config.get("init", 0.25)
    return (ParamSpec("weight", (integer(config.get("num_parameters", 1)),), Init("constant", (("val", init),))),)


ENTRIES = (
    Entry(
        "relu",
        "activation",
        "max(x, 0)",
        same,
        """nn.ReLU(-inplace=False)(%input)
        F.relu(%input, -inplace=False)
        F.relu_ torch.relu torch.relu_ x.relu x.relu_ (%input)""",
    ).having("rectifies", "map_parts", "cuts_negative"),
    Entry(
        "relu6",
        "activation",
        "min(max(x, 0), 6)",
        same,
        """nn.ReLU6(-inplace=False)(%input)
        F.relu6(%input, -inplace=False)""",
    ).having("floors", "rectifies", "cuts_negative"),
    Entry(
        "leaky_relu",
        "activation",
        "x where x > 0, else negative_slope * x",
        same,
        """nn.LeakyReLU(negative_slope=0.01, -inplace=False)(%input)
        F.leaky_relu(%input, negative_slope=0.01, -inplace=False)
        F.leaky_relu_(%input, negative_slope=0.01)""",
    )
    .behind("kaiming_normal_(weight, a=slope, nonlinearity='leaky_relu')")
    .having("map_parts"),
    Entry(
        "prelu",
        "activation",
        "x where x > 0, else weight * x",
        same,
        """nn.PReLU(num_parameters=1, init=0.25, -device=None, -dtype=None)(%input)
        F.prelu torch.prelu x.prelu (%input, %weight)""",
        params=slope_params,
    ).having("map_along", "map_places"),
    Entry(
        "rrelu",
        "activation",
        "leaky ReLU with a random slope while training",
        same,
        """nn.RReLU(lower=0.125, upper=0.3333333333333333, -inplace=False)(%input)
        F.rrelu(%input, lower=0.125, upper=0.3333333333333333, training=False, -inplace=False)
        F.rrelu_ torch.rrelu torch.rrelu_ (%input, lower=0.125, upper=0.3333333333333333, training=False, -generator=None)""",
    ),
    Entry(
        "elu",
        "activation",
        "x where x > 0, else alpha * (exp(x) - 1)",
        same,
        """nn.ELU(alpha=1.0, -inplace=False)(%input)
        F.elu(%input, alpha=1.0, -inplace=False)
        F.elu_(%input, alpha=1.0)""",
    ),
    Entry(
        "selu",
        "activation",
        "scaled ELU with the self-normalising constants",
        same,
        """nn.SELU(-inplace=False)(%input)
        F.selu(%input, -inplace=False)
        F.selu_ torch.selu torch.selu_ (%input)""",
    ).behind("normal_(weight, std=fan_in ** -0.5)"),
    Entry(
        "celu",
        "activation",
        "max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)",
        same,
        """nn.CELU(alpha=1.0, -inplace=False)(%input)
        F.celu(%input, alpha=1.0, -inplace=False)
        F.celu_ torch.celu torch.celu_ (%input, alpha=1.0)""",
    ),
    Entry(
        "gelu",
        "activation",
        "x * Phi(x)",
        same,
        """nn.GELU(approximate='none')(%input)
        F.gelu(%input, approximate='none')""",
    ),
    Entry(
        "silu",
        "activation",
        "x * sigmoid(x), also known as swish",
        same,
        """nn.SiLU(-inplace=False)(%input)
        F.silu(%input, -inplace=False)""",
    ),
    Entry(
        "mish",
        "activation",
        "x * tanh(softplus(x))",
        same,
        """nn.Mish(-inplace=False)(%input)
        F.mish(%input, -inplace=False)""",
    ),
    Entry(
        "hardswish",
        "activation",
        "x * relu6(x + 3) / 6",
        same,
        """nn.Hardswish(-inplace=False)(%input)
        F.hardswish(%input, -inplace=False)""",
    ).having("rectifies"),
    Entry(
        "sigmoid",
        "activation",
        "1 / (1 + exp(-x))",
        same,
        """nn.Sigmoid()(%input)
        F.sigmoid torch.sigmoid torch.sigmoid_ torch.special.expit x.sigmoid x.sigmoid_ (%input)""",
    ).having("positive", "saturates", "off_centre", "flattens", "unit"),
    Entry(
        "hardsigmoid",
        "activation",
        "relu6(x + 3) / 6",
        same,
        """nn.Hardsigmoid(-inplace=False)(%input)
        F.hardsigmoid(%input, -inplace=False)""",
    ).having("saturates", "off_centre", "flattens", "unit"),
    Entry(
        "logsigmoid",
        "activation",
        "log(sigmoid(x))",
        same,
        """nn.LogSigmoid()(%input)
        F.logsigmoid(%input)""",
    ).having("saturates", "off_centre", "logs"),
    Entry(
        "tanh",
        "activation",
        "hyperbolic tangent",
        same,
        """nn.Tanh()(%input)
        F.tanh torch.tanh torch.tanh_ x.tanh x.tanh_ (%input)""",
    )
    .behind("xavier_uniform_(weight, gain=5/3)")
    .having("saturates", "squashes", "flattens", "either_sign"),
    Entry(
        "hardtanh",
        "activation",
        "x clipped to [min_val, max_val]",
        same,
        """nn.Hardtanh(min_val=-1.0, max_val=1.0, -inplace=False, -min_value=None, -max_value=None)(%input)
        F.hardtanh(%input, min_val=-1.0, max_val=1.0, -inplace=False)
        F.hardtanh_(%input, min_val=-1.0, max_val=1.0)""",
    )
    .behind("xavier_uniform_(weight, gain=5/3)")
    .having("floors", "saturates", "squashes", "flattens"),
    Entry(
        "tanhshrink",
        "activation",
        "x - tanh(x)",
        same,
        """nn.Tanhshrink()(%input)
        F.tanhshrink(%input)""",
    ),
    Entry(
        "hardshrink",
        "activation",
        "x where |x| > lambd, else 0",
        same,
        """nn.Hardshrink(lambd=0.5)(%input)
        F.hardshrink torch.hardshrink x.hardshrink (%input, lambd=0.5)""",
    ),
    Entry(
        "softshrink",
        "activation",
        "x moved towards 0 by lambd",
        same,
        """nn.Softshrink(lambd=0.5)(%input)
        F.softshrink(%input, lambd=0.5)""",
    ),
    Entry(
        "softplus",
        "activation",
        "log(1 + exp(beta * x)) / beta",
        same,
        """nn.Softplus(beta=1.0, threshold=20.0)(%input)
        F.softplus(%input, beta=1.0, threshold=20.0)""",
    ).having("positive", "off_centre", "flattens", "rectifies"),
    Entry(
        "softsign",
        "activation",
        "x / (1 + |x|)",
        same,
        """nn.Softsign()(%input)
        F.softsign(%input)""",
    ).having("saturates", "squashes", "flattens"),
    Entry(
        "threshold",
        "activation",
        "x where x > threshold, else value",
        same,
        """nn.Threshold(threshold, value, -inplace=False)(%input)
        F.threshold(%input, threshold, value, -inplace=False)
        F.threshold_ torch.threshold torch.threshold_ (%input, threshold, value)""",
    ).having("rectifies"),
    Entry(
        "glu",
        "activation",
        "first half times the sigmoid of the second",
        halved,
        """nn.GLU(dim=-1)(%input)
        F.glu(%input, dim=-1)""",
    ).having("map_places"),
    Entry(
        "softmax",
        "activation",
        "exp(x) / sum(exp(x))",
        same,
        """nn.Softmax(dim=None)(%input)
        nn.Softmax2d()(%input) | dim=-3
        F.softmax(%input, dim=None, -_stacklevel=3, -dtype=None)
        torch.softmax x.softmax (%input, dim, -dtype=None)
        torch.special.softmax(%input, dim, -dtype=None)""",
    ).having("rescales", "positive", "probability", "map_places"),
    Entry(
        "log_softmax",
        "activation",
        "log(softmax(x))",
        same,
        """nn.LogSoftmax(dim=None)(%input)
        F.log_softmax(%input, dim=None, -_stacklevel=3, -dtype=None)
        torch.log_softmax torch.special.log_softmax x.log_softmax (%input, dim, -dtype=None)""",
    ).having("map_places", "logs"),
    Entry(
        "softmin",
        "activation",
        "softmax(-x)",
        same,
        """nn.Softmin(dim=None)(%input)
        F.softmin(%input, dim=None, -_stacklevel=3, -dtype=None)""",
    ).having("probability"),
    Entry(
        "gumbel_softmax",
        "activation",
        "softmax of x plus Gumbel noise; with hard=True one-hot forward, softmax backward",
        same,
        """F.gumbel_softmax(%logits, tau=1, hard=False, eps=1e-10, dim=-1)""",
    ).having("probability"),
)
