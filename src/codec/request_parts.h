/* What request.c and upgrade.c share; private to the two. */
#ifndef CODEC_REQUEST_PARTS_H
#define CODEC_REQUEST_PARTS_H

#include <wsluice/request.h>

/* How the head says that a body follows (RFC 9112 section 6). */
struct body_framing {
  bool transfer_encoding; /* there is such a field */
  uint32_t length_count;  /* values of Content-Length, over all lines and lists; all are equal */
  uint64_t length;
};

/* Makes `request` a refusal. The connection closes behind it: after a broken rule nobody can be sure
 * where the next request begins. */
static inline void request_refuse(struct wsl_request *request, uint16_t status, const char *reason) {
  request->kind = WSL_REQUEST_REFUSED;
  request->status = status;
  request->reason = reason;
  request->keep_alive = false;
}

/* Whether any line of the list field `name` holds `token`, in any case. */
bool request_list_has(const struct wsl_head *head, const char *name, const char *token);

/* How many lines named `name` there are; *value is the first one's. */
uint32_t request_field_count(const struct wsl_head *head, const char *name, struct wsl_span *value);

/* Whether the client means to upgrade to WebSocket, well or badly. */
bool upgrade_attempted(const struct wsl_head *head);

/* Judges an attempt: makes `request` an UPGRADE or a refusal. */
void upgrade_read(const struct wsl_head *head, const struct body_framing *body,
                  const struct wsl_subprotocols *configured, struct wsl_request *request);

#endif
