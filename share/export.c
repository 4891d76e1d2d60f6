// SPDX-License-Identifier: GPL-2.0-or-later
/* One exported folder from its opening to its end. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "export-private.h"

#define EXPORT_MIN_DESCRIPTORS 64u
/* The folder, the root node's copy of it, /proc/self/fd, and one for a call's own. */
#define EXPORT_OWN_DESCRIPTORS 4u

/* Some are left for O_PATH, or nothing could be walked to any more. */
static void export_bounds(struct export *export, unsigned descriptors)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit))
		descriptors = MIN((rlim_t)descriptors, limit.rlim_cur);
	export->max_fds = MAX(descriptors, EXPORT_MIN_DESCRIPTORS) - EXPORT_OWN_DESCRIPTORS;
	export->max_files = MIN((u32)EXPORT_MAX_FILES, export->max_fds - export->max_fds / 4);
}

static void export_free(struct export *export)
{
	for (unsigned i = 0; i < EXPORT_OWNERS; i++)
		pthread_mutex_destroy(&export->owners[i].lock);
	pthread_mutex_destroy(&export->lock);
	free(export);
}

int export_open(struct export **exportp, const struct export_config *config)
{
	struct export *export = calloc(1, sizeof(*export));
	int err;

	if (!export)
		return -ENOMEM;
	export->config = *config;
	export_bounds(export, config->descriptors);
	pthread_mutex_init(&export->lock, NULL);
	for (unsigned i = 0; i < EXPORT_OWNERS; i++)
		pthread_mutex_init(&export->owners[i].lock, NULL);
	export->proc_fds = config->proc_fds;
	if (export->proc_fds < 0)
		export->proc_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (export->proc_fds < 0 || fchdir(export->proc_fds)) {
		err = -errno;
		goto free;
	}
	umask(0);
	err = export_ids_init(export);
	if (err)
		goto free;
	err = export_nodes_init(export, config->folder);
	if (err)
		goto free;
	*exportp = export;
	return 0;
free:
	if (config->proc_fds < 0 && export->proc_fds >= 0)
		close(export->proc_fds);
	export_free(export);
	return err;
}

void export_close(struct export *export)
{
	export_nodes_destroy(export);
	close(export->config.folder);
	close(export->proc_fds);
	export_free(export);
}

bool export_readonly(const struct export *export)
{
	return export->config.readonly;
}
