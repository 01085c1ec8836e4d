/* Draws plans: what a seed makes of a life (plan.h). */
#include "bridge/session.h"
#include "bridge/shortage.h"
#include "core/error.h"
#include "core/random.h"
#include "plan.h"
#include "speaker.h"

const int plan_dial_answers[PLAN_DIAL_ANSWERS] = {
    WSL_OK, WSL_REFUSED, WSL_TIMED_OUT, WSL_NO_DESCRIPTOR, WSL_NO_PORT, WSL_NO_MEMORY,
};

#define SMALLEST_BUFFER 16u /* a quarter of it is read where clients are sent messages */

#define PROGRAMS_SEED 0x70726F6772616D73u

static struct random_source source;

static uint32_t pick(uint32_t bound) {
  return random_below(&source, bound);
}

static bool one_in(uint32_t n) {
  return pick(n) == 0;
}

#define PICK(array) ((array)[pick(sizeof(array) / sizeof((array)[0]))])

/* ---- settings ---- */

/* What a life is mostly about: with everything at once, what is rare would be rarer still. */
enum theme {
  THEME_ANYTHING,
  THEME_CROWD, /* several sessions, hardly any buffers */
  THEME_CLOCK, /* pings, limits, peers that vanish or talk to nobody, and long waits */
  THEME_TEXT,
  THEME_BULK,  /* frames at the bounds of the long lengths */
  THEME_FLOOD, /* more from the backend than the largest buffer holds, through pipes as well */
  THEMES
};

static enum theme theme;

static void draw_temper(struct temper *t) {
  static const uint32_t pieces[] = {1, 2, 7, 30, 200};
  bool bulk = theme == THEME_BULK;
  *t = (struct temper){
      .arrive_max = bulk || one_in(2) ? 0 : PICK(pieces),
      .read_max = bulk || one_in(2) ? 0 : PICK(pieces),
      .write_max = bulk || one_in(2) ? 0 : PICK(pieces),
      .room = one_in(3) ? pick(60) : UINT32_MAX,
      .again_percent = one_in(3) ? (uint8_t)(10 + pick(50)) : 0,
      .seals = one_in(4),
      .wont_splice = one_in(8),
      .slow_acks = one_in(3),
      .cant_tell = one_in(5),
      .finish_again = one_in(4) ? (uint8_t)(1 + pick(3)) : 0,
      .on_our_end = one_in(2) ? REACT_ENDS : (uint8_t)pick(REACTIONS),
  };
}

static void draw_limits(struct plan *plan) {
  static const uint32_t heartbeats[] = {300, 1000, 25000};
  static const uint32_t pongs[] = {500, 5000, 90000};
  static const uint32_t idles[] = {400, 10000, 300000};
  static const uint32_t close_times[] = {200, 1000, 5000};
  bool clock = theme == THEME_CLOCK;
  plan->heartbeat_ms = !clock && one_in(2) ? 0 : PICK(heartbeats);
  plan->pong_timeout_ms = one_in(3) ? 0 : PICK(pongs);
  plan->idle_timeout_ms = one_in(4) ? PICK(idles) : 0;
  plan->close_timeout_ms = PICK(close_times);
  plan->close_timeout_max_ms = plan->close_timeout_ms * (1 + pick(12));
}

/* A large buffer takes some of few, or all. */
static void draw_buffers(struct plan *plan) {
  static const uint32_t large_sizes[] = {0, 257, 600, 1100};
  bool bulk = theme == THEME_BULK, both = bulk && one_in(2);
  if (theme == THEME_FLOOD) {
    plan->buffer_size = SMALLEST_BUFFER + pick(20);
    plan->large_buffer_size = plan->buffer_size + 1 + pick(100);
    plan->buffers = one_in(3) ? 1 + pick(20) : 64;
    return;
  }
  plan->buffer_size = both ? 5000 : bulk ? 140000 : 256;
  plan->large_buffer_size = both ? 140000 : bulk ? 0 : PICK(large_sizes);
  uint32_t few = plan->large_buffer_size > 0 ? 12 : 4;
  plan->buffers = one_in(3) ? 2 + pick(few) : 64;
  if (theme == THEME_CROWD) plan->buffers = 1 + pick(few);
}

static void draw_spares(struct plan *plan) {
  plan->spare_size = one_in(2) ? 64 : 1 + pick(plan->buffer_size < 100 ? plan->buffer_size : 100);
  if (theme == THEME_CROWD ? !one_in(3) : one_in(4)) plan->spares = 1 + pick(3);
}

static void draw_pipes(struct plan *plan) {
  static const uint32_t sizes[] = {1, 20, 130, 400, 1000};
  plan->pipe_bytes = PICK(sizes);
  if (theme != THEME_FLOOD && !one_in(4)) return;
  plan->pipes = 1 + pick(3);
  plan->pipe_refusals = one_in(4) ? (uint8_t)(20 + pick(81)) : 0;
}

static void draw_settings(struct plan *plan) {
  static const uint32_t frame_sizes[] = {1, 10, 125, 126, 127, 65536};
  static const uint32_t large_frames[] = {65535, 65536, 65537, 140000};
  draw_limits(plan);
  bool bulk = theme == THEME_BULK;
  plan->max_frame_size = bulk ? PICK(large_frames) : PICK(frame_sizes);
  draw_buffers(plan);
  draw_spares(plan);
  draw_pipes(plan);
  plan->refuse_text = theme != THEME_TEXT && one_in(10);
  plan->patient = !one_in(3);
  bool several = theme == THEME_CROWD || (theme == THEME_FLOOD && one_in(2)) || (!bulk && one_in(6));
  plan->sessions = several ? (uint8_t)(2 + pick(PLAN_SESSIONS_MAX - 1)) : 1;
}

static void draw_role(struct role *role) {
  draw_temper(&role->client);
  draw_temper(&role->backend);
  role->dialling = one_in(2) ? DIALLED_BEFORE : (uint8_t)pick(DIALLINGS);
  role->early = one_in(3) ? pick(300) : 0;
}

/* ---- steps ---- */

static uint32_t draw_size(void) {
  static const uint32_t edges[] = {0, 1, 124, 125, 126, 127, 128, 255, 256, 257};
  static const uint32_t large[] = {65534, 65535, 65536, 65537, 139000};
  if (theme == THEME_BULK && one_in(4)) return PICK(large);
  if (theme == THEME_FLOOD && one_in(2)) return pick(2000);
  if (one_in(10)) return 0;
  if (one_in(4)) return PICK(edges);
  return one_in(3) ? pick(700) : pick(40);
}

static void draw_frame(struct step *step) {
  static const uint8_t texts[] = {SAID_TEXT, SAID_TEXT_BEGIN, SAID_MORE, SAID_LAST, SAID_PING};
  step->a = theme == THEME_TEXT ? PICK(texts) : (uint8_t)pick(SAID_KINDS);
  step->b = draw_size();
  if (step->a == SAID_PINGS) step->b = theme == THEME_BULK ? pick(3000) : pick(5);
  step->c = one_in(4) ? pick(20) : 0;
}

static void draw_room(struct step *step) {
  static const uint32_t rooms[] = {0, 1, 2, 50, 300, UINT32_MAX, UINT32_MAX};
  step->b = PICK(rooms);
}

static void draw_end(struct step *step) {
  step->a = one_in(2) ? END_FIN : (uint8_t)pick(STREAM_ENDS);
  step->b = one_in(2);
}

static void draw_time(const struct plan *plan, struct step *step) {
  static const uint32_t times[] = {1, 9, 40, 90, 200, 700};
  step->b = PICK(times);
  if (theme == THEME_CLOCK && one_in(3))
    step->b = 1 + pick(2 * plan->pong_timeout_ms + 2 * plan->heartbeat_ms);
  if (theme == THEME_CLOCK && one_in(6)) step->b = 146000;
  if (one_in(6)) step->b = plan->close_timeout_ms;
  if (one_in(12)) step->b = 1 + pick(2 * plan->close_timeout_max_ms);
  if (one_in(25)) step->b = 1 + pick(160000);
  if (theme == THEME_CROWD && one_in(4)) step->b = 1 + pick(2 * SHORTAGE_STALLED_MS);
}

/* How often each kind comes, by theme. */
struct share {
  uint8_t kind;
  uint8_t shares[THEMES];
};

static const struct share shares[] = {
    {STEP_CLIENT_FRAME, {60, 60, 25, 90, 30, 30}},
    {STEP_CLIENT_WRONG, {3, 1, 1, 12, 2, 3}},
    {STEP_CLIENT_CLOSE, {4, 3, 3, 3, 3, 4}},
    {STEP_CLIENT_END, {8, 4, 8, 6, 3, 8}},
    {STEP_CLIENT_TAKES, {16, 30, 16, 5, 16, 30}},
    {STEP_CLIENT_DEAF, {1, 1, 1, 0, 0, 1}},
    {STEP_CLIENT_VANISHES, {1, 0, 8, 0, 0, 1}},
    {STEP_BACKEND_SAYS, {40, 60, 25, 10, 60, 90}},
    {STEP_BACKEND_END, {6, 3, 4, 2, 3, 6}},
    {STEP_BACKEND_TAKES, {16, 30, 16, 16, 16, 16}},
    {STEP_BACKEND_VANISHES, {1, 0, 8, 0, 0, 1}},
    {STEP_BACKEND_DEAF, {1, 1, 2, 0, 0, 1}},
    {STEP_DIAL, {8, 8, 8, 8, 8, 8}},
    {STEP_TIME, {30, 10, 50, 5, 5, 30}},
    {STEP_SLEEP, {1, 1, 6, 0, 1, 1}},
    {STEP_TURNS, {20, 20, 10, 20, 20, 20}},
    {STEP_REST, {25, 25, 20, 15, 20, 25}},
    {STEP_HOARD, {5, 20, 1, 0, 2, 6}},
    {STEP_GO_AWAY, {2, 1, 2, 1, 1, 2}},
    {STEP_CUT, {1, 1, 1, 0, 1, 1}},
};

static uint8_t draw_kind(void) {
  uint32_t sum = 0;
  for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
    sum += shares[i].shares[theme];
  uint32_t at = pick(sum);
  for (size_t i = 0;; i++) {
    if (at < shares[i].shares[theme]) return shares[i].kind;
    at -= shares[i].shares[theme];
  }
}

static void draw_step(const struct plan *plan, struct step *step) {
  step->kind = draw_kind();
  step->session = (uint8_t)pick(plan->sessions);
  switch ((enum step_kind)step->kind) {
    case STEP_CLIENT_FRAME:
      draw_frame(step);
      break;
    case STEP_CLIENT_WRONG:
      step->a = (uint8_t)pick(SAID_WRONG_ROWS);
      break;
    case STEP_CLIENT_CLOSE:
      step->a = (uint8_t)pick(SAID_CLOSE_ROWS);
      break;
    case STEP_CLIENT_END:
    case STEP_BACKEND_END:
      draw_end(step);
      break;
    case STEP_CLIENT_TAKES:
    case STEP_BACKEND_TAKES:
      draw_room(step);
      break;
    case STEP_BACKEND_SAYS:
      step->b = draw_size();
      break;
    case STEP_DIAL:
      step->a = one_in(2) ? 0 : (uint8_t)pick(PLAN_DIAL_ANSWERS);
      break;
    case STEP_TIME:
      draw_time(plan, step);
      break;
    case STEP_SLEEP:
      step->b = 1 + pick(3 * plan->close_timeout_ms);
      break;
    case STEP_TURNS:
      step->b = 1 + pick(5);
      break;
    case STEP_HOARD:
      step->b = one_in(2) ? 0 : 1 + pick(plan->buffers < 8 ? plan->buffers : 8);
      break;
    default:
      break;
  }
}

/* Of every fourth plan the clients are of all kinds. From a source of its own, so that the other lives are
 * what they were. */
static void draw_messages(struct plan *plan) {
  static const uint32_t lines[] = {1, 2, 5, 30, 125, 126, 300, 65536};
  random_seed(&source, ~plan->seed);
  plan->max_line = 65536;
  if (!one_in(4)) return;
  plan->max_line = PICK(lines);
  plan->invalid_closes = one_in(3);
  if (plan->spare_size < SMALLEST_BUFFER) plan->spare_size = SMALLEST_BUFFER;
  for (size_t i = 0; i < plan->sessions; i++) {
    plan->roles[i].frames = (uint8_t)pick(FRAMES_AUTO + 1);
    plan->roles[i].line_end = (uint8_t)pick(WSL_LINE_END_CR + 1);
  }
}

/* Of every fourth plan the backends are programs, which live for their clients alone; likewise. */
static void draw_programs(struct plan *plan) {
  random_seed(&source, plan->seed ^ PROGRAMS_SEED);
  if (!one_in(4)) return;
  for (size_t i = 0; i < plan->sessions; i++) {
    struct role *role = &plan->roles[i];
    role->backend.heeds = true;
    role->backend.seals = false;
    if (one_in(2)) role->backend.on_our_end = REACT_NEVER;
    role->client.leaves = one_in(2);
  }
}

void plan_draw(struct plan *plan, uint64_t seed) {
  random_seed(&source, seed);
  *plan = (struct plan){.seed = seed};
  theme = (enum theme)pick(THEMES);
  if (theme == THEME_BULK && one_in(2)) theme = THEME_ANYTHING; /* it costs twenty times as much */
  draw_settings(plan);
  for (size_t i = 0; i < plan->sessions; i++)
    draw_role(&plan->roles[i]);
  plan->step_count = (uint16_t)(3 + pick(one_in(3) ? PLAN_STEPS_MAX - 3 : 20));
  for (size_t i = 0; i < plan->step_count; i++)
    draw_step(plan, &plan->steps[i]);
  draw_messages(plan);
  draw_programs(plan);
}
