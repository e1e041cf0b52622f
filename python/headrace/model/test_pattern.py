"""Strangers' regular expressions against Python's own engine, and that nothing they say takes long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.model.pattern import InvalidPatternError, Pattern

PIECES = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[ab]",
        "[^a]",
        "[a-c]",
        "\\d",
        "\\w",
        "a*",
        "b+",
        "c?",
        "(a|b)",
        "(?:ab)*",
        "a{2}",
        "b{1,3}",
        "a{0,}",
        "a*?",
        "\\.",
        "x|y",
        "^",
        "$",
        "[]a]",
        "[a-]",
        "-",
        "_",
        "1",
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join), st.text("abc1_.-xy", max_size=8))
def test_it_finds_what_python_finds(pattern, text):
    assert Pattern(pattern).matches(text) == (re.fullmatch(pattern, text, re.ASCII) is not None)


@given(st.text("ab(|)*+?{},1[]^$.\\d-", max_size=20))
def test_any_text_is_a_pattern_or_not(pattern):
    try:
        found = Pattern(pattern)
    except InvalidPatternError:
        return
    found.matches("ab1-ab")


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "[",
        "[]",
        "*",
        "a**",
        "a+*",
        "(?i)a",
        "\\",
        "\\q",
        "[b-a]",
        "a{1001}",
        "a{3,2}",
        "((a{90}){90}){9}",
        "a" * 1001,
        "(" * 60 + ")" * 60,
        "[[:alpha:]]",
    ],
)
def test_what_is_refused(pattern):
    with pytest.raises(InvalidPatternError):
        Pattern(pattern)


def test_the_whole_text_is_meant():
    assert Pattern("pay.*").matches("payments")
    assert not Pattern("pay").matches("payments")
    assert not Pattern("ments").matches("payments")


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", ".*.*.*.*.*.*.*.*x", "(a+)+" * 20 + "b"])
def test_nothing_takes_long(pattern):
    began = time.process_time()
    assert not Pattern(pattern).matches("a" * 1000)
    assert time.process_time() - began < 5
