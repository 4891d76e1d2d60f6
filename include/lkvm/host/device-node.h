/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device node of the host's that could not be opened: why, and what would help. The advice is safe to follow: nobody
 * is told to join a group that amounts to root, nor one that the node's mode gives nothing. Main thread.
 */
#ifndef LKVM_HOST_DEVICE_NODE_H
#define LKVM_HOST_DEVICE_NODE_H

#include <sys/types.h>
#include "lkvm/util/types.h"

/* What there is to know about it. */
struct node_seen {
	const char *path; /* "/dev/kvm" */
	int error;	  /* that of open(), positive */
	bool found;	  /* stat() has found it, and mode, uid and gid are its */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	char group[64];	   /* the name of gid, or its number */
	bool has_group;	   /* this process has gid among its groups */
	bool is_member;	   /* /etc/group has this user in it */
	bool kvm_group;	   /* there is a group "kvm" */
	bool root;	   /* this process is root */
	bool in_container; /* this is a container */
	bool in_guest;	   /* this machine is a virtual one */
};

/* Looks at the node and round about. `err` is what open() said, positive. */
void node_look(struct node_seen *seen, const char *path, int err);

/*
 * One sentence without a full stop: "No /dev/kvm (...): ...", "No permission to open /dev/kvm ...". `absent` is what
 * helps where there is none: "load the module kvm"; `in_guest` what more is needed in a virtual machine, or NULL.
 */
void node_explain(const struct node_seen *seen, const char *absent, const char *in_guest,
		  char *text, size_t size);

#endif
