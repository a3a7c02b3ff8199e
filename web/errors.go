package web

import (
	"net/http"

	"tributary/feed"
)

// statusOf maps an error's code to an HTTP status. It is the only place that does.
func statusOf(code feed.Code) int {
	switch code {
	case "":
		return http.StatusOK
	case feed.CodeInvalid:
		return http.StatusBadRequest
	case feed.CodeNotFound:
		return http.StatusNotFound
	case feed.CodeDenied:
		return http.StatusForbidden
	case feed.CodeConflict:
		return http.StatusConflict
	case feed.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case feed.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// message is what a stranger may read of an error: of a defect of ours only
// that there was one, the log has the rest.
func message(err error) string {
	if feed.CodeOf(err) == feed.CodeInternal {
		return ourFault
	}
	return err.Error()
}

const ourFault = "Something went wrong on our side. It has been logged; please try again later."

// codeOf is the code that a status stands for, where there is no error to ask.
func codeOf(status int) feed.Code {
	for _, code := range []feed.Code{feed.CodeInvalid, feed.CodeNotFound, feed.CodeDenied, feed.CodeConflict, feed.CodeTooLarge, feed.CodeUnavailable} {
		if statusOf(code) == status {
			return code
		}
	}
	return feed.CodeInternal
}
