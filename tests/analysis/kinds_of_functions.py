"""Functions with a backward of their own, and weights that forward makes of a parameter: models for `test_unseen_kinds`."""

from __future__ import annotations

_CHAIN = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 32)

    def forward(self, x):
        return self.out(act(self.v(act(self.k(act(self.q(x)))))))
"""
SWISH = f"""
class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, i):
        ctx.save_for_backward(i)
        return i * torch.sigmoid(i)

    @staticmethod
    def backward(ctx, grad_output):
        i = ctx.saved_tensors[0]
        s = torch.sigmoid(i)
        return grad_output * (s * (1 + i * (1 - s)))


act = Swish.apply

{_CHAIN}"""
SIGN = f"""
class Sign(torch.autograd.Function):
    @staticmethod
    def forward(x, scale):
        return torch.sign(x) * scale

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, grad_output):
        x, = ctx.saved_tensors
        grad = grad_output.clone()
        grad[x.abs() > 1] = 0
        return grad, None


def act(x):
    return Sign.apply(x, 0.5)

{_CHAIN}"""
REVERSED = f"""
class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return grad.neg() * ctx.alpha, None


def act(x):
    return torch.relu(Reverse.apply(x, 0.1))

{_CHAIN}"""
_WEIGHTS = """
class Layer(nn.Linear):
    def forward(self, x):
        return F.linear(x, self.made(self.weight), self.bias)

{made}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = Layer(32, 64), Layer(64, 64), Layer(64, 64), nn.Linear(64, 32)

    def forward(self, x):
        return self.out(torch.tanh(self.v(torch.tanh(self.k(torch.tanh(self.q(x)))))))
"""
STANDARDISED = _WEIGHTS.format(
    made="""
    def made(self, w):
        w = w - w.mean(dim=1, keepdim=True)
        return w / (w.std(dim=1).view(-1, 1) + 1e-5).expand_as(w) / 8
"""
)
OF_LENGTH_ONE = _WEIGHTS.format(
    made="""
    def made(self, w):
        return 1.5 * w / w.norm(dim=1, keepdim=True)
"""
)
SPECTRAL = _WEIGHTS.format(
    made="""
    def made(self, w):
        with torch.no_grad():
            v = F.normalize(torch.mv(w.t(), torch.ones(w.shape[0])), dim=0)
            u = F.normalize(torch.mv(w, v), dim=0)
        return w / torch.dot(u, torch.mv(w, v))
"""
)
_REGISTERED = """
from torch.nn.utils.parametrize import register_parametrization


class Bounded(nn.Module):
{made}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 32)
        for layer in (self.k, self.v):
            nn.init.xavier_uniform_(layer.weight)
            register_parametrization(layer, "weight", Bounded())

    def forward(self, x):
        return self.out(torch.relu(self.v(torch.relu(self.k(torch.relu(self.q(x)))))))
"""
_RENORMED = """
    def forward(self, X):
        return X.renorm(p=2, dim=0, maxnorm=0.25)
"""
_CLAMPED = """
    def factor(self, X):
        norm = X.norm(2, dim=0, keepdim=True).clamp(min=0.125)
        return norm.clamp(max=0.25) / (norm + 1e-5)

    def forward(self, X):
        return X * self.factor(X)

    def right_inverse(self, X):
        return X / self.factor(X)
"""
RESCALED = """
def rescaled(module, reference):
    for sub in module.modules():
        if isinstance(sub, nn.Linear):
            scale = (sub.weight.std().detach() / reference) ** 0.5
            sub.weight.data /= scale
            sub.bias.data /= scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 32)
        rescaled(self, 0.5)

    def forward(self, x):
        return self.out(torch.relu(self.v(torch.relu(self.k(torch.relu(self.q(x)))))))
"""
RANDOM_FEATURES = """
def features(rows, columns):
    blocks = []
    while rows > 0:
        q, _ = torch.linalg.qr(torch.randn(columns, columns))
        blocks.append(q.t()[:rows])
        rows -= columns
    lengths = torch.randn(sum(len(block) for block in blocks), columns).norm(dim=1)
    return torch.diag(lengths) @ torch.cat(blocks)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))
        self.register_buffer("directions", features(80, 32))

    def featured(self, x):
        return torch.relu(torch.einsum("bnd,rd->bnr", x, self.directions)) + 1e-3

    def forward(self, x):
        query, key, value = self.featured(self.q(x)), self.featured(self.k(x)), self.v(x)
        over = 1.0 / torch.einsum("bnr,br->bn", query, key.sum(1))
        mixed = torch.einsum("bnr,bne->bre", key, value)
        return self.out(torch.einsum("bre,bnr,bn->bne", mixed, query, over))
"""
COLUMN_BY_COLUMN = """
import numpy as np

class Places(nn.Embedding):
    def __init__(self, number, width):
        super().__init__(number, width)
        self.weight = self.filled(self.weight)

    @staticmethod
    def filled(table):
        number, width = table.shape
        table.requires_grad = False
        angles = np.array([[at / np.power(10000, 2 * (i // 2) / width) for i in range(width)] for at in range(number)])
        table[:, : width // 2] = torch.FloatTensor(np.sin(angles[:, 0::2]))
        table[:, width // 2 :] = torch.FloatTensor(np.cos(angles[:, 1::2]))
        return table


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(64, 64) for _ in range(4))
        self.places = Places(16, 64)

    def forward(self, x):
        x = torch.tanh(self.q(x)) + self.places(torch.arange(16))
        return self.out(torch.tanh(self.v(torch.tanh(self.k(x)))))
"""
CASES = {
    "random features that are orthogonal": (RANDOM_FEATURES, ["16,64,32"]),
    "places that are written column by column": (COLUMN_BY_COLUMN, ["8,16,64"]),
    "weights over a root of their own spread": (RESCALED, ["256,32"]),
    "weights whose rows are bounded by a parametrisation": (_REGISTERED.format(made=_RENORMED), ["256,32"]),
    "weights whose columns are bounded by a parametrisation": (_REGISTERED.format(made=_CLAMPED), ["256,32"]),
    "a swish with its own backward": (SWISH, ["64,32"]),
    "a sign with a straight-through backward": (SIGN, ["64,32"]),
    "a reversed gradient": (REVERSED, ["64,32"]),
    "standardised weights": (STANDARDISED, ["64,32"]),
    "weights of length one": (OF_LENGTH_ONE, ["64,32"]),
    "weights over their largest singular value": (SPECTRAL, ["64,32"]),
}
