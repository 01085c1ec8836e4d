/* A strict reader of one flat JSON object (RFC 8259), for what our log writes: strings and numbers only. */
#ifndef FUZZ_JSON_H
#define FUZZ_JSON_H

#include <stddef.h>

/* Fails (fuzz_check) unless text[0..len) is such an object. How many fields are named `key` (NULL: none); the
 * value of the last, escapes undone, in out (as large as the text; may be NULL). */
size_t json_find(const char *text, size_t len, const char *key, char *out, size_t *out_len);

#endif
