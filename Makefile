# One command each. `make help` lists them; CONTRIBUTING.md says when to use which.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python
PYTEST := $(PY) -m pytest

# The same work on every machine: one thread, and lines instead of bars where nobody watches.
export OMP_NUM_THREADS ?= 1
export GENLIB_STATIC ?= 1
# Data sets that lie beside the checkout are used, so that nothing is downloaded.
ifneq ($(wildcard ../shared/datasets),)
export GENLIB_DATA ?= $(abspath ../shared/datasets)
endif

.PHONY: help env book test lint format unit mutate notebooks env-test colab site serve exercises key grade lighthouse stick stick-test slides questions exam table results bench timings judge plane replay ddpm steering gpu pretend gpudry new repository constraints clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env:  ## make or refresh the environment in .venv (PYTHON=..., TORCH_INDEX=... for a CPU build of torch)
	@tools/env.sh

book: env  ## run every notebook in the cpu budget and build the whole book; warnings are errors
	@GENLIB_BUDGET=cpu $(PY) -m tools.build_book

serve: book  ## build the book and show it at http://localhost:8000
	@$(PY) -m http.server 8000 --bind 127.0.0.1 --directory _build/html

test: env  ## everything CI checks: lint, unit tests, notebooks, the book, the site in a browser, a stick without network
	@rm -rf _build/junit; $(MAKE) -k lint unit notebooks book site stick-test; status=$$?; \
	$(PY) -m tools.summary && exit $$status

lint: env  ## ruff on code and notebooks, and notebooks without outputs
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m nbstripout --keep-id --verify notebooks/*.ipynb

format: env  ## let ruff and nbstripout put code and notebooks in order
	@$(PY) -m ruff check --fix . && $(PY) -m ruff format . && $(PY) -m nbstripout --keep-id notebooks/*.ipynb

unit: env  ## the tests of genlib, the tools and the rules of the repository
	@$(PYTEST) -q -n 2 tests --junitxml=_build/junit/unit.xml

mutate: env  ## plant known defects one by one and report those that no test catches (long; ONLY="KL DDIM" for some)
	@$(PY) -m tools.mutate $(ONLY)

notebooks: env  ## run every notebook in the quick budget (nbval)
	@GENLIB_BUDGET=quick $(PYTEST) -q notebooks tests/slow --durations=5 --junitxml=_build/junit/notebooks.xml

env-test: env  ## unit tests and notebooks in another environment: make env-test ENV=offline (names: make env-test)
	@$(PY) -m tools.env_test "$(ENV)"

colab: env  ## the same with the versions of packages that Colab has (Python 3.13; ENV_PYTHON=... names one)
	@$(PY) -m tools.env_test colab

site: book  ## the built book in a real browser (skipped with a line where there is no Chromium)
	@$(PYTEST) -q -n 2 tests/site --junitxml=_build/junit/site.xml

lighthouse: book  ## measure speed and accessibility of the built pages, on a machine without other work (needs npm, Chromium)
	@$(PY) -m tools.lighthouse

exercises: env  ## write student copies of the notebooks into _build/exercises (ANSWERS=no: no folded answers; BOOK=https://...)
	@$(PY) -m tools.make_exercises $(if $(filter no,$(ANSWERS)),--without-answers) $(if $(BOOK),--book "$(BOOK)")

key: env  ## write the answer key of all exercises into _build/key
	@$(PY) -m tools.make_key

grade: env  ## mark submitted notebooks: make grade SUBMISSIONS=folder (into marks.csv and feedback/; OPTIONS=...)
	@$(PY) -m genlib check grade $(SUBMISSIONS) --csv marks.csv --feedback feedback $(OPTIONS)

stick: env  ## write a folder for a room without network into _build/stick (SYSTEMS="linux windows macos", PYTHONS="3.11 3.12")
	@$(PY) -m tools.make_stick $(if $(SYSTEMS),--systems $(SYSTEMS)) $(if $(PYTHONS),--pythons $(PYTHONS)) $(OPTIONS)

stick-test: book  ## make a stick for this machine, install it and run a lesson in a shell without network (Linux)
	@$(PYTEST) -q -rs tests/room --junitxml=_build/junit/room.xml

slides: env  ## write slides of every notebook and chapter into _build/teacher/slides (DECKS="04 04a" for some, PDF=yes)
	@$(PY) -m tools.make_slides $(DECKS) $(if $(filter yes,$(PDF)),--pdf)

questions: env  ## write the quizzes as Moodle XML, GIFT and for text2qti into _build/questions (QUESTIONS=folder for your own)
	@$(PY) -m tools.make_questions $(if $(QUESTIONS),--questions "$(QUESTIONS)")

exam: env  ## an exam and its key into _build/exam (SEED=, STUDENTS=file, PROBLEMS="kl elbo", WRITTEN="exam 3.1", QUESTIONS=)
	@$(PY) -m tools.make_exam $(if $(SEED),--seed "$(SEED)") $(if $(STUDENTS),--students "$(STUDENTS)") \
	$(if $(PROBLEMS),--problems $(PROBLEMS)) $(if $(WRITTEN),--written $(WRITTEN)) \
	$(if $(QUESTIONS),--questions "$(QUESTIONS)")

table: env  ## measure the running table again (ROWS=... for some rows)
	@$(PY) -m tools.make_table $(ROWS)

results: env  ## measure the other stored results of the chapters again (a few minutes)
	@for tool in tools/make_*_results.py; do $(PY) -m tools.$$(basename $$tool .py) || exit 1; done

bench: env  ## measure against papers and peers, long: make bench BENCH=vae_mnist (RUNS="minute:0" for some runs)
	@$(PY) -m benchmarks.$(BENCH) $(RUNS)

timings: env  ## run every notebook in the cpu budget and store what it costs
	@$(PY) -m tools.make_timings

judge: env  ## train the judge of the digits again (changes every distance: only for a new edition)
	@$(PY) -m tools.train_judge $(JUDGE)

plane: env  ## train the networks behind the latent planes again (changes these figures)
	@$(PY) -m tools.train_plane

replay: env  ## train the two runs of the GAN replay again (changes this figure)
	@$(PY) -m tools.train_replay

gpu: env  ## measure the gpu budget on the graphics card of this machine (NAMES="ddpm_mnist peers" for some)
	@$(PY) -m tools.make_gpu_results $(NAMES)

pretend: env  ## run every notebook in quick on a pretended card, on which mixing devices raises (NAMES="03b" for some)
	@$(PY) -m tools.run_pretend $(NAMES)

gpudry: env  ## run the gpu versions of the notebooks on the CPU with few steps (needs MNIST; minutes each)
	@$(PY) -m tools.gpu_dry $(NAMES)

ddpm: env  ## train the diffusion model of the digits that comes with the book again
	@$(PY) -m tools.train_ddpm

steering: env  ## train the two models behind chapter 6's figures and draw again (FIGURE=captions for one)
	@$(PY) -m tools.train_steering $(FIGURE)

new: env  ## make the files of a new chapter: make new CHAPTER=08_energy TITLE="Energy"
	@$(PY) -m tools.new_chapter "$(CHAPTER)" "$(TITLE)"

repository: env  ## write the repository's address wherever it is repeated: make repository URL=https://github.com/you/book (TAG= pins it)
	@$(PY) -m tools.set_repository "$(URL)" "$(TAG)"

constraints: env  ## write constraints.txt from what is installed now
	@$(PY) -m tools.freeze

clean:  ## remove the environment and everything that was built
	@rm -rf .venv _build .pytest_cache .ruff_cache .hypothesis && find . -name __pycache__ -type d -prune -exec rm -rf {} +
