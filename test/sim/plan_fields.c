/* See plan_fields.h. */
#include "plan_fields.h"

#include <string.h>

#include "bridge/session.h"

#define FIELD(type, member) offsetof(struct type, member), sizeof(((struct type *)NULL)->member)

static const char *const reactions[REACTIONS] = {
    "ends when it has seen our end",
    "never answers our end",
    "resets when it has seen our end",
    "goes on after our end",
};

static const char *const diallings[DIALLINGS] = {
    "the backend is connected from the start",
    "the dial is answered at once",
    "the dial is answered later",
};

static const char *const frames[] = {
    "the client is sent binary",       "the client is sent text",   "the client is sent lines",
    "the client is sent binary lines", "the client is sent base64", "the client is sent what it sends",
};

static const char *const line_ends[] = {"its lines end in LF", "its lines end in CRLF",
                                        "its lines end in CR"};

const struct plan_field plan_fields[] = {
    {FIELD(plan, max_frame_size), 65536, "frames of at most # bytes", NULL},
    {FIELD(plan, heartbeat_ms), 0, "heartbeat every # ms", NULL},
    {FIELD(plan, pong_timeout_ms), 0, "pong awaited for # ms", NULL},
    {FIELD(plan, idle_timeout_ms), 0, "idle limit # ms", NULL},
    {FIELD(plan, close_timeout_ms), 5000, "close time # ms", NULL},
    {FIELD(plan, close_timeout_max_ms), 60000, "the client's Close awaited for # ms", NULL},
    {FIELD(plan, buffers), 64, "at most # buffers", NULL},
    {FIELD(plan, buffer_size), 256, "buffers of # bytes", NULL},
    {FIELD(plan, large_buffer_size), 0, "large buffers of # bytes", NULL},
    {FIELD(plan, spares), 0, "# spare buffers", NULL},
    {FIELD(plan, spare_size), 64, "spare buffers of # bytes", NULL},
    {FIELD(plan, pipes), 0, "at most # pipes", NULL},
    {FIELD(plan, pipe_bytes), 1000, "pipes of # bytes", NULL},
    {FIELD(plan, pipe_refusals), 0, "# % of pipes are refused", NULL},
    {FIELD(plan, max_line), 65536, "lines of at most # bytes", NULL},
    {FIELD(plan, invalid_closes), false, "what is no text ends it", NULL},
    {FIELD(plan, refuse_text), false, "text is refused", NULL},
    {FIELD(plan, patient), true, "at the end time just passes", NULL},
    {0},
};

const struct plan_field temper_fields[] = {
    {FIELD(temper, arrive_max), 0, "its bytes arrive at most # at once", NULL},
    {FIELD(temper, read_max), 0, "one read brings at most #", NULL},
    {FIELD(temper, write_max), 0, "one write takes at most #", NULL},
    {FIELD(temper, room), UINT32_MAX, "stalls after # bytes", NULL},
    {FIELD(temper, again_percent), 0, "# % of calls say \"not now\"", NULL},
    {FIELD(temper, seals), false, "takes all and keeps what has no room, as TLS does", NULL},
    {FIELD(temper, wont_splice), false, "can't be spliced", NULL},
    {FIELD(temper, slow_acks), false, "acknowledges only as time passes", NULL},
    {FIELD(temper, cant_tell), false, "can't tell what was acknowledged (Unix socket)", NULL},
    {FIELD(temper, heeds), false, "is a program", NULL},
    {FIELD(temper, leaves), false, "has gone when it ends, and resets when it is written to", NULL},
    {FIELD(temper, finish_again), 0, "says \"not now\" to # calls of finish", NULL},
    {FIELD(temper, on_our_end), REACT_ENDS, NULL, reactions},
    {0},
};

const struct plan_field role_fields[] = {
    {FIELD(role, dialling), DIALLED_BEFORE, NULL, diallings},
    {FIELD(role, early), 0, "# bytes of the client come with the request head", NULL},
    {FIELD(role, frames), FRAMES_BINARY, NULL, frames},
    {FIELD(role, line_end), WSL_LINE_END_LF, NULL, line_ends},
    {0},
};

uint32_t field_get(const struct plan_field *field, const void *owner) {
  const uint8_t *at = (const uint8_t *)owner + field->offset;
  uint32_t value;
  if (field->size == 1) return *at;
  memcpy(&value, at, sizeof value);
  return value;
}

void field_make_plain(const struct plan_field *field, void *owner) {
  uint8_t *at = (uint8_t *)owner + field->offset;
  if (field->size == 1) {
    *at = (uint8_t)field->plain;
  } else {
    memcpy(at, &field->plain, sizeof field->plain);
  }
}

bool field_is_plain(const struct plan_field *field, const void *owner) {
  return field_get(field, owner) == field->plain;
}
