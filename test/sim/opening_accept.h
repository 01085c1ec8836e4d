/* What a server must answer to a Sec-WebSocket-Key, computed without the program's help: SHA-1 (RFC 3174) and
 * base64 (RFC 4648) of the simulation's own.
 */
#ifndef SIM_OPENING_ACCEPT_H
#define SIM_OPENING_ACCEPT_H

#include <wsluice/request.h>

/* `key`: 24 characters. */
void accept_of(struct wsl_span key, char accept[WSL_ACCEPT_LEN + 1]);

#endif
