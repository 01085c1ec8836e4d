/* See route/auth/password_hash.h. */
#include "route/auth/password_hash.h"

#include <assert.h>
#include <crypt.h>
#include <errno.h>
#include <stdlib.h>

#include <wsluice/base64.h>

#include "core/error.h"
#include "core/hash.h"

static enum password_verdict verdict(bool same) {
  return same ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

static enum password_verdict try_crypt(const char *hash, const char *password) {
  struct crypt_data *data = calloc(1, sizeof(*data)); /* 32 KB: not for the stack of a pool's thread */
  if (data == NULL) return PASSWORD_UNTRIED;
  errno = 0;
  const char *made = crypt_r(password, hash, data);
  size_t len = strlen(hash);
  bool failed = errno == ENOMEM;
  bool same = made != NULL && strlen(made) == len && secret_equal(made, hash, len);
  secret_wipe(data, sizeof(*data));
  free(data);
  return failed && !same ? PASSWORD_UNTRIED : verdict(same);
}

static enum password_verdict try_sha1(const char *hash, const char *password) {
  uint8_t digest[SHA1_SIZE];
  uint8_t text[HTPASSWD_SHA1_CHARS];
  if (hash_sha1(password, strlen(password), digest) != WSL_OK) return PASSWORD_UNTRIED;
  assert(wsl_base64_len(sizeof(digest)) == sizeof(text));
  wsl_base64_encode(text, digest, sizeof(digest));
  bool same = strlen(hash) == HTPASSWD_SHA1_CHARS && secret_equal(text, hash, HTPASSWD_SHA1_CHARS);
  secret_wipe(digest, sizeof(digest));
  secret_wipe(text, sizeof(text));
  return verdict(same);
}

enum password_verdict password_try(enum htpasswd_kind kind, const char *hash, const char *password) {
  return kind == HTPASSWD_SHA1 ? try_sha1(hash, password) : try_crypt(hash, password);
}
