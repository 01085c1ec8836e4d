/* fuzz: max_len=340 links=wsl_sim
 *
 * The whole session by plans: an input is read as what a seed of the simulation would draw (test/sim/plan.h),
 * so every frame is a right one until a step breaks a rule, and the simulation's model judges each step.
 * Coverage then finds the lives that chance would have to be lucky for.
 *
 * Steps stand at the front, five bytes each; the settings are taken from the end. FUZZ_TELL=1 in the
 * environment tells the story before it is played.
 */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "sim/plan.h"
#include "sim/play.h"
#include "sim/speaker.h"

#define STEP_SIZE 5u

#define PICK(array, choice) ((array)[(choice) % (sizeof(array) / sizeof((array)[0]))])

/* ---- settings, as plan_draw.c draws them ------------------------------------------------------------------
 */

static void read_temper(struct temper *temper, struct fuzz_input *input) {
  static const uint32_t pieces[] = {0, 0, 0, 1, 2, 7, 30, 200};
  static const uint8_t again[] = {0, 0, 10, 30, 59};
  uint8_t sizes = fuzz_choice(input), habits = fuzz_choice(input), room = fuzz_choice(input);
  *temper = (struct temper){
      .arrive_max = pieces[sizes & 7],
      .read_max = pieces[(sizes >> 3) & 7],
      .write_max = PICK(pieces, fuzz_choice(input)),
      .room = room < 60 ? room : UINT32_MAX,
      .again_percent = PICK(again, room),
      .seals = (habits & 1) != 0,
      .slow_acks = (habits & 2) != 0,
      .cant_tell = (habits & 4) != 0,
      .finish_again = (habits >> 3) & 3,
      .on_our_end = (uint8_t)((habits >> 5) % REACTIONS),
  };
}

static void read_role(struct role *role, struct fuzz_input *input) {
  read_temper(&role->client, input);
  read_temper(&role->backend, input);
  role->dialling = (uint8_t)(fuzz_choice(input) % DIALLINGS);
  role->early = fuzz_choice(input);
}

static void read_settings(struct plan *plan, struct fuzz_input *input) {
  static const uint32_t frame_sizes[] = {65536, 1, 10, 125, 126, 127};
  static const uint32_t heartbeats[] = {0, 300, 1000, 25000};
  static const uint32_t pongs[] = {0, 500, 5000, 90000};
  static const uint32_t idles[] = {0, 0, 400, 10000, 300000};
  static const uint32_t close_times[] = {5000, 200, 1000};
  static const uint32_t buffers[] = {64, 64, 2, 3, 5};
  uint8_t flags = fuzz_choice(input);
  plan->seed = fuzz_choice_16(input);
  plan->max_frame_size = PICK(frame_sizes, fuzz_choice(input));
  plan->heartbeat_ms = PICK(heartbeats, fuzz_choice(input));
  plan->pong_timeout_ms = PICK(pongs, fuzz_choice(input));
  plan->idle_timeout_ms = PICK(idles, fuzz_choice(input));
  plan->close_timeout_ms = PICK(close_times, fuzz_choice(input));
  plan->close_timeout_max_ms = plan->close_timeout_ms * (1 + fuzz_choice(input) % 12u);
  plan->buffers = PICK(buffers, fuzz_choice(input));
  plan->buffer_size = 256;
  plan->refuse_text = (flags & 1) != 0;
  plan->patient = (flags & 2) == 0;
  plan->sessions = (uint8_t)(1 + (flags >> 2) % PLAN_SESSIONS_MAX);
  for (size_t i = 0; i < plan->sessions; i++)
    read_role(&plan->roles[i], input);
}

/* ---- steps
 * --------------------------------------------------------------------------------------------------- */

static uint32_t size_of(uint8_t low, uint8_t high) {
  return (uint32_t)(high << 8 | low) % 700u;
}

static uint32_t room_of(uint8_t byte) {
  return byte >= 250 ? UINT32_MAX : byte;
}

/* Small times matter most; some pass every limit. */
static uint32_t time_of(const struct plan *plan, uint8_t amount, uint8_t unit) {
  const uint32_t units[] = {1, 10, 100, plan->close_timeout_ms / 4, plan->close_timeout_max_ms / 100, 600};
  return 1 + amount * PICK(units, unit);
}

static void read_step(const struct plan *plan, struct step *step, struct fuzz_input *input) {
  uint8_t what = fuzz_byte(input), a = fuzz_byte(input), low = fuzz_byte(input), high = fuzz_byte(input);
  *step = (struct step){.kind = (uint8_t)(1 + (what & 0x3F) % (STEP_KINDS - 1)),
                        .session = (uint8_t)((what >> 6) % plan->sessions),
                        .a = a,
                        .c = fuzz_byte(input) % 20u};
  switch ((enum step_kind)step->kind) {
    case STEP_CLIENT_FRAME:
    case STEP_BACKEND_SAYS:
      step->b = size_of(low, high);
      step->a = (uint8_t)(a % SAID_KINDS);
      break;
    case STEP_CLIENT_WRONG:
      step->a = (uint8_t)(a % SAID_WRONG_ROWS);
      break;
    case STEP_CLIENT_CLOSE:
      step->a = (uint8_t)(a % SAID_CLOSE_ROWS);
      break;
    case STEP_CLIENT_END:
    case STEP_BACKEND_END:
      step->a = (uint8_t)(a % STREAM_ENDS);
      step->b = low & 1;
      break;
    case STEP_CLIENT_TAKES:
    case STEP_BACKEND_TAKES:
      step->b = room_of(low);
      break;
    case STEP_DIAL:
      step->a = (uint8_t)(a % PLAN_DIAL_ANSWERS);
      break;
    case STEP_TIME:
      step->b = time_of(plan, low, high);
      break;
    case STEP_TURNS:
      step->b = 1 + low % 5u;
      break;
    case STEP_HOARD:
      step->b = low % (1 + (plan->buffers < 8 ? plan->buffers : 8));
      break;
    default:
      break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct plan plan;
  struct fuzz_input input = {data, size};
  plan = (struct plan){0};
  read_settings(&plan, &input);
  while (input.len >= STEP_SIZE && plan.step_count < PLAN_STEPS_MAX)
    read_step(&plan, &plan.steps[plan.step_count++], &input);
  if (getenv("FUZZ_TELL") != NULL) plan_tell(&plan, stderr);
  play(&plan);
  return 0;
}
