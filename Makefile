# The two commands of the README are `make demo` and `make test`; both set themselves up in .venv, without root.
# PYTHON=... names the interpreter to set up with, JOBS=... the test processes, ARGS=... goes to the program run.

BIN := .venv/bin
READY := .venv/.ready
JOBS ?= 2
ARGS ?=
export PYTHON

.PHONY: help demo test test-full lint bench synth docs pins clean

help:
	@echo "make demo       the kernel of this machine talks to a Python stack through a simulated NIC"
	@echo "make test       lint, types, rooms, tests (samples of the long ones)"
	@echo "make test-full  the same with every long test"
	@echo "make lint       only lint, types and rooms"
	@echo "make bench      figures on this machine"
	@echo "make synth      what the NICs and their blocks take of an FPGA: docs/synthesis.md"
	@echo "make docs       write the pages that are generated"
	@echo "make pins       resolve constraints.txt anew"
	@echo "make clean      remove .venv and everything made in this folder"

demo: $(READY)
	@$(BIN)/ringbed demo $(ARGS)

test: lint
	@echo "pytest: $(JOBS) processes"
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal $(ARGS)

test-full: lint
	@echo "pytest: $(JOBS) processes, long tests too"
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "" $(ARGS)

lint: $(READY)
	@printf 'ruff check: '; $(BIN)/ruff check .
	@printf 'ruff format: '; $(BIN)/ruff format --check .
	@printf 'mypy --strict: '; $(BIN)/mypy --strict typings/ringbed tests examples
	@printf 'import-linter: '; .ci/quiet $(BIN)/lint-imports

bench: $(READY)
	@for part in sim hw stack; do $(BIN)/ringbed bench $$part $(ARGS) || exit; done

synth: $(READY)
	@$(BIN)/ringbed nic synth em --page docs/synthesis.md \
		$(addprefix --dut ,$(wildcard examples/third_party/*/*.toml)) $(ARGS)

docs: $(READY)
	@$(BIN)/python -m ringbed.hw.formats.page

# A set-up that was cut short leaves no $(READY) behind and is done again.
$(READY): pyproject.toml constraints.txt .ci/venv
	@.ci/venv
	@touch $@

pins:
	@.ci/pins

clean:
	rm -rf .venv build dist out ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
