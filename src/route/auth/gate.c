/* See route/auth/gate.h. A try owns a copy of its login, wiped when it is over, since it may outlive the
 * request and, once a thread of the pool has begun its hash, whoever asked: the result counts all the same,
 * or guessing would be free for those who hang up.
 */
#include "route/auth/gate.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "core/hash.h"

#define MS_A_SECOND 1000u

/* Retry-After, in seconds, where too much is under way. */
#define BUSY_RETRY_S 2u

enum try_state { TRY_WAITING, TRY_QUEUED, TRY_HASHING };

struct auth_try {
  struct auth_gate *gate;
  struct gate_check *asker; /* NULL once it has given up; the loop's alone */
  enum try_state state;
  struct list node;   /* QUEUED */
  struct timer timer; /* WAITING */
  struct offload_job job;
  struct auth_network network;
  enum gate_carrier carrier;
  bool wants_cookie;
  bool delayed;
  enum password_verdict verdict; /* once hashed, with: */
  uint8_t tag[PASSWORD_TAG_SIZE];
  uint64_t began_ms; /* when the hash was */
  struct basic_login login;
};

static const char reason_unknown[] = "a user name and a password are required";
static const char reason_wrong[] = "wrong user or password";

static struct auth_gate *gate_of(struct gate *gate) {
  return (struct auth_gate *)(void *)gate;
}

static uint64_t now_s(void) {
  return (uint64_t)time(NULL);
}

/* ---- answers ---- */

static void answer_not(struct gate_check *asker, enum gate_outcome outcome, const char *reason,
                       bool delayed) {
  struct gate_answer made = {.outcome = outcome, .reason = reason, .delayed = delayed};
  if (outcome == GATE_BUSY) made.retry_after_s = BUSY_RETRY_S;
  asker->done(asker, &made);
}

static void answer(struct gate_check *asker, enum gate_outcome outcome, const char *reason) {
  answer_not(asker, outcome, reason, false);
}

static void answer_open(struct gate_check *asker, const char *user, const char *cookie, bool delayed) {
  struct gate_answer made = {.outcome = GATE_OPEN, .user = user, .cookie = cookie, .delayed = delayed};
  asker->done(asker, &made);
}

/* With a cookie where one is wanted; where it can not be signed the login is good all the same. */
static void answer_login(struct auth_gate *gate, struct gate_check *asker, const struct auth_try *try) {
  char cookie[AUTH_COOKIE_MAX];
  bool has_cookie = try->wants_cookie &&
                    auth_cookie_make(&gate->auth->cookies, try->carrier, try->tag, now_s(), cookie) == 0;
  answer_open(asker, try->login.user, has_cookie ? cookie : NULL, try->delayed);
}

/* ---- tries ---- */

static void free_try(struct auth_try *try) {
  secret_wipe(&try->login, sizeof(try->login));
  free(try);
}

static void run_next(struct auth_gate *gate);

/* It has an answer, or nobody wants one any more. */
static void end(struct auth_try *try, enum auth_end how, const char *reason) {
  struct auth_gate *gate = try->gate;
  struct gate_check *asker = try->asker;
  auth_pacing_end(gate->auth->pacing, &try->network, how, gate->timers->now_ms);
  if (asker != NULL) asker->work = NULL;
  if (asker != NULL && how == AUTH_RIGHT) answer_login(gate, asker, try);
  if (asker != NULL && how != AUTH_RIGHT)
    answer_not(asker, how == AUTH_WRONG ? GATE_WRONG : GATE_BUSY, reason, try->delayed);
  free_try(try);
}

/* On a thread of the pool. */
static void hash(struct offload_job *job) {
  struct auth_try *try = LIST_ENTRY(job, struct auth_try, job);
  try->verdict = credentials_check(try->gate->auth->credentials, &try->login, try->began_ms, try->tag);
}

static void on_hashed(struct offload_job *job) {
  struct auth_try *try = LIST_ENTRY(job, struct auth_try, job);
  struct auth_gate *gate = try->gate;
  gate->hashing = NULL;
  auth_give_turn(gate->auth);
  switch (try->verdict) {
    case PASSWORD_RIGHT:
      end(try, AUTH_RIGHT, NULL);
      break;
    case PASSWORD_WRONG:
      end(try, AUTH_WRONG, reason_wrong);
      break;
    case PASSWORD_UNTRIED:
      end(try, AUTH_UNTRIED, "out of memory");
      break;
  }
  run_next(gate);
}

/* Another try may have shown meanwhile that the login is right: a page's requests come six at once. */
static void run_next(struct auth_gate *gate) {
  while (gate->hashing == NULL && gate->queued > 0) {
    if (!auth_take_turn(gate->auth)) {
      timer_arm(gate->timers, &gate->retry, gate->timers->now_ms + AUTH_RETRY_MS);
      return;
    }
    struct auth_try *try = LIST_ENTRY(list_take_first(&gate->queue), struct auth_try, node);
    gate->queued--;
    try->began_ms = gate->timers->now_ms;
    if (credentials_remember(gate->auth->credentials, &try->login, try->began_ms, try->tag)) {
      auth_give_turn(gate->auth);
      end(try, AUTH_RIGHT, NULL);
    } else {
      try->state = TRY_HASHING;
      gate->hashing = try;
      offload_start(gate->offload, &try->job, hash, on_hashed);
    }
  }
}

static void on_retry(struct timer *timer) {
  run_next(LIST_ENTRY(timer, struct auth_gate, retry));
}

static void enqueue(struct auth_try *try) {
  struct auth_gate *gate = try->gate;
  if (gate->queued == AUTH_QUEUE_MAX) {
    end(try, AUTH_UNTRIED, "too many logins at once");
    return;
  }
  try->state = TRY_QUEUED;
  list_append(&gate->queue, &try->node);
  gate->queued++;
  run_next(gate);
}

static void on_waited(struct timer *timer) {
  struct auth_try *try = LIST_ENTRY(timer, struct auth_try, timer);
  auth_pacing_go(try->gate->auth->pacing, &try->network);
  enqueue(try);
}

static void refuse_hurried(struct gate_check *asker, uint64_t wait_ms) {
  struct gate_answer made = {.outcome = GATE_HURRIED,
                             .reason = "too many wrong passwords from your network: wait",
                             .retry_after_s = (unsigned)((wait_ms + MS_A_SECOND - 1) / MS_A_SECOND)};
  asker->done(asker, &made);
}

/* Paces a try that nobody has paced yet; `try` is the callee's. */
static void begin(struct auth_try *try) {
  struct auth_gate *gate = try->gate;
  uint64_t wait_ms = 0;
  switch (auth_pacing_begin(gate->auth->pacing, &try->network, gate->timers->now_ms, &wait_ms)) {
    case AUTH_GO:
      try->asker->work = try;
      enqueue(try);
      break;
    case AUTH_WAIT:
      try->asker->work = try;
      try->delayed = true;
      try->state = TRY_WAITING;
      timer_arm(gate->timers, &try->timer, gate->timers->now_ms + wait_ms);
      break;
    case AUTH_REFUSE:
      refuse_hurried(try->asker, wait_ms);
      free_try(try);
      break;
  }
}

/* ---- what a request shows ---- */

/* Whether an answer should bring a cookie: to pages only, and not while one is good for a while yet. */
static bool wants_cookie(const struct auth *auth, const struct gate_request *request) {
  uint8_t tag[PASSWORD_TAG_SIZE];
  uint64_t left_s = 0;
  if (request->purpose != GATE_FILE || auth->settings->cookie_time_ms == 0) return false;
  bool has = auth_cookie_read(&auth->cookies, request->carrier, request->head, now_s(), tag, &left_s);
  return !has || left_s < auth->cookies.lifetime_s / 2;
}

static void judge_cookie(struct auth_gate *gate, struct gate_check *asker,
                         const struct gate_request *request) {
  const struct auth *auth = gate->auth;
  uint8_t tag[PASSWORD_TAG_SIZE];
  uint64_t left_s;
  char user[BASIC_USER_MAX + 1];
  bool good = request->purpose == GATE_UPGRADE && auth->settings->cookie_time_ms > 0 &&
              auth_cookie_read(&auth->cookies, request->carrier, request->head, now_s(), tag, &left_s) &&
              credentials_name(auth->credentials, tag, user);
  if (!good) {
    answer(asker, GATE_UNKNOWN, reason_unknown);
  } else if (!auth_trusts_origin(auth, request->origin, request->authority)) {
    answer(asker, GATE_CLOSED, "a page of another origin may not use this login (--origin)");
  } else {
    answer_open(asker, user, NULL, false);
  }
}

static void judge_login(struct auth_gate *gate, struct auth_try *try, const struct gate_request *request) {
  try->wants_cookie = wants_cookie(gate->auth, request);
  uint64_t now_ms = gate->timers->now_ms;
  if (auth_pacing_may_recall(gate->auth->pacing, &try->network, now_ms) &&
      credentials_remember(gate->auth->credentials, &try->login, now_ms, try->tag)) {
    answer_login(gate, try->asker, try);
    free_try(try);
    return;
  }
  begin(try);
}

static struct auth_try *make_try(struct auth_gate *gate, struct gate_check *asker,
                                 const struct gate_request *request) {
  struct auth_try *try = calloc(1, sizeof(*try));
  if (try == NULL) return NULL;
  try->gate = gate;
  try->asker = asker;
  try->network = auth_network_of(request->client);
  try->carrier = request->carrier;
  timer_init(&try->timer, on_waited);
  return try;
}

/* A request with an Authorization, of whatever kind. */
static void judge_authorization(struct auth_gate *gate, struct gate_check *asker,
                                const struct gate_request *request, struct wsl_span authorization) {
  struct auth_try *try = make_try(gate, asker, request);
  if (try == NULL) {
    answer(asker, GATE_BUSY, "out of memory");
    return;
  }
  switch (basic_read(authorization, &try->login)) {
    case BASIC_READ:
      judge_login(gate, try, request);
      return;
    case BASIC_TOO_LONG:
      answer(asker, GATE_WRONG, reason_wrong);
      break;
    case BASIC_MALFORMED:
      answer(asker, GATE_MALFORMED, "the Authorization header is not Basic, or malformed");
      break;
  }
  free_try(try);
}

static void judge_basic(struct auth_gate *gate, struct gate_check *asker,
                        const struct gate_request *request) {
  const struct wsl_span name = {"Authorization", sizeof("Authorization") - 1};
  struct wsl_span value, second;
  uint32_t field = 0;
  if (!wsl_head_next(request->head, name, &field, &value)) {
    judge_cookie(gate, asker, request);
  } else if (wsl_head_next(request->head, name, &field, &second)) {
    answer(asker, GATE_MALFORMED, "more than one Authorization header");
  } else {
    judge_authorization(gate, asker, request, value);
  }
}

static void judge_origin(struct auth_gate *gate, struct gate_check *asker,
                         const struct gate_request *request) {
  if (auth_lists(gate->auth, request->origin))
    answer_open(asker, NULL, NULL, false);
  else
    answer(asker, GATE_CLOSED, "pages of this origin may not connect here");
}

static void judge_certificate(struct auth_gate *gate, struct gate_check *asker,
                              const struct gate_request *request) {
  struct wsl_span name = request->certificate_name;
  if (!auth_lists(gate->auth, name)) {
    answer(asker, GATE_CLOSED,
           name.at == NULL ? "a valid client certificate is required"
                           : "this client certificate may not connect here");
    return;
  }
  char user[BASIC_USER_MAX + 1];
  size_t len = name.len < BASIC_USER_MAX ? name.len : BASIC_USER_MAX;
  memcpy(user, name.at, len);
  user[len] = '\0';
  answer_open(asker, user, NULL, false);
}

/* ---- the interface ---- */

static void start(struct gate *base, struct gate_check *asker, const struct gate_request *request) {
  struct auth_gate *gate = gate_of(base);
  switch (gate->auth->settings->plugin) {
    case AUTH_BASIC:
      judge_basic(gate, asker, request);
      break;
    case AUTH_ORIGIN:
      judge_origin(gate, asker, request);
      break;
    case AUTH_CERTIFICATE:
      judge_certificate(gate, asker, request);
      break;
    case AUTH_NONE:
      assert(false && "a gate without a plugin");
      break;
  }
}

static void cancel(struct gate *base, struct gate_check *asker) {
  struct auth_gate *gate = gate_of(base);
  struct auth_try *try = asker->work;
  asker->work = NULL;
  try->asker = NULL;
  switch (try->state) {
    case TRY_WAITING:
      timer_disarm(gate->timers, &try->timer);
      auth_pacing_go(gate->auth->pacing, &try->network);
      break;
    case TRY_QUEUED:
      list_remove(&try->node);
      gate->queued--;
      break;
    case TRY_HASHING:
      if (!offload_cancel(&try->job)) return; /* ends in on_hashed() */
      gate->hashing = NULL;
      auth_give_turn(gate->auth);
      break;
  }
  end(try, AUTH_UNTRIED, NULL);
  run_next(gate);
}

static const struct gate_ops auth_gate_ops = {.start = start, .cancel = cancel};

void auth_gate_init(struct auth_gate *gate, struct auth *auth, struct offload *offload,
                    struct timers *timers) {
  *gate = (struct auth_gate){.gate = {&auth_gate_ops}, .auth = auth, .offload = offload, .timers = timers};
  list_init(&gate->queue);
  timer_init(&gate->retry, on_retry);
}

void auth_gate_destroy(struct auth_gate *gate) {
  assert(gate->hashing == NULL && list_empty(&gate->queue));
  timer_disarm(gate->timers, &gate->retry);
}
