// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest is a shared object of the same name as the kernel that the program is given, in the folder that
 * SCRIPTED_GUESTS names: -k .../poweroff.elf runs poweroff.so. Its variables are pages that the guest's memory
 * has as well, so devices reach them.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"

/* Where no guest of tests/guest has anything at a number of its own. */
#define IMAGE_GPA (40ULL << 20)

static struct {
	void (*main)(unsigned long boot);
	u8 *variables; /* whole pages */
	size_t size;
	u8 *original; /* as they were loaded */
	int memory;   /* the pages, as a file */
} image = { .memory = -1 };

/* A word of the command line with a file's name ending in .elf: may that be a guest's? */
static bool is_guest(const char *word, const char *folder, char *path, size_t size)
{
	const char *name = strrchr(word, '/') ? strrchr(word, '/') + 1 : word;
	size_t len = strlen(name);

	if (len < 4 || strcmp(name + len - 4, ".elf"))
		return false;
	snprintf(path, size, "%s/%.*s.so", folder, (int)len - 4, name);
	return !access(path, R_OK);
}

/* Where another kernel is given, by a pipe for instance, or none, SCRIPTED_GUEST tells, or it is the one that only ends. */
static void find_guest(const char *folder, char *path, size_t size)
{
	static char words[65536];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, words, sizeof(words) - 1);

	close(fd);
	for (char *word = words; word < words + len; word += strlen(word) + 1)
		if (is_guest(word, folder, path, size))
			return;
	snprintf(path, size, "%s/%s.so", folder, getenv("SCRIPTED_GUEST") ?: "poweroff");
}

static int find_variables(struct dl_phdr_info *info, size_t size, void *path)
{
	u64 page = sysconf(_SC_PAGESIZE);

	if (strcmp(info->dlpi_name, path))
		return 0;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		u64 begin = info->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_W))
			continue;
		image.variables = (u8 *)(uintptr_t)ALIGN_DOWN(begin, page);
		image.size = ALIGN_UP(begin + part->p_memsz, page) - ALIGN_DOWN(begin, page);
	}
	return 1;
}

bool kvm_image_load(void)
{
	const char *folder = getenv("SCRIPTED_GUESTS");
	char path[4096];
	void *object;

	if (image.main)
		return true;
	if (!folder)
		return false;
	find_guest(folder, path, sizeof(path));
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return false;
	image.main = (void (*)(unsigned long))dlsym(object, "guest_main");
	dl_iterate_phdr(find_variables, path);
	if (!image.main || !image.size)
		return false;
	image.original = malloc(image.size);
	image.memory = memfd_create("guest", MFD_CLOEXEC);
	if (!image.original || image.memory < 0 || ftruncate(image.memory, image.size))
		return false;
	memcpy(image.original, image.variables, image.size);
	return true;
}

static bool map_at(void *where)
{
	return mmap(where, image.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, image.memory,
		    0) != MAP_FAILED;
}

bool kvm_image_begin(struct kvm_vm *vm)
{
	void *place = kvm_memory(vm, IMAGE_GPA, image.size, true);

	if (!place || pwrite(image.memory, image.original, image.size, 0) != (ssize_t)image.size ||
	    !map_at(place) || !map_at(image.variables)) {
		fprintf(stderr, "kvm: the guest's memory has no room for its variables\n");
		return false;
	}
	return true;
}

void kvm_image_main(unsigned long boot)
{
	image.main(boot);
}

u64 kvm_image_gpa(const volatile void *pointer)
{
	u64 offset = (uintptr_t)pointer - (uintptr_t)image.variables;

	return offset < image.size ? IMAGE_GPA + offset : 0;
}
