"""Every message of a checker is a literal template with named fields: an edition can look it up as it stands."""

import ast
import string
from pathlib import Path

import pytest

from genlib.check import ex00, verdict

FILES = sorted(Path(verdict.__file__).parent.glob("ex*.py"))

PLACES = {  # function -> which of its arguments is a template, or a dictionary with templates as keys
    "text": 0,
    "praise": 0,
    "NotYet": 0,
    "need": 1,
    "need_none_of": 1,
    "need_answer": 1,
    "need_two": 1,
    "as_tensor": 1,
}


def literals(node: ast.AST | None, function: ast.FunctionDef) -> list[str | None]:
    """The strings that an argument can be; None stands for one that is not literal."""
    match node:
        case ast.Constant(value=str(words)):
            return [words]
        case ast.IfExp():
            return literals(node.body, function) + literals(node.orelse, function)
        case ast.Dict():
            return [words for key in node.keys for words in literals(key, function)]
        case ast.Name(id=name):
            if function.name in PLACES and name in ("template", "what"):
                return []  # passed on: where the function is called, its argument is looked at
            values = [
                assignment.value
                for assignment in ast.walk(function)
                if isinstance(assignment, ast.Assign)
                and name in map(ast.unparse, assignment.targets)
            ]
            return [words for value in values for words in literals(value, function)] or [None]
    return [None]


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def fills_in(call: ast.Call) -> set[str]:
    """The fields that the called function fills in by itself."""
    return {"kind"} if ast.unparse(call.func) == "as_tensor" else set()


def messages(tree: ast.Module) -> list[tuple[int, str | None, set[str | None]]]:
    """Line, template and names of the given fields of every message; a name is None for `**fields`."""
    return [
        (call.lineno, template, {keyword.arg for keyword in call.keywords} | fills_in(call))
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        and len(call.args) > PLACES.get(ast.unparse(call.func), len(call.args))
        for template in literals(call.args[PLACES[ast.unparse(call.func)]], function)
    ]


def problems(source: str) -> list[str]:
    """What is wrong with the messages in the code of one module of checkers."""
    tree, found = ast.parse(source), []
    for line, template, given in messages(tree):
        if template is None:
            found.append(f"line {line}: a message that is not a literal string")
        elif fields(template) != given:
            found.append(f"line {line}: fields {fields(template)}, given {given}")
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append(f"line {node.lineno}: an f-string")
    for function in tree.body:
        if "exercise" in map(ast.unparse, getattr(function, "decorator_list", [])):
            line, last = function.lineno, ast.unparse(function.body[-1])
            if not last.startswith("return praise("):
                found.append(f"line {line}: an exercise that does not end with praise")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_messages_are_literal_templates_with_all_their_fields(path):
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert problems(source) == []
    exercises = [node for node in tree.body if getattr(node, "decorator_list", [])]
    assert len(messages(tree)) > 2 * len(exercises), "the test sees the messages"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('need(x > 0, "above 0, got {x:g}.", x=x)', None),
        ('need(x > 0, "too large." if x > 9 else "too small.")', None),
        ('need(x > 0, "a set: {{x}}.")', None),
        ('need(x > 0, f"above 0, got {x:g}.")', "f-string"),
        ('need(x > 0, "above 0, got {x}.", x=f"{x:g}")', "f-string"),
        ('need(x > 0, "above 0, got " + str(x))', "not a literal"),
        ('need(x > 0, "above 0, got {}.".format(x))', "not a literal"),
        ('need(x > 0, "above 0, got %g." % x)', "not a literal"),
        ('words = "above 0, got " + x\n    need(x > 0, words)', "not a literal"),
        ('for words in ("a", "b"):\n        need(x, words)', "not a literal"),
        ('need(x > 0, "above 0, got {}.", x=x)', "fields"),
        ('need(x > 0, "above 0, got {x:g}.")', "fields"),
        ('need(x > 0, "above 0.", x=x)', "fields"),
        ('need(x > 0, "above 0, got {x}.", **all)', "fields"),
        ('raise NotYet("above " + "0")', "not a literal"),
        ('wrong = {"the sign.": -x}\n    need_none_of(x, wrong)', None),
        ('wrong = {"the sign of " + name: -x}\n    need_none_of(x, wrong)', "not a literal"),
        ('wrong = {"the sign of {name}.": -x}\n    need_none_of(x, wrong)', "fields"),
        ('need_none_of(x, {words: x for words in "ab"})', "not a literal"),
        ('need_answer(x, "your " + "code")', "not a literal"),
        ('as_tensor(x, "one number, got {kind}.")', None),
        ('as_tensor(x, "one number.")', "fields"),
        ('return "Right."', "praise"),
        ('return praise("Right: " + x)', "not a literal"),
    ],
)
def test_the_test_finds_what_is_planted(line, problem):
    if not line.startswith("return"):
        line += '\n    return praise("Yes.")'
    found = problems(f"@exercise\ndef exercise_1(x):\n    {line}\n")
    assert any(problem in text for text in found) if problem else found == []


# --- from template to text ------------------------------------------------------------------------------------


def test_fields_are_formatted_and_braces_survive():
    with pytest.raises(verdict.NotYet, match=r"^a_{t-1} is 0\.50, got {'a': 1}$"):
        verdict.need(False, "a_{{t-1}} is {wanted:.2f}, got {found}", wanted=0.5, found={"a": 1})
    with pytest.raises(verdict.NotYet, match="^2 times too much$"):
        verdict.need_none_of(4.0, {"{n} too little": 1.0, "{n} times too much": 4.0}, n=2)
    verdict.need(True, "{found:.3f} is not looked at", found="no number")
    assert verdict.praise("{share:.0%} of {{all}}", share=0.25) == "25% of {all}"


def test_an_error_with_braces_is_shown_as_it_is():
    @verdict.exercise
    def check(answer):
        return verdict.praise("{found}", found=answer())

    def answer():
        raise ValueError("no {field}")

    assert check(answer).message == "your code raised ValueError: no {field}"
    assert check(lambda: "{}").message == "{}"


def test_every_message_goes_through_one_place(monkeypatch):
    monkeypatch.setattr(verdict, "text", lambda template, /, **fields: f"<{template}>")
    answers = (
        lambda x, y, k: x[y == k].mean(dim=0),
        lambda x, y, k: x.mean(dim=0),
        lambda x, y, k: None,
        lambda x, y, k: x.nothing,
    )
    for shown in map(ex00.exercise_1, answers):
        word, message = repr(shown).split("> ", 1)
        assert word.startswith("<") and message.startswith("<") and message.endswith(">")
        assert word in ("<Right.", "<Not yet:", "<Your turn:") and "&lt;" in shown._repr_html_()
