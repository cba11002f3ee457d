package vault

import (
	"fmt"
	"testing"
)

func filled(b *testing.B, records int) *Vault {
	v, _, err := Create(passkey(1))
	check(b, err)
	for i := range records {
		check(b, v.Put("credential", fmt.Sprint(i), make([]byte, 4<<10)))
	}
	return v
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n, " records"), func(b *testing.B) {
			s := sealed(b, filled(b, n))
			for b.Loop() {
				if _, err := Open(s, passkey(1), HighWater{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSave(b *testing.B) {
	v := filled(b, 100)
	for i := 0; b.Loop(); i++ {
		check(b, v.Put("today", "x", fmt.Append(nil, i)))
		sealed(b, v)
	}
}
