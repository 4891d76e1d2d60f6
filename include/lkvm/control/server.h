/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: how `lkvm list`, `stat`, `stop`, `pause` and `resume` reach a guest that runs. A UNIX stream
 * socket NAME.sock for each guest in a folder that only its user may enter; a JSON object a line each way
 * (Documentation/control.md). The guest itself has no way to it. Main thread of the guest's process.
 */
#ifndef LKVM_CONTROL_SERVER_H
#define LKVM_CONTROL_SERVER_H

struct config_kind;
struct control;
struct vm;

/*
 * Makes the guest's socket, and a thread of its own that serves it until control_destroy(). A socket left behind by
 * a guest that was killed is replaced. 0 with *control NULL: no socket could be made, which is logged when the guest
 * was given a name or LKVM_RUNTIME_DIR makes no sense, and no reason not to run. -EEXIST: there is a guest of that
 * name already; logs it. Kinds of devices may have requests of their own; NULL: none have.
 */
int control_create(struct control **control, struct vm *vm, const struct config_kind *const *kinds);

/*
 * vm->loop does not run any more: what needs the main thread is refused from here on. All else is answered as before.
 * Before vm_destroy(); NULL is fine.
 */
void control_stop(struct control *control);

/* After vm_destroy() and before vm_release(): the socket goes, and who waits for the guest's end sees it. */
void control_destroy(struct control *control);

#endif
