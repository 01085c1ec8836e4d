/* A target as it is written where somebody else names it: in token files, in answers to lookups. Pure.
 *
 *   host:port
 *   [2001:db8::1]:port        brackets may be left out: the last colon splits
 *   unix_socket:/path
 */
#ifndef CODEC_TEXT_TARGET_TEXT_H
#define CODEC_TEXT_TARGET_TEXT_H

#include <stdint.h>

#include <wsluice/span.h>

/* Longest host: a DNS name (RFC 1035 2.3.4), an address with its zone. */
#define TARGET_HOST_MAX 255u

struct target_text {
  struct wsl_span unix_path;      /* into the text; at == NULL: host and port */
  char host[TARGET_HOST_MAX + 1]; /* brackets taken off */
  uint16_t port;
};

/* Without the white space at both ends. */
struct wsl_span target_text_trim(struct wsl_span text);

/* Reads all of `text`, which is trimmed. NULL, or what is wrong: a static sentence without a full stop that
 * names nothing of the text, and then nothing of `target` may be used. */
WSL_MUST_CHECK const char *target_text_read(struct wsl_span text, struct target_text *target);

#endif
