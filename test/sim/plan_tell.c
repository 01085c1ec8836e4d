/* The story of a plan in plain words: what is not plain about the settings and the peers, then what happens,
 * a line a step. Steps that were taken out are not told.
 */
#include <inttypes.h>

#include "core/error.h"
#include "plan.h"
#include "plan_fields.h"
#include "speaker.h"

#define INDENT "    "

/* ---- settings ---- */

/* Prints the words, the number in place of #. */
static void print_words(const char *words, uint32_t number, FILE *out) {
  for (; *words != '\0'; words++) {
    if (*words == '#') {
      fprintf(out, "%" PRIu32, number);
    } else {
      fputc(*words, out);
    }
  }
}

/* What is not plain, on one line behind `title`; nothing when all is. */
static void tell_fields(const char *title, const struct plan_field *fields, const void *owner, FILE *out) {
  const char *before = title;
  for (const struct plan_field *field = fields; field->size != 0; field++) {
    if (field_is_plain(field, owner)) continue;
    uint32_t value = field_get(field, owner);
    fprintf(out, "%s", before);
    print_words(field->names != NULL ? field->names[value] : field->words, value, out);
    before = "; ";
  }
  if (before != title) fprintf(out, "\n");
}

static void tell_role(const struct plan *plan, size_t session, FILE *out) {
  const struct role *role = &plan->roles[session];
  char title[64], of[32] = "";
  if (plan->sessions > 1) snprintf(of, sizeof of, " of session %zu", session + 1);
  snprintf(title, sizeof title, INDENT "The client%s: ", of);
  tell_fields(title, temper_fields, &role->client, out);
  snprintf(title, sizeof title, INDENT "The backend%s: ", of);
  tell_fields(title, temper_fields, &role->backend, out);
  snprintf(title, sizeof title, INDENT "The start%s: ", of);
  tell_fields(title, role_fields, role, out);
}

/* ---- steps ---- */

static const char *const stream_ends[STREAM_ENDS] = {
    "ends its stream (FIN)",
    "resets the connection",
    "is given up by the kernel (timed out)",
    "is cut off (no close_notify)",
    "breaks TLS",
};

/* "the client", "the backend", and whose where there are several. */
static void tell_who(const char *who, const struct plan *plan, const struct step *step, FILE *out) {
  fprintf(out, "the %s", who);
  if (plan->sessions > 1) fprintf(out, " of session %d", step->session + 1);
  fputc(' ', out);
}

static void tell_takes(const struct step *step, FILE *out) {
  if (step->b == UINT32_MAX) {
    fprintf(out, "takes everything from now on");
  } else if (step->b == 0) {
    fprintf(out, "takes nothing more");
  } else {
    fprintf(out, "has room for %" PRIu32 " bytes more", step->b);
  }
}

static const char *end_words(const struct step *step) {
  return step->a < STREAM_ENDS ? stream_ends[step->a] : "ends its stream in some way";
}

static void tell_client(const struct plan *plan, const struct step *step, FILE *out) {
  tell_who("client", plan, step, out);
  switch ((enum step_kind)step->kind) {
    case STEP_CLIENT_FRAME:
      fprintf(out, "sends %s of %" PRIu32 " bytes", said_text(step->a), step->b);
      if (step->c > 0) fprintf(out, ", the last %" PRIu32 " held back", step->c);
      break;
    case STEP_CLIENT_WRONG:
      fprintf(out, "breaks the protocol: %s", wrong_text(step->a));
      break;
    case STEP_CLIENT_CLOSE:
      fprintf(out, "sends a Close %s", close_text(step->a));
      break;
    case STEP_CLIENT_END:
      fprintf(out, "%s%s", end_words(step), step->b == 0 ? "" : ", without what it held back");
      break;
    case STEP_CLIENT_TAKES:
      tell_takes(step, out);
      break;
    case STEP_CLIENT_DEAF:
      fprintf(out, "fails every write from now on, without another sign");
      break;
    default:
      fprintf(out, "vanishes: no byte, no ACK, no FIN from now on");
      break;
  }
}

static void tell_backend(const struct plan *plan, const struct step *step, FILE *out) {
  tell_who("backend", plan, step, out);
  switch ((enum step_kind)step->kind) {
    case STEP_BACKEND_SAYS:
      fprintf(out, "sends %" PRIu32 " bytes", step->b);
      break;
    case STEP_BACKEND_END:
      fprintf(out, "%s", end_words(step));
      break;
    case STEP_BACKEND_TAKES:
      tell_takes(step, out);
      break;
    case STEP_BACKEND_DEAF:
      fprintf(out, "fails every write from now on, without another sign");
      break;
    default:
      fprintf(out, "vanishes: no byte, no ACK, no FIN from now on");
      break;
  }
}

static void tell_hoard(const struct step *step, FILE *out) {
  if (step->b == 0) {
    fprintf(out, "all buffers lent elsewhere come back");
  } else {
    fprintf(out, "%" PRIu32 " buffers are lent elsewhere", step->b);
  }
}

static const char *dial_answer_words(unsigned row) {
  int answer = plan_dial_answers[row % PLAN_DIAL_ANSWERS];
  return answer == WSL_OK ? "connected" : error_text(answer);
}

static void tell_worker(const struct plan *plan, const struct step *step, FILE *out) {
  switch ((enum step_kind)step->kind) {
    case STEP_DIAL:
      fprintf(out, "the dial");
      if (plan->sessions > 1) fprintf(out, " of session %d", step->session + 1);
      fprintf(out, " is answered: %s", dial_answer_words(step->a));
      break;
    case STEP_TIME:
      fprintf(out, "%" PRIu32 " ms pass", step->b);
      break;
    case STEP_TURNS:
      fprintf(out, "the loop turns %" PRIu32 " times", step->b);
      break;
    case STEP_REST:
      fprintf(out, "the loop comes to rest");
      break;
    case STEP_SLEEP:
      fprintf(out, "the worker is busy elsewhere for %" PRIu32 " ms", step->b);
      break;
    case STEP_HOARD:
      tell_hoard(step, out);
      break;
    case STEP_GO_AWAY:
      fprintf(out, "the worker is told to stop: the drain is over");
      break;
    default:
      fprintf(out, "the worker cuts what is left");
      break;
  }
}

static void tell_step(const struct plan *plan, const struct step *step, FILE *out) {
  if (step->kind <= STEP_CLIENT_VANISHES) {
    tell_client(plan, step, out);
  } else if (step->kind < STEP_DIAL) {
    tell_backend(plan, step, out);
  } else {
    tell_worker(plan, step, out);
  }
  fprintf(out, "\n");
}

void plan_tell(const struct plan *plan, FILE *out) {
  fprintf(out, INDENT "Seed %" PRIu64 ", %d session%s.\n", plan->seed, plan->sessions,
          plan->sessions == 1 ? "" : "s");
  tell_fields(INDENT "The settings: ", plan_fields, plan, out);
  for (size_t i = 0; i < plan->sessions; i++)
    tell_role(plan, i, out);
  for (size_t i = 0, number = 0; i < plan->step_count; i++) {
    if (plan->steps[i].kind == STEP_NONE) continue;
    fprintf(out, INDENT "%zu. ", ++number);
    tell_step(plan, &plan->steps[i], out);
  }
}
