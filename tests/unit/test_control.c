// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket without a guest: requests that make no sense, clients that do not read, come in numbers or say
 * nothing, and what is left in the folder by whom.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control_guest.h"
#include "lkvm/control/folder.h"
#include "lkvm/control/names.h"
#include "said.h"
#include "../../control/protocol.h"

/* "": it is a request. */
static void test_parse(void **state)
{
	static const struct {
		const char *line, *code;
	} lines[] = {
		{ "{\"request\":\"stat\"}", "" },
		{ "  { \"request\" : \"ping\" }  \r", "" },
		{ "{\"request\":\"p\\u0069ng\"}", "" },
		{ "", "malformed" },
		{ "stat", "malformed" },
		{ "\"stat\"", "malformed" },
		{ "[\"stat\"]", "malformed" },
		{ "{}", "malformed" },
		{ "{\"request\":\"stat\"", "malformed" },
		{ "{\"request\":\"stat\"}{}", "malformed" },
		{ "{\"request\":\"stat\",\"request\":\"stop\"}", "malformed" },
		{ "{\"x\":{\"request\":\"stat\"}}", "malformed" },
		{ "{\"\":{\"request\":\"stat\"}}", "malformed" },
		{ "{\"request\":\"stat\",\"x\":[[[[[[[[1]]]]]]]]}", "malformed" },
		{ "{\"request\":\"stats\"}", "unknown-request" },
		{ "{\"request\":\"\"}", "unknown-request" },
		{ "{\"request\":7}", "unknown-member" },
		{ "{\"request\":null}", "unknown-member" },
		{ "{\"request\":[\"stat\"]}", "unknown-member" },
		{ "{\"request\":{}}", "unknown-member" },
		{ "{\"request\":\"stat\",\"x\":[]}", "unknown-member" },
		{ "{\"\":1,\"request\":\"stat\"}", "unknown-member" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct control_call call = { .vm = NULL };
		bool is_request = control_parse(&call, lines[i].line, strlen(lines[i].line));
		const char *code = json_string_value(json_object_get(call.refusal, "code"));

		if (strcmp(code ?: "", lines[i].code))
			print_error("%s: %s\n", lines[i].line, code);
		assert_string_equal(code ?: "", lines[i].code);
		assert_int_equal(is_request, !code);
		json_decref(call.line);
		json_decref(call.refusal);
	}
}

/* Old and new programs find out what a guest can be asked. */
static void test_requests_are_told(void **state)
{
	struct control_peer peer;

	begin();
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"info\"}\n",
		"\"vcpus\": 2, \"memory\": 67108864, "
		"\"requests\": [\"ping\", \"info\", \"stat\", \"pause\", \"resume\", \"stop\", \"wait\", \"power-button\"]");
	answers(&peer, "{\"request\":\"snp-report\"}\n",
		"\"code\": \"unknown-request\", \"error\": \"there is no such request; \\\"info\\\" has those there are\"");
	answers(&peer, "{\"request\":\"stop\",\"hard\":true}\n",
		"\"code\": \"unknown-member\", \"error\": \"\\\"stop\\\" has no argument \\\"hard\\\"\"");
	assert_int_equal(vm->signal, 0);
	control_disconnect(&peer);
	end();
}

static void test_requests(void **state)
{
	struct control_peer peer;

	exit_count(&vm->exits[0], 2);
	exit_count(&vm->exits[1], 2);
	exit_count(&vm->exits[1], 6);
	counter_add(&vm->counters, COUNTER_HYPERCALLS, 3);
	counter_set_word(&vm->counters, COUNTER_WORD_POPULATION, "write");
	begin();
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	answers(&peer, "{\"request\":\"info\"}\n", "\"name\": \"test\"");
	answers(&peer, "{\"request\":\"info\"}\n", "\"state\": \"running\"");
	answers(&peer, "{\"request\":\"stat\"}\n",
		"\"exits\": {\"io\": 2, \"mmio\": 1}, \"exits_by_vcpu\": {\"io\": [1, 1], "
		"\"mmio\": [0, 1]}");
	answers(&peer, "{\"request\":\"stat\"}\n", "\"hypercalls\": 3");
	answers(&peer, "{\"request\":\"stat\"}\n",
		"\"memory_backend\": null, \"memory_population\": \"write\"");
	answers(&peer, "nonsense\n", "\"code\": \"malformed\"");
	answers(&peer, "\n", "\"code\": \"malformed\"");
	/* The connection is as good as before, and two requests at once get two answers. */
	send_bytes(&peer, "{\"request\":\"ping\"}\n{\"request\":\"x\"}\n", 35);
	assert_string_equal(read_line(&peer), "{\"ok\": true}\n");
	assert_non_null(strstr(read_line(&peer), "unknown-request"));
	/* Bit by bit is as good. */
	for (const char *p = "{\"request\":\"ping\"}\n"; *p; p++)
		send_bytes(&peer, p, 1);
	assert_string_equal(read_line(&peer), "{\"ok\": true}\n");
	/* No NUL makes what stands before it a request. */
	send_bytes(&peer, "{\"request\":\"ping\"}\0x\n", 21);
	assert_non_null(strstr(read_line(&peer), "malformed"));
	/* Who has said his last still gets his answer. */
	send_bytes(&peer, "{\"request\":\"ping\"}\n", 19);
	shutdown(peer.fd, SHUT_WR);
	assert_string_equal(read_line(&peer), "{\"ok\": true}\n");
	assert_string_equal(read_line(&peer), "");
	control_disconnect(&peer);
	end();
}

static void test_longest_request(void **state)
{
	static char line[CONTROL_MAX_REQUEST + 100];
	struct control_peer peer;
	int len;

	begin();
	peer = connect_to("test");
	len = snprintf(line, sizeof(line), "%*s{\"request\":\"ping\"}\n", CONTROL_MAX_REQUEST - 19,
		       "");
	assert_int_equal(len, CONTROL_MAX_REQUEST);
	answers(&peer, line, "{\"ok\": true}\n");
	snprintf(line, sizeof(line), "%*s{\"request\":\"ping\"}\n", CONTROL_MAX_REQUEST - 18, "");
	answers(&peer, line, "\"code\": \"too-long\"");
	assert_string_equal(read_line(&peer), "");
	control_disconnect(&peer);
	end();
}

/* More clients than there are places, silent ones: who comes later gets the place of the oldest of them. */
static void test_many_clients(void **state)
{
	struct control_peer silent[16], peer;

	begin();
	for (unsigned i = 0; i < 16; i++)
		silent[i] = connect_to("test");
	answers(&silent[15], "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	answers(&silent[0], "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	assert_string_equal(read_line(&silent[1]), "");
	answers(&silent[0], "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	answers(&silent[2], "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	control_disconnect(&peer);
	for (unsigned i = 0; i < 16; i++)
		control_disconnect(&silent[i]);
	end();
}

/* Nor do many who wait for the main thread keep `lkvm stop` out; those who wait for the end keep their places. */
static void test_many_who_wait(void **state)
{
	struct control_peer waiting[16], stopping[16];
	json_t *answer;

	begin_start();
	for (unsigned i = 0; i < 16; i++) {
		waiting[i] = connect_to("test");
		send_bytes(&waiting[i], "{\"request\":\"pause\"}\n", 20);
	}
	for (unsigned i = 0; i < 16; i++) {
		stopping[i] = connect_to("test");
		assert_int_equal(control_ask(&stopping[i], "stop", NULL, PATIENCE_MS, &answer), 0);
		assert_state(answer, "ending");
		json_decref(answer);
	}
	for (unsigned i = 0; i < 16; i++) {
		if (i >= 12)
			assert_non_null(strstr(read_line(&waiting[i]), "too many requests wait"));
		assert_string_equal(read_line(&waiting[i]), "");
		assert_int_equal(control_wait_end(&stopping[i], 1), -ETIMEDOUT);
		control_disconnect(&waiting[i]);
	}
	control_stop(control);
	assert_int_equal(pauses, 0);
	control_destroy(control);
	control = NULL;
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(control_wait_end(&stopping[i], PATIENCE_MS), 0);
		control_disconnect(&stopping[i]);
	}
}

/* Nor does one who has just come lose the place to the next who comes, before anything was asked. */
static void test_places_for_who_need_not_wait(void **state)
{
	struct control_peer waiting[16], silent[3], stopping;
	json_t *answer;

	begin_start();
	for (unsigned i = 0; i < 16; i++) {
		waiting[i] = connect_to("test");
		send_bytes(&waiting[i], "{\"request\":\"pause\"}\n", 20);
	}
	for (unsigned i = 12; i < 16; i++) {
		assert_non_null(strstr(read_line(&waiting[i]), "\"code\": \"failed\""));
		answers(&waiting[i], "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	}
	stopping = connect_to("test");
	for (unsigned i = 0; i < 3; i++)
		silent[i] = connect_to("test");
	/* The last of them has been accepted. */
	answers(&silent[2], "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	assert_int_equal(control_ask(&stopping, "stop", NULL, PATIENCE_MS, &answer), 0);
	assert_state(answer, "ending");
	json_decref(answer);
	for (unsigned i = 0; i < 16; i++)
		control_disconnect(&waiting[i]);
	for (unsigned i = 0; i < 3; i++)
		control_disconnect(&silent[i]);
	control_disconnect(&stopping);
}

/* Requests of those who have gone keep no later one out. */
static void test_requests_of_who_has_gone(void **state)
{
	struct control_peer waiting[12], peer;
	json_t *answer = NULL;
	int err = 0;

	begin_start();
	for (unsigned i = 0; i < 12; i++) {
		waiting[i] = connect_to("test");
		send_bytes(&waiting[i], "{\"request\":\"pause\"}\n", 20);
	}
	peer = connect_to("test");
	assert_int_equal(control_ask(&peer, "pause", NULL, PATIENCE_MS, &answer), 0);
	assert_false(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	for (unsigned i = 0; i < 12; i++)
		control_disconnect(&waiting[i]);
	/* Until it is not refused any more, but waits. */
	for (unsigned i = 0; !err && i < 1000; i++) {
		err = control_ask(&peer, "pause", NULL, 50, &answer);
		json_decref(answer);
	}
	assert_int_equal(err, -ETIMEDOUT);
	control_disconnect(&peer);
	control_stop(control);
	assert_int_equal(pauses, 0);
}

/* In a process of its own, which still has descriptors. */
static int ask_from_outside(int go)
{
	struct control_peer peers[16];
	json_t *answer;
	char byte;

	if (read(go, &byte, 1) != 1)
		return 1;
	/* As often as there are places, and once more after they were all used. */
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 16; i++)
			if (control_connect("test", PATIENCE_MS, &peers[i]) ||
			    control_ask(&peers[i], "ping", NULL, PATIENCE_MS, &answer))
				return 2 + round;
		for (unsigned i = 0; i < 16; i++)
			control_disconnect(&peers[i]);
	}
	return 0;
}

static void test_no_descriptors_left(void **state)
{
	int pipe_fds[2], status, fds[256];
	struct rlimit old, limit;
	unsigned nr = 0;
	pid_t child;

	assert_int_equal(pipe(pipe_fds), 0);
	child = fork();
	if (!child)
		_exit(ask_from_outside(pipe_fds[0]));
	begin();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = 128;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (nr < ARRAY_SIZE(fds) && (fds[nr] = dup(pipe_fds[0])) >= 0)
		nr++;
	assert_int_equal(errno, EMFILE);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	while (nr)
		close(fds[--nr]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	end();
}

/* Whatever the main thread is busy with, it is told how the guest is, and that it shall end. */
static void test_busy_main_thread(void **state)
{
	struct control_peer peer, pausing;
	json_t *answer;

	begin();
	keep_busy();
	pausing = connect_to("test");
	assert_int_equal(control_ask(&pausing, "pause", NULL, 50, &answer), -ETIMEDOUT);
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"stat\"}\n", "\"state\": \"running\"");
	assert_int_equal(pauses, 0);
	let_go();
	assert_non_null(strstr(read_line(&pausing), "\"state\": \"paused\""));
	answers(&peer, "{\"request\":\"info\"}\n", "\"state\": \"paused\"");
	keep_busy();
	assert_int_equal(control_ask(&peer, "stop", NULL, PATIENCE_MS, &answer), 0);
	json_decref(answer);
	let_go();
	end();
	/* After the last round of the loop: closing the disks may take long. */
	send_bytes(&pausing, "{\"request\":\"resume\"}\n", 21);
	control_stop(control);
	assert_non_null(strstr(read_line(&pausing), "\"code\": \"ending\""));
	answers(&pausing, "{\"request\":\"pause\"}\n", "\"code\": \"ending\"");
	answers(&pausing, "{\"request\":\"stat\"}\n", "\"state\": \"ending\"");
	control_disconnect(&peer);
	control_disconnect(&pausing);
}

/* A guest that is about to be started again is not ending. */
static void test_reboot(void **state)
{
	struct control_peer peer;

	config.reboot = true;
	begin();
	peer = connect_to("test");
	vm->end = VM_REQUEST_REBOOT;
	answers(&peer, "{\"request\":\"info\"}\n", "\"state\": \"running\"");
	vm->status = 0;
	answers(&peer, "{\"request\":\"info\"}\n", "\"state\": \"ending\"");
	control_disconnect(&peer);
	end();
}

/* Who does not read his answers is sent no more than his socket holds, and others are served meanwhile. */
static void test_client_that_does_not_read(void **state)
{
	struct control_peer greedy, peer;
	unsigned sent = 0;

	begin();
	greedy = connect_to("test");
	while (send(greedy.fd, "{\"request\":\"stat\"}\n", 19, MSG_DONTWAIT | MSG_NOSIGNAL) == 19 &&
	       sent < 1000000)
		sent++;
	assert_in_range(sent, 1, 999999);
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	control_disconnect(&peer);
	/* He can still make up for it. */
	assert_non_null(strstr(read_line(&greedy), "\"ok\": true"));
	control_disconnect(&greedy);
	end();
}

/* Like SIGTERM, and the connection ends with the guest. */
static void test_stop(void **state)
{
	struct control_peer peer, other;
	json_t *answer;

	begin();
	peer = connect_to("test");
	other = connect_to("test");
	assert_int_equal(control_ask(&peer, "stop", NULL, PATIENCE_MS, &answer), 0);
	assert_state(answer, "ending");
	json_decref(answer);
	assert_int_equal(vm->end, VM_REQUEST_SIGNAL);
	assert_int_equal(vm->signal, SIGTERM);
	answers(&other, "{\"request\":\"pause\"}\n", "\"code\": \"ending\"");
	answers(&other, "{\"request\":\"resume\"}\n", "\"code\": \"ending\"");
	answers(&other, "{\"request\":\"info\"}\n", "\"state\": \"ending\"");
	assert_int_equal(control_wait_end(&peer, 100), -ETIMEDOUT);
	end();
	control_stop(control);
	assert_int_equal(control_wait_end(&peer, 100), -ETIMEDOUT);
	control_destroy(control);
	control = NULL;
	assert_int_equal(control_wait_end(&peer, PATIENCE_MS), 0);
	control_disconnect(&peer);
	control_disconnect(&other);
}

static int button_error;
static unsigned presses;

static int press_button(struct vm *of)
{
	assert_ptr_equal(of, vm);
	presses++;
	return button_error;
}

static void expect_button(const char *expected)
{
	struct control_peer peer;

	begin_start();
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"power-button\"}\n", expected);
	control_disconnect(&peer);
	control_destroy(control);
	control = NULL;
}

static void test_power_button_refused(void **state)
{
	presses = 0;
	vm->power_button = press_button;
	expect_button("\"code\": \"not-listening\"");
	vm->started = true;
	vm->paused = true;
	expect_button("\"code\": \"paused\"");
	vm->paused = false;
	vm->end = VM_REQUEST_POWEROFF;
	expect_button("\"code\": \"ending\"");
	vm->end = VM_REQUEST_NONE;
	vm->power_button = NULL;
	expect_button("\"code\": \"no-button\"");
	assert_int_equal(presses, 0);
	vm->power_button = press_button;
	button_error = -EAGAIN;
	expect_button("\"code\": \"not-listening\"");
	assert_int_equal(presses, 1);
	button_error = 0;
}

/* The guest is asked, and the connection ends with it. However many wait, others find a place. */
static void test_power_button(void **state)
{
	struct control_peer peers[20], other;
	json_t *answer;

	presses = 0;
	vm->power_button = press_button;
	begin();
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++) {
		peers[i] = connect_to("test");
		assert_int_equal(control_ask(&peers[i], "power-button", NULL, PATIENCE_MS, &answer),
				 0);
		assert_state(answer, "running");
		json_decref(answer);
	}
	assert_int_equal(presses, ARRAY_SIZE(peers));
	assert_int_equal(vm->end, VM_REQUEST_NONE);
	other = connect_to("test");
	answers(&other, "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	assert_int_equal(control_wait_end(&peers[ARRAY_SIZE(peers) - 1], 100), -ETIMEDOUT);
	end();
	control_stop(control);
	control_destroy(control);
	control = NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++) {
		assert_int_equal(control_wait_end(&peers[i], -1), 0);
		control_disconnect(&peers[i]);
	}
	control_disconnect(&other);
}

/* Asked for and gone: the request counts. */
static void test_stop_without_waiting(void **state)
{
	struct control_peer peer;

	begin();
	peer = connect_to("test");
	send_bytes(&peer, "{\"request\":\"stop\"}\n", 19);
	control_disconnect(&peer);
	for (unsigned i = 0; i < PATIENCE_MS && !vm->signal; i++)
		usleep(1000);
	assert_int_equal(vm->signal, SIGTERM);
	end();
}

static void path_of(char path[128], const char *file)
{
	snprintf(path, 128, "%s/%s", folder_path, file);
}

static void test_socket_is_private(void **state)
{
	char path[128];
	struct stat st;

	path_of(path, "test.sock");
	umask(0);
	begin();
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	end();
	control_stop(control);
	control_destroy(control);
	control = NULL;
	assert_int_equal(lstat(path, &st), -1);
	umask(022);
}

static void leave_stale_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
}

static void test_stale_socket(void **state)
{
	struct control_peer peer;
	char path[128];
	struct control_names names;

	path_of(path, "test.sock");
	leave_stale_socket(path);
	assert_int_equal(control_connect("test", 0, &peer), -ENOENT);
	begin();
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	control_disconnect(&peer);
	/* Another one goes when somebody looks, the living one stays. */
	path_of(path, "other.sock");
	leave_stale_socket(path);
	assert_int_equal(control_names(&names), 0);
	assert_int_equal(names.nr, 1);
	assert_string_equal(names.list[0], "test");
	control_free_names(&names);
	assert_int_equal(access(path, F_OK), -1);
	end();
}

static void test_same_name(void **state)
{
	struct control *second;
	char words[64];

	begin_start();
	said_begin();
	assert_int_equal(control_create(&second, vm, NULL), -EEXIST);
	said_end();
	snprintf(words, sizeof(words), "--name test: a guest of that name runs already, PID %d",
		 getpid());
	SAID(words);
	/* A name that was made up may be somebody else's too, and nobody is disturbed. */
	config.named = false;
	said_begin();
	assert_int_equal(control_create(&second, vm, NULL), 0);
	said_end();
	SAID(NULL);
	assert_null(second);
}

static void no_socket(const char *words)
{
	said_begin();
	assert_int_equal(control_create(&control, vm, NULL), 0);
	said_end();
	SAID(words);
	assert_null(control);
}

static void test_no_place_for_it(void **state)
{
	char path[128];
	int fd;

	assert_int_equal(chmod(folder_path, 0770), 0);
	no_socket("others may write to /");
	assert_int_equal(chmod(folder_path, 0700), 0);
	/* A file of that name that is no socket stays. */
	path_of(path, "test.sock");
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	no_socket("Guest test has no control socket");
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	close(fd);
	/* Somebody has locked the folder and stands still. */
	fd = open(folder_path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	no_socket("Guest test has no control socket");
	close(fd);
	path_of(path, "nowhere/nor-here");
	setenv("LKVM_RUNTIME_DIR", path, 1);
	no_socket("No such file or directory");
	config.named = false;
	no_socket(NULL);
}

/* A place that is not where the user may have meant it is no better than none. */
static void test_relative_folder(void **state)
{
	struct control_peer peer;
	char path[PATH_MAX];

	setenv("LKVM_RUNTIME_DIR", "run", 1);
	assert_string_equal(control_bad_folder(), "run");
	assert_false(control_folder_path(0, path));
	config.named = false;
	no_socket("LKVM_RUNTIME_DIR is 'run', which is not an absolute path");
	assert_int_equal(control_connect("test", 0, &peer), -ENOENT);
	/* Set to nothing it is not set. */
	setenv("LKVM_RUNTIME_DIR", "", 1);
	assert_null(control_bad_folder());
	assert_true(control_folder_path(0, path));
}

static void test_names(void **state)
{
	char name[CONFIG_MAX_NAME + 2];
	struct control_peer peer;

	assert_null(config_name_fault("guest-1"));
	assert_null(config_name_fault("a"));
	assert_non_null(config_name_fault(""));
	assert_non_null(config_name_fault("."));
	assert_non_null(config_name_fault(".."));
	assert_non_null(config_name_fault("a/b"));
	assert_non_null(config_name_fault("a b"));
	assert_non_null(config_name_fault("a\nb"));
	memset(name, 'n', sizeof(name));
	name[CONFIG_MAX_NAME + 1] = '\0';
	assert_non_null(config_name_fault(name));
	name[CONFIG_MAX_NAME] = '\0';
	assert_null(config_name_fault(name));
	assert_int_equal(control_connect("../x", 0, &peer), -ENOENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_names),
		TEST(test_requests),
		TEST(test_requests_are_told),
		TEST(test_longest_request),
		TEST(test_many_clients),
		TEST(test_many_who_wait),
		TEST(test_places_for_who_need_not_wait),
		TEST(test_requests_of_who_has_gone),
		TEST(test_no_descriptors_left),
		TEST(test_busy_main_thread),
		TEST(test_reboot),
		TEST(test_client_that_does_not_read),
		TEST(test_stop),
		TEST(test_power_button_refused),
		TEST(test_power_button),
		TEST(test_stop_without_waiting),
		TEST(test_socket_is_private),
		TEST(test_stale_socket),
		TEST(test_same_name),
		TEST(test_no_place_for_it),
		TEST(test_relative_folder),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
