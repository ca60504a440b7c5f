"""Calls of library functions: each is modelled by a function of one argument, the call, with its arguments bound by a signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar, cast

from msgspec import Struct

from vglint import origin
from vglint.interp.machine.core import LIBRARY, Frame, Run, call, opaque
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.values.objects import BuiltinV, External, Site, Value
from vglint.ops.signature import arguments
from vglint.ops.spec import REQUIRED
from vglint.value import Unknown

Kind = TypeVar("Kind")


class RefusedError(Exception):
    """A function cannot take what it is given: Python raises TypeError."""


class Signature(Struct, frozen=True):
    """What a function takes: `value, *rest, key=None, default?, **others`; what ends in `?` may be left out and has no default."""

    places: tuple[str, ...]
    named: frozenset[str]
    required: tuple[str, ...]
    defaults: dict[str, Value]
    rest: bool
    others: bool

    @staticmethod
    def of(text: str) -> Signature:
        args = arguments(text)
        plain = [arg for arg in args if not arg.star]
        return Signature(
            tuple(arg.name.rstrip("?") for arg in plain if not arg.keyword_only),
            frozenset(arg.name.rstrip("?") for arg in plain),
            tuple(arg.name for arg in plain if arg.default is REQUIRED and not arg.name.endswith("?")),
            {arg.name: cast(Value, arg.default) for arg in plain if arg.default is not REQUIRED},
            any(arg.star and not arg.keyword_only for arg in args),
            any(arg.star and arg.keyword_only for arg in args),
        )

    def bind(self, args: list[Value], keywords: dict[str, Value]) -> dict[str, Value]:
        """Returns the arguments by name, defaults among them; what `**mapping` of unknown keys gives stands for each that is missing."""
        given = dict(zip(self.places, args, strict=False))
        if len(args) > len(self.places) and not self.rest:
            raise RefusedError(f"takes {len(self.places)} positional arguments but {len(args)} were given")
        for name, value in keywords.items():
            if name in given:
                raise RefusedError(f"got multiple values for argument '{name}'")
            if name in self.named:
                given[name] = value
            elif not self.others and name != "**":
                raise RefusedError(f"got an unexpected keyword argument '{name}'")
        for name in self.required:
            if name not in given:
                if "**" not in keywords:
                    raise RefusedError(f"misses '{name}'")
                given[name] = Unknown(origin.Argument(name))
        return self.defaults | given


class Call(Struct, frozen=True, eq=False):
    """A call under way: of what, with what, by whom, and where."""

    run: Run
    name: str
    """The qualified name of what is called."""
    args: list[Value]
    keywords: dict[str, Value]
    frame: Frame
    site: Site
    bound: dict[str, Value]
    signature: Signature

    def __getitem__(self, name: str) -> Value:
        return self.bound[name]

    def __contains__(self, name: str) -> bool:
        """Whether an argument is given, or has a default."""
        return name in self.bound

    def get(self, name: str, default: Value = None) -> Value:
        return self.bound.get(name, default)

    def own(self, kind: type[Kind]) -> Kind:
        """Returns the value that has the method."""
        value = self.bound["self"]
        assert isinstance(value, kind)
        return value

    @property
    def last(self) -> str:
        """The function's own name."""
        return self.name.rpartition(".")[2]

    @property
    def rest(self) -> list[Value]:
        """What `*rest` takes."""
        return self.args[len(self.signature.places) :]

    @property
    def others(self) -> dict[str, Value]:
        """What `**others` takes."""
        return {name: value for name, value in self.keywords.items() if name not in self.signature.named}

    @property
    def given(self) -> list[Value]:
        """All that is given, by place or name."""
        return [*self.args, *self.keywords.values()]

    def unknown(self) -> Unknown:
        """Returns the result of a call that cannot be followed."""
        return Unknown(origin.Call(f"{self.name}()"))

    def opaque(self) -> Value:
        """Returns the same, tied to the tensors among what is given."""
        return opaque(self.run, origin.Call(f"{self.name}()"), self.given, self.site)

    def invoke(self, function: Value, /, *args: Value, **keywords: Value) -> Value:
        """Calls a function that was given, or another of a library, from here."""
        return call(self.run, function, list(args), keywords, self.frame, self.site)


Act: TypeAlias = Callable[[Call], Value]
Family: TypeAlias = "Callable[[Call], Value | Missing]"


class Function(Struct, frozen=True):
    """A library function as it is modelled."""

    act: Act
    signature: Signature

    def __call__(
        self, run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
    ) -> Value:
        try:
            bound = self.signature.bind(args, keywords)
        except RefusedError as error:
            return opaque(run, origin.Call(f"{which.name}() {error}"), [*args, *keywords.values()], site)
        return self.act(Call(run, which.name, args, keywords, frame, site, bound, self.signature))


ANY = Signature.of("*rest, **others")


def called(run: Run, name: str, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Call:
    """Returns a call whose arguments are not bound."""
    return Call(run, name, args, keywords, frame, site, {}, ANY)


def library(*names: str, takes: str = "*rest, **others") -> Callable[[Act], Act]:
    """Enters a function into the library under qualified names; a second entry of one name is an error."""
    signature = Signature.of(takes)

    def enter(act: Act) -> Act:
        function = Function(act, signature)
        for name in names:
            if name in LIBRARY:
                raise ValueError(f"{name} is entered twice")
            LIBRARY[name] = function
        return act

    return enter


PACKAGES: dict[str, Callable[[Call], Value | Missing]] = {}
"""What is done about functions and classes of a package that are not modelled one by one, by the package's name."""


def package(*names: str) -> Callable[[Family], Family]:
    """Enters a function that is asked about everything below a package; MISSING where it has no answer."""

    def enter(family: Family) -> Family:
        for name in names:
            if name in PACKAGES:
                raise ValueError(f"{name} is entered twice")
            PACKAGES[name] = family
        return family

    return enter


def of_package(call: Call) -> Value | Missing:
    """Asks the packages that a name lies in, innermost first."""
    around = call.name
    while around := around.rpartition(".")[0]:
        if (family := PACKAGES.get(around)) is not None and (found := family(call)) is not MISSING:
            return found
    return MISSING


def method(name: str, takes: str, act: Act) -> BuiltinV:
    """Returns a method of an object that a library function makes."""
    function = Function(act, Signature.of(takes))

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return function(run, External(name), args, keywords, frame, site)

    return BuiltinV(name, invoke)


def methods(*tables: dict[str, BuiltinV]) -> Callable[..., Callable[[Act], Act]]:
    """Returns the decorator that enters methods of a kind of value into tables; `self` is their first argument."""

    def own(*names: str, takes: str) -> Callable[[Act], Act]:
        def enter(act: Act) -> Act:
            for table in tables:
                for name in names:
                    if name in table:
                        raise ValueError(f"{name} is entered twice")
                    table[name] = method(name, takes, act)
            return act

        return enter

    return own
