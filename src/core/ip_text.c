/* See core/ip_text.h. */
#include "core/ip_text.h"

#include <arpa/inet.h>
#include <string.h>

static int family_of(enum ip_version version) {
  return version == IP_V4 ? AF_INET : AF_INET6;
}

bool ip_read(enum ip_version version, struct wsl_span text, uint8_t bytes[IP_BYTES_MAX]) {
  char copy[IP_TEXT_MAX];
  if (text.len >= sizeof copy || (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)) return false;
  if (text.len > 0) memcpy(copy, text.at, text.len);
  copy[text.len] = '\0';
  return inet_pton(family_of(version), copy, bytes) == 1;
}

const char *ip_write(enum ip_version version, const uint8_t bytes[IP_BYTES_MAX], char out[IP_TEXT_MAX]) {
  out[0] = '\0';
  (void)inet_ntop(family_of(version), bytes, out, IP_TEXT_MAX);
  return out;
}
