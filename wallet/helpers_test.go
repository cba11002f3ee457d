package wallet_test

import "facet/credentials/jose"

func leafHash(i *identity) string { return jose.LeafHash(i.x5c) }
