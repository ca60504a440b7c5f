"""Faults of the training loop."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.oracle.harm.case import STEPS, Outcome, accuracy, batch, case, course, mlp

Step = Callable[[nn.Module, torch.optim.Optimizer, int, bool], Tensor]


def _loop(step: Step, fault: bool, *, rate: float = 1e-3, adam: bool = True, steps: int = STEPS) -> Outcome:
    model = mlp()
    made = torch.optim.Adam(model.parameters(), rate) if adam else torch.optim.SGD(model.parameters(), rate)
    return course(lambda number: step(model, made, number, fault), steps) or accuracy(model)


def _backward(model: nn.Module, scale: float = 1.0, size: int = 64) -> Tensor:
    x, y = batch(size)
    loss = F.cross_entropy(model(x), y)
    (loss * scale).backward()  # type: ignore[no-untyped-call]
    return loss


@case("VG901", "gradients are clipped to 1 while a scaler multiplies them by 65,536, SGD at 0.1")
def clipped_scaled(fault: bool) -> Outcome:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, _: int, fault: bool) -> Tensor:
        optimizer.zero_grad()
        loss, scale = _backward(model, 65536.0), 65536.0
        if fault:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.grad /= scale
        if not fault:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    return _loop(step, fault, rate=0.1, adam=False)


@case(
    "VG902", "gradients are clipped to 0.1 before backward, beside after it: the largest norm that a step uses", "norm"
)
def clipped_before(fault: bool) -> Outcome:
    norms = []

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, _: int, fault: bool) -> Tensor:
        optimizer.zero_grad()
        if fault:
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        loss = _backward(model)
        if not fault:
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        norms.append(nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None]).item())
        optimizer.step()
        return loss

    _loop(step, fault)
    return max(norms)


@case("VG903", "no zero_grad, SGD at 0.1")
def never_zeroed(fault: bool) -> Outcome:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, _: int, fault: bool) -> Tensor:
        if not fault:
            optimizer.zero_grad()
        loss = _backward(model)
        optimizer.step()
        return loss

    return _loop(step, fault, rate=0.1, adam=False)


@case("VG904", "zero_grad between backward and step")
def zeroed_before(fault: bool) -> Outcome:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, _: int, fault: bool) -> Tensor:
        if not fault:
            optimizer.zero_grad()
        loss = _backward(model)
        if fault:
            optimizer.zero_grad()
        optimizer.step()
        return loss

    return _loop(step, fault)


@case("VG908", "share of a four-layer net's gradients that float16 rounds to 0 without a scaler, at the end", "share")
def halved(fault: bool) -> Outcome:
    model = mlp(4)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step(_: int) -> Tensor:
        optimizer.zero_grad()
        loss = _backward(model)
        optimizer.step()
        return loss

    ended = course(step)
    scale = 1.0 if fault else 65536.0
    flat = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    lost = ((flat * scale).half() == 0) & (flat != 0)
    return ended or (lost.sum() / (flat != 0).sum()).item()


@case("VG910", "backward runs and nothing steps")
def never_stepped(fault: bool) -> Outcome:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, _: int, fault: bool) -> Tensor:
        optimizer.zero_grad()
        loss = _backward(model)
        if not fault:
            optimizer.step()
        return loss

    return _loop(step, fault)


@case("VG911", "zero_grad at each batch of 2, step at every 8th, the loss divided by 8, SGD at 0.1")
def zeroed_each_batch(fault: bool) -> Outcome:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, number: int, fault: bool) -> Tensor:
        if fault or number % 8 == 0:
            optimizer.zero_grad()
        loss = _backward(model, 1 / 8, 2)
        if number % 8 == 7:
            optimizer.step()
        return loss

    return _loop(step, fault, rate=0.1, adam=False, steps=8 * STEPS)


@case("VG912", "gradients of 8 batches are added up and not divided, SGD at 0.5")
def not_divided(fault: bool) -> Outcome:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, number: int, fault: bool) -> Tensor:
        if number % 8 == 0:
            optimizer.zero_grad()
        loss = _backward(model, 1.0 if fault else 1 / 8, 4)
        if number % 8 == 7:
            optimizer.step()
        return loss

    return _loop(step, fault, rate=0.5, adam=False, steps=8 * STEPS)


@case("VG913", "a rate that falls to a tenth at every 10th step, where every 100th was meant, SGD at 0.1")
def rate_lost(fault: bool) -> Outcome:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, number: int, fault: bool) -> Tensor:
        optimizer.param_groups[0]["lr"] = 0.1 * 0.1 ** (number // (10 if fault else 100))
        optimizer.zero_grad()
        loss = _backward(model)
        optimizer.step()
        return loss

    return _loop(step, fault, rate=0.1, adam=False)


@case("VG914", "Adam at 0.03, made anew for each step")
def made_anew(fault: bool) -> Outcome:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, _: int, fault: bool) -> Tensor:
        if fault:
            optimizer = torch.optim.Adam(model.parameters(), 0.03)
        optimizer.zero_grad()
        loss = _backward(model)
        optimizer.step()
        return loss

    return _loop(step, fault, rate=0.03)


@case("VG915", "a loss of two heads: the second backward runs after the step of the first")
def stale(fault: bool) -> Outcome:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, _: int, fault: bool) -> Tensor:
        x, y = batch()
        scores = model(x)
        first, second = F.cross_entropy(scores, y), 1e-3 * scores.pow(2).mean()
        optimizer.zero_grad()
        if fault:
            first.backward(retain_graph=True)  # type: ignore[no-untyped-call]
            optimizer.step()
            second.backward()  # type: ignore[no-untyped-call]
        else:
            (first + second).backward()
        optimizer.step()
        return first

    return _loop(step, fault)


@case("VG916", "the losses of 300 batches are added up: tensors of their graphs that are still held", "tensors")
def kept(fault: bool) -> Outcome:
    held: list[Tensor] = []

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, _: int, fault: bool) -> Tensor:
        optimizer.zero_grad()
        loss = _backward(model)
        optimizer.step()
        total = held.pop() if held else torch.zeros(())
        held.append(total + (loss if fault else loss.detach()))
        return loss

    _loop(step, fault)
    return float(_size(held[0]))


def _size(value: Tensor) -> int:
    """Returns how many functions a tensor's graph keeps."""
    seen, todo = set(), [value.grad_fn]
    while todo:
        function = todo.pop()
        if function is not None and function not in seen:
            seen.add(function)
            todo += [following for following, _ in function.next_functions]
    return len(seen)


@case("VG506", "the state of each batch goes into the next with its graph")
def kept_state(fault: bool) -> Outcome:
    cell, out = nn.GRUCell(8, 32), nn.Linear(32, 10)
    optimizer = torch.optim.Adam([*cell.parameters(), *out.parameters()], 1e-2)
    state = [torch.zeros(64, 32)]

    def read(x: Tensor, h: Tensor) -> Tensor:
        for row in x.view(-1, 8, 8).unbind(1):
            h = cell(row, h)
        return h

    def step(_: int) -> Tensor:
        x, y = batch()
        h = read(x, state[0])
        state[0] = h if fault else h.detach()
        loss = F.cross_entropy(out(h), y)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss

    return course(step) or accuracy(lambda x: out(read(x, torch.zeros(len(x), 32))))
