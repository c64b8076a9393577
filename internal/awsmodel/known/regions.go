package known

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
)

//go:embed regions.json
var regionsJSON []byte

var regions = sync.OnceValue(func() map[string]string {
	var m map[string]string
	decode("regions.json", regionsJSON, &m)
	return m
})

// Region returns the partition of a region ("aws-cn" of "cn-north-1"), as botocore's endpoint data has it; false for
// a region that isn't in the list.
func Region(name string) (partition string, ok bool) {
	partition, ok = regions()[name]
	return partition, ok
}

// Regions are the names of the known regions, sorted.
func Regions() []string { return slices.Sorted(maps.Keys(regions())) }

// decode reads a list that is part of the program, so that a mistake in it is the programmer's.
func decode(file string, data []byte, into any) {
	if err := json.Unmarshal(data, into); err != nil {
		panic(fmt.Sprintf("%s: %v", file, err))
	}
}
