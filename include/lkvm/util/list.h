/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists that go through their elements. The names are those of <sys/queue.h>, which not every C library has: a TAILQ can lose
 * any element and a STAILQ its first. A head begins by its INITIALIZER or INIT, and is not copied. An element is in one
 * list for each of its entries. No locks.
 */
#ifndef LKVM_UTIL_LIST_H
#define LKVM_UTIL_LIST_H

#include <stddef.h>

/* `end` is where the next element's address goes: the last one's `next`, or `first` while there is none. */
#define LIST_HEAD_OF(name, type)                                                                   \
	struct name {                                                                              \
		struct type *first, **end;                                                         \
	}
#define LIST_EMPTY_HEAD(head)                                                                      \
	{                                                                                          \
		NULL, &(head).first                                                                \
	}
#define LIST_INIT_HEAD(head) ((head)->first = NULL, (head)->end = &(head)->first)

/* ---- any may go ---- */

#define TAILQ_HEAD(name, type)	     LIST_HEAD_OF(name, type)
#define TAILQ_HEAD_INITIALIZER(head) LIST_EMPTY_HEAD(head)
#define TAILQ_INIT(head)	     LIST_INIT_HEAD(head)

/* `from` is what points to the element. */
#define TAILQ_ENTRY(type)                                                                          \
	struct {                                                                                   \
		struct type *next, **from;                                                         \
	}

#define TAILQ_FIRST(head)	((head)->first)
#define TAILQ_NEXT(item, entry) ((item)->entry.next)
#define TAILQ_EMPTY(head)	(!(head)->first)
#define TAILQ_LAST(head, type, entry)                                                              \
	(TAILQ_EMPTY(head)                                                                         \
		 ? NULL                                                                            \
		 : (struct type *)((char *)(head)->end - offsetof(struct type, entry.next)))

/* The element at hand stays while the loop is at it. */
#define TAILQ_FOREACH(item, head, entry)                                                           \
	for ((item) = (head)->first; (item); (item) = (item)->entry.next)

#define TAILQ_INSERT_TAIL(head, item, entry)                                                       \
	do {                                                                                       \
		(item)->entry.next = NULL;                                                         \
		(item)->entry.from = (head)->end;                                                  \
		*(head)->end = (item);                                                             \
		(head)->end = &(item)->entry.next;                                                 \
	} while (0)

/* `other` may be the head's `first`: it is not looked at after that has changed. */
#define TAILQ_INSERT_BEFORE(other, item, entry)                                                    \
	do {                                                                                       \
		(item)->entry.next = (other);                                                      \
		(item)->entry.from = (item)->entry.next->entry.from;                               \
		(item)->entry.next->entry.from = &(item)->entry.next;                              \
		*(item)->entry.from = (item);                                                      \
	} while (0)

#define TAILQ_INSERT_HEAD(head, item, entry)                                                       \
	do {                                                                                       \
		if (TAILQ_EMPTY(head))                                                             \
			TAILQ_INSERT_TAIL(head, item, entry);                                      \
		else                                                                               \
			TAILQ_INSERT_BEFORE((head)->first, item, entry);                           \
	} while (0)

/* `item` may be the head's `first` as well. */
#define TAILQ_REMOVE(head, item, entry)                                                            \
	do {                                                                                       \
		if ((item)->entry.next)                                                            \
			(item)->entry.next->entry.from = (item)->entry.from;                       \
		else                                                                               \
			(head)->end = (item)->entry.from;                                          \
		*(item)->entry.from = (item)->entry.next;                                          \
	} while (0)

/* All of `other` go behind those of `head`. */
#define TAILQ_CONCAT(head, other, entry)                                                           \
	do {                                                                                       \
		if (!TAILQ_EMPTY(other)) {                                                         \
			(other)->first->entry.from = (head)->end;                                  \
			STAILQ_CONCAT(head, other);                                                \
		}                                                                                  \
	} while (0)

/* ---- the first goes first ---- */

#define STAILQ_HEAD(name, type)	      LIST_HEAD_OF(name, type)
#define STAILQ_HEAD_INITIALIZER(head) LIST_EMPTY_HEAD(head)
#define STAILQ_INIT(head)	      LIST_INIT_HEAD(head)
#define STAILQ_ENTRY(type)                                                                         \
	struct {                                                                                   \
		struct type *next;                                                                 \
	}

#define STAILQ_FIRST(head) ((head)->first)
#define STAILQ_EMPTY(head) (!(head)->first)

#define STAILQ_INSERT_TAIL(head, item, entry)                                                      \
	do {                                                                                       \
		(item)->entry.next = NULL;                                                         \
		*(head)->end = (item);                                                             \
		(head)->end = &(item)->entry.next;                                                 \
	} while (0)

#define STAILQ_REMOVE_HEAD(head, entry)                                                            \
	do {                                                                                       \
		(head)->first = (head)->first->entry.next;                                         \
		if (!(head)->first)                                                                \
			(head)->end = &(head)->first;                                              \
	} while (0)

#define STAILQ_CONCAT(head, other)                                                                 \
	do {                                                                                       \
		if (!STAILQ_EMPTY(other)) {                                                        \
			*(head)->end = (other)->first;                                             \
			(head)->end = (other)->end;                                                \
			LIST_INIT_HEAD(other);                                                     \
		}                                                                                  \
	} while (0)

#endif
