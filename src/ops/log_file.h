/* The log file's opening, at start (log_file_open() in ops/log.h) and anew by the writer. */
#ifndef OPS_LOG_FILE_H
#define OPS_LOG_FILE_H

/* Opens the file at an absolute path as log_file_open() does. A descriptor or a negative errno. */
int log_file_open_again(const char *path);

/* Plain words for the errno of an opening. Never NULL. */
const char *log_file_fault(int system_errno);

#endif
