"""The checkers behind the exercises, one module a notebook: `from genlib.check import ex01b as check`."""
