/* Options about the streams: frames, heartbeat, and how sessions end. */
#include "app/option/groups.h"

#include <wsluice/request.h>

static void fill(struct options *o) {
  struct server_settings *s = &o->server;
  s->session.max_frame_size = (uint32_t)o->max_frame_size;
  s->session.text = o->refuse_text ? TEXT_REFUSE : TEXT_FORWARD;
  s->subprotocols = (struct wsl_subprotocols){o->subprotocols.values, o->subprotocols.count};
}

static int check_subprotocol(struct options *options, const char *value, const char **why) {
  (void)options;
  struct wsl_span name = wsl_span_of(value);
  *why = "a subprotocol is one token, such as mqtt (letters, digits and !#$%&'*+-.^_`|~)";
  return wsl_token_valid(name) ? WSL_OK : WSL_INVALID;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("WebSocket"),
  {OPTION_LIST, "subprotocol", 0, "NAME", FIELD(subprotocols), 0, 0, check_subprotocol,
   "prefer this one, after binary, of those the client\n"
   "offers; repeatable [the first offered; base64 last]"},
  {OPTION_DURATION, "heartbeat", 0, "SEC", FIELD(server.session.heartbeat_ms), 0, DAY_MS, NULL,
   "ping when nothing was sent to the client for SEC\n"
   "seconds; 0: never [25]"},
  {OPTION_DURATION, "pong-timeout", 0, "SEC", FIELD(server.session.pong_timeout_ms), 0, DAY_MS, NULL,
   "end a session whose client sends nothing for SEC\n"
   "seconds after a ping; 0: never [90]"},
  {OPTION_DURATION, "session-idle-timeout", 0, "SEC", FIELD(server.session.idle_timeout_ms), 0, 365 * DAY_MS, NULL,
   "end a session without data for SEC seconds;\n"
   "0: never [0]"},
  {OPTION_SIZE, "max-frame-size", 0, "BYTES", FIELD(max_frame_size), 1, GIGABYTE, NULL,
   "largest payload of a frame to the client; from 512K\n"
   "bulk data is spliced, not copied [64K]"},
  {OPTION_FLAG, "refuse-text", 0, NULL, FIELD(refuse_text), 0, 0, NULL,
   "answer text messages with Close 1003 [forward them]"},

  OPTIONS_SECTION("Ending sessions"),
  {OPTION_DURATION, "close-timeout", 0, "SEC", FIELD(server.session.close_timeout_ms), 1, HOUR_MS, NULL,
   "give up closing after SEC seconds without progress\n"
   "[5]"},
  {OPTION_DURATION, "close-timeout-max", 0, "SEC", FIELD(server.session.close_timeout_max_ms), 1, HOUR_MS, NULL,
   "longest wait for the client's Close frame [60]"},
  {OPTION_DURATION, "drain-timeout", 0, "SEC", FIELD(server.drain_timeout_ms), 0, 365 * DAY_MS, NULL,
   "after SIGTERM or SIGINT, let sessions go on for SEC\n"
   "seconds; a second signal ends them at once [0]"},
};
/* clang-format on */

const struct option_group option_group_streams = {specs, sizeof specs / sizeof specs[0], NULL, fill};
