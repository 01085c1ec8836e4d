/* See codec/text/redis_source.h. */
#include "codec/text/redis_source.h"

#include "codec/chars.h"
#include "core/parse.h"

#define PORT_MAX 65535u
#define DB_MAX   INT32_MAX /* redis-server's own */

/* ---- fields ---- */

/* The length of a field that is closed by `close`, behind which the field ends; 0: it is none of that kind.
 * Nothing between is no such field either. */
static size_t enclosed_len(struct wsl_span text, char open, char close) {
  if (text.len < 3 || text.at[0] != open) return 0;
  const char *end = memchr(text.at + 1, close, text.len - 1);
  if (end == NULL || end == text.at + 1) return 0;
  size_t len = (size_t)(end - text.at) + 1;
  return len == text.len || text.at[len] == ':' ? len : 0;
}

static size_t field_len(struct wsl_span text) {
  size_t len = enclosed_len(text, '"', '"');
  if (len == 0) len = enclosed_len(text, '[', ']');
  if (len > 0) return len;
  const char *colon = text.len == 0 ? NULL : memchr(text.at, ':', text.len);
  return colon == NULL ? text.len : (size_t)(colon - text.at);
}

static struct wsl_span unquoted(struct wsl_span field) {
  if (enclosed_len(field, '"', '"') != field.len || field.len == 0) return field;
  return (struct wsl_span){field.at + 1, field.len - 2};
}

size_t redis_source_split(struct wsl_span text, struct wsl_span fields[REDIS_FIELDS_MAX]) {
  size_t count = 0;
  for (;;) {
    size_t len = field_len(text);
    if (count < REDIS_FIELDS_MAX) fields[count] = unquoted((struct wsl_span){text.at, len});
    count++;
    if (len == text.len || count > REDIS_FIELDS_MAX) return count;
    text = (struct wsl_span){text.at + len + 1, text.len - len - 1};
  }
}

/* ---- what they mean ---- */

/* False: not a whole number of at most `max`. Empty: the default, which stands there. */
static bool read_number(struct wsl_span field, uint32_t max, uint32_t *number) {
  uint64_t value = 0;
  if (field.len == 0) return true;
  if (!parse_digits(field, max, &value)) return false;
  *number = (uint32_t)value;
  return true;
}

static bool is_host(struct wsl_span host) {
  for (size_t i = 0; i < host.len; i++) {
    if (host.at[i] <= ' ' || host.at[i] > '~') return false;
  }
  return host.len > 0;
}

static const char *read_host(struct wsl_span field, struct redis_source *source) {
  source->host = field;
  source->is_unix = field.len > 0 && field.at[0] == '/';
  if (source->is_unix) return NULL;
  if (enclosed_len(field, '[', ']') == field.len && field.len > 0)
    source->host = (struct wsl_span){field.at + 1, field.len - 2};
  return is_host(source->host) ? NULL : "not the name or address of a Redis server";
}

const char *redis_source_read(struct wsl_span text, struct redis_source *source) {
  struct wsl_span fields[REDIS_FIELDS_MAX] = {{NULL, 0}};
  uint32_t port = REDIS_PORT_DEFAULT, db = 0;
  if (redis_source_split(text, fields) > REDIS_FIELDS_MAX)
    return "more fields than host:port:db:password:namespace (quote those with colons: \"a:b\")";
  const char *why = read_host(fields[0], source);
  if (why != NULL) return why;
  if (!read_number(fields[1], PORT_MAX, &port) || port == 0)
    return "the port of the Redis server must be 1 to 65535";
  if (!read_number(fields[2], DB_MAX, &db)) return "the Redis database must be a number";
  if (source->is_unix && fields[1].len > 0) return "a Unix socket of a Redis server has no port";
  source->port = (uint16_t)port;
  source->db = db;
  source->password = fields[3];
  source->name_space = fields[4];
  return NULL;
}
