# The targets that people type; the work is done by scripts/ and by the tools.
SAMPLE := examples/parallel-ops-track

.PHONY: help demo test bench ops-parallel-evidence-check

help:
	@echo 'make demo    watch the whole story on real parts'
	@echo 'make test    everything that has to hold before a commit'
	@echo 'make bench   measure beside the peers'
	@echo 'make ops-parallel-evidence-check   check the evidence of the sample repository'

demo:
	scripts/demo

test:
	scripts/test

bench:
	scripts/bench

ops-parallel-evidence-check:
	cargo run --quiet -p evidence-report -- check $(SAMPLE)/doc/operations/parallel_ops_track.md --root $(SAMPLE)
