/* The errors that functions return and log lines name: one negative enum for the whole program.
 *
 * 0 is success everywhere. Errors of a peer or of the system are values of this enum; errors of the
 * programmer are assertions.
 */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <wsluice/span.h>

enum wsl_error {
  WSL_OK = 0,
  WSL_AGAIN = -1,          /* would block: wait for readiness                                */
  WSL_RESET = -2,          /* the peer reset the connection                                   */
  WSL_BROKEN = -3,         /* writing after the stream has ended (EPIPE)                      */
  WSL_TIMED_OUT = -4,      /* no answer in time                                               */
  WSL_REFUSED = -5,        /* nobody listens there                                            */
  WSL_UNREACHABLE = -6,    /* no route to host or network                                     */
  WSL_NAME_UNKNOWN = -7,   /* the name has no address                                         */
  WSL_NAME_FAILED = -8,    /* the resolver gave no answer                                     */
  WSL_NO_DESCRIPTOR = -9,  /* EMFILE, ENFILE                                                  */
  WSL_NO_PORT = -10,       /* EADDRNOTAVAIL of connect(): no local port left toward a target  */
  WSL_NO_MEMORY = -11,     /* allocation failed, or a ceiling was reached                     */
  WSL_DENIED = -12,        /* EACCES, EPERM                                                   */
  WSL_NOT_FOUND = -13,     /* ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP                            */
  WSL_IN_USE = -14,        /* EADDRINUSE                                                      */
  WSL_UNSUPPORTED = -15,   /* this transport or system can't do it                            */
  WSL_INVALID = -16,       /* malformed input                                                 */
  WSL_CANCELLED = -17,     /* the caller gave up                                              */
  WSL_IO = -18,            /* anything else the kernel said                                   */
  WSL_TRUNCATED = -19,     /* a TLS stream ended without close_notify                         */
  WSL_TLS_PLAIN = -20,     /* what came is not TLS                                            */
  WSL_TLS_UNTRUSTED = -21, /* the peer's certificate was not accepted                         */
  WSL_TLS_FAILED = -22,    /* any other failure of TLS                                        */
  WSL_NO_ADDRESS = -23,    /* EADDRNOTAVAIL of bind(): not an address of this machine         */
  WSL_FORBIDDEN = -24,     /* a target that the operator's rules refuse (net/target_rules.h)  */
  WSL_TOO_MANY = -25,      /* as many as may be are there already: programs, processes */
  WSL_NOT_RUN = -26,       /* a program could not be started */
  WSL_PROGRAM_FAILED = -27 /* a program has ended, and not well */
};

/* The enum's name for `error`, such as "REFUSED". Static; never NULL, any value may be given. */
const char *error_name(int error);

/* One short sentence in plain words without a full stop, such as "Connection refused". Static. */
const char *error_text(int error);

/* The same, where it helps with what an operator may do about it: none of a peer's business. Static. */
const char *error_text_for_log(int error);

/* Whether TLS broke over a connection that may live on: an alert can still pass. */
static inline bool error_is_of_tls(int error) {
  return error == WSL_TLS_FAILED || error == WSL_TLS_PLAIN || error == WSL_TLS_UNTRUSTED;
}

/* Maps a positive errno (or a negative libuv code) to the enum; 0 (SO_ERROR of a good socket) is
 * WSL_OK. EINTR is the caller's to retry. */
int error_from_errno(int system_errno);

#endif
