/* Plays a plan (play.h): its steps, then a finale in which every session comes to its end. */
#include "play.h"

#include "fault.h"
#include "model.h"
#include "opening.h"

#define FINALE_ROUNDS 12u
/* Behind the finale every deadline that there is may run out, one after the other. */
#define FINALE_MS 100u
/* A peer that goes on says so much at most. */
#define CHATTER_MAX 8000u

static const char *const step_names[STEP_KINDS] = {
    [STEP_CLIENT_FRAME] = "client frame",
    [STEP_CLIENT_WRONG] = "client wrong",
    [STEP_CLIENT_CLOSE] = "client close",
    [STEP_CLIENT_END] = "client end",
    [STEP_CLIENT_TAKES] = "client takes",
    [STEP_CLIENT_DEAF] = "client deaf",
    [STEP_CLIENT_VANISHES] = "client vanishes",
    [STEP_BACKEND_SAYS] = "backend says",
    [STEP_BACKEND_END] = "backend end",
    [STEP_BACKEND_TAKES] = "backend takes",
    [STEP_BACKEND_VANISHES] = "backend vanishes",
    [STEP_BACKEND_DEAF] = "backend deaf",
    [STEP_DIAL] = "dial",
    [STEP_TIME] = "time",
    [STEP_TURNS] = "turns",
    [STEP_REST] = "rest",
    [STEP_SLEEP] = "sleep",
    [STEP_HOARD] = "hoard",
    [STEP_GO_AWAY] = "go away",
    [STEP_CUT] = "cut",
};

/* ---- steps ---- */

static void client_says(struct life *life, const struct step *step) {
  if (life->client.end_said || life->client.vanished) return;
  speaker_says(&life->speaker, (enum said)(step->a % SAID_KINDS), step->b, &life->client.said);
  peer_sends(&life->client, step->c);
}

static void client_breaks(struct life *life, const struct step *step) {
  if (life->client.end_said || life->client.vanished) return;
  speaker_breaks(&life->speaker, step->a, &life->client.said);
  peer_sends(&life->client, 0);
}

static void client_closes(struct life *life, unsigned row) {
  if (life->client.end_said || life->client.vanished) return;
  speaker_closes(&life->speaker, row, &life->client.said);
  peer_sends(&life->client, 0);
}

static void client_ends(struct life *life, const struct step *step) {
  if (step->b == 0 && !life->client.end_said) peer_sends(&life->client, 0);
  bool again = life->client.end_said; /* behind a FIN only a reset can come */
  peer_ends(&life->client, again ? END_RESET : (enum stream_end)(step->a % STREAM_ENDS));
}

/* About so many bytes that are text, mostly, of short lines. */
static void say_text(struct bytes *said, struct random_source *random, uint32_t len) {
  static const char *const pieces[] = {
      "a",      "\n",   "\r\n", "\r",      "\xc3\xa4", "\xe2\x82\xac", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf",
      "a line", "\xc3", "\xff", "\xe2\x82"};
  size_t until = said->len + len;
  uint32_t kinds = random_below(random, 3) == 0 ? 12 : 9;
  while (said->len < until) {
    const char *piece = pieces[random_below(random, kinds)];
    bytes_add(said, piece, strlen(piece));
  }
}

static void backend_says(struct life *life, uint32_t len) {
  struct peer *backend = &life->backend;
  if (backend->end_said || backend->vanished) return;
  if (life->role->frames == FRAMES_BINARY || life->role->frames == FRAMES_BASE64) {
    bytes_add_random(&backend->said, &life->speaker.random, len);
  } else {
    say_text(&backend->said, &life->speaker.random, len);
  }
  peer_sends(backend, 0);
}

static void send_away(struct world *w) {
  for (size_t i = 0; i < w->plan->sessions; i++)
    if (w->lives[i].opened && !w->lives[i].ended) model_sent_away(w, &w->lives[i]);
  session_domain_go_away(&w->domain);
}

static void cut(struct world *w) {
  for (size_t i = 0; i < w->plan->sessions; i++)
    if (w->lives[i].opened && !w->lives[i].ended) model_fact(w, &w->lives[i], FACT_CUT);
  session_domain_cut(&w->domain);
}

static void worker_step(struct world *w, struct life *life, const struct step *step) {
  switch ((enum step_kind)step->kind) {
    case STEP_DIAL:
      world_answer_dial(w, life, plan_dial_answers[step->a % PLAN_DIAL_ANSWERS]);
      break;
    case STEP_TIME:
      world_advance(w, step->b);
      break;
    case STEP_TURNS:
      for (uint32_t i = 0; i < step->b; i++)
        world_turn(w);
      break;
    case STEP_REST:
      world_rest(w);
      break;
    case STEP_SLEEP:
      world_sleep(w, step->b);
      break;
    case STEP_HOARD:
      world_hoard(w, step->b);
      break;
    case STEP_GO_AWAY:
      send_away(w);
      break;
    case STEP_CUT:
      cut(w);
      break;
    default:
      break;
  }
}

static void take_step(struct world *w, const struct step *step) {
  struct life *life = &w->lives[step->session];
  if (sim_tracing) sim_trace("step: %s %u %u %u", step_names[step->kind], step->a, step->b, step->c);
  switch ((enum step_kind)step->kind) {
    case STEP_CLIENT_FRAME:
      client_says(life, step);
      break;
    case STEP_CLIENT_WRONG:
      client_breaks(life, step);
      break;
    case STEP_CLIENT_CLOSE:
      client_closes(life, step->a);
      break;
    case STEP_CLIENT_END:
      client_ends(life, step);
      break;
    case STEP_CLIENT_TAKES:
      peer_takes(&life->client, step->b);
      break;
    case STEP_CLIENT_DEAF:
      life->client.deaf = true;
      break;
    case STEP_CLIENT_VANISHES:
      life->client.vanished = true;
      life->client.room = 0;
      break;
    case STEP_BACKEND_SAYS:
      backend_says(life, step->b);
      break;
    case STEP_BACKEND_END:
      peer_ends(&life->backend, (enum stream_end)(step->a % STREAM_ENDS));
      break;
    case STEP_BACKEND_TAKES:
      peer_takes(&life->backend, step->b);
      break;
    case STEP_BACKEND_VANISHES:
      life->backend.vanished = true;
      life->backend.room = 0;
      break;
    case STEP_BACKEND_DEAF:
      life->backend.deaf = true;
      break;
    default:
      worker_step(w, life, step);
  }
}

/* ---- what peers do when they have seen our end ---- */

static void client_reacts(struct life *life) {
  struct peer *client = &life->client;
  if (!life->told.closed || client->sealed > 0 || client->room == 0) return;
  if (life->role->client.on_our_end == REACT_NEVER) return;
  if (!life->reacted_client) {
    life->reacted_client = true;
    if (life->role->client.on_our_end == REACT_RESETS) peer_ends(client, END_RESET);
    if (life->role->client.on_our_end == REACT_ENDS) client_closes(life, 0);
  }
  if (life->role->client.on_our_end == REACT_GOES_ON) {
    struct step more = {.a = SAID_BINARY, .b = 40};
    if (client->said.len < CHATTER_MAX) client_says(life, &more);
  }
  if (client->our_end != OUR_END_NONE) peer_ends(client, END_FIN);
}

static void backend_reacts(struct life *life) {
  struct peer *backend = &life->backend;
  if (backend->our_end != OUR_END_FIN || life->role->backend.on_our_end == REACT_NEVER) return;
  if (life->role->backend.on_our_end == REACT_RESETS) peer_ends(backend, END_RESET);
  if (life->role->backend.on_our_end == REACT_GOES_ON) { /* a feed that never looks */
    if (backend->said.len < CHATTER_MAX) backend_says(life, 30);
    return;
  }
  peer_ends(backend, END_FIN);
}

static void react(struct world *w) {
  for (size_t i = 0; i < w->plan->sessions; i++) {
    if (!w->lives[i].opened) continue;
    client_reacts(&w->lives[i]);
    backend_reacts(&w->lives[i]);
  }
}

/* ---- finale ---- */

static void be_generous(struct world *w) {
  world_hoard(w, 0);
  for (size_t i = 0; i < w->plan->sessions; i++) {
    struct life *life = &w->lives[i];
    peer_takes(&life->client, UINT32_MAX);
    peer_takes(&life->backend, UINT32_MAX);
    if (!life->client.end_said) peer_sends(&life->client, 0);
    world_answer_dial(w, life, WSL_OK);
  }
}

static bool somebody_lives(const struct world *w) {
  return w->domain.count > 0;
}

static void rounds(struct world *w, unsigned count, uint64_t ms) {
  for (unsigned i = 0; i < count && somebody_lives(w); i++) {
    react(w);
    world_rest(w);
    react(w);
    world_advance(w, ms);
  }
}

/* Whatever the peers do, or don't, a session that was sent away ends: within the dial's time and some close
 * times, those for the client's Close included. Peers that go on do so often enough to count as moving. */
static void play_out(struct world *w) {
  if (w->plan->patient) be_generous(w);
  rounds(w, FINALE_ROUNDS, FINALE_MS);
  send_away(w);
  rounds(w, FINALE_ROUNDS, FINALE_MS);
  for (size_t i = 0; i < w->plan->sessions; i++)
    world_answer_dial(w, &w->lives[i], WSL_TIMED_OUT);
  uint64_t round_ms = w->settings.close_timeout_ms * 2 / 3;
  uint64_t close_times = 4 * w->settings.close_timeout_ms + 2 * w->settings.close_timeout_max_ms;
  rounds(w, (unsigned)(close_times / round_ms), round_ms);
  world_advance(w, 2 * close_times + 10000);
}

static size_t early_bytes(struct life *life) {
  size_t early = life->role->early;
  return early < life->client.sent ? early : life->client.sent;
}

/* The session is opened behind the first step, so that something may come with the request head. */
void play(const struct plan *plan) {
  for (uint64_t i = 0; i < plan->sessions; i++)
    opening_play(plan->seed, i);
  struct world *w = world_begin(plan);
  for (size_t i = 0; i < plan->step_count; i++) {
    const struct step *step = &plan->steps[i];
    struct life *life = &w->lives[step->session];
    if (step->kind == STEP_NONE) continue;
    if (step->kind != STEP_CLIENT_FRAME && !life->opened) world_open(w, life, early_bytes(life));
    take_step(w, step);
    if (!life->opened) world_open(w, life, early_bytes(life));
    react(w);
  }
  for (size_t i = 0; i < plan->sessions; i++)
    if (!w->lives[i].opened) world_open(w, &w->lives[i], early_bytes(&w->lives[i]));
  play_out(w);
  world_end(w);
}
