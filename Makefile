# make measure   set-up, then a cost model of this CPU from real measurements; BACKEND=onnxruntime, BUDGET=3m, NETS=16 change how
# make test      set-up, then the tests
# make test-tools  an environment of its own for other benchmark tools, and the tests that run them
# make test-xla  an environment of its own for torch_xla, its tests, and BERT-base and a component table on XLA's compiler for CPUs
# make docs      set-up, then the documentation site in site/

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := torch,onnx,openvino,xgboost-cpu,fast,report,serve,supernet,hf,search,bo,postgres,tables,slurm,ray,docs,dev

BACKEND ?= torch
BUDGET ?= 9m
# Every process builds each net anew, so that a short time is better spent on few.
NETS ?= $(if $(filter %s 1m 2m 3m 4m 5m,$(BUDGET)),12,32)
NAME := cpu-supershaper$(if $(filter-out torch,$(BACKEND)),-$(BACKEND))
STORE := runs/$(NAME).db
MODEL := models/$(NAME)

TOOLS := .venv-tools
XLA := .venv-xla
XLA_TORCH = $$($(XLA)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/torch/lib

.PHONY: setup measure test test-tools test-xla lint types docs clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	@start=$$(date +%s); \
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	echo "installing hwcost[$(EXTRAS)] into $(VENV), a few minutes at the first time" >&2; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[$(EXTRAS)]" && touch $@ && \
	echo "set-up took $$(( $$(date +%s) - start )) s" >&2

# The budget ends the campaign in time on a slow or busy machine; what it then achieved stands below the table.
measure: setup
	@start=$$(date +%s); \
	$(BIN)/hwcost measure --device cpu --backend $(BACKEND) --space supershaper -n $(NETS) --test-rows 10 --uniform 10 --tier standard --rounds 4 \
		--batch-size 1 --seq-len 128 --budget $(BUDGET) --store $(STORE) || test $$? -eq 4 && \
	$(BIN)/hwcost fit $(STORE) --space supershaper --model hybrid --out $(MODEL) && \
	$(BIN)/hwcost evaluate $(STORE) --space supershaper --model all && \
	echo "measurements: $(STORE)   cost model: $(MODEL)   took $$(( $$(date +%s) - start )) s" && \
	echo "ask it: $(BIN)/hwcost predict $(MODEL) --arch 360_360_360_360_360_360_360_360_360_360_360_360"

# What pytest makes of the tests when it imports them is kept for the next time.
test: setup
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

$(TOOLS)/.installed: tests/exchange/requirements.txt
	@start=$$(date +%s); \
	test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS); \
	echo "installing other benchmark tools into $(TOOLS)" >&2; \
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r tests/exchange/requirements.txt && touch $@ && \
	echo "set-up took $$(( $$(date +%s) - start )) s" >&2

test-tools: setup $(TOOLS)/.installed
	HWCOST_TOOLS=$(abspath $(TOOLS))/bin $(BIN)/python -m pytest -m slow \
		tests/exchange/test_benchmark_tools.py tests/history/test_changes_of_peers.py

# torch_xla runs with its own release of torch alone, whose only build is one for CUDA; cuda_stubs.py spares its libraries.
$(XLA)/.installed: pyproject.toml tests/xla/linked.txt tests/xla/requirements.txt tests/xla/cuda_stubs.py
	@start=$$(date +%s); \
	test -x $(XLA)/bin/python || $(PYTHON) -m venv $(XLA); \
	echo "installing torch_xla into $(XLA), a GB at the first time" >&2; \
	pip="$(XLA)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-warn-conflicts"; \
	$$pip --no-deps -r tests/xla/linked.txt && $$pip -r tests/xla/requirements.txt -e . && \
	$(XLA)/bin/python tests/xla/cuda_stubs.py $(XLA_TORCH) --keep libcudart.so.12 libcupti.so.12 && touch $@ && \
	echo "set-up took $$(( $$(date +%s) - start )) s" >&2

test-xla: $(XLA)/.installed
	$(XLA)/bin/python -m pytest tests/backends/test_backend_contract.py tests/backends/test_torch_xla.py -k "Xla or Real or bucket"
	$(XLA)/bin/python benchmarks/xla.py

lint: setup
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy
	$(BIN)/mypy kernels

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir site
	@echo "documentation: site/index.html"

clean:
	rm -rf $(VENV) $(TOOLS) $(XLA) build dist site artefacts *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
