# Every target sets up what it needs: system packages (Debian), then the locked npm packages.
NODE := node_modules/.bin/node
UNIT := 'src/**/*.test.ts' 'lab/**/*.test.ts' 'test/*.test.ts'
LONG := 'test/long/*.test.ts'

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: setup ## Show the main job: a Service gets an address, answers, and survives its node (under a minute)
	@$(NODE) src/main.ts demo

# The lab has no network: what the image is made of must be there.
test: check kubernetes image ## Everything: check, the long tests (a minute), the lab tests (real packets, a real API server)
	@$(NODE) --test --test-reporter=dot --test-concurrency=2 $(LONG)
	@scripts/lab-tests.sh

check: setup ## Fast feedback: format, lint, types, unit tests
	@node_modules/.bin/biome ci --error-on-warnings
	@node_modules/.bin/tsc
	@$(NODE) --test --test-reporter=dot --test-concurrency=3 $(UNIT)

fuzz: setup ## Ten million garbled BGP messages (FUZZ_COUNT for another number, FUZZ_SEED for another seed)
	@BGP_FUZZ_COUNT=$${FUZZ_COUNT:-10000000} BGP_FUZZ_SEED=$${FUZZ_SEED:-6} $(NODE) --test test/long/bgp-fuzz.test.ts

bench: setup ## Measure against the bounds and the peers; JSON in bench/results/ (BENCH=name for one, QUICK=1 for small)
	@scripts/bench.sh $(BENCH)

manifests: setup ## Write the manifests under deploy/ that are made from src/api/
	@$(NODE) scripts/manifests.ts

kubernetes: setup ## Build the API server of the lab tests into the user's cache, once (minutes)
	@scripts/kubernetes.sh

build: setup ## One bundled file, its launcher and the native parts in dist/, which runs anywhere
	@$(NODE) scripts/build.ts

image: build ## The container image, built without Docker: dist/image/gantry-VERSION.tar
	@scripts/install.sh dpkg-deb:dpkg strip:binutils
	@$(NODE) scripts/image.ts

format: setup ## Write the format and the safe lint fixes
	@node_modules/.bin/biome check --write

setup: ## System packages and npm packages, only what is missing
	@scripts/setup.sh

clean: ## Remove what was built and installed here
	rm -rf dist node_modules bench/results

.DEFAULT_GOAL := help
.PHONY: help demo test check fuzz bench manifests kubernetes build image format setup clean
