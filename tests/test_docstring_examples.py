"""Docstrings of public functions are complete, and the examples of public names run and give the shown results."""

from __future__ import annotations

import doctest
import inspect
import re
import types

import pytest

import cgcore

FUNCTIONS = tuple(name for name in dir(cgcore) if isinstance(getattr(cgcore, name), types.FunctionType))


def examples(name: str) -> list[doctest.DocTest]:
    """Examples in the docstring of a public name, or of one of its public methods or functions."""
    found = doctest.DocTestFinder(exclude_empty=True).find(getattr(cgcore, name), name, module=False, globs={})
    return [test for test in found if test.examples]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in dir(cgcore) if examples(name)])
def test_the_examples_run(name: str) -> None:
    for test in examples(name):
        said: list[str] = []
        failed, _ = doctest.DocTestRunner().run(test, out=said.append)
        assert not failed, "".join(said)


def test_there_are_functions() -> None:
    assert {"fit", "simulate", "read", "compress"} <= set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_describes_its_arguments_and_result_and_shows_an_example(name: str) -> None:
    function = getattr(cgcore, name)
    signature, text = inspect.signature(function), inspect.getdoc(function) or ""
    sections = dict(re.findall(r"^(Arguments|Returns|Raises|Examples):\n((?:(?:    .*)?\n)+)", text + "\n", re.M))
    described = re.findall(r"^    (\w+): ", sections.get("Arguments", ""), re.M)
    assert described == list(signature.parameters)
    assert ("Returns" in sections) == (signature.return_annotation not in (None, "None"))
    assert examples(name)
