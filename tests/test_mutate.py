"""The planted defects: each still has its place in the code, and the tool tells a caught one from a survivor."""

import pytest

from tools import mutate


def test_there_are_enough_and_each_has_one_place():
    found = mutate.defects()
    assert len(found) >= 66 and len({d["what"] for d in found}) == len(found)
    for defect in found:
        clean = (mutate.ROOT / defect["file"]).read_text(encoding="utf-8")
        assert mutate.planted(clean, defect) != clean
    with pytest.raises(ValueError, match="no place: expected `old` once in a.py, got 2"):
        mutate.planted("x x", {"what": "no place", "file": "a.py", "old": "x", "new": "y"})


def test_a_defect_is_caught_where_a_test_fails_and_the_copy_is_clean_again(tmp_path, monkeypatch):
    (tmp_path / "tests").mkdir()
    (tmp_path / "one.py").write_text("ONE = 1\n", encoding="utf-8")
    test = "import one\n\n\ndef test_one():\n    assert one.ONE > 0\n"
    (tmp_path / "tests" / "test_one.py").write_text(test, encoding="utf-8")
    (tmp_path / "tests" / "test_other.py").write_text(
        "def test_other():\n    pass\n", encoding="utf-8"
    )
    monkeypatch.setattr(mutate, "ROOT", tmp_path)
    for new, caught in (("-1", True), ("2", False)):
        defect = {"what": "one", "file": "one.py", "old": "1", "new": new}
        failed = mutate.try_defect(defect, tmp_path)
        assert bool(failed) is caught
        assert (tmp_path / "one.py").read_text(encoding="utf-8") == "ONE = 1\n"


def test_tests_of_the_module_come_first():
    own, others = mutate.tests_for("genlib/likelihood.py")
    assert own == ["tests/test_likelihood.py"] and "tests/test_ddpm.py" in others
