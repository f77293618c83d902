"""Examples in docstrings of public names run, and give what they show."""

from __future__ import annotations

import doctest

import pytest

import cgcore

SHOWN = ("Prior", "compress", "fit", "inspect", "merge", "minimise", "read", "simulate")
"""Names that must have an example."""


def examples(name: str) -> list[doctest.DocTest]:
    """What the docstring of a public name, or of a public method of it, shows."""
    if name == "datasets":
        return []
    found = doctest.DocTestFinder(exclude_empty=True).find(getattr(cgcore, name), name, module=False, globs={})
    return [test for test in found if test.examples]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in dir(cgcore) if examples(name)])
def test_the_examples_run(name: str) -> None:
    for test in examples(name):
        said: list[str] = []
        failed, _ = doctest.DocTestRunner().run(test, out=said.append)
        assert not failed, "".join(said)


@pytest.mark.parametrize("name", SHOWN)
def test_the_most_important_names_have_one(name: str) -> None:
    assert examples(name)
