package feed

import (
	"errors"
	"fmt"
)

// Code classes an error. It is mapped once to an HTTP status (package web)
// and once to an exit code (command tributary).
type Code string

// The codes.
const (
	CodeInvalid     Code = "invalid"     // what was asked cannot be done as asked
	CodeNotFound    Code = "not found"   // no such thing
	CodeDenied      Code = "denied"      // not allowed
	CodeConflict    Code = "conflict"    // clashes with what is there, or busy
	CodeTooLarge    Code = "too large"   // over a limit
	CodeUnavailable Code = "unavailable" // network, server, database, folder: may work later
	CodeInternal    Code = "internal"    // a defect of ours
)

// Error is an error with a code. Its message says what is wrong and what to do.
type Error struct {
	Code    Code
	Message string
	Err     error // the cause, if any
}

// Errorf makes an Error; a %w verb sets its cause.
func Errorf(code Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code of the first Error in err's chain; CodeInternal if there
// is none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
