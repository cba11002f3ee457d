package mutation

const (
	inVault       = "wallet/vault"
	inHost        = "wallet/server"
	inPasskey     = "passkey"
	hostileVaults = "wallet/vault.Test(HostileHost|RollbackAndFork|Nonces|RemovedPasskey|RecoveryCode|Merge|Vectors|LockForgetsTheKey)"
	hostAnswers   = "wallet/server.Test(VaultAPI|HostileSignIn|FailingStore)"
)

// vaultMutations are about what a hostile host, a failing disk or a thief gets
// out of a sealed vault, and into it.
var vaultMutations = []mutation{
	{ids("VLT-002"), hostileVaults, []edit{never(inVault, "!in.Empty()")}},
	{ids("VLT-003"), hostileVaults, []edit{never(inVault, "!v.m.admits(v.id, s)")}},
	{ids("VLT-004 VLT-005"), hostileVaults, []edit{never(inVault, "!hmac.Equal(e.mac, v.keys.headerMAC(e.header()))")}},
	{ids("VLT-006"), hostileVaults, []edit{never(inVault, "len(v.boxes) != len(e.records) || len(e.records) != len(v.m.Records)")}},
	{ids("VLT-008"), hostileVaults, []edit{never(inVault, "box.generation < e.Generation")}},
	{ids("VLT-009"), hostileVaults, []edit{{inVault, "case m.Counter < seen.Counter:", "case false:"}}},
	{ids("VLT-010"), hostileVaults, []edit{never(inVault, "len(seen.Hash) != sha256.Size || !bytes.Equal(m.History[back-1], seen.Hash[:idSize])")}},
	{ids("VLT-010"), hostileVaults, []edit{never(inVault, "!hmac.Equal(head.Hash, seen.Hash)")}},
	{ids("VLT-010"), hostileVaults, []edit{{inVault, "case !bytes.Equal(seen.VaultID, head.VaultID):", "case false:"}}},
	{ids("VLT-012"), hostileVaults, []edit{{inVault, "\treturn aead\n}", "\treturn stuck{aead}\n}\n\ntype stuck struct{ cipher.AEAD }\n\nfunc (s stuck) Seal(dst, nonce, plaintext, data []byte) []byte {\n\tb := s.AEAD.Seal(dst, nonce, plaintext, data)\n\tclear(b[:min(12, len(b))])\n\treturn b\n}"}}},
	{ids("VLT-014"), hostileVaults, []edit{{inVault, ", try another passkey or the recovery code", ""}}},
	{ids("VLT-014"), hostileVaults, []edit{{inVault, "err != nil || len(key) != keySize {\n\t\treturn nil, errUnwrap", "err != nil || len(key) != keySize {\n\t\treturn make([]byte, keySize), nil"}, never(inVault, "!hmac.Equal(s.mac, s.authenticate(vaultID, r.auth))")}},
	{ids("VLT-015"), hostileVaults, []edit{{inVault, "return nil, errLost", "return nil, errUnwrap"}}},
	{ids("VLT-016"), hostileVaults, []edit{never(inVault, "remainder(symbols) != 0")}},
	{ids("VLT-017"), hostileVaults, []edit{{inVault, `return expand(c.secret[:], nil, "facet-vault/1 recovery sign-in", sha256.Size)`, `return append(c.secret[:], make([]byte, sha256.Size-codeSize)...)`}}},
	{ids("VLT-018"), hostileVaults, []edit{{inVault, "return v.rotate()", "return nil"}}},
	{ids("VLT-019"), hostileVaults, []edit{never(inVault, "touched && here != nil && !bytes.Equal(here.Sum, mine.Sum)")}},
	{ids("VLT-022"), hostileVaults, []edit{{inVault, "len(sealed) > MaxSealed {", "false && len(sealed) > MaxSealed {"}}},
	{ids("VLT-022"), hostileVaults, []edit{never(inVault, "n > MaxRecipients")}},
	{ids("VLT-022"), hostileVaults, []edit{never(inVault, "n > MaxRecords")}},
	{ids("VLT-023"), hostileVaults, []edit{{inVault, `"facet-vault/1 kem\x00"`, `"facet-vault/2 kem\x00"`}}},
	{ids("VLT-024"), hostileVaults, []edit{{inVault, "clear(v.keys.secret)\n\tfor _, m", "leaked = append(leaked, v.keys.secret)\n\tfor _, m"}, {inVault, "type Vault struct {", "var leaked [][]byte\n\ntype Vault struct {"}}},

	{ids("VLT-020 VLT-021"), hostAnswers, []edit{{inHost, "version, err := s.store.Swap(c.Request().Context(), vaultPrefix+account, old, sealed)",
		"if old != 0 {\n\t\tif err := s.deleteKey(c.Request().Context(), vaultPrefix+account); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\tversion, err := s.store.Swap(c.Request().Context(), vaultPrefix+account, 0, sealed)"}}},
	{ids("VSRV-001"), hostAnswers, []edit{never(inHost, `h == ""`)}},
	{ids("VSRV-002"), hostAnswers, []edit{{inHost, "if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {\n\t\treturn problem{Status: http.StatusPreconditionFailed", "if false && errors.Is(err, store.ErrConflict) {\n\t\treturn problem{Status: http.StatusPreconditionFailed"}}},
	{ids("VSRV-003"), hostAnswers, []edit{{inHost, "s.store.Get(c.Request().Context(), vaultPrefix+account)", "s.store.Get(c.Request().Context(), vaultPrefix+account[:0])"},
		{inHost, "s.store.Swap(c.Request().Context(), vaultPrefix+account,", "s.store.Swap(c.Request().Context(), vaultPrefix+account[:0],"}}},
	{ids("VSRV-004"), hostAnswers, []edit{{inPasskey, "BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))", "BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationDiscouraged))"}}},
	{ids("VSRV-004"), hostAnswers, []edit{{inPasskey, "err := t.store.Delete(ctx, t.key(ticket), version); errors.Is(err, store.ErrConflict) {\n\t\treturn store.ErrNotFound", "err := error(nil); version == 0 {\n\t\treturn store.ErrNotFound"}}},
	{ids("VSRV-005"), hostAnswers, []edit{{inPasskey, "used.Authenticator.CloneWarning}", "false}"}}},
	{ids("VSRV-006"), hostAnswers, []edit{never(inHost, `!s.limits.allow("account "+account, putsPerMinute)`)}},
	{ids("VSRV-006"), hostAnswers, []edit{never(inHost, "c.Request().ContentLength > max"), {inHost, "http.MaxBytesReader(c.Response(), c.Request().Body, max)", "c.Request().Body"}}},
	{ids("VSRV-007"), hostAnswers, []edit{{inPasskey, "if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrTooLarge) {\n\t\t\tbroken", "if err != nil {\n\t\t\tbroken"}}},
	{ids("VSRV-008"), hostAnswers, []edit{{inVault, "v.keys.record.Seal(nil, nil, padded, v.recordAAD(e, e.Generation))}", "slices.Clone(padded)}"}}},
}
