/* IP addresses as text, for rooms that know no sockets. Pure. */
#ifndef CORE_IP_TEXT_H
#define CORE_IP_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

enum ip_version { IP_V4 = 4, IP_V6 = 6 };

#define IP_BYTES_MAX 16u /* in network order; an IPv4 address has the first four */
#define IP_TEXT_MAX  46u /* longest text, NUL included */

static inline size_t ip_len(enum ip_version version) {
  return version == IP_V4 ? 4 : 16;
}

/* Reads a whole literal of that version, without brackets or scope. */
WSL_MUST_CHECK bool ip_read(enum ip_version version, struct wsl_span text, uint8_t bytes[IP_BYTES_MAX]);

/* Writes it in its shortest form; returns `out`. */
const char *ip_write(enum ip_version version, const uint8_t bytes[IP_BYTES_MAX], char out[IP_TEXT_MAX]);

#endif
