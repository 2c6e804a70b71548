"""Checkers of notebook @NUMBER@a."""

from genlib.check.verdict import exercise, need, need_answer


@exercise
def exercise_1(answer) -> str:
    """answer(x): twice its argument."""
    result = answer(3)
    need_answer(result)
    need(result != 9, "you squared the number; it should be doubled.")
    need(result == 6, f"for 3 you returned {result}; what is twice 3?")
    return "Twice is twice."
