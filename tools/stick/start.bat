@echo off
rem Open the notebooks of the course in a browser; their links lead to the book in html. Ctrl-C in this window ends it.
cd /d "%~dp0"
python\Scripts\python -m jupyterlab --LabApp.default_url=/lab/tree/exercises --ServerApp.extra_static_paths=html %*
