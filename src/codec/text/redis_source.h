/* Where a Redis server is, as websockify's TokenRedis has it. Pure.
 *
 *   host[:port[:db[:password[:namespace]]]]
 *
 * Empty fields are defaults. A field may stand in double quotes, and then hold colons: "::1":6379, or
 * db::::"app:tokens". What is taken beyond websockify: [::1] for an IPv6 address, and for the host the path
 * of a Unix socket, which begins with a slash.
 */
#ifndef CODEC_TEXT_REDIS_SOURCE_H
#define CODEC_TEXT_REDIS_SOURCE_H

#include <stdint.h>

#include <wsluice/span.h>

#define REDIS_PORT_DEFAULT 6379u
#define REDIS_FIELDS_MAX   5u

/* Spans point into the text; empty ones are not there. */
struct redis_source {
  struct wsl_span host; /* or the path of a Unix socket: */
  bool is_unix;
  uint16_t port;
  uint32_t db;
  struct wsl_span password;
  struct wsl_span name_space;
};

/* Splits at colons that are not in quotes. Returns the number of fields, at most REDIS_FIELDS_MAX + 1; only
 * REDIS_FIELDS_MAX are written. */
size_t redis_source_split(struct wsl_span text, struct wsl_span fields[REDIS_FIELDS_MAX]);

/* Reads all of it. NULL, or what is wrong: a static sentence without a full stop that names nothing of the
 * text (there is a password in it), and then nothing of `source` may be used. */
WSL_MUST_CHECK const char *redis_source_read(struct wsl_span text, struct redis_source *source);

#endif
