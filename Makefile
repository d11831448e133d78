# Everything here sets itself up: `make demo` and `make test` on a fresh machine need only what the
# README's apt line installs. After the first time they need no network.

UV_VERSION := 0.13.8
PYTHON     ?= python3
BIN        := .venv/bin
APT_LINE   := sudo apt install git make python3 python3-venv

export UV_PYTHON_DOWNLOADS := never
# Trust what this machine trusts, as pip does.
export UV_SYSTEM_CERTS := 1

.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' $(MAKEFILE_LIST))
.DEFAULT_GOAL := help

help:  ## what there is
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

setup: .venv/.ready  ## the virtual environment, from uv.lock

demo: .venv/.ready  ## a simulated house, a broker and the bridge, in one process
	@$(BIN)/envoy-mqtt demo

test: .venv/.ready mosquitto  ## all tests, real Mosquitto included
	$(BIN)/pytest -n 4 --dist worksteal

test-homeassistant: .venv/.ready mosquitto  ## discovery against a real Home Assistant, installed once below .tools
	@$(BIN)/python -m tests.homeassistant.environment
	@[ ! -e .tools/homeassistant/ready ] || $(BIN)/pytest tests/homeassistant

test-pyenphase: .venv/.ready mosquitto  ## what the bridge says beside what pyenphase says, installed once below .tools
	@$(BIN)/python -m tests.pyenphase.environment
	@[ ! -e .tools/pyenphase/ready ] || $(BIN)/pytest tests/pyenphase

test-consumers: .venv/.ready mosquitto  ## Node-RED, Prometheus, InfluxDB and all else that docs/consumers shows, for real
	@tests/need.sh prometheus influxd=influxdb node=nodejs npm jq curl
	@$(BIN)/python -m tests.consumers.environment
	@[ ! -e .tools/node-red/ready ] || $(BIN)/pytest -n 2 tests/consumers

test-image: .venv/.ready mosquitto  ## the container image, built and run without an engine; its base once below .tools
	@tests/need.sh buildah debootstrap
	@$(BIN)/python -m tests.image.environment
	@[ ! -e .tools/image/ready ] || $(BIN)/pytest tests/image

test-package: dist mosquitto  ## wheel and source distribution, installed and run as people do
	@tests/need.sh systemd-analyze=systemd
	$(BIN)/pytest tests/package

test-faults: .venv/.ready mosquitto  ## networks, brokers, disks and far ends that misbehave; its table at the end
	FAULT_ROUNDS=3 $(BIN)/pytest tests/faults --timeout 600

test-faults-short: .venv/.ready mosquitto  ## the same in three minutes
	$(BIN)/pytest tests/faults -m "not long"

soak: .venv/.ready mosquitto  ## a day's readings in half an hour, with restarts; where each of them went
	$(BIN)/python -m tests.faults.soak

soak-short: .venv/.ready mosquitto  ## a minute and a half of it
	$(BIN)/python -m tests.faults.soak --minutes 1.4

test-page: .venv/.ready mosquitto chromium  ## the page in a real browser
	$(BIN)/pytest -n 2 --dist loadfile tests/page

screenshots: .venv/.ready mosquitto chromium  ## the README's pictures of the page, into docs/images
	@tests/need.sh pngquant
	$(BIN)/python -m tests.page.screenshots

test-kill: .venv/.ready mosquitto  ## 200 times kill -9 with the journal on: what is lost, what is said of it
	KILL_ROUNDS=200 $(BIN)/pytest -s --timeout=0 tests/faults/test_kill.py

check: .venv/.ready  ## lint, format, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/.ready  ## let ruff write the format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

app-requirements: .venv/.ready  ## the list of packages in the Home Assistant app's image, from uv.lock
	@.tools/bin/uv export --frozen --offline --quiet --no-dev --no-emit-project --no-header > docker/addon/requirements.txt

app: dist  ## the Home Assistant app's folder with the bridge in it, to be copied: dist/app
	@mkdir dist/app && cp -r docker/addon dist/app/envoy_mqtt && cp dist/*.whl dist/app/envoy_mqtt

bench: .venv/.ready mosquitto  ## the README's figures, measured here
	$(BIN)/python -m benchmarks

docs: .venv/.ready  ## docs/configuration.md anew, from the settings and config.example.toml
	$(BIN)/python -m tests.configuration_page

dist: .venv/.ready  ## wheel and source distribution, in dist/
	@rm -rf dist
	@.tools/bin/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist

clean:  ## away with everything that make made
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Tests want real brokers, and something that reads the app's profile.
mosquitto:
	@tests/need.sh mosquitto mosquitto_pub=mosquitto-clients nats-server apparmor_parser=apparmor setpriv=util-linux

chromium:
	@tests/need.sh chromium

.venv/.ready: pyproject.toml uv.lock
	@command -v git >/dev/null || { echo "git is missing: $(APT_LINE)"; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "python3 is missing: $(APT_LINE)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, this is $$($(PYTHON) -V): try make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "python3-venv is missing: $(APT_LINE)"; exit 1; }
	@[ "$$(.tools/bin/uv --version 2>/dev/null | cut -d' ' -f2)" = $(UV_VERSION) ] || { \
	  $(PYTHON) -m venv --clear .tools && \
	  .tools/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: uv==$(UV_VERSION); }
	@.tools/bin/uv sync --quiet --locked --all-extras --python $(PYTHON)
	@touch $@
