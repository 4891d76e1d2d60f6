// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program's own calls. A descriptor of the library's is a real one, so that its number is nobody else's;
 * calls of all others are passed on.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib.h"

#define MAX_FD	   65536
#define KVM_DEVICE "/dev/kvm"

static struct {
	long (*_Atomic call)(void *object, unsigned long request, void *arg);
	void *object;
} objects[MAX_FD];

void kvm_fd_is(int fd, long (*call)(void *object, unsigned long request, void *arg), void *object)
{
	objects[fd].object = object;
	objects[fd].call = call;
}

static long call_system(void *object, unsigned long request, void *arg)
{
	return kvm_system_call(request, arg);
}

static int open_kvm(int flags)
{
	int fd = kvm_image_load() ? eventfd(0, flags & O_CLOEXEC ? EFD_CLOEXEC : 0) : -1;

	if (fd < 0)
		errno = ENODEV;
	else
		kvm_fd_is(fd, call_system, NULL);
	return fd;
}

static int open_next(const char *path, int flags, unsigned mode)
{
	static int (*_Atomic next)(const char *path, int flags, ...);

	if (!next)
		next = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	return next(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	unsigned mode = 0;
	va_list args;

	if (!strcmp(path, KVM_DEVICE))
		return open_kvm(flags);
	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(args, flags);
		mode = va_arg(args, unsigned);
		va_end(args);
	}
	return open_next(path, flags, mode);
}

/* What open() becomes when the compiler cannot see that no mode is wanted. */
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
	return strcmp(path, KVM_DEVICE) ? open_next(path, flags, 0) : open_kvm(flags);
}

int close(int fd)
{
	static int (*_Atomic next)(int fd);

	if (!next)
		next = (int (*)(int))dlsym(RTLD_NEXT, "close");
	if (fd >= 0 && fd < MAX_FD)
		objects[fd].call = NULL;
	return next(fd);
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*_Atomic next)(int fd, unsigned long request, ...);
	va_list args;
	void *arg;
	long ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd < 0 || fd >= MAX_FD || !objects[fd].call) {
		if (!next)
			next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
		return next(fd, request, arg);
	}
	ret = objects[fd].call(objects[fd].object, request, arg);
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}
