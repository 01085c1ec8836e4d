/* Names, sentences and errno mapping of the program's errors: tables and nothing else.
 *
 * libuv's codes on Unix are negated errno values, so one table serves both; only its getaddrinfo
 * codes are a range of their own.
 */
#include "core/error.h"

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* libuv's UV_EAI_*: part of its ABI, written out because this room does not know libuv. */
enum { EAI_LIBUV_FIRST = -3014, EAI_LIBUV_LAST = -3000, EAI_LIBUV_NODATA = -3007, EAI_LIBUV_NONAME = -3008 };

struct error_entry {
  const char *name;
  const char *text;
};

/* Indexed by the negated error. */
static const struct error_entry errors[] = {
    [-WSL_OK] = {"OK", "Success"},
    [-WSL_AGAIN] = {"AGAIN", "Not ready yet"},
    [-WSL_RESET] = {"RESET", "Connection reset by the peer"},
    [-WSL_BROKEN] = {"BROKEN", "The connection is closed for writing"},
    [-WSL_TIMED_OUT] = {"TIMED_OUT", "No answer in time"},
    [-WSL_REFUSED] = {"REFUSED", "Connection refused"},
    [-WSL_UNREACHABLE] = {"UNREACHABLE", "Host or network unreachable"},
    [-WSL_NAME_UNKNOWN] = {"NAME_UNKNOWN", "The name has no address"},
    [-WSL_NAME_FAILED] = {"NAME_FAILED", "The name could not be looked up"},
    [-WSL_NO_DESCRIPTOR] = {"NO_DESCRIPTOR", "Out of file descriptors"},
    [-WSL_NO_PORT] = {"NO_PORT", "No free local port toward the target"},
    [-WSL_NO_MEMORY] = {"NO_MEMORY", "Out of memory"},
    [-WSL_DENIED] = {"DENIED", "Permission denied"},
    [-WSL_NOT_FOUND] = {"NOT_FOUND", "No such file"},
    [-WSL_IN_USE] = {"IN_USE", "Address already in use"},
    [-WSL_UNSUPPORTED] = {"UNSUPPORTED", "Not supported here"},
    [-WSL_INVALID] = {"INVALID", "Malformed input"},
    [-WSL_CANCELLED] = {"CANCELLED", "Cancelled"},
    [-WSL_IO] = {"IO", "Input or output error"},
    [-WSL_TRUNCATED] = {"TRUNCATED", "The TLS stream was cut off"},
    [-WSL_TLS_PLAIN] = {"TLS_PLAIN", "The peer does not speak TLS"},
    [-WSL_TLS_UNTRUSTED] = {"TLS_UNTRUSTED", "The peer's certificate is not accepted"},
    [-WSL_TLS_FAILED] = {"TLS_FAILED", "TLS failed"},
    [-WSL_NO_ADDRESS] = {"NO_ADDRESS", "The local address is not one of this machine"},
    [-WSL_FORBIDDEN] = {"FORBIDDEN", "The target is not allowed"},
    [-WSL_TOO_MANY] = {"TOO_MANY", "Too many programs are running"},
    [-WSL_NOT_RUN] = {"NOT_RUN", "The program can't be run"},
    [-WSL_PROGRAM_FAILED] = {"PROGRAM_FAILED", "The program failed"},
};

/* What the log goes on to say; NULL: nothing. */
static const char *const texts_for_log[] = {
    [-WSL_NO_PORT] =
        "No free local port toward the target: add --source-address or widen ip_local_port_range",
    [-WSL_TOO_MANY] = "Too many programs are running: raise --exec-limit or the limit of processes",
    [-WSL_FORBIDDEN] =
        "The target is not allowed (--allow-target; a line before this says which pattern would)",
    [COUNT(errors) - 1] = NULL,
};

static const struct error_entry unknown_error = {"UNKNOWN", "Unknown error"};

/* A table and not a switch: EAGAIN and EWOULDBLOCK, ENOTSUP and EOPNOTSUPP are one number on some
 * systems and two on others. The first rows are those met while bytes move. */
static const struct {
  int system_errno;
  enum wsl_error error;
} errno_map[] = {
    {EAGAIN, WSL_AGAIN},
    {EWOULDBLOCK, WSL_AGAIN},
    {EINPROGRESS, WSL_AGAIN},
    {EALREADY, WSL_AGAIN},
    {ECONNRESET, WSL_RESET},
    {ECONNABORTED, WSL_RESET},
    {EPIPE, WSL_BROKEN},
    {ENOTCONN, WSL_BROKEN},
    {ESHUTDOWN, WSL_BROKEN},
    {ETIMEDOUT, WSL_TIMED_OUT},
    {ECONNREFUSED, WSL_REFUSED},
    {EHOSTUNREACH, WSL_UNREACHABLE},
    {ENETUNREACH, WSL_UNREACHABLE},
    {EHOSTDOWN, WSL_UNREACHABLE},
    {ENETDOWN, WSL_UNREACHABLE},
    {EMFILE, WSL_NO_DESCRIPTOR},
    {ENFILE, WSL_NO_DESCRIPTOR},
    {EADDRNOTAVAIL, WSL_NO_PORT},
    {ENOMEM, WSL_NO_MEMORY},
    {ENOBUFS, WSL_NO_MEMORY},
    {EACCES, WSL_DENIED},
    {EPERM, WSL_DENIED},
    {ENOENT, WSL_NOT_FOUND},
    {ENOTDIR, WSL_NOT_FOUND},
    {ENAMETOOLONG, WSL_NOT_FOUND},
    {ELOOP, WSL_NOT_FOUND},
    {EADDRINUSE, WSL_IN_USE},
    {ENOSYS, WSL_UNSUPPORTED},
    {ENOTSUP, WSL_UNSUPPORTED},
    {EOPNOTSUPP, WSL_UNSUPPORTED},
    {EAFNOSUPPORT, WSL_UNSUPPORTED},
    {EPROTONOSUPPORT, WSL_UNSUPPORTED},
    {EINVAL, WSL_INVALID},
    {ECANCELED, WSL_CANCELLED},
};

static bool is_known(int error) {
  return error <= 0 && error > -(int)COUNT(errors);
}

static const struct error_entry *entry_of(int error) {
  return is_known(error) ? &errors[-error] : &unknown_error;
}

const char *error_name(int error) {
  return entry_of(error)->name;
}

const char *error_text(int error) {
  return entry_of(error)->text;
}

const char *error_text_for_log(int error) {
  const char *text = is_known(error) ? texts_for_log[-error] : NULL;
  return text != NULL ? text : error_text(error);
}

int error_from_errno(int system_errno) {
  if (system_errno == 0) return WSL_OK;
  if (system_errno >= EAI_LIBUV_FIRST && system_errno <= EAI_LIBUV_LAST) {
    bool no_address = system_errno == EAI_LIBUV_NODATA || system_errno == EAI_LIBUV_NONAME;
    return no_address ? WSL_NAME_UNKNOWN : WSL_NAME_FAILED;
  }
  for (size_t i = 0; i < COUNT(errno_map); i++) {
    /* Compared on the negative side: -INT_MIN does not exist. */
    if (errno_map[i].system_errno == system_errno || -errno_map[i].system_errno == system_errno) {
      return errno_map[i].error;
    }
  }
  return WSL_IO;
}
