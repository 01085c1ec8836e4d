/* Which targets may be dialled that somebody else than the command line names: --allow-target. Pure, but that
 * it asks `is_own`.
 *
 *   judged by its text     before anything is done for a client: target_judge()
 *   judged by its address  at the connect itself, whatever a name has come to mean: target_judge_address()
 *
 * A pattern is HOST, HOST:PORTS or unix:PATH:
 *
 *   10.0.0.0/8:5900-5999        addresses, a network or one; [2001:db8::]/32:22, 2001:db8::7
 *   *.vm.example:5900,5901      names; "*" stands for any run of characters, "?" for one; "*" alone for all
 *   unix:/run/vnc/?*            Unix sockets; a wildcard does not reach over "/"
 *
 * Names are compared without regard to case and to a dot at the end. What a name resolves to may be any
 * address but of the kinds that address_kind.h knows; such an address must be allowed by a pattern that is an
 * address or network within that kind's ("127.0.0.0/8", not "0.0.0.0/0"), or by a pattern without wildcards
 * of a name that means that kind ("localhost"). An address must match whatever way a client spells it, since
 * it is judged as the bytes that are connected to.
 *
 * This machine's own addresses on its networks are opened by any network but "/0" that holds them, and by any
 * name without wildcards: whoever lists these knows what stands there. Files of the operator's may name them.
 */
#ifndef NET_TARGET_RULES_H
#define NET_TARGET_RULES_H

#include "net/address_kind.h"
#include "net/dialer.h"

#define TARGET_PATTERN_PORTS_MAX 16u

enum target_pattern_kind { PATTERN_NAME, PATTERN_NETWORK, PATTERN_UNIX };

struct target_ports {
  uint16_t first, last;
};

/* `text` points into what was parsed. */
struct target_pattern {
  enum target_pattern_kind kind;
  struct wsl_span text;   /* of a name (without the dot at its end) or a path */
  struct network network; /* of PATTERN_NETWORK */
  struct target_ports ports[TARGET_PATTERN_PORTS_MAX];
  size_t ports_count; /* 0: any */
};

/* `text` outlives the pattern. False with a static sentence in *why. */
bool target_pattern_parse(const char *text, struct target_pattern *pattern, const char **why);

/* count 0: without --allow-target. Then files of the operator's may name all but link-local addresses and
 * metadata services; whoever else names a target gets none on this machine either. */
struct target_rules {
  const struct target_pattern *patterns;
  size_t count;
  bool (*is_own)(const struct bare_address *address); /* net/own_address.h */
};

enum target_verdict {
  TARGET_ALLOWED,
  TARGET_UNDECIDED, /* a name: what it resolves to will tell */
  TARGET_REFUSED
};

/* Room for what a refusal says, NUL included. */
#define TARGET_REASON_MAX 256u

/* A target that somebody has named; a refusal's reason, for the log, goes to why[0..TARGET_REASON_MAX). */
enum target_verdict target_judge(const struct target_rules *rules, const struct target *target,
                                 char why[TARGET_REASON_MAX]);

/* One of its addresses. TARGET_ALLOWED, or TARGET_REFUSED with a reason. */
enum target_verdict target_judge_address(const struct target_rules *rules, const struct target *target,
                                         const struct address *address, char why[TARGET_REASON_MAX]);

#endif
