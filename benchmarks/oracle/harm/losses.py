"""Losses that get something else than they take."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.oracle.harm.case import STEPS, Outcome, batch, case, data, explained, mlp, trained


@case("VG701", "softmax before cross_entropy, SGD at 0.1")
def softmax_twice(fault: bool) -> Outcome:
    model = mlp()
    return trained(
        model, lambda x, y: F.cross_entropy(model(x).softmax(1) if fault else model(x), y), rate=0.1, adam=False
    )


@case(
    "VG702",
    "sigmoid before BCEWithLogitsLoss, one class against the rest, SGD at 0.1",
    "loss of the true probabilities",
)
def sigmoid_twice(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        wanted, scores = F.one_hot(y, 10).float(), model(x)
        return F.binary_cross_entropy_with_logits(scores.sigmoid() if fault else scores, wanted)

    ended = trained(model, loss, rate=0.1, adam=False)
    _, _, images, labels = data()
    with torch.no_grad():
        wanted = F.one_hot(labels, 10).float()
        return ended if isinstance(ended, str) else F.binary_cross_entropy_with_logits(model(images), wanted).item()


@case("VG703", "log_softmax before cross_entropy")
def log_softmax_twice(fault: bool) -> Outcome:
    model = mlp()
    return trained(model, lambda x, y: F.cross_entropy(model(x).log_softmax(1) if fault else model(x), y))


@case("VG704", "softmax before nll_loss, SGD at 0.1")
def nll_of_probabilities(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return F.nll_loss(model(x).softmax(1) if fault else model(x).log_softmax(1), y)

    return trained(model, loss, rate=0.1, adam=False)


@case("VG704", "logits into nll_loss, SGD at 0.1")
def nll_of_logits(fault: bool) -> Outcome:
    model = mlp()
    return trained(
        model, lambda x, y: F.nll_loss(model(x) if fault else model(x).log_softmax(1), y), rate=0.1, adam=False
    )


@case("VG704", "kl_div of probabilities, towards a teacher's")
def divergence_of_probabilities(fault: bool) -> Outcome:
    teacher, student = mlp(), mlp()
    trained(teacher, lambda x, y: F.cross_entropy(teacher(x), y))

    def loss(x: Tensor, y: Tensor) -> Tensor:
        taught = teacher(x).softmax(1).detach()
        return F.kl_div(student(x).softmax(1) if fault else student(x).log_softmax(1), taught, reduction="batchmean")

    return trained(student, loss)


@case("VG704", "the same, SGD at 0.1")
def divergence_by_descent(fault: bool) -> Outcome:
    teacher, student = mlp(), mlp()
    trained(teacher, lambda x, y: F.cross_entropy(teacher(x), y))

    def loss(x: Tensor, y: Tensor) -> Tensor:
        taught = teacher(x).softmax(1).detach()
        return F.kl_div(student(x).softmax(1) if fault else student(x).log_softmax(1), taught, reduction="batchmean")

    return trained(student, loss, rate=0.1, adam=False)


@case("VG705", "squared error of softmax against one-hot labels, where cross_entropy belongs, SGD at 0.1")
def squared_probabilities(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(model(x).softmax(1), F.one_hot(y, 10).float()) if fault else F.cross_entropy(model(x), y)

    return trained(model, loss, rate=0.1, adam=False)


@case("VG706", "softmax over the one unit of a binary classifier, where sigmoid belongs: odd digits")
def softmax_of_one(fault: bool) -> Outcome:
    model = nn.Sequential(*mlp(), nn.Linear(10, 1))

    def probability(x: Tensor) -> Tensor:
        return model(x).softmax(1) if fault else model(x).sigmoid()

    ended = trained(model, lambda x, y: F.binary_cross_entropy(probability(x), (y % 2)[:, None].float()))
    _, _, images, labels = data()
    with torch.no_grad():
        right = (probability(images)[:, 0] > 0.5).long() == labels % 2
    return ended if isinstance(ended, str) else right.float().mean().item()


@case("VG707", "mse_loss of (N, 1) with (N,): a digit's value, less its mean", "explained variance")
def paired_with_all(fault: bool) -> Outcome:
    model = nn.Sequential(*mlp()[:-1], nn.Linear(64, 1))

    def loss(x: Tensor, y: Tensor) -> Tensor:
        value = y.float() - 4.5
        return (model(x) - (value if fault else value[:, None])).pow(2).mean()

    ended = trained(model, loss)
    _, _, images, labels = data()
    with torch.no_grad():
        wanted = labels.float() - 4.5
        left = (model(images)[:, 0] - wanted).var() / wanted.var()
    return ended if isinstance(ended, str) else 1 - left.item()


@case("VG708", "log_softmax over the samples before nll_loss, SGD at 0.1")
def normalised_over_samples(fault: bool) -> Outcome:
    model = mlp()
    return trained(model, lambda x, y: F.nll_loss(model(x).log_softmax(0 if fault else 1), y), rate=0.1, adam=False)


@case("VG708", "scores of eight digits at once, (N, 8, 10), viewed as (N, 10, 8)")
def classes_viewed(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        scores = model(x.view(8, 8, 64))
        return F.cross_entropy(scores.view(8, 10, 8) if fault else scores.transpose(1, 2), y.view(8, 8))

    return trained(model, loss)


@case("VG106", "a ReLU behind the last layer, before cross_entropy")
def rectified_scores(fault: bool) -> Outcome:
    model = nn.Sequential(*mlp(), nn.ReLU()) if fault else mlp()
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG106", "the same, SGD at 0.1")
def rectified_scores_sgd(fault: bool) -> Outcome:
    model = nn.Sequential(*mlp(), nn.ReLU()) if fault else mlp()
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


@case("VG106", "a ReLU behind a regression whose targets are negative in half of the samples", "explained variance")
def rectified_regression(fault: bool) -> Outcome:
    return explained(nn.ReLU()) if fault else explained()


@case("VG104", "softmax as a hidden activation, SGD at 0.1")
def hidden_softmax(fault: bool) -> Outcome:
    model = mlp(activation=lambda: nn.Softmax(1)) if fault else mlp()
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


@case("VG812", "a second term made of a detached output, weight 1: the entropy of the scores", "entropy at the end")
def term_without_gradient(fault: bool) -> Outcome:
    model = mlp()

    def entropy(scores: Tensor) -> Tensor:
        return -(scores.softmax(1) * scores.log_softmax(1)).sum(1).mean()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        scores = model(x)
        return F.cross_entropy(scores, y) - entropy(scores.detach() if fault else scores)

    ended = trained(model, loss, steps=STEPS)
    with torch.no_grad():
        return ended if isinstance(ended, str) else entropy(model(batch(512)[0])).item()
