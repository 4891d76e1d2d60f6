// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/host/device-node.h"

/* ---- looking round ---- */

/* fgetgrent and fgetpwent: no name service, so the static program can do it too. */
static void name_of_user(uid_t uid, char *name, size_t size)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *user;

	*name = '\0';
	if (!file)
		return;
	while ((user = fgetpwent(file)) && !*name)
		if (user->pw_uid == uid)
			snprintf(name, size, "%s", user->pw_name);
	fclose(file);
}

static bool has_member(const struct group *group, const char *user)
{
	for (char **member = group->gr_mem; *user && *member; member++)
		if (!strcmp(*member, user))
			return true;
	return false;
}

static void look_at_groups(struct node_seen *seen)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *group;
	char user[64];

	snprintf(seen->group, sizeof(seen->group), "%u", (unsigned)seen->gid);
	name_of_user(getuid(), user, sizeof(user));
	if (!file)
		return;
	while ((group = fgetgrent(file))) {
		if (!strcmp(group->gr_name, "kvm"))
			seen->kvm_group = true;
		if (!seen->found || group->gr_gid != seen->gid)
			continue;
		snprintf(seen->group, sizeof(seen->group), "%s", group->gr_name);
		seen->is_member = has_member(group, user);
	}
	fclose(file);
}

static bool process_has_group(gid_t gid)
{
	gid_t *groups;
	bool has = getegid() == gid;
	int nr = getgroups(0, NULL);

	groups = nr > 0 ? calloc(nr, sizeof(*groups)) : NULL;
	if (!groups)
		return has;
	nr = getgroups(nr, groups);
	for (int i = 0; i < nr; i++)
		has |= groups[i] == gid;
	free(groups);
	return has;
}

/* Is one of the words in the file? */
static bool file_has(const char *path, const char *const *words)
{
	FILE *file = fopen(path, "re");
	char line[4096];
	bool has = false;

	if (!file)
		return false;
	while (!has && fgets(line, sizeof(line), file))
		for (unsigned i = 0; words[i]; i++)
			has |= strstr(line, words[i]) != NULL;
	fclose(file);
	return has;
}

static bool is_container(void)
{
	static const char *const files[] = {
		"/run/.containerenv",
		"/.dockerenv",
		"/run/systemd/container",
		"/run/host/container-manager",
	};
	static const char *const groups[] = {
		"docker", "kubepods", "libpod", "/lxc", "containerd", NULL,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		if (!access(files[i], F_OK))
			return true;
	return getenv("container") || getenv("KUBERNETES_SERVICE_HOST") ||
	       file_has("/proc/1/cgroup", groups);
}

/* Nothing is refused because of it: it only chooses words. */
static bool is_guest(void)
{
	static const char *const flag[] = { " hypervisor ", " hypervisor\n", NULL };
	static const char *const vendors[] = {
		"QEMU", "KVM", "VMware", "VirtualBox", "innotek", "Xen", "Bochs", "Parallels", NULL,
	};

	return !access("/proc/device-tree/hypervisor", F_OK) || file_has("/proc/cpuinfo", flag) ||
	       file_has("/sys/class/dmi/id/sys_vendor", vendors);
}

void node_look(struct node_seen *seen, const char *path, int err)
{
	struct stat st;

	*seen = (struct node_seen){ .path = path, .error = err };
	if (!stat(path, &st)) {
		seen->found = true;
		seen->mode = st.st_mode;
		seen->uid = st.st_uid;
		seen->gid = st.st_gid;
		seen->has_group = process_has_group(st.st_gid);
	}
	look_at_groups(seen);
	seen->root = geteuid() == 0;
	seen->in_container = is_container();
	seen->in_guest = is_guest();
}

/* ---- saying it ---- */

static bool is_absent(const struct node_seen *seen)
{
	return seen->error == ENOENT || seen->error == ENXIO || seen->error == ENODEV;
}

/* usermod takes only groups that have a name. */
static bool has_name(const struct node_seen *seen)
{
	return seen->group[strspn(seen->group, "0123456789")] != '\0';
}

/* A member of these can become root, or reads what only root should; 65534 stands for a group outside the container. */
static bool is_safe_to_join(const struct node_seen *seen)
{
	static const char *const powers[] = {
		"root", "wheel", "sudo", "admin", "adm", "disk", "shadow", "kmem", "docker", "lxd",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(powers); i++)
		if (!strcmp(seen->group, powers[i]))
			return false;
	return seen->gid != 0 && seen->gid != 65534 && has_name(seen);
}

/* What somebody with these bits of the mode, shifted, may do: both is needed. */
static bool may_both(const struct node_seen *seen, unsigned shift)
{
	return (seen->mode >> shift & 6) == 6;
}

static void explain_absent(const struct node_seen *seen, const char *absent, const char *in_guest,
			   char *text, size_t size)
{
	if (seen->in_container)
		snprintf(text, size,
			 "No %s (%s): this is a container; start it with '--device %s', on a host "
			 "that has it",
			 seen->path, strerror(seen->error), seen->path);
	else
		snprintf(text, size, "No %s (%s): %s%s%s", seen->path, strerror(seen->error),
			 absent, seen->in_guest && in_guest ? "; " : "",
			 seen->in_guest && in_guest ? in_guest : "");
}

/* The mode lets this process, and still it may not. */
static bool mode_allows(const struct node_seen *seen)
{
	return seen->root || may_both(seen, 0) || (seen->has_group && may_both(seen, 3));
}

static void node_advise(const struct node_seen *seen, char *text, size_t size)
{
	const char *name = strrchr(seen->path, '/') + 1;

	if (mode_allows(seen) && seen->in_container)
		snprintf(text, size, "this is a container; start it with '--device %s'",
			 seen->path);
	else if (mode_allows(seen))
		snprintf(text, size,
			 "its mode allows it, so a device cgroup or a security module forbids it");
	else if (may_both(seen, 3) && is_safe_to_join(seen) && seen->is_member)
		snprintf(text, size,
			 "you have been made a member of its group '%s' since you logged in; log "
			 "in again",
			 seen->group);
	else if (may_both(seen, 3) && is_safe_to_join(seen))
		snprintf(
			text, size,
			"become a member of its group '%s' (as root: usermod -aG %s USER; then log "
			"in again)",
			seen->group, seen->group);
	else if (may_both(seen, 3) && seen->gid != 0 && !has_name(seen) && seen->in_container)
		snprintf(
			text, size,
			"this container has no name for that group; start it with '--group-add %s'",
			seen->group);
	else if (may_both(seen, 3) && seen->gid == 65534)
		snprintf(text, size,
			 "its group is outside this container; start it with the groups of a user "
			 "who may (podman: --group-add keep-groups)");
	else
		snprintf(
			text, size,
			"%sroot can give it to group kvm ('chgrp kvm %s && chmod 660 %s'; for good "
			"by a udev rule: KERNEL==\"%s\", GROUP=\"kvm\", MODE=\"0660\")",
			seen->kvm_group ? "" : "with a group made for it ('groupadd -r kvm') ",
			seen->path, seen->path, name);
}

void node_explain(const struct node_seen *seen, const char *absent, const char *in_guest,
		  char *text, size_t size)
{
	char advice[400];

	if (is_absent(seen)) {
		explain_absent(seen, absent, in_guest, text, size);
		return;
	}
	if ((seen->error != EACCES && seen->error != EPERM) || !seen->found) {
		snprintf(text, size, "%s %s: %s",
			 seen->error == EACCES ? "No permission to open" : "Unable to open",
			 seen->path, strerror(seen->error));
		return;
	}
	node_advise(seen, advice, sizeof(advice));
	snprintf(text, size, "No permission to open %s (mode %04o, group %s): %s", seen->path,
		 (unsigned)seen->mode & 07777, seen->group, advice);
}
