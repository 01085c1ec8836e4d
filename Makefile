# The ways to build, run and test wsluice: `make help` lists them.
#
# A thin layer over CMake's presets, which work without it. Each target first installs what it
# needs and this machine lacks (scripts/install-deps.sh; Debian 12 and 13), then does its work.

# make run: the program's arguments.
ARGS ?= --demo 6080
# make test: tests at a time (three on two processors: many of them wait), and a regular
# expression of the tests wanted (all).
TEST_JOBS ?= 3
T ?=
# make fuzz: T is seconds a target (60); the target wanted (all).
TARGET ?=
# make sim: how many seeds, and the first (sim-gdb: the one); sim-gdb: the build's preset, and
# SHORTEST=1 for the shortest story that fails as the seed does.
SEEDS ?= 1000000
SEED ?= 1
SIM_PRESET ?= debug
SHORTEST ?=

# make bench, bench-quick: names of peers and cells, separated by blanks (all; `bench/bench.py --list`), and
# minutes in all.
PEERS ?=
CELLS ?=
MINUTES ?=

# make bench-micro: arguments of wsluice-micro (bench/micro/README.md).
MICRO ?=

# make soak: minutes, and the build's preset.
M ?= 10
SOAK_PRESET ?= release

export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc 2>/dev/null || echo 2)

# make coverage: --all (integration tests too), --write (figures into docs/COVERAGE.md).
COVERAGE_FLAGS ?=

# `make test` runs these builds as one suite; a preset's folder is build-<preset>, release's build.
SUITE_PRESETS := release asan tsan

build_with_tests = scripts/configure.sh $(1) -DWSLUICE_TESTS=ON && cmake --build --preset $(1)
build_fuzz_targets = scripts/configure.sh fuzz -DWSLUICE_TESTS=ON && cmake --build --preset fuzz --target fuzz_targets
build_sim = scripts/configure.sh $(1) -DWSLUICE_TESTS=ON && cmake --build --preset $(1) --target wsluice-sim
build_for_bench = scripts/configure.sh release && cmake --build --preset release --target wsluice wsluice-bench rawrelay
run_bench = /usr/bin/python3 -B bench/bench.py --peers "$(PEERS)" --cells "$(CELLS)" $(if $(MINUTES),--minutes $(MINUTES))
# A test takes three of ctest's places, or one where it mostly waits (test/CMakeLists.txt).
ctest = ctest --output-on-failure --no-tests=error -j $$((3 * $(TEST_JOBS))) $(if $(T),-R '$(T)')
# gcc 12's sanitizers refuse address spaces as random as some kernels make them (vm.mmap_rnd_bits
# above 28). Where we may (not in every container), their tests run without randomisation.
without_aslr = $(shell setarch -R true 2>/dev/null && echo setarch -R)

.DEFAULT_GOAL := build
.NOTPARALLEL:
.SUFFIXES:
.PHONY: build run deps test test-release test-faults test-world test-arch asan tsan coverage format format-check lint fuzz fuzz-merge sim sim-gdb sim-mutants soak bench bench-quick bench-evidence bench-micro conformance-doc install clean help

build: ## Build the release programs, build/wsluice and build/bench/loadgen/wsluice-bench
	@scripts/install-deps.sh build
	@test build/.configured -nt CMakePresets.json || scripts/configure.sh release
	@cmake --build --preset release --target wsluice wsluice-bench

run: build ## Build it and run the demo; ARGS="6080 host:port" runs the bridge itself
	build/wsluice $(ARGS)

deps: ## Install everything that any target here needs
	scripts/install-deps.sh build test lint fuzz

test: ## Build and run all tests: release, ASan+UBSan, and TSan where there are threads
	@scripts/install-deps.sh test
	@$(foreach preset,$(SUITE_PRESETS),echo "== build: $(preset)" && $(call build_with_tests,$(preset)) &&) true
	@mkdir -p build/suite
	@printf 'subdirs("%s")\n' '$(CURDIR)/build/test' '$(CURDIR)/build-asan/test' '$(CURDIR)/build-tsan/test' \
	  >build/suite/CTestTestfile.cmake
	$(without_aslr) $(ctest) --test-dir build/suite -LE '^(image|long)$$'

test-release: ## Build and run the tests of the release build only
	@scripts/install-deps.sh test
	@$(call build_with_tests,release)
	$(ctest) --preset release -LE '^(image|long)$$'

test-world: ## The image, with a Docker engine of the tests' own (Debian, root); whether `make sim` finds faults
	@scripts/install-deps.sh test
	@scripts/install-deps.sh image || { [ -z "$$WSLUICE_REQUIRE_DOCKER" ] && echo "going on: the test will be skipped"; }
	@$(call build_with_tests,release)
	$(ctest) --preset release -L '^(image|long)$$'

test-faults: ## Refuse every single request for memory once (make test: one for each way to ask); long
	@scripts/install-deps.sh test
	@$(call build_with_tests,release)
	FAULTS=all WSLUICE_BIN=build/wsluice /usr/bin/python3 -m pytest -v -p no:cacheprovider test/faults

test-arch: ## The codec under qemu: arm64 (NEON), s390x (the other byte order), x86-64 without AVX
	@scripts/install-deps.sh arch
	@test/arch/check.sh

asan tsan: ## Build and run the tests under ASan+UBSan, or those with threads under TSan
	@scripts/install-deps.sh test
	@$(call build_with_tests,$@)
	$(without_aslr) $(ctest) --preset $@

coverage: ## Measure lines and branches by room; hold codec/ and bridge/ to docs/COVERAGE.md
	@scripts/install-deps.sh coverage
	@$(call build_with_tests,coverage)
	@scripts/coverage.py $(COVERAGE_FLAGS)

format: ## Format the C sources in place (clang-format 19)
	@scripts/install-deps.sh format
	@scripts/format.sh

format-check: ## Fail where `make format` would change something
	@scripts/install-deps.sh format
	@scripts/format.sh --check

lint: ## The rooms' map, sizes, shellcheck, both compilers with -Werror, cppcheck, clang-tidy
	@scripts/install-deps.sh lint
	@scripts/lint.sh

fuzz: ## Fuzz each target T=60 seconds, two at a time; TARGET=frame_decode takes one (test/fuzz)
	@scripts/install-deps.sh fuzz
	@$(build_fuzz_targets)
	@$(without_aslr) /usr/bin/python3 test/fuzz/run.py build-fuzz --seconds $(or $(T),60) $(TARGET)

fuzz-merge: ## Fold what `make fuzz` has grown into the kept corpora, minimised
	@scripts/install-deps.sh fuzz
	@$(build_fuzz_targets)
	@$(without_aslr) /usr/bin/python3 test/fuzz/run.py build-fuzz --merge $(TARGET)

# Under the sanitizers a seed takes three times as long: a twentieth of them, behind the others.
sim: ## Play SEEDS lives of sessions from seed SEED on, against a model; some of them under ASan+UBSan
	@scripts/install-deps.sh sim
	@$(call build_sim,release)
	@build/test/sim/wsluice-sim --seed $(SEED) --seeds $(SEEDS)
	@$(call build_sim,asan)
	@$(without_aslr) build-asan/test/sim/wsluice-sim --seed $(SEED) --seeds $$(($(SEEDS) / 20 + 1))

sim-gdb: ## Replay seed SEED under gdb, up to the fault
	@scripts/install-deps.sh sim sim-gdb
	@$(call build_sim,$(SIM_PRESET))
	@ASAN_OPTIONS=abort_on_error=1:detect_leaks=0 UBSAN_OPTIONS=abort_on_error=1 gdb -q \
	  -ex 'set confirm off' -ex 'set print inferior-events off' -ex 'break sim_fail' -ex run -ex backtrace --args \
	  build$(filter-out -release,-$(SIM_PRESET))/test/sim/wsluice-sim --seed $(SEED) --here $(if $(SHORTEST),--shortest)

sim-mutants: ## Put deliberate faults into session and codec, and look whether the simulation finds each
	@scripts/install-deps.sh sim
	@$(call build_sim,release)
	@/usr/bin/python3 test/sim/mutants.py build

soak: ## Endings, streams, stalls, renewals, rotations, all at once for M=10 minutes; SOAK_PRESET=asan
	@scripts/install-deps.sh soak
	@scripts/configure.sh $(SOAK_PRESET) && cmake --build --preset $(SOAK_PRESET) --target wsluice
	@WSLUICE_BIN=build$(filter-out -release,-$(SOAK_PRESET))/wsluice WSLUICE_SANITIZE=$(filter-out release,$(SOAK_PRESET)) \
	  $(without_aslr) /usr/bin/python3 -B test/bounds/soak.py --minutes $(M)

bench: ## Measure wsluice beside its peers for MINUTES=60, into bench/results; CELLS="up-* echo" PEERS="wsluice rawrelay"
	@scripts/install-deps.sh bench
	@$(build_for_bench)
	@$(run_bench)

bench-quick: ## The same in under two minutes: few cells, few rounds, a table on the terminal; peers that are installed
	@scripts/install-deps.sh bench-quick
	@$(build_for_bench)
	@$(run_bench) --quick

bench-evidence: ## What limits it: system calls (strace) and hot functions (perf), into bench/results/EVIDENCE.md
	@scripts/install-deps.sh bench bench-profile
	@$(build_for_bench)
	@/usr/bin/python3 -B bench/evidence.py

bench-micro: ## Measure unmasking, frame decoding and request heads alone; MICRO="--only decode --json"
	@scripts/install-deps.sh build
	@scripts/configure.sh release && cmake --build --preset release --target wsluice-micro
	@build/bench/micro/wsluice-micro $(MICRO)

conformance-doc: ## Write docs/CONFORMANCE.md and docs/DIFFERENCES.md anew from the tests' tables
	@scripts/install-deps.sh test
	@/usr/bin/python3 test/conformance/document.py
	@/usr/bin/python3 test/differential/differences.py

install: build ## Install programs, the link websockify, man pages, completions (DESTDIR and PREFIX are honoured)
	cmake --install build $(if $(PREFIX),--prefix $(PREFIX))

clean: ## Remove every build folder
	rm -rf build build-*

help: ## This list
	@awk -F ':[^#]*## ' '/^[a-z].*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
