package store_test

import (
	"testing"

	"facet/store"
	"facet/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.Memory() })
}
