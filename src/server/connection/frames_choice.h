/* What a client is sent: its subprotocol's way where that has one, else the operator's. Pure. */
#ifndef SERVER_CONNECTION_FRAMES_CHOICE_H
#define SERVER_CONNECTION_FRAMES_CHOICE_H

#include <wsluice/span.h>

#include "bridge/session.h"

/* "base64", "text.ircv3.net" and "binary.ircv3.net" say what their messages are; of IRC's the lines end in
 * CRLF (ircv3.net/specs/extensions/websocket). `otherwise` for any other, and for none. */
struct session_frames frames_for(struct wsl_span subprotocol, struct session_frames otherwise);

/* For the log. */
const char *frames_name(enum frames_mode mode);

#endif
