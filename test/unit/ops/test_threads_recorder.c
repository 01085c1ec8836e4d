/* Recordings from several threads at once: each file has its own frames, in their order, and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "core/error.h"
#include "ops/recorder.h"

#define PATH    "recorder-test"
#define THREADS 4
#define FRAMES  500

struct session {
  uv_thread_t thread;
  struct recorder *recorder;
  unsigned number;
};

static void record_session(void *owner) {
  struct session *session = owner;
  char frame[32];
  struct recording *recording = recording_open(session->recorder, session->number);
  assert_non_null(recording);
  for (int i = 0; i < FRAMES; i++) {
    int len = snprintf(frame, sizeof frame, "<%u:%d>", session->number, i);
    recording_add(recording, i % 2 == 0 ? RECORDING_TO_CLIENT : RECORDING_FROM_CLIENT, (uint8_t *)frame,
                  (size_t)len);
  }
  recording_close(recording);
}

/* Each frame of one session, in order, and the last line. */
static void check_file(unsigned file) {
  char path[64], line[256], expected[64];
  unsigned number = 0;
  int frames = 0;
  snprintf(path, sizeof path, PATH ".%u", file);
  FILE *in = fopen(path, "re");
  assert_non_null(in);
  assert_non_null(fgets(line, sizeof line, in));
  assert_string_equal(line, "var VNC_frame_data = [\n");
  while (fgets(line, sizeof line, in) != NULL && strcmp(line, "'EOF'];\n") != 0) {
    const char *frame = strchr(line, '<');
    assert_non_null(frame);
    if (frames == 0) assert_int_equal(sscanf(frame, "<%u:", &number), 1);
    snprintf(expected, sizeof expected, "<%u:%d>',\n", number, frames);
    assert_string_equal(frame, expected);
    assert_int_equal(line[1], frames % 2 == 0 ? '{' : '}');
    frames++;
  }
  assert_int_equal(frames, FRAMES);
  assert_string_equal(line, "'EOF'];\n");
  fclose(in);
  unlink(path);
}

static void sessions_on_several_threads(void **state) {
  (void)state;
  struct session sessions[THREADS];
  struct recorder *recorder = NULL;
  char why[256];
  assert_int_equal(recorder_start(&recorder, PATH, why, sizeof why), WSL_OK);
  for (unsigned i = 0; i < THREADS; i++) {
    sessions[i].recorder = recorder;
    sessions[i].number = i + 100;
    assert_int_equal(uv_thread_create(&sessions[i].thread, record_session, &sessions[i]), 0);
  }
  for (unsigned i = 0; i < THREADS; i++)
    uv_thread_join(&sessions[i].thread);
  recorder_stop(recorder);
  for (unsigned i = 1; i <= THREADS; i++)
    check_file(i);
}

struct stopping {
  struct recorder *recorder;
  atomic_bool over;
};

static void stop(void *owner) {
  struct stopping *stopping = owner;
  recorder_stop(stopping->recorder);
  atomic_store(&stopping->over, true);
}

/* Stops the recorder while what it writes is read from `pipe`; returns how many bytes came. */
static size_t stop_and_count(struct recorder *recorder, int pipe) {
  struct stopping stopping = {.recorder = recorder};
  uv_thread_t thread;
  char bytes[4096];
  size_t count = 0;
  assert_int_equal(uv_thread_create(&thread, stop, &stopping), 0);
  for (bool over = false; !over;) {
    over = atomic_load(&stopping.over);
    for (ssize_t n; (n = read(pipe, bytes, sizeof bytes)) > 0;)
      count += (size_t)n;
    usleep(1000);
  }
  uv_thread_join(&thread);
  return count;
}

/* A disk that takes nothing for a while: where the file would be stands a pipe that nobody reads. */
static void short_frames_count_with_what_they_take_in_memory(void **state) {
  (void)state;
  struct recorder *recorder = NULL;
  char why[256];
  const size_t frames = RECORDER_QUEUE_BYTES / 32;
  assert_int_equal(mkfifo(PATH ".1", 0600), 0);
  int pipe = open(PATH ".1", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  assert_true(pipe >= 0);
  assert_int_equal(recorder_start(&recorder, PATH, why, sizeof why), WSL_OK);
  struct recording *recording = recording_open(recorder, 1);
  assert_non_null(recording);
  for (size_t i = 0; i < frames; i++)
    recording_add(recording, RECORDING_TO_CLIENT, (const uint8_t *)"x", 1);
  recording_close(recording);
  assert_in_range(stop_and_count(recorder, pipe), 0,
                  frames); /* given up: all of them are several bytes each */
  close(pipe);
  unlink(PATH ".1");
}

static void a_folder_that_is_not_there(void **state) {
  (void)state;
  struct recorder *recorder = NULL;
  char why[256] = "";
  assert_int_not_equal(recorder_start(&recorder, "no-such-folder/file", why, sizeof why), WSL_OK);
  assert_non_null(strstr(why, "no-such-folder"));
  recorder_stop(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sessions_on_several_threads),
      cmocka_unit_test(short_frames_count_with_what_they_take_in_memory),
      cmocka_unit_test(a_folder_that_is_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
