package vault

// Reasons an operation on a vault fails. They are part of the contract: the
// wallet maps them to words for the holder, tests and support refer to them.
const (
	ReasonFormat       = "vault_format"                 // not a vault, truncated, extended or a newer format
	ReasonSize         = "size_limit"                   // larger than a named maximum; nothing was allocated for it
	ReasonUnwrap       = "vault_unwrap_failed"          // this key opens no recipient's stanza
	ReasonLost         = "vault_locked_forever"         // there is no key left at all
	ReasonRecipient    = "vault_recipient_unauthorized" // the header names a recipient the sealed manifest does not
	ReasonHeader       = "vault_header_mac"             // the header is not the one that was sealed
	ReasonAuth         = "vault_auth_failed"            // manifest or a record was changed, moved, dropped or added
	ReasonRecordOld    = "vault_rollback_record"        // an older generation of a record was put back
	ReasonRollback     = "vault_rollback"               // older than what this device has already seen
	ReasonFork         = "vault_fork"                   // does not descend from what this device has already seen
	ReasonHistoryGap   = "vault_history_gap"            // too many saves ago to tell whether it descends
	ReasonLocked       = "vault_locked"                 // Lock was called
	ReasonNotFound     = "record_not_found"             // Get or Delete of a record that is not there
	ReasonArgument     = "vault_argument"               // a caller's mistake: wrong length, empty or malformed name
	ReasonCodeFormat   = "recovery_code_format"         // wrong length or a character that is in no code
	ReasonCodeChecksum = "recovery_code_checksum"       // right length, mistyped
	ReasonLastKey      = "vault_last_recipient"         // refused: nobody could open the vault any more
)

// An Error says why a vault could not be opened, read or changed. Its text is
// for operators; it never holds a key, a plaintext or a record's name.
type Error struct {
	reason string
	text   string
}

// Reason is the stable code of the failure, one of the Reason constants.
func (e *Error) Reason() string { return e.reason }

func (e *Error) Error() string { return "vault: " + e.text }

// Is makes errors.Is match any two vault errors of the same reason.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.reason == e.reason
}

// Errors a caller branches on.
var (
	// ErrNotFound is wrapped by Get and Delete for a record that is not there.
	ErrNotFound = &Error{ReasonNotFound, "no such record"}
	// ErrLocked is returned by every method after Lock.
	ErrLocked = &Error{ReasonLocked, "the vault is locked"}

	errUnwrap = &Error{ReasonUnwrap, "no recipient of this vault opens with this key; the vault was not touched, try another passkey or the recovery code"}
	errLost   = &Error{ReasonLost, "no passkey and no recovery code are left; nobody, its host included, can open this vault"}
	errAuth   = &Error{ReasonAuth, "the sealed content is not what was saved"}
)
