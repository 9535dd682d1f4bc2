package main

import (
	_ "embed"
	"fmt"
	"strings"
	"unicode"
)

//go:embed types.txt
var types string

//go:embed services.txt
var services string

// table is what types.txt says: for each Terraform type its token in Pulumi.
type table struct {
	resources map[string]string
	functions map[string]string
}

// served reads types.txt, of which it wants every line to be two words.
func served() (table, error) {
	known := table{resources: map[string]string{}, functions: map[string]string{}}
	for _, line := range strings.Split(strings.TrimSpace(types), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		if len(words) != 2 {
			return known, fmt.Errorf("%q in types.txt is not two words: MODULE/TYPE and its type in Terraform", line)
		}
		module, name, found := strings.Cut(words[0], "/")
		if !found || name == "" {
			return known, fmt.Errorf("%q in types.txt is not MODULE/TYPE", words[0])
		}
		kind := known.resources
		if unicode.IsLower(rune(name[0])) {
			kind = known.functions
		}
		if other, twice := kind[words[1]]; twice {
			return known, fmt.Errorf("%s stands in types.txt twice; %s has it already", words[1], other)
		}
		// Pulumi names the file, too: rds/Instance is aws:rds/instance:Instance.
		file := strings.ToLower(name[:1]) + name[1:]
		kind[words[1]] = fmt.Sprintf("aws:%s/%s:%s", module, file, name)
	}
	return known, nil
}
