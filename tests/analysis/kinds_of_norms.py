"""Normalisations that models write out: models for `test_unseen_kinds`."""

from __future__ import annotations

_NORMED = """
class Norm(nn.Module):
    def forward(self, x):
{body}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Conv1d(8, 32, 8, 4), nn.Conv1d(32, 32, 3, padding=1)
        self.v, self.out = nn.Conv1d(32, 32, 1), nn.Conv1d(32, 16, 1)
        self.norm = Norm()

    def forward(self, x):
        x = torch.relu(self.norm(self.q(x)))
        x = torch.relu(self.norm(self.k(x)))
        return self.out(torch.relu(self.norm(self.v(x))))
"""
OF_ALL = _NORMED.format(
    body="""        dims = list(range(1, x.ndim))
        mean, var = x.mean(dim=dims, keepdim=True), torch.var(x, dim=dims, keepdim=True, unbiased=False)
        return (x - mean) / (var + 1e-8).sqrt()"""
)
ROOT_OF_ALL = _NORMED.format(body="        return x * torch.rsqrt(x.pow(2).mean(dim=(1, 2), keepdim=True) + 1e-8)")
RESPONSES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Conv2d(3, 32, 7, 2), nn.Conv2d(32, 32, 3), nn.Conv2d(32, 16, 1)
        self.average = nn.AvgPool3d((5, 1, 1), stride=1, padding=(2, 0, 0))

    def normed(self, x):
        squares = self.average(x.pow(2).unsqueeze(1)).squeeze(1)
        return x.div(squares.mul(0.0005).add(2).pow(0.75))

    def forward(self, x):
        x = self.normed(torch.relu(self.q(x)))
        return self.out(self.normed(torch.relu(self.k(x))))
"""
PREPARED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(64))
        self.q, self.k, self.out = nn.Conv2d(2, 16, 3), nn.Conv2d(16, 16, 3), nn.Conv2d(16, 8, 1)

    def forward(self, x):
        z = torch.stft(x, 64, 16, window=self.window, return_complex=True) / self.window.pow(2.0).sum().sqrt()
        x = torch.stack([z.real, z.imag], dim=1)
        return self.out(torch.relu(self.k(torch.relu(self.q(x)))))
"""
CASES = {
    "a spectrogram of the input": (PREPARED, ["8,1024"]),
    "local responses that are normalised by hand": (RESPONSES, ["8,3,32,32"]),
    "a norm of channels and positions that is written out": (OF_ALL, ["8,8,256"]),
    "a root mean square of channels and positions": (ROOT_OF_ALL, ["8,8,256"]),
}
