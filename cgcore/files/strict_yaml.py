"""Strict YAML: scalars have their YAML 1.2 meaning, and those that YAML 1.1 reads differently are refused.

The only exceptions are `yes`, `no`, `on` and `off`, which mean true and false as in YAML 1.1, because users' files
contain them; keys with a string value refuse them.
"""

from __future__ import annotations

import os
import re
from typing import Any

import yaml

from cgcore.errors import InputError
from cgcore.files.regular import open_regular, reason

MOST_BYTES = 2**18
"""Largest size of a file [bytes]: a configuration with comments and a hundred numbers takes a few thousand."""
MOST_LEVELS = 40
"""Deepest nesting of blocks."""
MOST_VALUES = 100_000
"""Largest number of values in a document; each alias counts as all values that it stands for."""
MOST_DIGITS = 4000
"""Largest number of digits in a number, close to Python's own limit and more than any float64 needs."""

_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = {f"{_CORE}{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map")}

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_NULL = re.compile(r"|~|null|Null|NULL")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")
_TRUE = ("true", "yes", "on")

_AMBIGUOUS = {
    r"[-+]?0[0-9]+": "is octal to some readers and decimal to others; write it without leading zeros",
    r"[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?": "is a number to base 60 to some readers and a text to others; "
    "write a plain number, or quote the text",
    r"[-+]?0b[01_]+": "is a binary number to some readers and a text to others; write it in decimal, or quote the text",
    r"(?=.*_)[-+]?(?:0x[0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+)": "is a number to some "
    "readers and a text to others; write it without underscores, or quote the text",
}
"""Plain scalars that YAML 1.1 and 1.2 read differently."""


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader with the core schema of YAML 1.2, without other tags, without duplicate keys, and with limits."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own attribute)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._levels = 0
        self._values: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        tag = getattr(event, "tag", None)
        if tag not in (None, "!") and tag not in _PLAIN_TAGS:
            raise _wrong(f"the YAML tag {tag!r} is not accepted; write plain values", event)
        known: Any = self.anchors.get(event.anchor) if isinstance(event, yaml.AliasEvent) else None
        if known is not None and id(known) not in self._values:
            raise _wrong(f"the alias {event.anchor!r} stands inside what it stands for; write it out", event)
        self._levels += 1
        if self._levels > MOST_LEVELS:
            raise _wrong(f"nested too deeply, {MOST_LEVELS} levels are read; write it flatter", event)
        node: Any = super().compose_node(parent, index)
        self._levels -= 1
        if id(node) not in self._values:
            self._values[id(node)] = 1 + sum(self._values[id(child)] for child in _children(node))
        if self._values[id(node)] > MOST_VALUES:
            raise _wrong(f"more than {MOST_VALUES} values, aliases written out; make it smaller", event)
        return node

    def compose_scalar_node(self, anchor: Any) -> Any:
        event: Any = self.peek_event()
        if event.tag is None and event.style is None and (why := _ambiguous(event.value)):
            raise _wrong(f"{event.value[:40]!r} {why}", event)
        return super().compose_scalar_node(anchor)

    # Checked here, because merge keys (<<) have already been expanded when values are constructed.
    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                raise _wrong(f"the key {key.value[:40]!r} is given twice; keep one", key)
            seen.add((key.tag, key.value))
        return node

    def number(self, node: Any) -> int | float:
        """Construct an integer or a float; the tag may be explicit, so the text is checked."""
        whole = node.tag == f"{_CORE}int"
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        if (why := _ambiguous(text)) or not (_INT if whole else _FLOAT).fullmatch(text):
            wanted = "a whole number" if whole else "a number"
            raise _wrong(f"{text[:40]!r} {why or f'is not {wanted}; write one'}", node)
        if len(text) > MOST_DIGITS and not text.startswith("0x"):
            raise _wrong(f"a number of {len(text)} digits; write at most {MOST_DIGITS}", node)
        if not whole:
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))

    def flag(self, node: Any) -> bool:
        """Construct a boolean."""
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        if not _BOOL.fullmatch(text):
            raise _wrong(f"{text[:40]!r} is neither true nor false; write one of them", node)
        return text.lower() in _TRUE

    def nothing(self, node: Any) -> None:
        """Construct a null."""
        if not isinstance(node, yaml.ScalarNode) or not _NULL.fullmatch(node.value):
            raise _wrong("a value is tagged as null; leave the tag or the value out", node)


for _tag, _form, _first in (
    ("bool", _BOOL, "tTfFyYnNoO"),
    ("int", _INT, "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
    ("null", _NULL, ["", "~", "n", "N"]),
    ("merge", re.compile("<<"), "<"),
):
    _StrictLoader.add_implicit_resolver(f"{_CORE}{_tag}", re.compile(f"(?:{_form.pattern})$"), list(_first))
_StrictLoader.add_constructor(f"{_CORE}int", _StrictLoader.number)
_StrictLoader.add_constructor(f"{_CORE}float", _StrictLoader.number)
_StrictLoader.add_constructor(f"{_CORE}bool", _StrictLoader.flag)
_StrictLoader.add_constructor(f"{_CORE}null", _StrictLoader.nothing)


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """Read the single document in a YAML file as plain dicts, lists and scalars.

    Numbers, null and strings follow YAML 1.2's core schema. Scalars that YAML 1.1 reads differently are refused:
    leading zeros (0150), base 60 (3:50), underscores (1_000) and 0b101. Dates are strings.

    Raises:
        InputError: the file cannot be read, is not UTF-8 or not YAML, contains a tag, a duplicate key or an ambiguous
            number, or exceeds the limits above.
    """
    try:
        with open_regular(path, "give a YAML file", limit=MOST_BYTES) as file:
            text = file.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save it as a UTF-8 YAML file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); give a readable YAML file") from None
    try:
        loader = _StrictLoader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" line {mark.line + 1}" if mark else ""
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise InputError(f"{path}{where}: {problem}; correct the YAML") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}; correct the YAML") from None
    # PyYAML does not guard against malicious text: an escape beyond Unicode raises ValueError, an odd %YAML line
    # IndexError.
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{path}: holds a value that YAML would read differently ({error}); quote or correct it"
        ) from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply; correct the YAML") from None


def _ambiguous(text: str) -> str | None:
    """Why a plain scalar is ambiguous, or None."""
    return next((why for form, why in _AMBIGUOUS.items() if re.fullmatch(form, text)), None)


def _children(node: Any) -> list[Any]:
    if isinstance(node, yaml.SequenceNode):
        return node.value
    return [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else []


def _wrong(problem: str, place: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)
