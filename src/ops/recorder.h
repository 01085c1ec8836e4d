/* Recordings of sessions, in the form of websockify's --record, which noVNC's playback page reads:
 *
 *   var VNC_frame_data = [
 *   '{120{RFB 003.008\n',         to the client, 120 ms after the beginning
 *   '}121}RFB 003.008\n',         from it
 *   'EOF'];
 *
 * One file a session, PATH.N with N from 1 on. What a session carries is copied into a queue; a thread of the
 * recorder's own escapes it and writes it, through one descriptor for all files. A session never waits: where
 * the queue is full (the disk is slower than the stream) or a file can't be written, that recording ends,
 * whole lines only and with its last line, and the log says so.
 */
#ifndef OPS_RECORDER_H
#define OPS_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

/* Most bytes of all sessions' frames that wait to be written, with what each takes in memory beside its data.
 */
#define RECORDER_QUEUE_BYTES ((size_t)32 * 1024 * 1024)

struct recorder;
struct recording;

enum recording_way { RECORDING_TO_CLIENT, RECORDING_FROM_CLIENT };

/* Starts the thread, with all signals blocked. `path` is the caller's, and outlives the recorder; its folder
 * must be there and writable. 0, or an error with a line in why[0..why_cap). From the main thread, behind any
 * fork. */
WSL_MUST_CHECK int recorder_start(struct recorder **recorder, const char *path, char *why, size_t why_cap);

/* Begins a recording; `id` is the session's, for the log. NULL without memory. Any thread, as the next two.
 */
struct recording *recording_open(struct recorder *recorder, uint64_t id);

/* Copies data[0..len) (len > 0). Calls for one recording come from one thread. */
void recording_add(struct recording *recording, enum recording_way way, const uint8_t *data, size_t len);

/* The session has ended. The recording is the recorder's, and freed when its file is complete. */
void recording_close(struct recording *recording);

/* Writes what is queued and ends the thread, however long the disk takes; all recordings are closed
 * (asserted). Harmless with NULL. From the main thread. */
void recorder_stop(struct recorder *recorder);

#endif
