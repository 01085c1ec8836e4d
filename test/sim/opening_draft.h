/* A request head as data, with its meaning: what a client means to send, and what must be understood.
 *
 * A draft keeps all rules on what heads mean, or breaks exactly one of them (enum rule). How it is spelled,
 * and bytes that can't stand where they stand, are the business of opening_write.h.
 */
#ifndef SIM_OPENING_DRAFT_H
#define SIM_OPENING_DRAFT_H

#include <wsluice/request.h>

#include "codec/http/conditions.h"
#include "opening_text.h"

#define DRAFT_FIELDS_MAX     48u
#define DRAFT_CONFIGURED_MAX 3u

enum rule {
  RULE_NONE,
  HOST_MISSING,
  HOST_TWICE,
  HOST_BAD,
  TARGET_BAD,
  LENGTH_BAD,
  LENGTH_BESIDE_CODING,
  CODING_NOT_ENDED, /* does not end in chunked */
  CODING_UNKNOWN,
  CODING_IN_1_0,
  RULES_OF_ALL, /* behind it: those of upgrades */
  METHOD_NOT_GET,
  UPGRADE_NOT_WEBSOCKET,
  UPGRADE_BY_HALVES, /* one of the fields that make an attempt, and none of the others */
  CONNECTION_WITHOUT_UPGRADE,
  VERSION_MISSING,
  VERSION_TWICE,
  VERSION_NO_NUMBER,
  VERSION_OTHER,
  KEY_MISSING,
  KEY_TWICE,
  KEY_BAD,
  BODY,
  ORIGIN_TWICE,
  PROTOCOL_BAD,
  RULES
};

struct draft_field {
  struct wsl_span name, value; /* without white space round it */
};

/* What must be understood. */
struct meaning {
  enum wsl_request_kind kind;
  uint16_t status;   /* REFUSED; 0: 400 or 426 */
  const char *words; /* are in the reason; NULL: any */
  bool offers_version;
  bool keeps_alive;
  enum condition_outcome condition; /* PLAIN, of a file without a tag */
  struct wsl_span path, query, authority;
  struct wsl_span origin, user_agent; /* at == NULL: none */
  struct wsl_span subprotocol;
  char accept[WSL_ACCEPT_LEN + 1];
};

struct draft {
  struct random_source *random;
  struct text text; /* what the spans point into */
  enum rule broken;
  bool upgrades; /* means to, whatever comes of it */
  bool closes, has_body;
  struct wsl_span method, target;
  uint8_t minor_version;
  size_t field_count;
  struct draft_field fields[DRAFT_FIELDS_MAX];
  const char *configured[DRAFT_CONFIGURED_MAX];
  size_t configured_count;
  struct meaning meaning;
};

void draft_draw(struct draft *draft, struct random_source *random);

/* ---- for opening_draft*.c ---- */

enum list_style {
  LIST_LOOSE, /* empty elements among the others (RFC 9110 5.6.1) */
  LIST_STRICT
};

/* Adds a line: anywhere, but behind those of its name. The name in some case. */
void draft_add(struct draft *draft, const char *name, struct wsl_span value);
void draft_add_words(struct draft *draft, const char *name, const char *value);

/* Adds the elements on one line or on several; nothing for none. */
void draft_add_list(struct draft *draft, const char *name, const struct wsl_span *elements, size_t count,
                    enum list_style style);

/* Anything that may stand in a field's value. */
struct wsl_span draft_any_value(struct draft *draft, size_t len_max);

void draft_draw_target(struct draft *draft);
void draft_draw_host(struct draft *draft);
void draft_draw_framing(struct draft *draft);
void draft_draw_upgrade(struct draft *draft);

#endif
