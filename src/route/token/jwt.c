/* websockify's JWTTokenApi (route/token/kind.h): the token itself says where to, signed with the operator's
 * key (route/jose/jwt.h). The source is the key's file (route/jose/key.h).
 *
 * The file is looked at before each lookup, and read anew when it has changed, so a new key counts at once; a
 * file that is gone or broken lets nobody in. A file that is none (a shell's "<(...)") is read once. What
 * lookups on other threads are using of an older key stays until they are done.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "core/error.h"
#include "core/file_signature.h"
#include "core/log.h"
#include "route/jose/header.h"
#include "route/jose/jwt.h"
#include "route/token/kinds.h"
#include "route/token/target.h"

#define WHY_SIZE      512u
#define NANOSECONDS_S 1000000000.0

/* A file that changed this short a time before it was read may change again without its times telling, since
 * they are as coarse as the kernel's clock tick, or on some file systems a second. */
#define UNSETTLED_S 2.0

struct shared_key {
  struct jose_key *key;
  size_t users; /* lookups, and the source; under its lock */
};

struct jwt_source {
  struct token_source source; /* first: it is one */
  const char *path;
  bool once;                  /* no regular file: never read again */
  pthread_mutex_t lock;       /* of all below */
  struct shared_key *current; /* NULL: the file could not be used when it was read last */
  struct file_signature read_as;
  bool settled; /* `read_as` tells whether it has changed */
  bool failed;  /* and the log has said so */
};

static double seconds_of(struct timespec time) {
  return (double)time.tv_sec + (double)time.tv_nsec / NANOSECONDS_S;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return seconds_of(time);
}

/* ---- keys in use ---- */

static void let_go(struct shared_key *shared) {
  if (shared == NULL || --shared->users > 0) return;
  jose_key_free(shared->key);
  free(shared);
}

static void release(struct jwt_source *source, struct shared_key *shared) {
  pthread_mutex_lock(&source->lock);
  let_go(shared);
  pthread_mutex_unlock(&source->lock);
}

/* ---- the file ---- */

static void warn_of_short_secret(const struct jwt_source *source, const struct jose_key *key) {
  size_t longest = 0;
  for (size_t i = 0; i < key->secret_count; i++)
    longest = key->secrets[i].len > longest ? key->secrets[i].len : longest;
  if (key->kind != JOSE_SECRET || longest >= JOSE_SECRET_GOOD_LEN) return;
  char shown[256];
  log_event(LOG_WARN, 0, "token source \"%s\": a secret of %zu bytes can be guessed from a token: take %u",
            log_escape(wsl_span_of(source->path), shown, sizeof shown), longest, JOSE_SECRET_GOOD_LEN);
}

/* Reads the key anew, in place of the current one. 0, or an error with a line in why. */
static int read_key(struct jwt_source *source, char *why, size_t why_cap) {
  struct tls_pem pem = {.role = "token source", .path = source->path, .why = why, .why_cap = why_cap};
  struct shared_key *shared = calloc(1, sizeof *shared);
  let_go(source->current);
  source->current = NULL;
  if (shared == NULL) return tls_pem_refuse(&pem, WSL_NO_MEMORY, "no memory for it");
  int error = tls_pem_read(&pem);
  if (error == 0) error = jose_key_make(&pem, &shared->key);
  tls_pem_wipe(&pem);
  if (error != 0) {
    free(shared);
    return error;
  }
  shared->users = 1;
  source->current = shared;
  warn_of_short_secret(source, shared->key);
  return 0;
}

static bool is_settled(const struct file_signature *file) {
  double age = now() - seconds_of(file->changed);
  return age >= UNSETTLED_S || age <= -UNSETTLED_S; /* of another machine's clock, perhaps */
}

/* A line for each change between usable and not. `why` has the file's name in it. */
static void note_reading(struct jwt_source *source, int error, const char *why) {
  if (error != 0 && !source->failed) {
    log_event(LOG_ERROR, 0, "%s; no token is accepted meanwhile", why);
  } else if (error == 0 && source->failed) {
    char shown[256];
    log_event(LOG_INFO, 0, "token source \"%s\" can be read again",
              log_escape(wsl_span_of(source->path), shown, sizeof shown));
  }
  source->failed = error != 0;
}

/* Looks at the file without reading it. */
static int look(const struct jwt_source *source, struct file_signature *file, char *why) {
  struct stat status;
  struct tls_pem pem = {.role = "token source", .path = source->path, .why = why, .why_cap = WHY_SIZE};
  if (stat(source->path, &status) != 0)
    return tls_pem_refuse(&pem, WSL_NOT_FOUND, "it is not there any more, or can't be reached");
  *file = file_signature_of_status(&status);
  return S_ISREG(status.st_mode) ? 0 : tls_pem_refuse(&pem, WSL_INVALID, "it is no file any more");
}

static int refresh(struct jwt_source *source) {
  char why[WHY_SIZE];
  struct file_signature file = {0};
  if (source->once) return 0;
  int error = look(source, &file, why);
  if (error == 0 && source->current != NULL && source->settled &&
      file_signature_same(&file, &source->read_as))
    return 0;
  if (error == 0) {
    source->read_as = file;
    source->settled = is_settled(&file);
    error = read_key(source, why, sizeof why);
  } else {
    let_go(source->current);
    source->current = NULL;
  }
  note_reading(source, error, why);
  return error;
}

/* The key that counts now, in use until release(); NULL, with *error, when there is none. */
static struct shared_key *take(struct jwt_source *source, int *error) {
  pthread_mutex_lock(&source->lock);
  *error = refresh(source);
  struct shared_key *shared = source->current;
  if (shared != NULL) shared->users++;
  pthread_mutex_unlock(&source->lock);
  return shared;
}

/* ---- lookups ---- */

static struct jwt_source *of(struct token_source *source) {
  return (struct jwt_source *)(void *)source;
}

static enum route_outcome outcome_of(enum jose_verdict verdict) {
  return verdict == JOSE_NO_MEMORY ? ROUTE_BUSY : ROUTE_UNKNOWN;
}

static void take_target(const char *text, const struct token_question *question,
                        struct token_answer *answer) {
  const char *why = "";
  int error = token_target_read(wsl_span_of(text), TARGET_LOOKED_UP, &answer->target, &why);
  answer->outcome = error == 0 ? ROUTE_FOUND : error == WSL_NO_MEMORY ? ROUTE_BUSY : ROUTE_UNKNOWN;
  if (answer->outcome == ROUTE_UNKNOWN)
    log_event(LOG_INFO, question->id, "token refused: host and port in it name no target: %s", why);
}

static void find(struct token_source *base, const struct token_question *question,
                 struct token_answer *answer) {
  struct jwt_source *source = of(base);
  int error;
  struct shared_key *shared = take(source, &error);
  *answer = (struct token_answer){.outcome = error == WSL_NO_MEMORY ? ROUTE_BUSY : ROUTE_FAILED};
  if (shared == NULL) return;
  char target[JWT_TARGET_SIZE];
  enum jose_verdict verdict = jwt_open(shared->key, question->token, now(), target);
  release(source, shared);
  if (verdict == JOSE_GOOD) {
    take_target(target, question, answer);
    return;
  }
  answer->outcome = outcome_of(verdict);
  log_event(LOG_INFO, question->id, "token refused: %s", jwt_verdict_text(verdict));
}

/* ---- the source ---- */

static void close_source(struct token_source *base) {
  struct jwt_source *source = of(base);
  let_go(source->current);
  pthread_mutex_destroy(&source->lock);
  free(source);
}

static int open_source(struct token_source **result, const struct token_source_options *options, char *why,
                       size_t why_cap) {
  struct jwt_source *source = calloc(1, sizeof *source);
  struct tls_pem pem = {.role = "token source", .path = options->argument, .why = why, .why_cap = why_cap};
  if (source == NULL) return tls_pem_refuse(&pem, WSL_NO_MEMORY, "no memory for it");
  jose_json_start();
  source->path = options->argument;
  struct stat status;
  if (stat(source->path, &status) == 0) {
    source->once = !S_ISREG(status.st_mode);
    source->read_as = file_signature_of_status(&status);
    source->settled = is_settled(&source->read_as);
  }
  pthread_mutex_init(&source->lock, NULL);
  int error = read_key(source, why, why_cap);
  if (error != 0) {
    close_source(&source->source);
    return error;
  }
  *result = &source->source;
  return 0;
}

const struct token_kind token_kind_jwt = {
    .name = "JWTTokenApi",
    .open = open_source,
    .close = close_source,
    .find = find,
};
