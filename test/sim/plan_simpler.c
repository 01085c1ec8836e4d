/* Simpler plans of a plan that fails, for whoever looks for the shortest (shrink.h). Every way leads to less:
 * fewer steps, sessions, settings that are not plain, or smaller numbers; so the search comes to an end.
 *
 * A step that is taken out leaves its place empty, since what the seed decides for a step hangs on its place.
 */
#include <assert.h>
#include <string.h>

#include "plan.h"
#include "plan_fields.h"

/* A family of ways: how many there are for this plan, and the n-th of them done to it. */
struct family {
  size_t (*ways)(const struct plan *plan);
  void (*apply)(struct plan *plan, size_t n);
};

/* ---- steps out ---- */

static size_t living_steps(const struct plan *plan) {
  size_t count = 0;
  for (size_t i = 0; i < plan->step_count; i++)
    count += plan->steps[i].kind != STEP_NONE;
  return count;
}

static size_t half_of(size_t size) {
  return size > 1 ? (size + 1) / 2 : 0;
}

static size_t pieces(size_t count, size_t size) {
  return (count + size - 1) / size;
}

static size_t chunk_ways(const struct plan *plan) {
  size_t living = living_steps(plan), ways = 0;
  for (size_t size = living; size > 0; size = half_of(size))
    ways += pieces(living, size);
  return ways;
}

/* All steps, then halves, quarters, ... and at last single ones. */
static void take_chunk_out(struct plan *plan, size_t n) {
  size_t living = living_steps(plan), size = living;
  for (; n >= pieces(living, size); size = half_of(size))
    n -= pieces(living, size);
  for (size_t i = 0, at = 0; i < plan->step_count; i++) {
    if (plan->steps[i].kind == STEP_NONE) continue;
    if (at / size == n) plan->steps[i] = (struct step){.kind = STEP_NONE};
    at++;
  }
}

/* ---- sessions out ---- */

static size_t session_ways(const struct plan *plan) {
  return plan->sessions > 1 ? plan->sessions : 0;
}

static void forget_role(struct plan *plan, size_t session) {
  plan->sessions--;
  memmove(&plan->roles[session], &plan->roles[session + 1],
          (plan->sessions - session) * sizeof plan->roles[0]);
}

/* The session with all its steps. */
static void take_session_out(struct plan *plan, size_t session) {
  for (size_t i = 0; i < plan->step_count; i++) {
    struct step *step = &plan->steps[i];
    if (step->session == session) *step = (struct step){.kind = STEP_NONE};
    if (step->session > session) step->session--;
  }
  forget_role(plan, session);
}

/* The session's steps become those of the one before it (of the last, for the first). */
static void merge_session(struct plan *plan, size_t session) {
  size_t into = session > 0 ? session - 1 : plan->sessions - 1u;
  for (size_t i = 0; i < plan->step_count; i++) {
    struct step *step = &plan->steps[i];
    if (step->session == session) step->session = (uint8_t)into;
    if (step->session > session) step->session--;
  }
  forget_role(plan, session);
}

/* ---- settings plain ---- */

struct table {
  const struct plan_field *fields;
  void *owner;
};

#define TABLES_MAX (1 + 3 * PLAN_SESSIONS_MAX)

/* All tables of the plan with what they describe. */
static size_t tables_of(struct plan *plan, struct table tables[TABLES_MAX]) {
  size_t count = 0;
  tables[count++] = (struct table){plan_fields, plan};
  for (size_t i = 0; i < plan->sessions; i++) {
    tables[count++] = (struct table){temper_fields, &plan->roles[i].client};
    tables[count++] = (struct table){temper_fields, &plan->roles[i].backend};
    tables[count++] = (struct table){role_fields, &plan->roles[i]};
  }
  return count;
}

static size_t not_plain_in(const struct table *table) {
  size_t count = 0;
  for (const struct plan_field *field = table->fields; field->size != 0; field++)
    count += !field_is_plain(field, table->owner);
  return count;
}

static void make_table_plain(const struct table *table) {
  for (const struct plan_field *field = table->fields; field->size != 0; field++)
    field_make_plain(field, table->owner);
}

static size_t setting_ways(const struct plan *plan) {
  struct plan copy = *plan;
  struct table tables[TABLES_MAX];
  size_t ways = 0;
  for (size_t i = tables_of(&copy, tables); i-- > 0;)
    ways += not_plain_in(&tables[i]);
  return ways;
}

static void make_one_plain(struct plan *plan, size_t n) {
  struct table tables[TABLES_MAX];
  size_t count = tables_of(plan, tables);
  for (size_t i = 0; i < count; i++) {
    for (const struct plan_field *field = tables[i].fields; field->size != 0; field++) {
      if (field_is_plain(field, tables[i].owner) || n-- > 0) continue;
      field_make_plain(field, tables[i].owner);
      return;
    }
  }
}

static size_t all_settings_ways(const struct plan *plan) {
  return setting_ways(plan) > 1 ? 1 : 0;
}

static void make_all_plain(struct plan *plan, size_t n) {
  (void)n;
  struct table tables[TABLES_MAX];
  for (size_t i = tables_of(plan, tables); i-- > 0;)
    make_table_plain(&tables[i]);
}

/* A whole table: everything about one peer. */
static size_t table_ways(const struct plan *plan) {
  struct plan copy = *plan;
  struct table tables[TABLES_MAX];
  size_t ways = 0;
  for (size_t i = tables_of(&copy, tables); i-- > 0;)
    ways += not_plain_in(&tables[i]) > 1;
  return ways;
}

static void make_one_table_plain(struct plan *plan, size_t n) {
  struct table tables[TABLES_MAX];
  size_t count = tables_of(plan, tables);
  for (size_t i = 0; i < count; i++) {
    if (not_plain_in(&tables[i]) <= 1 || n-- > 0) continue;
    make_table_plain(&tables[i]);
    return;
  }
}

/* ---- numbers smaller ---- */

#define NUMBERS_MAX 24 /* ways of one step at most */

/* Header bytes that every frame of a client has, all but one of which may be held back. */
#define HELD_HEADER_MAX 5u

static bool is_room(const struct step *step) {
  return step->kind == STEP_CLIENT_TAKES || step->kind == STEP_BACKEND_TAKES;
}

/* Where nothing at all would be no step. */
static uint32_t least(const struct step *step) {
  return step->kind == STEP_BACKEND_SAYS || step->kind == STEP_TIME || step->kind == STEP_TURNS ? 1 : 0;
}

static struct step with_number(const struct step *step, uint32_t b) {
  struct step simpler = *step;
  simpler.b = b;
  if (simpler.c > b && simpler.c - b > HELD_HEADER_MAX) simpler.c = b + HELD_HEADER_MAX;
  return simpler;
}

/* The step with one of its numbers plain or smaller: fills ways[], says how many. */
static size_t simpler_steps(const struct step *step, struct step ways[NUMBERS_MAX]) {
  size_t count = 0;
  bool everything = is_room(step) && step->b == UINT32_MAX;
  if (is_room(step) && step->b != 0 && !everything) ways[count++] = with_number(step, UINT32_MAX);
  if (step->b > least(step) && !everything) {
    ways[count++] = with_number(step, least(step));
    for (uint32_t cut = step->b / 2; cut > 0; cut /= 4) /* by a half, an eighth, ... by one */
      if (step->b - cut > least(step)) ways[count++] = with_number(step, step->b - cut);
    if (step->b > least(step) + 1) ways[count++] = with_number(step, step->b - 1);
  }
  if (step->c > 0) {
    ways[count] = *step;
    ways[count++].c = 0;
  }
  if (step->c > 1) {
    ways[count] = *step;
    ways[count++].c = step->c / 2;
  }
  if (step->a > 0) {
    ways[count] = *step;
    ways[count++].a = 0;
  }
  assert(count <= NUMBERS_MAX);
  return count;
}

static size_t number_ways(const struct plan *plan) {
  struct step ways[NUMBERS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < plan->step_count; i++)
    count += simpler_steps(&plan->steps[i], ways);
  return count;
}

static void make_number_smaller(struct plan *plan, size_t n) {
  struct step ways[NUMBERS_MAX];
  for (size_t i = 0; i < plan->step_count; i++) {
    size_t count = simpler_steps(&plan->steps[i], ways);
    if (n < count) {
      plan->steps[i] = ways[n];
      return;
    }
    n -= count;
  }
}

static size_t early_ways(const struct plan *plan) {
  size_t ways = 0;
  for (size_t i = 0; i < plan->sessions; i++)
    ways += plan->roles[i].early > 1;
  return ways;
}

static void halve_early(struct plan *plan, size_t n) {
  for (size_t i = 0; i < plan->sessions; i++) {
    if (plan->roles[i].early <= 1 || n-- > 0) continue;
    plan->roles[i].early /= 2;
    return;
  }
}

/* The boldest first. */
static const struct family families[] = {
    {chunk_ways, take_chunk_out},        {session_ways, take_session_out},   {session_ways, merge_session},
    {all_settings_ways, make_all_plain}, {table_ways, make_one_table_plain}, {setting_ways, make_one_plain},
    {early_ways, halve_early},           {number_ways, make_number_smaller},
};

bool plan_simpler(const struct plan *plan, size_t n, struct plan *simpler) {
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
    size_t ways = families[i].ways(plan);
    if (n < ways) {
      *simpler = *plan;
      families[i].apply(simpler, n);
      return true;
    }
    n -= ways;
  }
  return false;
}
