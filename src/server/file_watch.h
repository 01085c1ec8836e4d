/* Notices that one of a few files has changed: replaced, rewritten, or a link on the way turned elsewhere.
 *
 * Each file's folder is watched for events, and each file looked at every FILE_WATCH_POLL_MS, since events
 * miss what lies behind symbolic links and on network file systems. A change is reported once nothing has
 * happened for FILE_WATCH_SETTLE_MS: certificate and key are seldom written in one go. In a folder that never
 * comes to rest (the log is written there) it is reported FILE_WATCH_RESTLESS_MS after it began, and again.
 * One loop, one thread.
 */
#ifndef SERVER_FILE_WATCH_H
#define SERVER_FILE_WATCH_H

#include <uv.h>

#include <wsluice/span.h>

#define FILE_WATCH_FILES_MAX   3u
#define FILE_WATCH_POLL_MS     1000u
#define FILE_WATCH_SETTLE_MS   150u
#define FILE_WATCH_RESTLESS_MS 1000u

struct file_watch;
typedef void (*file_watch_fn)(void *owner);

/* Watches paths[0..count), copied; NULLs among them are skipped. NULL when the system has no descriptors or
 * memory for it. */
struct file_watch *file_watch_open(uv_loop_t *loop, const char *const *paths, size_t count,
                                   file_watch_fn changed, void *owner);

/* No callback comes afterwards; the memory goes when the loop has let go of the handles. NULL is ignored. */
void file_watch_close(struct file_watch *watch);

#endif
