# Inside the LSTM: `make book` builds the pages, `make test` passes the tests, `make help` lists the rest.
# Every command sets up what it needs; PYTHON=/path/to/python chooses the interpreter.

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/installed
OTHER := .venv-rosetta
MUTANTS := .venv-mutants
HUB   := .venv-hub
HTML  := _build/html
PORT  := 8000

# MXNet runs on these; 3.11 is home.
CANDIDATES := python3.11 python3.12 python3.10 python3.9
NEWER      := python3.13 python3.14 python3 python

# What make audit does not report: the third column of the table in SECURITY.md.
EXPLAINED = $(shell sed -n 's/^| [^|]* | [^|]* | \([A-Z][A-Z]*-[^ ]*\) .*/--ignore-vuln \1/p' SECURITY.md)

.DEFAULT_GOAL := help
.PHONY: book test report same lab serve notebooks slides assignments hub bench results rosetta mutants record lock audit clean help

# One thread and one hash seed: the same numbers on every machine, and two notebooks at once do not fight for cores.
test bench results rosetta mutants: export PYTHONHASHSEED := 0
test bench results rosetta mutants: export OMP_NUM_THREADS := 1
test bench results rosetta mutants: export OPENBLAS_NUM_THREADS := 1
test bench results rosetta mutants: export MKL_NUM_THREADS := 1

book: $(STAMP)  ## build the pages into _build/html (notebooks that changed are executed first)
	@echo "Building the book: first the chapters that changed, then the pages"
	@$(BIN)/jupyter-book build . -q -W -n --keep-going $(if $(CI),--all)
	@echo "Done. Open $(HTML)/index.html, or say: make serve"

test: book  ## check the code (ruff, mypy), then run all tests, those in a browser too
	@echo "Checking style (ruff) and types (mypy)"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy d2l_utils
	@echo "Running the tests"
	@$(BIN)/pytest -n 3 --cov --cov-report=json:_build/coverage.json
	@echo "Done. All tests passed."

report: test  ## run the tests, then report seconds and weight of each page, and what of d2l_utils the tests run
	@$(BIN)/python tests/site_report.py

same: book  ## build the book once more, elsewhere and from nothing, and compare every file (some minutes)
	@$(BIN)/python tests/same_build.py

lab: $(STAMP)  ## open the chapters as notebooks in JupyterLab
	@echo "Opening JupyterLab: double-click a file in chapters/"
	@JUPYTER_CONFIG_PATH=$(CURDIR)/binder $(BIN)/jupyter lab

serve: book  ## show the built pages on http://localhost:8000 (PORT=... for another)
	@echo "Serving the book on http://localhost:$(PORT) (Ctrl-C ends it)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(HTML) $(PORT)

notebooks: book  ## build the book, and say where its notebooks are: as executed, for students, for teachers
	@ls $(HTML)/notebooks/*/*.ipynb

pdf: $(STAMP)  ## the book as a PDF, by LaTeX where it is installed
	@for tool in latexmk xelatex rsvg-convert; do command -v $$tool > /dev/null || { echo "make pdf needs $$tool. On Debian:" \
	    "apt install latexmk texlive-xetex texlive-latex-extra texlive-fonts-recommended fonts-freefont-otf librsvg2-bin"; \
	    exit 1; }; done
	@echo "Building the PDF: the chapters that changed, the pages for LaTeX, then LaTeX (some minutes)"
	@$(BIN)/jupyter-book build . -q -W -n --keep-going --builder latex
	@cd _build/latex && latexmk -pdf -dvi- -ps- -silent -interaction=nonstopmode inside-the-lstm.tex > make-pdf.log 2>&1 \
	    || { tail -n 20 make-pdf.log; exit 1; }
	@echo "Done. Open _build/latex/inside-the-lstm.pdf"

epub: $(STAMP)  ## the book as an EPUB
	@echo "Building the EPUB: the chapters that changed, then the pages"
	@$(BIN)/jupyter-book build . -q -W -n --keep-going --builder custom --custom-builder epub
	@echo "Done. Open _build/epub/inside-the-lstm.epub"

hub: $(HUB)/installed  ## start a JupyterHub for this machine alone, to try a class on; see deploy/README.md
	@echo "Starting JupyterHub on http://127.0.0.1:$(PORT) (Ctrl-C ends it)"
	@PORT=$(PORT) $(HUB)/bin/jupyterhub -f deploy/jupyterhub_config.py

slides: book  ## build the book, and say where its slides are: a file a chapter, for a browser
	@ls $(HTML)/slides/*.html

assignments: $(STAMP)  ## write the exercises as an nbgrader course into _build/assignments, solutions and all
	@$(BIN)/python _ext/assignments.py _build/assignments
	@echo "Done. Read _build/assignments/README.md"

bench: $(STAMP)  ## run the measurements in bench/, each of which prints one table
	@ls bench/*.py >/dev/null 2>&1 || echo "No measurements yet: bench/ holds no scripts"
	@for script in $(wildcard bench/*.py); do echo "Running $$script"; $(BIN)/python $$script || exit 1; done

results: $(STAMP)  ## repeat what the appendix on results shows (about 45 minutes; ROW=adding repeats one row)
	@echo "Running the scripts of bench/results into _build/results"
	@$(BIN)/python bench/results/claims.py $(ROW)

rosetta: $(OTHER)/installed  ## run the cell in other frameworks, in .venv-rosetta (LARGE=1: TensorFlow, JAX, PaddlePaddle too)
ifdef LARGE
	@echo "Adding TensorFlow, JAX and PaddlePaddle to $(OTHER)"
	@$(OTHER)/bin/python -m pip install -qq --disable-pip-version-check --no-input --no-build-isolation -e '.[rosetta-large]'
endif
	@echo "Running the book's cell in every framework, one process each (five to ten minutes)"
	@$(BIN)/python bench/results/rosetta.py --python $(OTHER)/bin/python
	@echo "Running the tests that need these frameworks"
	@$(OTHER)/bin/pytest tests/conformance

mutants: $(MUTANTS)/installed  ## plant small faults in cells, losses, optim, fused and lstm.js: do the tests notice? (needs npm)
	@echo "Planting faults, one at a time (about seven minutes of an idle machine)"
	@$(MUTANTS)/bin/python bench/mutants/mutants.py --json bench/results/mutants.json

record: $(STAMP)  ## keep what the cells that need MXNet print, for machines without it, in data/records
	@echo "Building the book and keeping the outputs of the cells that need MXNet"
	@RECORD=1 $(BIN)/jupyter-book build . -q -W -n --keep-going --all
	@echo "Done. Look at: git diff data/records"

lock: $(STAMP)  ## resolve requirements.txt again into requirements.lock (UPGRADE=--upgrade for newer versions)
	@echo "Resolving requirements.txt, and what make hub and make rosetta install, for all machines"
	@test -x _build/uv/bin/uv || { $(BIN)/python -m venv _build/uv && _build/uv/bin/pip install -qq uv==0.13.9; }
	@_build/uv/bin/uv pip compile -q --universal --python-version 3.9 --generate-hashes --no-strip-extras $(UPGRADE) \
	    --custom-compile-command "make lock" -o requirements.lock requirements.txt
	@grep -oE '^[A-Za-z0-9._-]+==[^\\]*' requirements.lock | grep -v '^setuptools==' > _build/constraints.txt
	@_build/uv/bin/uv pip compile -q --universal --python-version 3.9 --generate-hashes --no-strip-extras --no-annotate \
	    $(UPGRADE) -c _build/constraints.txt --custom-compile-command "make lock" \
	    -o deploy/requirements.lock deploy/requirements.txt
	@echo 'setuptools<81' > _build/build-constraints.txt
	@cp rosetta.lock _build/ && _build/uv/bin/uv pip compile -q --universal --python-version 3.9 --generate-hashes \
	    --no-header --no-annotate $(UPGRADE) --extra rosetta --extra rosetta-chainer -c _build/constraints.txt \
	    --build-constraints _build/build-constraints.txt -o _build/rosetta.lock pyproject.toml
	@grep '^#' rosetta.lock > _build/rosetta.new
	@awk '/^[^ ]/ {keep = !/^(#|cuda|nvidia|torch|triton)/} keep' _build/rosetta.lock >> _build/rosetta.new
	@mv _build/rosetta.new rosetta.lock
	@echo "Done. Look at: git diff requirements.lock deploy/requirements.lock rosetta.lock"

audit: $(STAMP)  ## look for known weaknesses in the packages of the lock files; SECURITY.md explains those that stay
	@test -x _build/audit/bin/pip-audit || { $(BIN)/python -m venv _build/audit && \
	    _build/audit/bin/pip install -qq pip-audit==2.10.1; }
	@echo "Asking PyPI about the packages of requirements.lock, deploy/requirements.lock and rosetta.lock, and PyTorch"
	@_build/audit/bin/pip-audit --strict --disable-pip --require-hashes $(EXPLAINED) -r requirements.lock
	@_build/audit/bin/pip-audit --strict --disable-pip --require-hashes $(EXPLAINED) -r deploy/requirements.lock
	@_build/audit/bin/pip-audit --strict --disable-pip --require-hashes $(EXPLAINED) -r rosetta.lock
	@sed -n 's/^ *"\(torch==[0-9.]*\).*/\1/p' pyproject.toml > _build/audit/torch.txt
	@_build/audit/bin/pip-audit --strict --disable-pip --no-deps $(EXPLAINED) -r _build/audit/torch.txt

clean:  ## remove what was built (rm -rf .venv .venv-rosetta .venv-hub .venv-mutants removes the environments too)
	@rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@echo "Removed _build and the tools' caches"

help:  ## list the commands
	@echo "Inside the LSTM: make COMMAND, where COMMAND is one of"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 14

# Version managers leave commands that exist and fail, and Debian's Python may lack venv, so a candidate counts only if
# it runs and can make an environment.
define FIND_PYTHON
for python in $(or $(PYTHON),$(if $(wildcard $(STAMP)),$(BIN)/python) $(CANDIDATES) $(NEWER)); do \
    version=$$($$python -c 'import ensurepip, sys, venv; print("%d %d" % sys.version_info[:2])' 2>/dev/null) || continue; \
    set -- $$version; \
    if [ $$1 -eq 3 ] && [ $$2 -ge 9 ]; then break; fi; \
    version=; \
done; \
if [ -z "$$version" ]; then \
    echo "No Python 3.9 or later that can make environments was found$(if $(PYTHON), as $(PYTHON)). Install Python 3.11" \
        "(for instance: apt install python3.11 python3.11-venv, or brew install python@3.11)," \
        "or name one: make PYTHON=/path/to/python book"; \
    exit 1; \
fi; \
if [ $$2 -gt 12 ]; then \
    echo "MXNet needs Python 3.9 to 3.12: with Python $$1.$$2 the book is built without it, and shows recorded outputs"; \
fi
endef

# Two at once wait for each other, and what was left half made is made afresh.
$(STAMP): requirements.lock pyproject.toml
	@$(FIND_PYTHON); $$python _ext/environment.py $(VENV) requirements.lock

# Made by the book's own Python, so that the processes of one environment can run the code of the other. Chainer is built
# with the setuptools of the lock, which still has pkg_resources: old and new versions of pip read it from two variables.
# What the second pip finds missing is PyTorch.
$(OTHER)/installed: rosetta.lock pyproject.toml $(STAMP)
	@echo "Installing the packages of rosetta.lock into $(OTHER) (some minutes, once)"
	@rm -rf $(OTHER)
	@$(BIN)/python -m venv $(OTHER)
	@PIP_CONSTRAINT=$(CURDIR)/rosetta.lock PIP_BUILD_CONSTRAINT=$(CURDIR)/rosetta.lock \
	    $(OTHER)/bin/python -m pip install -qq --disable-pip-version-check --no-input -r rosetta.lock
	@$(OTHER)/bin/python -m pip install -qq --disable-pip-version-check --no-input -e '.[rosetta]'
	@touch $@

# The tools that plant faults, beside the book's packages, which they see through a line in a .pth file.
$(MUTANTS)/installed: pyproject.toml $(STAMP)
	@echo "Installing mutmut into $(MUTANTS)"
	@rm -rf $(MUTANTS)
	@$(BIN)/python -m venv $(MUTANTS)
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	    > $$($(MUTANTS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/book.pth
	@$(MUTANTS)/bin/python -m pip install -qq --disable-pip-version-check --no-input mutmut==3.8.1
	@touch $@

# The hub and the servers of its users: the book's packages once more, because the lock of the book leaves out JupyterHub.
$(HUB)/installed: deploy/requirements.lock requirements.lock pyproject.toml
	@$(FIND_PYTHON); $$python _ext/environment.py $(HUB) requirements.lock deploy/requirements.lock
