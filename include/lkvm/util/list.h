/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists that go through their elements. The names are those of <sys/queue.h>, which not every C library has. A head begins
 * by its INITIALIZER or INIT, and is not copied. An element is in one list for each of its entries. No locks.
 */
#ifndef LKVM_UTIL_LIST_H
#define LKVM_UTIL_LIST_H

#include <stddef.h>

/* `end` is where the next element's address goes: the last one's `next`, or `first` while there is none. */
#define TAILQ_HEAD(name, type)                                                                     \
	struct name {                                                                              \
		struct type *first, **end;                                                         \
	}
#define TAILQ_HEAD_INITIALIZER(head)                                                               \
	{                                                                                          \
		NULL, &(head).first                                                                \
	}
#define TAILQ_INIT(head) ((head)->first = NULL, (head)->end = &(head)->first)

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
			*(head)->end = (other)->first;                                             \
			(head)->end = (other)->end;                                                \
			TAILQ_INIT(other);                                                         \
		}                                                                                  \
	} while (0)

#endif
