# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever a guest has queued for its disk, its operator does not wait for it: nothing here takes as long as 31 GiB.
. "${0%/*}/lib/case.sh"
mkfifo input
truncate -s 256M disk

# A disk of 1 GiB in a second.
cat >slow.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libaio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>
int io_submit(io_context_t context, long nr, struct iocb **requests)
{
	int (*next)(io_context_t, long, struct iocb **) = dlsym(RTLD_NEXT, "io_submit");
	unsigned long bytes = 0;
	for (long i = 0; i < nr; i++) {
		struct iocb *request = requests[i];
		int vector = request->aio_lio_opcode == IO_CMD_PREADV;
		if (!vector)
			bytes += request->u.c.nbytes;
		for (unsigned long part = 0; vector && part < request->u.c.nbytes; part++)
			bytes += ((struct iovec *)request->u.c.buf)[part].iov_len;
	}
	if (getenv("STUCK"))
		pause();
	usleep(bytes >> 10);
	return next(context, nr, requests);
}
C
${CC:-cc} -shared -fPIC -o slow.so slow.c || fail "no slow disk"

start() {
	: >output
	ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS LD_PRELOAD=$PWD/slow.so "$LKVM" run --nodefaults -k "$GUEST" \
		-m 512 -c 1 --name long --disk disk >output 2>errors <input &
	pid=$!
	exec 3>input
	until_printed queued
}

in_time() {
	! grep -q "did not come to an end\|not everything" errors || fail "it was not waited for"
}

start
"$LKVM" pause long || fail "pause"
"$LKVM" stat long --json | grep -q '"state": *"paused"' || fail "not paused"
"$LKVM" resume long || fail "resume"
"$LKVM" stat long --json | grep -q '"state": *"running"' || fail "not running"
"$LKVM" stop long >stop 2>&1 || fail "stop: $(cat stop)"
[ "$(cat stop)" = "Guest long has ended" ] || fail "stop: $(cat stop)"
ended 143
in_time

start
"$LKVM" pause long || fail "pause"
echo >&3
"$LKVM" resume long || fail "resume"
ended 0
in_time
! grep -q "all done" output || fail "the pause waited for all of them"

# A disk that never answers: what is said, once, is not only that, but also why it ended.
mkfifo console
ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS STUCK=1 LD_PRELOAD=$PWD/slow.so "$LKVM" run --nodefaults -k "$GUEST" \
	-m 512 -c 1 --name long --disk disk 2>errors <input >console &
pid=$!
exec 3>input
head -n 1 <console >output
ended 141
grep -q "not everything ended" errors || fail "it came to an end"
[ "$(grep -c "Nobody reads the console of guest long" errors)" = 1 ] || fail "no reason"
exit 0
