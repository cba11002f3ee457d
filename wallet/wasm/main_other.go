//go:build !js

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "This is the wallet's engine for browsers: build it with GOOS=js GOARCH=wasm. `facet wallet` is the native one.")
	os.Exit(2)
}
