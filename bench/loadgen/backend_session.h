/* A connection that the built-in backend has accepted. Frees itself at its end; on the backend's thread. */
#ifndef LOADGEN_BACKEND_SESSION_H
#define LOADGEN_BACKEND_SESSION_H

#include "loadgen/backend.h"

/* Takes the descriptor over. */
void backend_session_begin(struct backend *backend, int fd);

/* Ends all sessions at once. */
/* Has those read that have got nothing for a while: less may lie there than wakes us up. */
void backend_sessions_look(struct backend *backend);

void backend_sessions_end(struct backend *backend);

#endif
