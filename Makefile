.PHONY: test lint bench fuzz

test:
	go test ./...

lint:
	golangci-lint run ./...

# The speed that was promised, as figures and as the ratio to the ones last committed.
bench:
	go test -run '^$$' -bench . -count 5 ./cmd/imagebuild ./dsl ./planner/... ./executor/... ./internal/component ./internal/report > bench.out
	go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da docs/bench.txt bench.out

# Looks for new inputs that break what parses, a minute each. What it finds is written to testdata/fuzz and
# becomes a case of go test, which runs all that were found before.
fuzz:
	for t in dsl/FuzzLoad dsl/FuzzFormat internal/awsmodel/FuzzCheck internal/component/FuzzParse \
		internal/component/FuzzExpand internal/component/FuzzCondition internal/component/FuzzBash \
		internal/github/FuzzRelay internal/github/FuzzPayload internal/github/FuzzClaims internal/github/FuzzComment \
		executor/session/FuzzAssistant executor/session/FuzzCLIXML executor/session/FuzzResult executor/session/FuzzSealed \
		internal/report/FuzzRedact internal/report/FuzzComment internal/report/FuzzReadDocument planner/kind/FuzzPlan planner/kind/FuzzShell; do \
		go test -run '^$$' -fuzz "^$$(basename $$t)\$$" -fuzztime 1m ./$$(dirname $$t) || exit 1; \
	done
