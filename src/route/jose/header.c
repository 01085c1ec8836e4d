/* See route/jose/header.h. */
#include "route/jose/header.h"

#include <stdlib.h>

#include "codec/text/jose.h"

/* Fields that change what a token means, none of which we know: `crit` names such by definition (RFC 7515
 * 4.1.11); compression (RFC 7516 4.1.3) lets a small token fill memory; `b64` (RFC 7797) leaves the payload
 * as it is. */
static const char *const refused[] = {"crit", "zip", "b64"};

/* Whether this thread was refused memory since it was last reset. */
static _Thread_local bool starved;

static void *json_memory(size_t size) {
  void *block = malloc(size);
  if (block == NULL) starved = true;
  return block;
}

void jose_json_start(void) {
  json_set_alloc_funcs(json_memory, free);
  json_object_seed(0); /* of its hash tables: random */
}

/* jansson passes over a NUL that stands behind a number. */
json_t *jose_json(struct wsl_span text, enum jose_verdict *why) {
  *why = JOSE_MALFORMED;
  if (memchr(text.at, '\0', text.len) != NULL) return NULL;
  starved = false;
  json_t *json = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
  if (json_is_object(json)) return json;
  if (starved) *why = JOSE_NO_MEMORY;
  json_decref(json);
  return NULL;
}

static void take_name(const json_t *object, const char *field, char name[JOSE_NAME_SIZE]) {
  const json_t *value = json_object_get(object, field);
  const char *text = json_string_value(value);
  size_t len = text == NULL ? 0 : json_string_length(value);
  if (len >= JOSE_NAME_SIZE) len = 0;
  if (len > 0) memcpy(name, text, len);
  name[len] = '\0';
}

static enum jose_verdict read_object(const json_t *object, struct jose_header *header) {
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    if (json_object_get(object, refused[i]) != NULL) return JOSE_HEADER;
  }
  take_name(object, "alg", header->alg);
  take_name(object, "enc", header->enc);
  return JOSE_GOOD;
}

enum jose_verdict jose_header_read(struct wsl_span encoded, struct jose_header *header) {
  size_t len;
  uint8_t *text = malloc(base64url_room(encoded.len));
  if (text == NULL) return JOSE_NO_MEMORY;
  enum jose_verdict verdict = JOSE_MALFORMED;
  if (base64url_decode(encoded, BASE64URL_TAIL_ZERO, text, &len) == 0) {
    json_t *object = jose_json((struct wsl_span){(const char *)text, len}, &verdict);
    if (object != NULL) verdict = read_object(object, header);
    json_decref(object);
  }
  free(text);
  return verdict;
}
