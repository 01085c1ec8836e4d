/* What a complete request head means: a plain HTTP request, a WebSocket upgrade, or a refusal.
 *
 * Applies RFC 9110/9112's rules on Host, Content-Length, Transfer-Encoding and Connection, and RFC
 * 6455 4.2's on the upgrade. Pure. Spans of the result point into the head and live as long as its
 * bytes; nothing from the client is meant to be copied into an answer but `subprotocol`, which is a
 * token.
 */
#ifndef WSLUICE_REQUEST_H
#define WSLUICE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/head.h>

enum wsl_request_kind { WSL_REQUEST_PLAIN, WSL_REQUEST_UPGRADE, WSL_REQUEST_REFUSED };

#define WSL_ACCEPT_LEN 28u /* base64 of a SHA-1 */

struct wsl_request {
  enum wsl_request_kind kind;
  struct wsl_span method;
  struct wsl_span path;      /* origin-form path, "/" at least, still percent-encoded; also taken out
                                of an absolute-form target; "*" for OPTIONS *, empty for CONNECT     */
  struct wsl_span query;     /* behind the "?", possibly empty                                      */
  struct wsl_span authority; /* Host's value, or the authority of an absolute-form target (it wins,
                                RFC 9112 3.2.2); may be empty for HTTP/1.0                          */
  struct wsl_span origin;    /* value of Origin; at == NULL when there is none                      */
  struct wsl_span user_agent;
  bool keep_alive; /* the connection may carry another request (RFC 9112 9.3); false whenever the
                      request has a body, since we never read one, for CONNECT and for REFUSED    */

  /* WSL_REQUEST_UPGRADE */
  char accept[WSL_ACCEPT_LEN + 1]; /* value of Sec-WebSocket-Accept */
  struct wsl_span subprotocol;     /* the chosen one; len 0: answer without the header */

  /* WSL_REQUEST_REFUSED */
  uint16_t status;    /* 400, 405, 426, 501; 500 when the hash fails */
  const char *reason; /* static text for the body and the log */
  bool offer_version; /* add Upgrade, Connection: Upgrade and Sec-WebSocket-Version: 13 */
  const char *allow;  /* 405: value of Allow, else NULL */
};

/* Subprotocols that the operator configured; order does not matter, the client's order decides. */
struct wsl_subprotocols {
  const char *const *names;
  size_t count;
};

/* Reads a complete head (wsl_head_feed() said DONE).
 *
 * It is an upgrade attempt when Upgrade holds "websocket" or any Sec-WebSocket-Key or -Version is
 * there; an attempt that breaks a rule is REFUSED with 400 (426 when the version is absent or a
 * well-formed other than 13), never taken for a plain request. HTTP/1.0 never upgrades (RFC 9110
 * 7.8: Upgrade is ignored there) and is PLAIN. Subprotocol: "binary" when it is anywhere in the
 * list, else the first offered that is configured, else the first offered that is not "base64",
 * else "base64" if that was, else none. A Sec-WebSocket-Protocol that is no list of tokens is a 400.
 * Extensions are declined. PLAIN methods are not judged here, nor are preconditions and ranges. */
void wsl_request_read(const struct wsl_head *head, const struct wsl_subprotocols *configured,
                      struct wsl_request *request);

/* Writes the 101 answer for an UPGRADE to out[0..cap), unterminated; returns its length, or 0 when
 * cap is too small (256 bytes plus the subprotocol's length always do). */
size_t wsl_upgrade_answer(const struct wsl_request *request, char *out, size_t cap);

/* Calls for each comma-separated element of a list value (RFC 9110 5.6.1), white space trimmed and
 * empty elements skipped: returns the next element, with *rest moved behind it; false at the end. */
bool wsl_list_next(struct wsl_span *rest, struct wsl_span *element);

/* Whether `text` is a non-empty token (RFC 9110 5.6.2). */
bool wsl_token_valid(struct wsl_span text);

#endif
