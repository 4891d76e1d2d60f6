// SPDX-License-Identifier: GPL-2.0-or-later
/* On whose behalf an export's calls are made, and which of them a read-only export refuses. */
#include <errno.h>
#include <grp.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "export-private.h"

#define ID_NOBODY 65534u

/* The C library's functions change all threads of the process, the kernel's only this one. */
static bool ids_set(long call, u32 id)
{
	syscall(call, id);
	return (u32)syscall(call, -1) == id;
}

static int ids_set_caps(struct export *export, bool fsetid)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { export->caps[0], export->caps[1] };

	if (!fsetid)
		caps[0].effective &= ~(1u << CAP_FSETID);
	return syscall(SYS_capset, &header, caps);
}

int export_ids_init(struct export *export)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct export_caller nobody = { .uid = ID_NOBODY, .gid = ID_NOBODY };
	struct export_ids ids;

	export->uid = geteuid();
	export->gid = getegid();
	if (syscall(SYS_capget, &header, export->caps))
		return -errno;
	/* Root of a user namespace has it as well. */
	export->fsetid = export->caps[0].effective & (1u << CAP_FSETID);
	if (!export->config.root)
		return 0;
	/* They would decide about what the guest's root may do. A user namespace may not let them go. */
	setgroups(0, NULL);
	/* In a user namespace without other ids root is one user among others. */
	export->config.root = !export_enter(export, &nobody, false, &ids);
	export_leave(export, &ids);
	return 0;
}

int export_enter(struct export *export, const struct export_caller *caller, bool kill,
		 struct export_ids *ids)
{
	*ids = (struct export_ids){ 0 };
	if (!caller)
		return 0;
	bool uid = export->config.root && caller->uid, gid = export->config.root && caller->gid;
	kill = kill && export->fsetid && (caller->uid || caller->kill_suidgid);
	if (gid) {
		ids->gid = true;
		if (!ids_set(SYS_setfsgid, caller->gid))
			goto refused;
	}
	if (uid) {
		ids->uid = true;
		if (!ids_set(SYS_setfsuid, caller->uid))
			goto refused;
	}
	/* Another fsuid than 0 takes what root may do with files: here the guest has decided that. */
	if (uid || kill) {
		ids->caps = kill;
		if (ids_set_caps(export, !kill))
			goto refused;
	}
	return 0;
refused:
	export_leave(export, ids);
	return -EPERM;
}

int export_enter_change(struct export *export, const struct export_caller *caller, bool kill,
			struct export_ids *ids)
{
	*ids = (struct export_ids){ 0 };
	if (export->config.readonly)
		return -EROFS;
	return export_enter(export, caller, kill, ids);
}

/*
 * Changing capabilities takes longer than a small write, so what there may be to clear is looked at first. File capabilities are
 * cleared by the kernel for root, too.
 */
int export_enter_write(struct export *export, int fd, const struct export_caller *caller,
		       struct export_ids *ids)
{
	const struct export_caller kill = { .kill_suidgid = true };
	bool wanted = caller && (caller->uid || caller->kill_suidgid);
	struct stat st;

	if (wanted && export->fsetid && !fstat(fd, &st) && (st.st_mode & (S_ISUID | S_ISGID)))
		return export_enter_change(export, &kill, true, ids);
	return export_enter_change(export, NULL, false, ids);
}

void export_leave(struct export *export, struct export_ids *ids)
{
	int saved = errno;

	if (ids->uid)
		ids_set(SYS_setfsuid, export->uid);
	if (ids->gid)
		ids_set(SYS_setfsgid, export->gid);
	if (ids->caps)
		ids_set_caps(export, true);
	errno = saved;
}

int export_id_to_host(const struct export *export, bool group, u32 id, u32 *host)
{
	u32 own = group ? export->gid : export->uid;

	*host = id;
	if (export->config.root)
		return 0;
	if (id == own && id)
		return -EPERM;
	if (!id)
		*host = own;
	return 0;
}

u32 export_id_to_guest(const struct export *export, bool group, u32 id)
{
	u32 own = group ? export->gid : export->uid;

	if (export->config.root)
		return id;
	if (id == own)
		return 0;
	return id ? id : ID_NOBODY;
}
