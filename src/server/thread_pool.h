/* The start of libuv's thread pool, in which files are read, tokens looked up and handshakes computed. */
#ifndef SERVER_THREAD_POOL_H
#define SERVER_THREAD_POOL_H

/* Makes its threads, before others need them. 0, or an error where the system has none to give. */
int thread_pool_start(void);

#endif
