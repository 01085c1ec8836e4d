/* See app/wrap/words.h. */
#include "app/wrap/words.h"

#include <stdlib.h>
#include <string.h>

#include "app/environment.h"

/* The next one in `word`; NULL: none. */
static const char *find(const char *word, const char *placeholder) {
  const char *at = word;
  while ((at = strstr(at, placeholder)) != NULL) {
    if (at == word || (at[-1] != '$' && at[-1] != '%')) return at;
    at++;
  }
  return NULL;
}

bool wrap_words_have(const char *const *words, const char *placeholder) {
  for (; *words != NULL; words++) {
    if (find(*words, placeholder) != NULL) return true;
  }
  return false;
}

static size_t count_of(const char *const *words) {
  size_t count = 0;
  while (words[count] != NULL)
    count++;
  return count;
}

/* Writes the word, filled in, with its NUL to `out` (NULL: nowhere); how many bytes that is. */
static size_t fill(const char *word, const char *placeholder, const char *value, char *out) {
  size_t len = 0;
  const char *at;
  while (placeholder != NULL && (at = find(word, placeholder)) != NULL) {
    size_t before = (size_t)(at - word);
    if (out != NULL) memcpy(out + len, word, before);
    if (out != NULL) memcpy(out + len + before, value, strlen(value));
    len += before + strlen(value);
    word = at + strlen(placeholder);
  }
  if (out != NULL) memcpy(out + len, word, strlen(word) + 1);
  return len + strlen(word) + 1;
}

const char **wrap_words_fill(const char *const *words, const char *placeholder, const char *value) {
  size_t count = count_of(words), bytes = 0;
  for (size_t i = 0; i < count; i++)
    bytes += fill(words[i], placeholder, value, NULL);
  const char **copy = malloc((count + 1) * sizeof *copy + bytes);
  if (copy == NULL) return NULL;
  char *text = (char *)(copy + count + 1);
  for (size_t i = 0; i < count; i++) {
    copy[i] = text;
    text += fill(words[i], placeholder, value, text);
  }
  copy[count] = NULL;
  return copy;
}

static bool same_name(const char *entry, const char *other) {
  size_t len = strcspn(entry, "=");
  return strncmp(entry, other, len) == 0 && other[len] == '=';
}

static bool is_replaced(const char *entry, const char *const *additions) {
  for (; *additions != NULL; additions++) {
    if (same_name(*additions, entry)) return true;
  }
  return false;
}

const char **wrap_words_environment(const char *const *environment, const char *const *additions) {
  size_t added = count_of(additions), count = 0;
  const char **copy = malloc((count_of(environment) + added + 1) * sizeof *copy);
  if (copy == NULL) return NULL;
  for (; *environment != NULL; environment++) {
    if (!environment_is_ours(*environment) && !is_replaced(*environment, additions))
      copy[count++] = *environment;
  }
  memcpy(copy + count, additions, (added + 1) * sizeof *copy);
  return copy;
}
