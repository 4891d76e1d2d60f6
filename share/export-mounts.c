// SPDX-License-Identifier: GPL-2.0-or-later
/* Which file systems an export's objects are on, and inode numbers that are unique over all of them. */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "export-private.h"
#include "export-descriptors.h"

#define HIGH_SHIFT 48

/* Older <linux/magic.h> lack some. */
#define MAGIC_CONFIGFS 0x62656570
#define MAGIC_FUSECTL  0x65735543
#define MAGIC_EXFAT    0x2011bab0
#define MAGIC_FUSE     0x65735546
#define MAGIC_MQUEUE   0x19800202
#define MAGIC_RESCTRL  0x7655821

static const u32 mount_kernels[] = {
	PROC_SUPER_MAGIC, SYSFS_MAGIC,	  DEBUGFS_MAGIC,      TRACEFS_MAGIC,
	SECURITYFS_MAGIC, BPF_FS_MAGIC,	  CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
	SELINUX_MAGIC,	  SMACK_MAGIC,	  MAGIC_CONFIGFS,     EFIVARFS_MAGIC,
	PSTOREFS_MAGIC,	  BINFMTFS_MAGIC, NSFS_MAGIC,	      DEVPTS_SUPER_MAGIC,
	MAGIC_FUSECTL,	  MAGIC_MQUEUE,	  MAGIC_RESCTRL,
};

u64 export_statx_dev(const struct statx *stx)
{
	return makedev(stx->stx_dev_major, stx->stx_dev_minor);
}

/* C libraries have struct statx without it: the member after the device numbers. */
static u64 mount_statx_id(const struct statx *stx)
{
	u64 id = 0;

	if (stx->stx_mask & 0x1000u)
		memcpy(&id,
		       (const u8 *)stx + offsetof(struct statx, stx_dev_minor) +
			       sizeof(stx->stx_dev_minor),
		       sizeof(id));
	return id;
}

bool export_mount_is(const struct export_mount *mount, const struct statx *stx)
{
	return mount->dev == export_statx_dev(stx) && mount->id == mount_statx_id(stx);
}

struct export_mount *export_mount_find(struct export *export, const struct statx *stx)
{
	for (u32 i = 0; i < export->nr_mounts; i++)
		if (export->mounts[i]->nodes && export_mount_is(export->mounts[i], stx))
			return export->mounts[i];
	return NULL;
}

/* What cannot be told is taken for the kernel's. */
static void mount_look_at_kind(struct export_mount *mount, int fd)
{
	struct statfs statfs;

	mount->kernels = !!fstatfs(fd, &statfs);
	if (mount->kernels)
		return;
	mount->copies = (u32)statfs.f_type == OVERLAYFS_SUPER_MAGIC;
	mount->renumbers =
		(u32)statfs.f_type == MSDOS_SUPER_MAGIC || (u32)statfs.f_type == MAGIC_EXFAT;
	/* Its handles are of the kernel's cache. */
	mount->identities = (u32)statfs.f_type != MAGIC_FUSE;
	for (unsigned i = 0; i < ARRAY_SIZE(mount_kernels); i++)
		mount->kernels |= (u32)statfs.f_type == mount_kernels[i];
}

struct export_mount *export_mount_look(struct export *export, int fd, const struct statx *stx)
{
	struct export_mount *mount = calloc(1, sizeof(*mount));

	if (!mount)
		return NULL;
	*mount = (struct export_mount){
		.dev = export_statx_dev(stx),
		.id = mount_statx_id(stx),
		.fd = -1,
	};
	mount_look_at_kind(mount, fd);
	if (export->config.root && mount->identities && !mount->kernels && S_ISDIR(stx->stx_mode))
		export_try_handles(export, mount, fd);
	return mount;
}

/* Hosts mount and unmount for ever: the place of one that was left is used again. */
bool export_mount_add(struct export *export, struct export_mount *mount)
{
	u32 i = 0;

	while (i < export->nr_mounts && export->mounts[i]->nodes)
		i++;
	if (i == EXPORT_MOUNTS)
		return false;
	if (i == export->nr_mounts)
		export->nr_mounts++;
	else
		free(export->mounts[i]);
	export->mounts[i] = mount;
	return true;
}

void export_mount_discard(struct export *export, struct export_mount *mount)
{
	if (mount && mount->fd >= 0) {
		close(mount->fd);
		export_unreserve_fd(export);
	}
	free(mount);
}

static bool prefix_find(struct export *export, u64 dev, u16 high, u64 *index)
{
	u32 nr = __atomic_load_n(&export->nr_prefixes, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < nr; i++)
		if (export->prefixes[i].dev == dev && export->prefixes[i].high == high) {
			*index = i;
			return true;
		}
	return false;
}

/*
 * The upper 16 bits are exchanged for an index of the device and these bits. File systems use few values of them, so the
 * numbers of the exported one are nearly always the host's.
 */
u64 export_number(struct export *export, u64 dev, u64 ino)
{
	u16 high = ino >> HIGH_SHIFT;
	u64 index = EXPORT_PREFIXES;

	if (!prefix_find(export, dev, high, &index)) {
		pthread_mutex_lock(&export->lock);
		if (!prefix_find(export, dev, high, &index) &&
		    export->nr_prefixes < EXPORT_PREFIXES) {
			index = export->nr_prefixes;
			export->prefixes[index] =
				(struct export_prefix){ .dev = dev, .high = high };
			__atomic_store_n(&export->nr_prefixes, index + 1, __ATOMIC_RELEASE);
		}
		pthread_mutex_unlock(&export->lock);
	}
	return index << HIGH_SHIFT | (ino & (BIT(HIGH_SHIFT) - 1));
}
