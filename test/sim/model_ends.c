/* The model: whether an end is the one that fits (model.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "model.h"

#define LINGER_MS      2000u
#define LINGER_BYTES   ((size_t)1 << 20)
#define IDLE_TEXT      "Idle"
#define NO_PONG_TEXT   "No answer to ping"
#define DEAF_TEXT      "Target took no more data"
#define TLS_CUT_TEXT   "TLS stream ended without close_notify"
#define CUT_TEXT       "Connection ended inside a message"
#define WENT_AWAY_TEXT "Going away"
#define NOT_TEXT       "Target sent invalid UTF-8"
#define CLIENT_STALLS  "lient does not read while memory is short"
#define TARGET_STALLS  "arget does not read while memory is short"

static uint64_t now_of(struct life *life) {
  return world_of(life)->timers.now_ms;
}

static bool tells_that_target_closed(const struct life *life) {
  return strcmp(life->told.reason, "Target closed") == 0;
}

/* ---- the Close that the client gets ---- */

struct goodbye {
  uint16_t code;
  const char *reason;
};

static const struct goodbye nobody_told = {0, ""};

/* What is no text is no base64 either: which is told depends on where the message was cut. */
static bool is_bad_base64(const struct life *life, const char *reason) {
  bool either =
      strcmp(reason, "Text message is not UTF-8") == 0 || strcmp(reason, "Text message is not base64") == 0;
  return life->role->frames == FRAMES_BASE64 && either;
}

static bool told_is(const struct life *life, struct goodbye goodbye) {
  if (life->told.code != goodbye.code) return false;
  if (strcmp(life->told.reason, goodbye.reason) == 0) return true;
  return is_bad_base64(life, life->told.reason) && is_bad_base64(life, goodbye.reason);
}

static struct goodbye goodbye_of_dial(const struct life *life) {
  static char reason[REFERENCE_CONTROL_MAX];
  snprintf(reason, sizeof reason, "Failed to connect to target: %s", error_text(life->dial_error));
  bool ours = life->dial_error == WSL_NO_DESCRIPTOR || life->dial_error == WSL_NO_PORT ||
              life->dial_error == WSL_NO_MEMORY;
  return (struct goodbye){ours ? 1013 : 1011, reason};
}

static struct goodbye goodbye_of_backend(const struct life *life) {
  switch (life->backend_error) {
    case WSL_TIMED_OUT:
      return (struct goodbye){1011, "Connection to target timed out"};
    case WSL_TRUNCATED:
      return (struct goodbye){1011, "Target's TLS stream was cut off"};
    case WSL_TLS_FAILED:
      return (struct goodbye){1011, "TLS toward the target failed"};
    default:
      return (struct goodbye){1011, "Target reset the connection"};
  }
}

/* The Close that a fact calls for; code 0: none. */
static struct goodbye goodbye_of(const struct life *life, enum fact fact) {
  switch (fact) {
    case FACT_CLIENT_CLOSE:
      return (struct goodbye){life->heard.code, ""};
    case FACT_CLIENT_WRONG:
      return (struct goodbye){life->heard.code, life->heard.reason};
    case FACT_CLIENT_CUT:
      return (struct goodbye){1002, CUT_TEXT};
    case FACT_CLIENT_TRUNCATED:
      return (struct goodbye){1002, TLS_CUT_TEXT};
    case FACT_BACKEND_FIN:
      return life->backend_end_wanted ? (struct goodbye){1000, "Target closed"} : nobody_told;
    case FACT_BACKEND_LOST:
      return life->backend_end_wanted ? goodbye_of_backend(life) : nobody_told;
    case FACT_BACKEND_NOT_TEXT:
      return (struct goodbye){1007, NOT_TEXT};
    case FACT_DIAL_FAILED:
      return goodbye_of_dial(life);
    case FACT_WENT_AWAY:
      return (struct goodbye){1001, WENT_AWAY_TEXT};
    case FACT_CLIENT_FIN:
    case FACT_CLIENT_LOST:
    case FACT_CLIENT_FAILED:
    case FACT_BACKEND_FAILED:
    case FACT_CUT:
    case FACTS:
      break;
  }
  return nobody_told;
}

/* The earliest fact at or behind `order` that calls for a Close; FACTS: none. */
static enum fact next_goodbye(const struct life *life, uint64_t order) {
  enum fact next = FACTS;
  for (int i = 0; i < FACTS; i++) {
    enum fact fact = (enum fact)i;
    if (!model_knows(life, fact) || life->facts[i] < order || goodbye_of(life, fact).code == 0) continue;
    if (next == FACTS || life->facts[i] < life->facts[next]) next = fact;
  }
  return next;
}

static bool time_told_so(const struct life *life) {
  if (life->pong_over && told_is(life, (struct goodbye){1011, NO_PONG_TEXT})) return true;
  if (life->idle_over && told_is(life, (struct goodbye){1001, IDLE_TEXT})) return true;
  if (life->starved_over && told_is(life, (struct goodbye){1013, "C" CLIENT_STALLS})) return true;
  if (life->starved_over && told_is(life, (struct goodbye){1013, "T" TARGET_STALLS})) return true;
  bool deaf = model_knows(life, FACT_BACKEND_FAILED) && life->stall_over;
  bool vanished =
      life->backend.vanished && told_is(life, (struct goodbye){1011, "Connection to target timed out"});
  return vanished || (deaf && told_is(life, (struct goodbye){1011, DEAF_TEXT}));
}

/* The Close for the first can't have stood where it would leave: the client took nothing in between. */
static bool gives_way(const struct life *life, enum fact first, enum fact second) {
  return second != FACTS && life->fact_edges[first] != NO_EDGE &&
         life->fact_edges[first] == life->fact_edges[second];
}

/* The first cause decides; an orderly end that had not been told yet gives way to a later cause. */
static bool facts_told_so(const struct life *life) {
  uint64_t order = 0;
  for (;;) {
    enum fact fact = next_goodbye(life, order);
    if (fact == FACTS) return false;
    enum fact next = next_goodbye(life, life->facts[fact] + 1);
    bool replaced = fact == FACT_BACKEND_FIN && gives_way(life, fact, next);
    if (!replaced && told_is(life, goodbye_of(life, fact))) return true;
    if (fact != FACT_BACKEND_FIN) return false;
    order = life->facts[fact] + 1;
  }
}

void model_judge_close_frame(struct life *life) {
  if (!facts_told_so(life) && !time_told_so(life))
    sim_fail("the client was told %u \"%s\"", (unsigned)life->told.code, life->told.reason);
  if (tells_that_target_closed(life)) {
    sim_check(model_knows(life, FACT_BACKEND_FIN), "the client was told of an end that did not come");
    sim_check(model_held_down(life) == 0, "the client was told of the end before the last %zu bytes",
              model_held_down(life));
  }
}

/* ---- the backend's ends ---- */

void model_judge_finish_backend(struct life *life) {
  bool whole = model_client_ended_well(life) && life->heard.end != HEARD_WRONG;
  sim_check(whole, "the backend got an orderly end of a stream that did not end in order");
  sim_check(model_held_up(life) == 0, "the backend got the end before the last %zu bytes",
            model_held_up(life));
}

static bool stalled(struct life *life) {
  return life->stall_over;
}

void model_judge_close_backend(struct life *life) {
  sim_check(life->backend_finished, "the backend was closed without an end");
  bool undelivered = model_knows(life, FACT_CLIENT_FIN) && !model_knows(life, FACT_CLIENT_CLOSE) &&
                     life->facts[FACT_CLIENT_FAILED] < life->facts[FACT_BACKEND_FIN];
  sim_check(!undelivered, "the backend was closed in order though its bytes could not be delivered");
  sim_check(life->backend.sealed == 0, "the backend was closed with bytes that had not left");
  sim_check(model_backend_end_was_read(life) || stalled(life),
            "the backend was closed while it might still send");
}

static bool backend_is_lost(const struct life *life) {
  return model_knows(life, FACT_BACKEND_LOST) || model_knows(life, FACT_BACKEND_FAILED) ||
         (life->backend.vanished && life->vanish_over);
}

/* Its stream broke off, or the backend's could not be brought to it. */
static bool client_broke(const struct life *life) {
  if (model_knows(life, FACT_CLIENT_WRONG) || model_knows(life, FACT_BACKEND_NOT_TEXT)) return true;
  if (model_knows(life, FACT_CLIENT_CLOSE) && !life->client.deaf) return false;
  return model_knows(life, FACT_CLIENT_CUT) || model_knows(life, FACT_CLIENT_TRUNCATED) ||
         model_knows(life, FACT_CLIENT_LOST) || model_knows(life, FACT_CLIENT_FAILED) ||
         (life->client.vanished && life->vanish_over);
}

void model_judge_reset_backend(struct life *life) {
  if (model_knows(life, FACT_CUT) || backend_is_lost(life)) return;
  bool bytes_lost = client_broke(life) || life->client_was_reset || life->idle_over || life->pong_over ||
                    life->await_over || life->vanish_over || life->starved_over;
  sim_check(!life->backend_finished || bytes_lost,
            "the backend was reset behind an end that would have arrived");
  if (model_timed_out(life)) return;
  /* Behind an orderly end too: what it still sends can't be brought to the client. */
  sim_check(client_broke(life), "the backend was reset without a cause");
  sim_check(model_held_up(life) == 0, "the backend was reset before the last %zu bytes", model_held_up(life));
  bool acknowledged = life->backend.unacked + life->backend.sealed == 0 || life->role->backend.cant_tell;
  sim_check(acknowledged, "the backend was reset before it had acknowledged all");
}

void model_dial_cancelled(struct world *w, struct life *life, enum dial_goodbye goodbye) {
  life->backend_gone = true;
  life->touched_ms = life->undialled_ms =
      w->timers.now_ms; /* until now the dial's own time bounded all waits */
  if (model_knows(life, FACT_CUT)) return;
  if (model_timed_out(life)) return;
  sim_check(model_held_up(life) == 0, "a dial was given up although %zu bytes wait for it",
            model_held_up(life));
  if (goodbye == DIAL_GOODBYE_END) {
    sim_check(model_client_ended_well(life), "a dial was given up in order for a stream that broke");
  } else {
    sim_check(client_broke(life), "a dial was broken off for a whole stream");
  }
}

/* ---- the client's ends ---- */

void model_judge_close_client(struct life *life) {
  bool alerted = life->lost_error == WSL_TLS_FAILED;
  sim_check(life->told.closed || alerted, "the client was closed without a Close");
  if (life->told.closed && peer_failed(&life->client)) return;
  bool over = life->client_finished_ms != NOT_YET && now_of(life) - life->client_finished_ms >= LINGER_MS;
  sim_check(life->client_finished || over || alerted, "the client was closed without an end");
  sim_check(life->client.sealed == 0 || alerted, "the client was closed with bytes that had not left");
  if (model_client_end_was_read(life) || life->client.end_read) return;
  sim_check(over || life->read_behind_finish >= LINGER_BYTES, "the client was not lingered for");
}

void model_judge_reset_client(struct life *life) {
  if (model_knows(life, FACT_CUT)) return;
  bool silent = !life->told.close_begun && peer_has_room(&life->client) && !life->client.deaf &&
                !model_knows(life, FACT_CLIENT_LOST) && !model_knows(life, FACT_CLIENT_FAILED);
  /* Whoever has our Close, all of it, is lingered for, however late the clock is. */
  bool told = life->told.closed && life->client.unacked + life->client.sealed == 0 &&
              !life->client.vanished && peer_has_room(&life->client) && !model_client_end_was_read(life) &&
              !client_broke(life) && !model_knows(life, FACT_CLIENT_FAILED);
  sim_check(!told || life->client.deaf, "a client that was told of the end was reset");
  sim_check(!silent, "a client that would take a Close was reset without one");
  if (stalled(life)) return;
  bool vanished = life->client.vanished && life->vanish_over;
  bool lost = model_knows(life, FACT_CLIENT_LOST) || model_knows(life, FACT_CLIENT_FAILED) || vanished;
  sim_check(lost, "the client was reset without a cause");
  sim_check(life->lost_error != WSL_TLS_FAILED, "the alert to the client was cut off by a reset");
}

/* ---- the line in the log ---- */

struct cause {
  const char *side, *text;
};

static const struct cause nobody = {NULL, NULL};

static const char *client_loss(const struct life *life) {
  if (life->lost_error == WSL_RESET) return "client reset the connection";
  return life->lost_error == WSL_TIMED_OUT ? "client timed out" : error_text(life->lost_error);
}

static const char *backend_loss(const struct life *life) {
  switch (life->backend_error) {
    case WSL_TIMED_OUT:
      return "target timed out";
    case WSL_TRUNCATED:
      return "target's TLS stream ended without close_notify";
    case WSL_TLS_FAILED:
      return "TLS toward the target failed";
    default:
      return "target reset the connection";
  }
}

static bool client_ended_first(const struct life *life) {
  return model_client_end_was_read(life) && life->facts[FACT_CLIENT_FIN] < life->facts[FACT_BACKEND_FIN];
}

static struct cause cause_of(const struct life *life, enum fact fact) {
  switch (fact) {
    case FACT_CLIENT_CLOSE:
      return (struct cause){"client", "client closed"};
    case FACT_CLIENT_WRONG:
      return (struct cause){"client", life->heard.reason};
    case FACT_CLIENT_CUT:
      return (struct cause){"client", "connection ended inside a message"};
    case FACT_CLIENT_TRUNCATED:
      return (struct cause){"client", TLS_CUT_TEXT};
    case FACT_CLIENT_LOST:
      return (struct cause){"client", client_loss(life)};
    case FACT_BACKEND_FIN:
      if (!life->backend_end_wanted) return nobody;
      if (client_ended_first(life)) return (struct cause){"client", "client ended its stream"};
      return (struct cause){"backend", "target closed"};
    case FACT_BACKEND_LOST:
      return life->backend_end_wanted ? (struct cause){"backend", backend_loss(life)} : nobody;
    case FACT_BACKEND_NOT_TEXT:
      return (struct cause){"backend", "target sent invalid UTF-8"};
    case FACT_DIAL_FAILED:
      return (struct cause){"backend", error_text_for_log(life->dial_error)};
    case FACT_WENT_AWAY:
      return (struct cause){"wsluice", "going away"};
    case FACT_CUT:
      return (struct cause){"wsluice", "cut at stop"};
    case FACT_CLIENT_FIN:
    case FACT_CLIENT_FAILED:
    case FACT_BACKEND_FAILED:
    case FACTS:
      break;
  }
  return nobody;
}

static enum fact first_cause(const struct life *life) {
  enum fact first = FACTS;
  for (int i = 0; i < FACTS; i++) {
    if (life->facts[i] == NOT_YET || cause_of(life, (enum fact)i).side == NULL) continue;
    if (first == FACTS || life->facts[i] < life->facts[first]) first = (enum fact)i;
  }
  return first;
}

/* Causes that are found by the clock, or by the kernel. */
static bool may_be(const struct life *life, const char *side, const char *text) {
  const struct {
    bool may;
    const char *side, *text;
  } rows[] = {
      {life->pong_over, "wsluice", "no answer to ping"},
      {life->idle_over, "wsluice", "idle"},
      {life->starved_over, "wsluice", "c" CLIENT_STALLS},
      {life->starved_over, "wsluice", "t" TARGET_STALLS},
      {life->stall_over, "wsluice", "nothing moved while closing"},
      {life->stall_over || life->await_over, "client", "no answer to our Close"},
      {life->stall_over && model_knows(life, FACT_BACKEND_FAILED), "backend", "target took no more"},
      {model_knows(life, FACT_BACKEND_FAILED), "backend", "connection to the target failed"},
      {model_knows(life, FACT_CLIENT_FAILED), "client", "connection to the client failed"},
      {model_knows(life, FACT_CLIENT_FAILED), "client", "client reset the connection"},
      {life->client.deaf, "client", error_text(WSL_IO)},
      {life->client.vanished, "client", "client timed out"},
      {life->backend.vanished, "backend", "target timed out"},
      {model_knows(life, FACT_CLIENT_WRONG) && is_bad_base64(life, text), "client", text},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].may && strcmp(side, rows[i].side) == 0 && strcmp(text, rows[i].text) == 0) return true;
  return false;
}

static void judge_cause(const struct life *life, const char *side, const char *text) {
  struct cause cause = cause_of(life, first_cause(life));
  bool fits = cause.side != NULL && strcmp(cause.side, side) == 0 && strcmp(cause.text, text) == 0;
  if (fits || may_be(life, side, text)) return;
  sim_fail("the log says that side=%s cause=\"%s\" ended it, not %s \"%s\"", side, text,
           cause.side == NULL ? "nobody" : cause.side, cause.side == NULL ? "" : cause.text);
}

void model_log(struct world *w, struct life *life, const char *line) {
  char side[16], text[128];
  unsigned code;
  uint64_t up, down, seconds;
  if (strncmp(line, "session ended ", 14) != 0) return;
  sim_check(!life->ended, "a session ended twice");
  life->ended = true;
  int fields = sscanf(line,
                      "session ended side=%15s cause=\"%127[^\"]\" code=%u duration=%" SCNu64
                      ".%*us up=%" SCNu64 " down=%" SCNu64,
                      side, text, &code, &seconds, &up, &down);
  sim_check(fields == 6, "the last line of a session says: %s", line);
  judge_cause(life, side, text);
  if (life->told.closed) sim_check(code == life->told.code, "the log has code %u, the client another", code);
  sim_check(up == life->forwarded, "the log counts %" PRIu64 " bytes up", up);
  sim_check(down == life->told.data_bytes, "the log counts %" PRIu64 " bytes down", down);
  sim_check(seconds == (w->timers.now_ms - life->born_ms) / 1000, "the log says that it lasted %" PRIu64 " s",
            seconds);
  bool gone = life->client_gone && !life->backend.connected && life->dial == NULL;
  sim_check(gone, "a session ended that had not let go of everything");
}
