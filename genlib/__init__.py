"""genlib: the small library behind the book, one module a chapter plus shared steps.

data -> model -> loss -> train -> sample -> evaluate -> plot

Importing genlib itself costs nothing; import the modules you use.
The distribution is called `learning-to-generate` and is installed from the repository.
"""
