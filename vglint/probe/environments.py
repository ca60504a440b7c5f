"""Stands in for gym and gymnasium: an environment of random observations and rewards, whose episodes last a while."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from msgspec import Struct

from vglint.probe.caller import unpacked

PACKAGES = frozenset({"gym", "gymnasium"})
_KNOWN: dict[str, tuple[int, int, bool]] = {
    "CartPole": (4, 2, True),
    "Acrobot": (6, 3, True),
    "MountainCar": (2, 3, True),
    "MountainCarContinuous": (2, 1, False),
    "Pendulum": (3, 1, False),
    "LunarLander": (8, 4, True),
    "LunarLanderContinuous": (8, 2, False),
    "BipedalWalker": (24, 4, False),
}
"""Numbers of an observation, numbers or choices of an action, and whether it is a choice, of the environments that the documentation starts with."""
_EPISODE = 30


class Box(Struct, frozen=True):
    """Numbers of a shape between two bounds."""

    low: Any = -1.0
    high: Any = 1.0
    shape: tuple[int, ...] = ()
    dtype: Any = "float32"

    def sample(self) -> Any:
        import numpy

        return numpy.random.uniform(-1.0, 1.0, self.shape).astype("float32")

    def seed(self, *_: object) -> None:
        return None


class Discrete(Struct, frozen=True):
    """One of `n` choices."""

    n: int
    shape: tuple[int, ...] = ()

    def sample(self) -> int:
        return random.randrange(self.n)

    def seed(self, *_: object) -> None:
        return None


class Environment:
    """Observations of N(0, 1) and a reward of 1 a step; what code asks for beyond that is the environment again."""

    render_mode = None

    def __init__(self, name: str, is_old: bool) -> None:
        size, actions, is_choice = _KNOWN.get(name.rpartition("-")[0].rpartition("/")[2], (4, 2, True))
        import numpy

        bound = numpy.full(size, 10.0, dtype="float32")
        self.observation_space = Box(-bound, bound, (size,))
        one = numpy.ones(actions, dtype="float32")
        self.action_space: Box | Discrete = Discrete(actions) if is_choice else Box(-one, one, (actions,))
        self._is_old, self._steps, self._max_episode_steps = is_old, 0, _EPISODE

    def reset(self, *_: object, **__: object) -> Any:
        """Returns an observation, and beside it what else is known where the caller or the package asks for two."""
        self._steps = 0
        parts = unpacked(sys._getframe(1))
        return self._seen() if parts not in (None, 2) or (parts is None and self._is_old) else (self._seen(), {})

    def step(self, action: object) -> tuple[Any, ...]:
        """Returns observation, reward, whether the episode ends, in as many parts as the caller or the package asks for."""
        self._steps += 1
        ends = self._steps % _EPISODE == 0
        parts = unpacked(sys._getframe(1)) or (4 if self._is_old else 5)
        return (self._seen(), 1.0, ends, {}) if parts == 4 else (self._seen(), 1.0, ends, False, {})

    def _seen(self) -> Any:
        import numpy

        return numpy.random.standard_normal(self.observation_space.shape).astype("float32")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: object, **__: object) -> Environment:
        return self


def package(name: str, note: Callable[[str], None]) -> ModuleType:
    """Returns the stand-in for a package or one of its modules; `note` is told which environment was made up."""

    def make(game: object = "", *_: object, **__: object) -> Environment:
        note(f"an environment in the place of {game}")
        return Environment(str(game), name.startswith("gym") and not name.startswith("gymnasium"))

    def wrapped(env: Any = None, *_: object, **__: object) -> Any:
        return env

    class Module(ModuleType):
        def __getattr__(self, asked: str) -> Any:
            if asked.startswith("__"):
                raise AttributeError(asked)
            return wrapped

    module = Module(name)
    module.__path__ = []
    vars(module).update(make=make, Env=object, Wrapper=object, Box=Box, Discrete=Discrete)
    if "." not in name:
        vars(module).update(spaces=package(f"{name}.spaces", note), wrappers=package(f"{name}.wrappers", note))
    return module
