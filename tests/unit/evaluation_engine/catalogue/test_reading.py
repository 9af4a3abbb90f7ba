"""Reading YAML: every fault with its line, nothing that surprises."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation_engine.service.catalogue.checking import Known, check_files
from evaluation_engine.service.catalogue.reading import SourceFile, read_files


def read(text: str) -> tuple[list[dict[str, object]], list[tuple[int, str, str]]]:
    documents, faults = read_files([SourceFile("a.yaml", dedent(text))])
    return [document.data for document in documents], [(f.line, f.field, f.reason) for f in faults]


def test_several_documents_of_a_file_know_their_lines() -> None:
    documents, faults = read_files(
        [SourceFile("a.yaml", "kind: body\nid: aa\n---\nkind: goal\nkpis:\n- csat\n- nps\n")]
    )
    assert not faults
    assert documents[1].line_of(("kpis", 1)) == 7
    assert documents[1].line_of(("kpis", 9)) == 5
    assert documents[1].line_of(("nowhere",)) == 4


def test_words_stay_words_and_dates_stay_strings() -> None:
    documents, faults = read("a: no\nb: on\nc: 2026-01-31\nd: '5'\ne: 5\nf: 5.5\ng: true\nh: ~\ni: 012:30\n")
    assert not faults
    assert documents == [
        {"a": "no", "b": "on", "c": "2026-01-31", "d": "5", "e": 5, "f": 5.5, "g": True, "h": None, "i": "012:30"}
    ]


def test_a_key_that_stands_twice_is_told_with_its_line() -> None:
    assert read("kind: body\nid: aa\nid: bb\n")[1] == [(3, "id", "this key stands twice")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1, 2\nb: 3\n", 2),
        ("a: &x 1\nb: *x\n", 2),
        ("a: !!python/object:os.system 1\n", 1),
        ("a:\n  - !own 1\n", 2),
        ("? [1]\n: 2\n", 1),
        ("- 1\n", 1),
        ("a: \x07\n", 1),
        ("a: " + "[" * 100, 1),
        ("a: " + "[" * 100_000, 1),
    ],
)
def test_what_cannot_be_read_is_a_fault_and_no_crash(text: str, line: int) -> None:
    documents, faults = read_files([SourceFile("a.yaml", text), SourceFile("b.yaml", "kind: body\n")])
    assert [fault.line for fault in faults] == [line]
    assert documents[-1].file == "b.yaml"


def test_a_file_given_twice_is_refused() -> None:
    _, faults = read_files([SourceFile("a.yaml", "a: 1"), SourceFile("a.yaml", "a: 1")])
    assert [fault.reason for fault in faults] == ["this file is given twice"]


@given(
    st.lists(st.text(alphabet=st.sampled_from("abkpi:- \n{}[],&*!'\"#|>?@`%0123.\t\x00é"), max_size=200), max_size=3)
)
def test_whatever_is_handed_in_there_are_faults_or_documents_and_no_crash(texts: list[str]) -> None:
    files = [SourceFile(f"{n}.yaml", f"kind: {text}") for n, text in enumerate(texts)]
    checked = check_files(files, Known("local", {"csat": "up"}))
    assert all(fault.line >= 1 and fault.reason for fault in checked.faults)
