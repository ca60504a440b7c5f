"""What one entry may take, and what it took."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct, field

STEPS = 400_000
"""Statements and calls that one entry may take."""
STATEMENT_STEPS = 200_000
"""The same for one statement at the top of a file, which is executed for whoever asks first and stands for all who ask later."""
STATEMENTS_STEPS = 400_000
"""The same for all such statements that one entry is the first to ask for."""
NODES = 12_000
"""Nodes that one entry may have."""
HELD = 200_000
"""Parameters that the nodes of one entry may hold together: an optimiser holds all of a model."""
DEPTH = 60
"""Calls within calls."""
RECURSION = 24
"""Calls of one function within itself."""
RECURSION_UNKNOWN = 6
"""The same inside a branch that is not known, where nothing tells when the recursion ends."""
TURNS = 1_024
"""Turns of one loop that are walked one by one."""


class BudgetError(Exception):
    """Interpretation of this entry has used up its budget."""


class StatementError(BudgetError):
    """A statement at the top of a file takes more than one may."""


@contextmanager
def roomy() -> Iterator[None]:
    """Lets Python itself go as deep as `DEPTH` calls of the program under lint need."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 12_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class Budget(Struct):
    """Steps, nodes, and calls within calls."""

    steps: int = 0
    steps_allowed: int = STEPS
    nodes_allowed: int = NODES
    aside: int = 0  # steps of statements at the top of files that are done
    waiting: int = 0  # of those that wait for another one
    statements: int = 0
    """How many statements at the top of files are under way."""
    held: int = 0  # parameters that the nodes hold
    depth: int = 0
    within: dict[int, int] = field(default_factory=dict)
    """How many calls of each function are open, by the identity of its tree, or of what it wraps."""
    blind: set[int] = field(default_factory=set)
    """Functions that are open in a branch and were given nothing that is known: they are not walked within themselves."""
    runaway: set[int] = field(default_factory=set)
    """Functions whose recursion did not end: they are not walked within themselves again until the outermost call of them is over."""
    turns: int = 1
    """How often the innermost of the loops under way is walked in all."""

    def tick(self, cost: int = 1) -> None:
        self.steps += cost
        if self.steps > self.steps_allowed:
            raise BudgetError("steps")

    def hold(self, params: int) -> None:
        """Counts a node with so many parameters."""
        self.tick(1 + params // 8)
        self.held += params
        if self.held > HELD:
            raise BudgetError("parameters of nodes")

    def reaches(self, function: int, recursion: int) -> bool:
        """Whether one more call of a function goes too deep; where it is within itself, it is not walked there again."""
        open_ = self.within.get(function, 0)
        if self.depth < DEPTH and open_ < recursion and not (open_ and function in self.runaway):
            return False
        # Two calls to itself in each call would otherwise be walked 2**DEPTH times.
        self.runaway.add(function)
        return True

    def enter(self, function: int) -> int:
        """Counts a call of a function that begins; returns how many are open already, which `leave` is told at its end."""
        open_ = self.within.get(function, 0)
        self.depth += 1
        self.within[function] = open_ + 1
        return open_

    def leave(self, function: int, open_: int) -> None:
        self.depth -= 1
        self.within[function] = open_
        if not open_:
            self.runaway.discard(function)

    @contextmanager
    def from_top(self) -> Iterator[None]:
        """Takes what runs inside for called by nobody."""
        depth, self.depth = self.depth, 0
        try:
            yield
        finally:
            self.depth = depth

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Counts the steps of a statement at the top of a file by themselves: what an entry can do does not depend on who asked first.

        Raises StatementError where the statement takes more than one may.
        """
        steps, allowed = self.steps, self.steps_allowed
        around = steps if self.statements else 0
        self.statements, self.waiting = self.statements + 1, self.waiting + around
        self.steps = 0
        self.steps_allowed = min(STATEMENT_STEPS, STATEMENTS_STEPS - self.aside - self.waiting)
        try:
            yield
        except BudgetError as error:
            if self.steps > STATEMENT_STEPS:
                raise StatementError(str(error)) from None
            raise
        finally:
            self.statements, self.waiting = self.statements - 1, self.waiting - around
            self.aside += self.steps
            self.steps, self.steps_allowed = steps, allowed

    @contextmanager
    def limited(self, steps: int) -> Iterator[None]:
        """Allows no more than so many further steps."""
        allowed = self.steps_allowed
        self.steps_allowed = min(allowed, self.steps + steps)
        try:
            yield
        finally:
            self.steps_allowed = allowed

    @contextmanager
    def repeated(self, count: int) -> Iterator[None]:
        """Notes that what runs inside is walked so many times."""
        turns, self.turns = self.turns, self.turns * count
        try:
            yield
        finally:
            self.turns = turns
