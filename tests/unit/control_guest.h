/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that is nothing but its control socket, in a folder of its own, and what talks to it. */
#ifndef TEST_CONTROL_GUEST_H
#define TEST_CONTROL_GUEST_H

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lkvm/control/client.h"
#include "lkvm/control/server.h"
#include "lkvm/vm/counters.h"
#include "lkvm/vm/vm.h"
#include "test.h"

#define PATIENCE_MS 20000

static char folder_path[64];
static struct vm_config config;
static struct vm guest, *vm = &guest;
static struct control *control;
static const struct config_kind *const *kinds;
static pthread_t thread;

/* In place of vm/run.c: a guest without CPUs. Who is to go meanwhile goes. */
static struct control_peer *leaves;
static _Atomic unsigned pauses, resumes;

void vm_pause(struct vm *of)
{
	if (leaves)
		control_disconnect(leaves);
	pauses++;
	of->paused = true;
}

void vm_resume(struct vm *of)
{
	resumes++;
	of->paused = false;
}

static inline void *serve(void *arg)
{
	loop_run(vm->loop);
	return NULL;
}

static inline int setup(void **state)
{
	strcpy(folder_path, "/tmp/test-control-XXXXXX");
	assert_non_null(mkdtemp(folder_path));
	assert_int_equal(setenv("LKVM_RUNTIME_DIR", folder_path, 1), 0);
	config = (struct vm_config){ .name = "test", .named = true, .memory = MIB(64), .cpus = 2 };
	memset(vm, 0, sizeof(*vm));
	vm->loop = loop_create("test");
	assert_non_null(vm->loop);
	vm->config = &config;
	vm->status = -1;
	vm->request_fd.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vm->nr_vcpus = 2;
	vm->exits = exit_counters_create(2);
	control = NULL;
	leaves = NULL;
	pauses = resumes = 0;
	return 0;
}

static inline int teardown(void **state)
{
	char path[128];

	control_stop(control);
	control_destroy(control);
	close(vm->request_fd.fd);
	free(vm->exits);
	loop_destroy(vm->loop);
	snprintf(path, sizeof(path), "%s/test.sock", folder_path);
	unlink(path);
	/* That nothing else is in it is a part of every test. */
	return rmdir(folder_path);
}

/* As while a guest is assembled: nobody runs its loop. */
static inline void begin_start(void)
{
	assert_int_equal(control_create(&control, vm, kinds), 0);
	assert_non_null(control);
}

static inline void run_loop(void)
{
	vm->started = true;
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
}

static inline void begin(void)
{
	begin_start();
	run_loop();
}

static inline void end(void)
{
	loop_stop(vm->loop);
	pthread_join(thread, NULL);
}

/* The main thread is in the middle of something, until it is let go. */
static sem_t busy, over;

static inline void be_busy(void *arg)
{
	sem_post(&busy);
	sem_wait(&over);
}

static inline void keep_busy(void)
{
	sem_init(&busy, 0, 0);
	sem_init(&over, 0, 0);
	assert_int_equal(loop_post(vm->loop, be_busy, NULL), 0);
	sem_wait(&busy);
}

static inline void let_go(void)
{
	sem_post(&over);
}

static inline struct control_peer connect_to(const char *name)
{
	struct control_peer peer;

	assert_int_equal(control_connect(name, PATIENCE_MS, &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(fcntl(peer.fd, F_SETFL, 0), 0);
	return peer;
}

/* Up to the line's end, or to the end of the connection. */
static inline const char *read_line(struct control_peer *peer)
{
	static char line[8192];
	size_t len = 0;

	while (len < sizeof(line) - 1 && read(peer->fd, line + len, 1) == 1)
		if (line[len++] == '\n')
			break;
	line[len] = '\0';
	return line;
}

static inline void send_bytes(struct control_peer *peer, const void *bytes, size_t len)
{
	assert_int_equal(send(peer->fd, bytes, len, MSG_NOSIGNAL), len);
}

static inline void assert_state(const json_t *answer, const char *state)
{
	assert_true(json_is_true(json_object_get(answer, "ok")));
	assert_string_equal(json_string_value(json_object_get(answer, "state")), state);
}

static inline void answers(struct control_peer *peer, const char *request, const char *expected)
{
	const char *line;

	send_bytes(peer, request, strlen(request));
	line = read_line(peer);
	if (!strstr(line, expected)) {
		print_error("%s: answered %s", request, line);
		fail();
	}
}

#endif
