/* Heads, fed and judged (opening_head.h). */
#include "opening_head.h"

#include <assert.h>
#include <stdlib.h>

#include "fault.h"
#include "opening_write.h"

#define RUBBISH 0xa5

/* How the bytes arrive. */
enum arrival { ARRIVE_AT_ONCE, ARRIVE_IN_PIECES, ARRIVE_ROUND_THE_LAST, ARRIVE_ONE_BY_ONE, ARRIVALS };

struct reading {
  const struct draft *draft;
  const struct sent *sent;
  struct random_source *random;
  enum arrival arrival;
  size_t decides; /* the byte behind which the parser knows */
  struct wsl_head head;
  struct wsl_head_field *fields;
  char *bytes; /* as long as what has arrived, so that a sanitizer sees who looks further */
  size_t len;
};

static void *allocate(size_t size) {
  void *memory = malloc(size + (size == 0));
  assert(memory != NULL);
  return memory;
}

static void discard(void *memory, size_t size) {
  if (memory != NULL) memset(memory, RUBBISH, size);
  free(memory);
}

/* ---- feeding ---- */

static size_t next_len(const struct reading *r) {
  size_t all = r->sent->text.len;
  switch (r->arrival) {
    case ARRIVE_ONE_BY_ONE:
      return r->len + 1;
    case ARRIVE_IN_PIECES:
      return between(r->random, r->len, all);
    case ARRIVE_ROUND_THE_LAST:
      return r->len < r->decides ? r->decides : r->decides + 1;
    default:
      return all;
  }
}

/* The bytes so far and some more, elsewhere: a buffer that grew. */
static void let_arrive(struct reading *r) {
  size_t len = next_len(r);
  char *bytes = allocate(len);
  memcpy(bytes, r->sent->text.bytes, len);
  discard(r->bytes, r->len);
  r->bytes = bytes;
  r->len = len;
}

static void move_fields(struct reading *r) {
  size_t size = r->sent->limits.fields_max * sizeof(*r->fields);
  struct wsl_head_field *fields = allocate(size);
  memset(fields, RUBBISH, size);
  wsl_head_move_fields(&r->head, fields);
  discard(r->fields, size);
  r->fields = fields;
}

/* What is known while the head comes in. */
static void check_progress(const struct reading *r) {
  size_t start = r->sent->layout.start;
  sim_check(wsl_head_begun(&r->head) == (r->len > start), "opening: a request is%s begun after %zu bytes",
            r->len > start ? " not" : "", r->len);
  size_t method_end = start + r->draft->method.len;
  if (start == NOWHERE || r->sent->bad_at <= method_end || r->len <= method_end) return;
  bool head = wsl_span_equal(r->draft->method, wsl_span_of("HEAD"));
  sim_check(r->head.method_is_head == head, "opening: the method is%s taken for HEAD", head ? " not" : "");
}

static void check_refusal(const struct reading *r) {
  const struct wsl_head *head = &r->head;
  sim_check(head->error_status == r->sent->status, "opening: a head is refused with %u, not %u for \"%s\"",
            head->error_status, r->sent->status, r->sent->words);
  sim_check(strstr(head->error_reason, r->sent->words) != NULL,
            "opening: a head is refused for \"%s\", not \"%s\"", head->error_reason, r->sent->words);
}

/* Feeds until the parser must know: false when it refused the head, as it must. */
static bool feed(struct reading *r) {
  bool bad = r->sent->bad_at != NOWHERE;
  enum wsl_head_status status = WSL_HEAD_MORE;
  while (r->len <= r->decides) {
    if (r->len > 0 && one_in(r->random, 4)) move_fields(r);
    let_arrive(r);
    status = wsl_head_feed(&r->head, r->bytes, r->len);
    sim_check(r->len > r->decides || status == WSL_HEAD_MORE,
              "opening: a head is %s at %zu bytes, before byte %zu: %s",
              status == WSL_HEAD_BAD ? "refused" : "complete", r->len, r->decides,
              status == WSL_HEAD_BAD ? r->head.error_reason : "");
    if (status != WSL_HEAD_BAD) check_progress(r);
  }
  sim_check(status != WSL_HEAD_MORE, "opening: a head is not %s at byte %zu%s%s",
            bad ? "refused" : "complete", r->decides, bad ? ": " : "", bad ? r->sent->words : "");
  sim_check((status == WSL_HEAD_BAD) == bad, "opening: a head that is %s is %s: %s", bad ? "bad" : "good",
            bad ? "taken" : "refused", bad ? r->sent->words : r->head.error_reason);
  if (bad) check_refusal(r);
  return !bad;
}

/* ---- what was read ---- */

static void check_span(struct wsl_span got, struct wsl_span wanted, const char *what) {
  sim_check(wsl_span_equal(got, wanted), "opening: %s is \"%s\", not \"%s\"", what, shown(got),
            shown(wanted));
}

static void check_found(const struct wsl_head *head, const struct draft *draft, struct wsl_span name) {
  struct wsl_span value;
  uint32_t field = 0;
  for (size_t i = 0; i < draft->field_count; i++) {
    if (!wsl_span_equal_nocase(draft->fields[i].name, name)) continue;
    sim_check(wsl_head_next(head, name, &field, &value), "opening: a header line is not found by its name");
    sim_check(field == i + 1, "opening: line %u is found by a name, not line %zu", field, i + 1);
    check_span(value, draft->fields[i].value, "a value that is looked for");
  }
  sim_check(!wsl_head_next(head, name, &field, &value), "opening: a header line is found by another's name");
}

static void check_head(const struct reading *r) {
  const struct wsl_head *head = &r->head;
  const struct draft *draft = r->draft;
  sim_check(head->head_len == r->sent->head_len, "opening: the head is taken for %u bytes, not %zu",
            head->head_len, r->sent->head_len);
  sim_check(head->fields_count == draft->field_count, "opening: %u header lines are read, not %zu",
            head->fields_count, draft->field_count);
  sim_check(head->minor_version == draft->minor_version, "opening: HTTP/1.%u is read, not HTTP/1.%u",
            head->minor_version, draft->minor_version);
  check_span(wsl_head_method(head), draft->method, "the method");
  check_span(wsl_head_target(head), draft->target, "the target");
  for (uint32_t i = 0; i < head->fields_count; i++) {
    check_span(wsl_head_name(head, i), draft->fields[i].name, "a header's name");
    check_span(wsl_head_value(head, i), draft->fields[i].value, "a header's value");
  }
  if (draft->field_count == 0) return;
  check_found(head, draft, draft->fields[random_below(r->random, (uint32_t)draft->field_count)].name);
  check_found(head, draft, wsl_span_of("Host"));
}

/* ---- what it means ---- */

static void check_refused(const struct wsl_request *request, const struct meaning *meaning) {
  bool fits = request->status == meaning->status ||
              (meaning->status == 0 && (request->status == 400 || request->status == 426));
  const char *words = meaning->words == NULL ? "" : meaning->words;
  sim_check(fits, "opening: a request is refused with %u (%s), not %u (%s)", request->status, request->reason,
            meaning->status, words);
  sim_check(strstr(request->reason, words) != NULL, "opening: a request is refused for \"%s\", not \"%s\"",
            request->reason, words);
  if (meaning->words != NULL)
    sim_check(request->offer_version == meaning->offers_version, "opening: our version is%s offered with %u",
              request->offer_version ? "" : " not", request->status);
  const char *allow = meaning->status == 405 ? "GET" : NULL;
  sim_check(
      allow == NULL ? request->allow == NULL : request->allow != NULL && strcmp(request->allow, allow) == 0,
      "opening: a %u says that the wrong methods are allowed", request->status);
}

static void check_understood(const struct wsl_request *request, const struct meaning *meaning) {
  check_span(request->path, meaning->path, "the path");
  check_span(request->query, meaning->query, "the query");
  check_span(request->authority, meaning->authority, "the authority");
}

static void check_upgrade(const struct wsl_request *request, const struct meaning *meaning) {
  sim_check(memcmp(request->accept, meaning->accept, sizeof(meaning->accept)) == 0,
            "opening: Sec-WebSocket-Accept is %.28s, not %s", request->accept, meaning->accept);
  check_span(request->subprotocol, meaning->subprotocol, "the chosen subprotocol");
}

static const char *kind_text(enum wsl_request_kind kind) {
  static const char *const texts[] = {"a plain one", "an upgrade", "refused"};
  return texts[kind];
}

static void check_request(const struct wsl_request *request, const struct draft *draft) {
  const struct meaning *meaning = &draft->meaning;
  bool refused = meaning->kind == WSL_REQUEST_REFUSED;
  sim_check(request->kind == meaning->kind, "opening: a request that is to be %s is %s: %s",
            kind_text(meaning->kind), kind_text(request->kind),
            request->kind == WSL_REQUEST_REFUSED ? request->reason
            : meaning->words != NULL             ? meaning->words
                                                 : "");
  if (refused)
    check_refused(request, meaning);
  else
    check_understood(request, meaning);
  if (meaning->kind == WSL_REQUEST_UPGRADE) check_upgrade(request, meaning);
  check_span(request->method, draft->method, "the request's method");
  check_span(request->origin, meaning->origin, "the origin");
  check_span(request->user_agent, meaning->user_agent, "the user agent");
  sim_check((request->origin.at == NULL) == (meaning->origin.at == NULL), "opening: an Origin is %s",
            request->origin.at == NULL ? "overlooked" : "invented");
  sim_check(request->keep_alive == meaning->keeps_alive, "opening: a connection that is to %s does not",
            meaning->keeps_alive ? "stay open" : "close");
}

/* Of a file that has neither a tag nor a date. */
static void check_condition(const struct wsl_head *head, const struct draft *draft) {
  static const struct file_state bare = {.size = 1};
  struct conditions conditions;
  struct file_part part;
  char *memory = allocate(conditions_room(head) + 1);
  conditions_copy(head, memory, &conditions);
  enum condition_outcome outcome = conditions_judge(&conditions, CONDITION_GET, &bare, 0, &part);
  sim_check(outcome == draft->meaning.condition, "opening: a precondition is taken for %d, not %d",
            (int)outcome, (int)draft->meaning.condition);
  free(memory);
}

/* ---- the whole ---- */

static void trace(const struct sent *sent) {
  if (!sim_tracing) return;
  sim_trace("opening: a head of %zu bytes%s%s", sent->head_len,
            sent->bad_at == NOWHERE ? "" : ", bad: ", sent->bad_at == NOWHERE ? "" : sent->words);
  sim_trace("%.*s", (int)sent->head_len, sent->text.bytes);
}

static enum arrival draw_arrival(struct random_source *random) {
  return one_in(random, 16) ? ARRIVE_ONE_BY_ONE : (enum arrival)random_below(random, ARRIVE_ONE_BY_ONE);
}

void opening_head(struct random_source *random) {
  static struct draft draft; /* too large for the stack of every play */
  static struct sent sent;
  draft_draw(&draft, random);
  sent_write(&sent, &draft, random);
  trace(&sent);
  struct reading r = {.draft = &draft, .sent = &sent, .random = random, .arrival = draw_arrival(random)};
  r.decides = sent.bad_at == NOWHERE ? sent.head_len - 1 : sent.bad_at;
  r.fields = allocate(sent.limits.fields_max * sizeof(*r.fields));
  wsl_head_init(&r.head, &sent.limits, r.fields);
  if (feed(&r)) {
    struct wsl_subprotocols configured = {draft.configured, draft.configured_count};
    struct wsl_request request;
    memset(&request, RUBBISH, sizeof(request));
    check_head(&r);
    wsl_request_read(&r.head, &configured, &request);
    check_request(&request, &draft);
    if (request.kind == WSL_REQUEST_PLAIN) check_condition(&r.head, &draft);
    if (request.kind == WSL_REQUEST_UPGRADE) opening_answer(&request, &draft, random);
  }
  free(r.bytes);
  free(r.fields);
}
