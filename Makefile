.PHONY: test lint bench

test:
	go test ./...

lint:
	golangci-lint run ./...

# The speed that was promised, as figures and as the ratio to the ones last committed.
bench:
	go test -run '^$$' -bench . -count 5 ./cmd/imagebuild ./dsl ./planner/... ./executor/... ./internal/component | tee bench.out
	go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da docs/bench.txt bench.out
