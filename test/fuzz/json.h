/* A strict reader of one flat JSON object (RFC 8259), for what our log writes: strings and numbers only. */
#ifndef FUZZ_JSON_H
#define FUZZ_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* Fails (fuzz_check) unless text[0..len) is such an object. */
void json_check(const char *text, size_t len);

/* The value of the last field named `key`, escapes undone, in out (as large as the text); false when there is
 * none. */
bool json_find(const char *text, size_t len, const char *key, char *out, size_t *out_len);

#endif
