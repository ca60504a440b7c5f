"""Why a value is not known: a closed set of origins. Programs match them; their texts are for people."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

Why: TypeAlias = Literal[
    "argument",  # an argument that no call site and no default gives, or what is computed from one
    "unresolved name",  # a name, attribute or import that the project does not define
    "unmodelled call",  # a call into code that vglint does not know
    "unsupported syntax",
    "loop bound",  # a loop whose number of turns is not known
    "turn",  # a condition on the number of a turn
    "branches differ",  # both arms of an unknown condition were taken, with different results
    "budget",  # interpretation of this entry was stopped
]


class Part(Struct, frozen=True):
    """What was taken of something: an attribute, an entry, or what a call of it returns."""

    kind: Literal["attribute", "item", "call"]
    name: str = ""
    """The attribute's name, or the text of the entry's key."""

    def __str__(self) -> str:
        return f".{self.name}" if self.kind == "attribute" else f"[{self.name}]" if self.kind == "item" else "()"


class Argument(Struct, frozen=True):
    """An argument that nobody gives, or a part of one: `config.hidden`, `sizes[0]`, `optimizer.step()`."""

    name: str
    parts: tuple[Part, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is the argument itself."""
        return self.name.isidentifier() and not self.parts

    @property
    def dotted(self) -> bool:
        """Whether it is the argument, an attribute of it, or of such a one."""
        return self.name.isidentifier() and all(part.kind == "attribute" for part in self.parts)

    @property
    def path(self) -> str:
        return self.name + "".join(map(str, self.parts))


class Computed(Struct, frozen=True):
    """Something computed from what is not known, or a part of it: `len(x)`, `a < b`."""

    what: str
    parts: tuple[Part, ...] = ()
    sized: bool = False
    """Whether it compares a size of the input with a number."""


class Dtype(Struct, frozen=True):
    """The dtype of a tensor where nothing tells it: one that models train in by default."""

    input: str = ""
    """The input that has it."""


class ByMachine(Struct, frozen=True):
    """The name of a device that hangs on there being a GPU, or a part of it: `.type`."""

    parts: tuple[Part, ...] = ()


class Drawn(Struct, frozen=True):
    """A number that is drawn evenly from 0 to 1, or whether it lies where it is compared with a number."""

    mostly: bool | None = None
    """Whether such a comparison holds for the half of the draws around the middle."""


class GradientNorm(Struct, frozen=True):
    """The norm of gradients, as clipping returns it, or what is computed from it."""


class Name(Struct, frozen=True):
    """A name that nothing defines, dotted where it is another module's."""

    name: str


class Circle(Struct, frozen=True):
    """A name whose meaning is just being looked for: files that import each other."""

    name: str


class Member(Struct, frozen=True):
    """An attribute or entry that nothing defines, of a holder ('' where it goes without saying)."""

    holder: str
    name: str


class Call(Struct, frozen=True):
    """A call of something that is not modelled, or that is modelled and cannot take what it is given."""

    callee: str


class Elsewhere(Struct, frozen=True):
    """A method or function that trains or steps too, which code elsewhere calls."""

    method: str


class NoTensor(Struct, frozen=True):
    """A call that wants a tensor and is given none."""

    callee: str


class Raise(Struct, frozen=True):
    """The program raises an exception of this name."""

    name: str


class Syntax(Struct, frozen=True):
    """Syntax that is not modelled."""

    what: str


class Length(Struct, frozen=True):
    """The length of something, or the number of turns of a loop over it."""

    of: str


class Turn(Struct, frozen=True):
    """Which turn of a loop this is: one in `every`, 0 where that number is not known; None where no turn comes again (`epoch == 5`)."""

    every: int | None
    once: bool = False
    """It is a single one: `epoch == 5`."""


class Branches(Struct, frozen=True):
    """Arms of a condition that leave different values."""

    condition: str


class Budget(Struct, frozen=True):
    """Interpretation was stopped by one of its limits."""

    kind: str


Origin: TypeAlias = (
    Argument
    | Computed
    | Dtype
    | ByMachine
    | Drawn
    | GradientNorm
    | Name
    | Circle
    | Member
    | Call
    | Elsewhere
    | NoTensor
    | Raise
    | Syntax
    | Length
    | Turn
    | Branches
    | Budget
)

FROM_ARGUMENTS = (Argument, Computed, Dtype, ByMachine)
"""What an argument that nobody gives leaves open: a number of such an origin can stand as a symbol."""
UNDEFINED = (Name, Circle, Member)
CALLS = (Call, Elsewhere, NoTensor, Raise)


def why(origin: Origin) -> Why:
    """Returns the kind of an origin in words for people."""
    match origin:
        case Argument() | Computed() | Dtype() | ByMachine() | GradientNorm():
            return "argument"
        case Name() | Circle() | Member():
            return "unresolved name"
        case Call() | Elsewhere() | NoTensor() | Raise() | Drawn():
            return "unmodelled call"
        case Syntax():
            return "unsupported syntax"
        case Length():
            return "loop bound"
        case Turn():
            return "turn"
        case Branches():
            return "branches differ"
        case Budget():
            return "budget"


def text(origin: Origin) -> str:
    """Returns what is not known, in words for people."""
    match origin:
        case Argument(name=found, parts=parts) | Computed(what=found, parts=parts):
            return found + "".join(map(str, parts))
        case Name(name=found) | Call(callee=found):
            return found
        case Syntax(what=found) | Length(of=found) | Branches(condition=found) | Budget(kind=found):
            return found
        case Dtype():
            return "dtype"
        case ByMachine(parts=parts):
            return "GPU or not" + "".join(map(str, parts))
        case GradientNorm():
            return "gradient norm"
        case Drawn():
            return "drawn number"
        case Circle(name=name):
            return f"{name} imports itself"
        case Member(holder=holder, name=name):
            return f".{name} of {holder}" if holder else f".{name}"
        case Elsewhere(method=method):
            return f"{method}() is called from elsewhere"
        case NoTensor(callee=callee):
            return f"{callee} of no tensor"
        case Raise(name=name):
            return f"raises {name}"
        case Turn(every=every):
            return str(every or "")


def part(origin: Origin, taken: Part) -> Origin:
    """Returns the origin of a part of something that is not known."""
    if isinstance(origin, (Argument, Computed, ByMachine)) and len(text(origin)) <= LONGEST:
        return replace(origin, parts=(*origin.parts, taken))
    return origin


def holder(origin: Origin, *taken: Part) -> Origin | None:
    """Returns the origin of what these parts were taken of, one after the other; None where it is no such part."""
    if not isinstance(origin, (Argument, Computed)) or origin.parts[-len(taken) :] != taken:
        return None
    return replace(origin, parts=origin.parts[: -len(taken)])


def of(origin: Origin, function: str) -> Origin:
    """Returns the origin of what a function makes of something that is not known: `len(x)`."""
    return Computed(f"{function}({text(origin)})") if isinstance(origin, FROM_ARGUMENTS) else origin


def each(origin: Origin) -> Origin:
    """Returns the origin of one item of something that is not known."""
    if isinstance(origin, FROM_ARGUMENTS) and len(text(origin)) <= LONGEST:
        return Computed(f"each of {text(origin)}")
    return origin


LONGEST = 80
"""Characters of a path from which on it is not told in more detail."""
