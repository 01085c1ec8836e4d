/* The words of a wrapped program's command line, with the port or the socket's path put in for {port} and
 * {socket}. Behind $ and % they are left alone, being a shell's ${port} or a format's. Pure but for memory.
 */
#ifndef APP_WRAP_WORDS_H
#define APP_WRAP_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define WRAP_WORD_PORT   "{port}"
#define WRAP_WORD_SOCKET "{socket}"

/* Whether any of the words (ended by NULL) has the placeholder. */
bool wrap_words_have(const char *const *words, const char *placeholder);

/* A copy of the words with `value` for each `placeholder` (NULL: none), in one malloc'ed piece, ended by
 * NULL. NULL without memory. */
const char **wrap_words_fill(const char *const *words, const char *placeholder, const char *value);

/* A copy of an environment (ended by NULL) without our own options (app/environment.h), which may be secrets
 * and would be another wsluice's; with `additions` ("NAME=value", ended by NULL) instead of entries of their
 * names. The strings are not copied. malloc'ed; NULL without memory. */
const char **wrap_words_environment(const char *const *environment, const char *const *additions);

#endif
