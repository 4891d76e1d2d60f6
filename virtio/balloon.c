// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio-balloon (virtio 1.3, 5.5): memory that the guest can do without goes back to the host. The host asks
 * for pages (inflate, deflate), the guest tells which of its pages are free (reporting, hinting), and
 * how its memory is used (statistics).
 *
 * Pages are given back when the guest names them, and come back by being touched, so nothing is kept of them:
 * what a driver says of a page it says at its own risk.
 */
#include <errno.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "lkvm/config/memory-config.h"
#include "lkvm/config/options.h"
#include "lkvm/control/request.h"
#include "lkvm/memory/memory.h"
#include "lkvm/util/json.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"

#define BALLOON_QUEUE 128
/* Chains taken at a turn of the loop: each may take the host some milliseconds, and a pause waits for them. */
#define BALLOON_BATCH 8u
/* Pages of one request that are looked at; Linux sends 256. Those beyond stay with the guest. */
#define BALLOON_PFNS  4096
#define BALLOON_CHUNK 256
#define BALLOON_PAGE  (1ULL << VIRTIO_BALLOON_PFN_SHIFT)
/* No guest can do with less. */
#define BALLOON_LEAVE MIB(16)
/* Statistics of that age are new enough, and a guest that has not sent any for so long is not waited for. */
#define BALLOON_FRESH 1000000000ULL

/* Tags 10 to 15 are Linux 6.12's. */
static const char *const balloon_stat_keys[] = {
	"swapped_in_bytes", "swapped_out_bytes", "major_faults",    "minor_faults",
	"free_bytes",	    "total_bytes",	 "available_bytes", "caches_bytes",
	"hugetlb_pages",    "hugetlb_failures",	 "oom_kills",	    "allocation_stalls",
	"async_scanned",    "direct_scanned",	 "async_reclaimed", "direct_reclaimed",
};
#define BALLOON_STATS ARRAY_SIZE(balloon_stat_keys)

/* The first three are queues' numbers as well, of those that there are. */
enum balloon_queue { INFLATE, DEFLATE, STATS, HINT, REPORT, BALLOON_QUEUES };

/* What a guest sees of it beside virtio's own. Pages are of 4 KiB. Any thread. */
struct balloon_state {
	_Atomic u32 wanted;  /* pages that shall be in the balloon */
	_Atomic u32 actual;  /* pages in it, as the driver says */
	_Atomic u32 hint_id; /* the round of hinting, VIRTIO_BALLOON_CMD_ID_... */
	_Atomic u32 hinting; /* the round that the driver's hints are of; 0: none */
	_Atomic u32 last;    /* the last round's number; 0: there was none */
	_Atomic u32 poison;  /* what the driver fills free pages with; frozen while active */
};
_Static_assert(sizeof(struct balloon_state) == 24, "no padding");

struct balloon {
	struct virtio_device dev;
	struct balloon_state state;
	struct loop *loop; /* all queues', with a thread of its own */
	u64 ram;	   /* bytes that the guest was given */
	u32 host_page;	   /* the host's, in pages */
	/*
	 * Only where the host's pages are larger: a bit for each page that is in the balloon, as only whole
	 * ones can be given back. The loop's thread, or while the device is quiesced.
	 */
	u64 *inside;
	u64 nr_inside; /* pages it has bits for */
	/* Which queue has which number; by the features, constant while active. */
	unsigned char roles[BALLOON_QUEUES];
	_Atomic u64 given_back, reported, hinted; /* bytes; the last of this round. Any thread. */
	struct log_limit not_taken;

	/* The loop's thread, or while the device is quiesced. */
	struct iovec iov[BALLOON_QUEUE];
	u32 pfns[BALLOON_CHUNK];
	bool held; /* a buffer for statistics, with which to ask for new ones */
	u16 held_head;

	_Atomic bool ask;     /* for statistics. Any thread. */
	pthread_mutex_t lock; /* of what follows; any thread */
	struct {
		bool asked;   /* the driver has not answered */
		u64 asked_at; /* clock_now() */
		u64 told_at;  /* the same of its last answer; 0: none */
		u32 told;     /* a bit each statistic */
		u64 values[BALLOON_STATS];
	} stats;
};

static struct balloon *to_balloon(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct balloon, dev);
}

/* ---- pages ---- */

static void balloon_refuse(struct virtqueue *vq, const char *what, gpa_t gpa, u64 size)
{
	virtqueue_break(vq, "pages in the balloon are %s: 0x%llx, %llu bytes", what,
			(unsigned long long)gpa, (unsigned long long)size);
}

/* How many bytes that were. */
static u64 balloon_give_back(struct balloon *b, struct virtqueue *vq, gpa_t gpa, u64 size)
{
	int err = guest_memory_give_back(b->dev.memory, gpa, size);

	if (!err) {
		b->given_back += size;
		return size;
	}
	if (err == -EFAULT || err == -EACCES)
		balloon_refuse(vq, err == -EFAULT ? "no RAM" : "private to the guest", gpa, size);
	else if (log_limit_ok(&b->not_taken))
		log_warning("%s: the host does not take the guest's pages back: %s",
			    b->dev.device.name, strerror(-err));
	return 0;
}

/* Are all pages of the host's page at `first` in the balloon? */
static bool balloon_is_full(const struct balloon *b, u64 first)
{
	u64 end = first + b->host_page;

	for (; first < end; first += 64) {
		u64 bits = b->host_page >= 64 ? ~0ULL : (BIT(b->host_page) - 1) << (first % 64);

		if (~b->inside[first / 64] & bits)
			return false;
	}
	return true;
}

static void balloon_mark(struct balloon *b, u64 first, u64 nr, bool inside)
{
	for (; nr; nr--, first++) {
		if (inside)
			b->inside[first / 64] |= BIT(first % 64);
		else
			b->inside[first / 64] &= ~BIT(first % 64);
	}
}

static void balloon_take(struct balloon *b, struct virtqueue *vq, u64 first, u64 nr)
{
	u64 page = ALIGN_DOWN(first, (u64)b->host_page), end = first + nr;

	if (!b->inside) {
		balloon_give_back(b, vq, first * BALLOON_PAGE, nr * BALLOON_PAGE);
		return;
	}
	if (end > b->nr_inside) {
		balloon_refuse(vq, "no RAM", first * BALLOON_PAGE, nr * BALLOON_PAGE);
		return;
	}
	balloon_mark(b, first, nr, true);
	for (; page < end; page += b->host_page)
		if (balloon_is_full(b, page))
			balloon_give_back(b, vq, page * BALLOON_PAGE, b->host_page * BALLOON_PAGE);
	/* A driver that does not say when it takes a page may have taken those of earlier requests. */
	if (!virtio_has_feature(&b->dev, VIRTIO_BALLOON_F_MUST_TELL_HOST))
		balloon_mark(b, first, nr, false);
}

/* It is the driver's again; what is there is made when it is touched. */
static void balloon_return(struct balloon *b, struct virtqueue *vq, u64 first, u64 nr)
{
	if (b->inside && first < b->nr_inside)
		balloon_mark(b, first, MIN(nr, b->nr_inside - first), false);
}

static int compare_pfns(const void *left, const void *right)
{
	u32 a = *(const u32 *)left, b = *(const u32 *)right;

	return a < b ? -1 : a > b;
}

typedef void balloon_run_fn(struct balloon *b, struct virtqueue *vq, u64 first, u64 nr);

/* Sorted, neighbours are one call: drivers take pages in any order. */
static void balloon_for_runs(struct balloon *b, struct virtqueue *vq, unsigned nr,
			     balloon_run_fn *fn)
{
	const u32 *pfns = b->pfns;

	qsort(b->pfns, nr, sizeof(*pfns), compare_pfns);
	for (unsigned i = 0, end; i < nr; i = end) {
		for (end = i + 1; end < nr && pfns[end] - pfns[end - 1] <= 1; end++)
			;
		fn(b, vq, pfns[i], pfns[end - 1] - pfns[i] + 1ULL);
	}
}

static void balloon_pages(struct balloon *b, struct virtqueue *vq, const struct virtq_chain *chain,
			  balloon_run_fn *fn)
{
	size_t size = MIN(chain->out_len, BALLOON_PFNS * sizeof(*b->pfns)), len;

	for (size_t at = 0; at < size; at += sizeof(b->pfns)) {
		len = iov_read(chain->iov, chain->nr_out, at, b->pfns,
			       MIN(sizeof(b->pfns), size - at));
		for (size_t i = 0; i < len / sizeof(*b->pfns); i++)
			b->pfns[i] = virtio32(&b->dev, b->pfns[i]);
		balloon_for_runs(b, vq, len / sizeof(*b->pfns), fn);
	}
}

/* ---- free pages ---- */

/* Whole pages of the host's alone. The driver sees to it that nobody uses them until the chain is pushed. */
static void balloon_report(struct balloon *b, struct virtqueue *vq, const struct virtq_chain *chain)
{
	u64 page = b->host_page * BALLOON_PAGE;

	/* They would be read as zeroes, and not as what the driver filled them with. */
	if (virtio_has_feature(&b->dev, VIRTIO_BALLOON_F_PAGE_POISON) && b->state.poison)
		return;
	for (unsigned i = chain->nr_out; i < chain->nr_out + chain->nr_in; i++) {
		gpa_t gpa, first, end;

		if (!guest_memory_gpa(b->dev.memory, chain->iov[i].iov_base, &gpa))
			continue;
		first = ALIGN_UP(gpa, page);
		end = ALIGN_DOWN(gpa + chain->iov[i].iov_len, page);
		if (first < end)
			b->reported += balloon_give_back(b, vq, first, end - first);
	}
}

/*
 * The driver may take a page back and write to it as soon as it has hinted at it, so that only who knows all
 * writes since the round began may lose what is in it. They are counted.
 */
static void balloon_hint(struct balloon *b, const struct virtq_chain *chain)
{
	struct balloon_state *state = &b->state;
	u32 id = state->hinting;

	if (chain->out_len) {
		if (iov_read(chain->iov, chain->nr_out, 0, &id, sizeof(id)) < sizeof(id))
			return;
		id = virtio32(&b->dev, id);
		if (id == VIRTIO_BALLOON_CMD_ID_STOP && state->hinting &&
		    atomic_compare_exchange_strong(&state->hint_id, &(u32){ state->hinting },
						   VIRTIO_BALLOON_CMD_ID_DONE))
			virtio_config_changed(&b->dev);
		state->hinting = id > VIRTIO_BALLOON_CMD_ID_DONE ? id : 0;
	} else if (id && id == state->hint_id) {
		b->hinted = MIN(b->hinted + chain->in_len, b->ram);
	}
}

/* ---- statistics ---- */

/*
 * Only those that were asked for: the first buffer has what was there when the driver started, or nothing, and one that
 * was given back unused has what was told before.
 */
static void balloon_take_stats(struct balloon *b, const struct virtq_chain *chain)
{
	struct virtio_balloon_stat stat;
	size_t end = MIN(chain->out_len, 4 * BALLOON_STATS * sizeof(stat));

	pthread_mutex_lock(&b->lock);
	if (!b->stats.asked || b->ask)
		goto out;
	b->stats.asked = false;
	b->stats.told = 0;
	b->stats.told_at = clock_now();
	for (size_t at = 0; at + sizeof(stat) <= end; at += sizeof(stat)) {
		unsigned tag;

		iov_read(chain->iov, chain->nr_out, at, &stat, sizeof(stat));
		tag = virtio16(&b->dev, stat.tag);
		if (tag >= BALLOON_STATS)
			continue;
		b->stats.values[tag] = virtio64(&b->dev, stat.val);
		b->stats.told |= BIT(tag);
	}
out:
	pthread_mutex_unlock(&b->lock);
}

static void balloon_serve_stats(struct balloon *b, struct virtqueue *vq)
{
	struct virtq_chain chain = { .iov = b->iov, .iov_max = ARRAY_SIZE(b->iov) };

	do {
		if (!b->held && virtqueue_pop(vq, &chain) > 0) {
			b->held = true;
			b->held_head = chain.head;
			balloon_take_stats(b, &chain);
		}
		if (b->held && atomic_exchange(&b->ask, false)) {
			b->held = false;
			virtqueue_push(vq, b->held_head, 0);
			virtqueue_signal(vq);
		}
	} while (virtqueue_kick_on(vq) && !b->held);
}

/* ---- queues ---- */

static void balloon_serve(struct balloon *b, struct virtqueue *vq, enum balloon_queue role,
			  const struct virtq_chain *chain)
{
	if (role == INFLATE)
		balloon_pages(b, vq, chain, balloon_take);
	else if (role == DEFLATE)
		balloon_pages(b, vq, chain, balloon_return);
	else if (role == HINT)
		balloon_hint(b, chain);
	else
		balloon_report(b, vq, chain);
}

static void balloon_notify(struct virtio_device *dev, struct virtqueue *vq)
{
	struct balloon *b = to_balloon(dev);
	enum balloon_queue role = b->roles[vq->index];
	struct virtq_chain chain = { .iov = b->iov, .iov_max = ARRAY_SIZE(b->iov) };

	vq->budget = MIN(vq->budget, BALLOON_BATCH);
	if (role == STATS)
		balloon_serve_stats(b, vq);
	if (role == STATS || role == BALLOON_QUEUES)
		return;
	do {
		virtqueue_kick_off(vq);
		while (virtqueue_pop(vq, &chain) > 0) {
			balloon_serve(b, vq, role, &chain);
			virtqueue_push(vq, chain.head, 0);
		}
	} while (virtqueue_kick_on(vq));
	virtqueue_signal(vq);
}

/* ---- configuration space, which is little-endian for any driver ---- */

static void balloon_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	const struct balloon_state *state = &to_balloon(dev)->state;
	struct virtio_balloon_config config = {
		.num_pages = htole32(state->wanted),
		.actual = htole32(state->actual),
		.free_page_hint_cmd_id = htole32(state->hint_id),
		.poison_val = htole32(state->poison),
	};

	memcpy(data, (u8 *)&config + offset, len);
}

static void balloon_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len)
{
	struct balloon_state *state = &to_balloon(dev)->state;
	struct virtio_balloon_config config;

	balloon_config_read(dev, 0, (u8 *)&config, sizeof(config));
	memcpy((u8 *)&config + offset, data, len);
	state->actual = le32toh(config.actual);
	if (!dev->state.active)
		state->poison = le32toh(config.poison_val);
}

/* ---- life cycle ---- */

/* Drivers number the queues that there are with the features they accepted, without gaps. */
static int balloon_activate(struct virtio_device *dev)
{
	static const unsigned feature[BALLOON_QUEUES] = {
		[STATS] = VIRTIO_BALLOON_F_STATS_VQ,
		[HINT] = VIRTIO_BALLOON_F_FREE_PAGE_HINT,
		[REPORT] = VIRTIO_BALLOON_F_REPORTING,
	};
	struct balloon *b = to_balloon(dev);
	unsigned nr = 0;

	for (unsigned role = INFLATE; role < BALLOON_QUEUES; role++)
		if (role < STATS || virtio_has_feature(dev, feature[role]))
			b->roles[nr++] = role;
	while (nr < BALLOON_QUEUES)
		b->roles[nr++] = BALLOON_QUEUES;
	return 0;
}

/* The buffer stays with the driver, and is popped anew at resume. */
static void balloon_quiesce(struct virtio_device *dev)
{
	struct balloon *b = to_balloon(dev);

	if (b->held)
		virtqueue_unpop(&dev->queues[STATS].vq, b->held_head);
	b->held = false;
}

/* All pages are the guest's own again, and nothing is wanted of it. */
static void balloon_reset(struct virtio_device *dev)
{
	struct balloon *b = to_balloon(dev);

	memset(&b->state, 0, sizeof(b->state));
	if (b->inside)
		memset(b->inside, 0, (b->nr_inside + 63) / 64 * sizeof(*b->inside));
	b->ask = false;
	b->hinted = 0;
	pthread_mutex_lock(&b->lock);
	memset(&b->stats, 0, sizeof(b->stats));
	pthread_mutex_unlock(&b->lock);
}

static int balloon_start(struct virtio_device *dev)
{
	return loop_start_thread(to_balloon(dev)->loop);
}

static void balloon_destroy(struct virtio_device *dev)
{
	struct balloon *b = to_balloon(dev);

	if (b->loop)
		loop_stop_thread(b->loop);
	virtio_exit(dev);
	loop_destroy(b->loop);
	pthread_mutex_destroy(&b->lock);
	free(b->inside);
	free(b);
}

static const struct virtio_device_ops balloon_ops = {
	.name = "virtio-balloon",
	.type = VIRTIO_ID_BALLOON,
	.pci_class = 0xff0000,
	.config_size = sizeof(struct virtio_balloon_config),
	.queue_size = BALLOON_QUEUE,
	.config_read = balloon_config_read,
	.config_write = balloon_config_write,
	.activate = balloon_activate,
	.notify = balloon_notify,
	.quiesce = balloon_quiesce,
	.reset = balloon_reset,
	.start = balloon_start,
	.destroy = balloon_destroy,
};

static u64 balloon_offered(const struct memory_config *config)
{
	u64 features = BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST) | BIT(VIRTIO_BALLOON_F_STATS_VQ) |
		       BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) | BIT(VIRTIO_BALLOON_F_FREE_PAGE_HINT) |
		       BIT(VIRTIO_BALLOON_F_PAGE_POISON);

	/* Who had all pages made ahead wants them to be there, but for those that somebody asks for. */
	return config->prealloc ? features : features | BIT(VIRTIO_BALLOON_F_REPORTING);
}

static int balloon_make(struct balloon *b, const struct guest_memory *memory)
{
	for (unsigned i = 0; i < memory->nr_regions; i++) {
		const struct guest_region *region = &memory->regions[i];

		if (region->readonly || region->unlisted)
			continue;
		b->ram += region->size;
		b->nr_inside = (region->gpa + region->size) / BALLOON_PAGE;
	}
	b->host_page = memory->page / BALLOON_PAGE;
	if (b->host_page > 1) {
		b->inside = calloc(b->nr_inside / 64 + 1, sizeof(*b->inside));
		if (!b->inside)
			return -ENOMEM;
	}
	b->loop = loop_create("balloon");
	return b->loop ? 0 : -errno;
}

static int balloon_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	struct balloon *b;
	int err;

	if (vm->private_memory) {
		log_fatal(
			"--balloon: the guest's memory is private, which the host cannot have back; "
			"such a guest runs without a balloon");
		return -EOPNOTSUPP;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	b->not_taken = (struct log_limit)LOG_LIMIT(1);
	err = balloon_make(b, &vm->memory);
	if (err) {
		log_error("virtio-balloon: %s", strerror(-err));
		balloon_destroy(&b->dev);
		return err;
	}
	return virtio_init(&b->dev, &balloon_ops, vm, b->loop, balloon_offered(vm->memory.config),
			   BALLOON_QUEUES)
		       ?: virtio_attach(&b->dev, vm);
}

/* ---- what can be asked and told from outside the guest ---- */

struct balloon_args {
	u64 inflate, deflate, target;
	bool hint;
};

static void balloon_put(json_t *object, const char *key, u64 value)
{
	json_object_set_new_nocheck(object, key, json_number(value));
}

/* How much memory the guest has and shall have, and what went back to the host. */
static void balloon_put_size(struct balloon *b, json_t *object)
{
	balloon_put(object, "memory_bytes", b->ram);
	balloon_put(object, "target_bytes", b->ram - b->state.wanted * BALLOON_PAGE);
	balloon_put(object, "actual_bytes", b->ram - MIN(b->state.actual * BALLOON_PAGE, b->ram));
	balloon_put(object, "given_back_bytes", b->given_back);
	balloon_put(object, "reported_bytes", b->reported);
	balloon_put(object, "hinted_bytes", b->hinted);
	json_object_set_new_nocheck(object, "hinting",
				    json_boolean(b->state.hint_id > VIRTIO_BALLOON_CMD_ID_DONE));
}

/* One that accepted all of the features. */
static bool balloon_has_driver(struct balloon *b, u64 features)
{
	struct virtio_device *dev = &b->dev;
	bool has;

	pthread_mutex_lock(&dev->lock);
	has = dev->state.active && !dev->state.needs_reset && !(features & ~dev->state.features);
	pthread_mutex_unlock(&dev->lock);
	return has;
}

/* Asks for new statistics, unless those there are are new, or somebody asked just now. True: they are coming. */
static bool balloon_ask(struct balloon *b)
{
	bool driver = balloon_has_driver(b, BIT(VIRTIO_BALLOON_F_STATS_VQ)), coming;
	u64 now = clock_now();

	pthread_mutex_lock(&b->lock);
	if (driver && !b->stats.asked &&
	    (!b->stats.told_at || now - b->stats.told_at > BALLOON_FRESH)) {
		b->stats.asked = true;
		b->stats.asked_at = now;
		b->ask = true;
		/* Should the driver have reset the device meanwhile, nobody is there to hear it. */
		virtio_queue_kick(&b->dev, STATS);
	}
	coming = b->stats.asked && now - b->stats.asked_at < BALLOON_FRESH;
	pthread_mutex_unlock(&b->lock);
	return coming;
}

static void balloon_stat(struct device *device, json_t *part)
{
	struct balloon *b = to_balloon(CONTAINER_OF(device, struct virtio_device, device));
	bool coming = balloon_ask(b);

	balloon_put_size(b, part);
	pthread_mutex_lock(&b->lock);
	if (b->stats.told_at)
		balloon_put(part, "age_ms", (clock_now() - b->stats.told_at) / 1000000);
	for (unsigned i = 0; b->stats.told_at && i < BALLOON_STATS; i++)
		if (b->stats.told & BIT(i))
			balloon_put(part, balloon_stat_keys[i], b->stats.values[i]);
	pthread_mutex_unlock(&b->lock);
	json_object_set_new_nocheck(part, DEVICE_STAT_COMING, json_boolean(coming));
}

/* No number comes twice, so that no hint can be taken for one of another round. */
static void balloon_start_hinting(struct balloon *b)
{
	u32 id = b->state.last + 1;

	if (id <= VIRTIO_BALLOON_CMD_ID_DONE)
		id = VIRTIO_BALLOON_CMD_ID_DONE + 1;
	b->hinted = 0;
	b->state.last = id;
	b->state.hint_id = id;
}

static unsigned long long balloon_mib(u64 bytes)
{
	return bytes >> 20;
}

/* What the balloon shall have, bytes; false: it was refused. */
static bool balloon_new_size(struct control_call *call, const struct balloon *b, u64 *size)
{
	const struct balloon_args *args = (const void *)call->args;
	u64 wanted = b->state.wanted * BALLOON_PAGE, most = b->ram - MIN(b->ram, BALLOON_LEAVE);

	*size = args->target ? b->ram - MIN(args->target, b->ram)
			     : wanted - MIN(args->deflate, wanted);
	if (__builtin_add_overflow(*size, args->inflate, size))
		*size = ~0ULL;
	if (args->deflate > wanted)
		control_refuse(call, "too-large",
			       "%llu MiB cannot be given back: its balloon is to have %llu",
			       balloon_mib(args->deflate), balloon_mib(wanted));
	else if (args->target > b->ram)
		control_refuse(call, "too-large", "it has %llu MiB of memory in all",
			       balloon_mib(b->ram));
	else if (*size > most)
		control_refuse(call, "too-large",
			       "at least %llu of its %llu MiB of memory stay with it",
			       balloon_mib(b->ram - most), balloon_mib(b->ram));
	else
		return true;
	return false;
}

static void balloon_change(struct control_call *call, struct balloon *b)
{
	const struct balloon_args *args = (const void *)call->args;
	u64 size;

	if (!balloon_has_driver(b, args->hint ? BIT(VIRTIO_BALLOON_F_FREE_PAGE_HINT) : 0)) {
		control_refuse(call, "no-driver",
			       "its kernel has no driver for a balloon (virtio_balloon)%s at work",
			       args->hint ? " with free page hints" : "");
		return;
	}
	if (args->hint)
		balloon_start_hinting(b);
	else if (balloon_new_size(call, b, &size))
		b->state.wanted = size / BALLOON_PAGE;
	else
		return;
	virtio_config_changed(&b->dev);
}

static void balloon_request(struct control_call *call)
{
	struct balloon *b = to_balloon(CONTAINER_OF(call->device, struct virtio_device, device));
	const struct balloon_args *args = (const void *)call->args;
	unsigned changes = !!args->inflate + !!args->deflate + !!args->target + args->hint;

	if (changes > 1)
		control_refuse(call, "bad-argument",
			       "one of inflate, deflate, target and hint can be done at a time");
	else if (changes)
		balloon_change(call, b);
	balloon_put_size(b, call->answer);
}

#define ARG(member)   .offset = offsetof(struct balloon_args, member)
#define BALLOON_SIZES .min = BALLOON_PAGE, .unit = MIB(1)

static const struct key_row balloon_request_keys[] = {
	KEY_ROW(SIZE, "inflate", ARG(inflate), BALLOON_SIZES),
	KEY_ROW(SIZE, "deflate", ARG(deflate), BALLOON_SIZES),
	KEY_ROW(SIZE, "target", ARG(target), BALLOON_SIZES),
	KEY_ROW(FLAG, "hint", ARG(hint)),
	{ 0 },
};

static const struct control_request balloon_requests[] = {
	{ .name = "balloon", .act = balloon_request, .args = balloon_request_keys },
	{ 0 },
};

/* ---- the kind ---- */

static const struct option_row balloon_options[] = {
	OPTION_ROW(
		DEVICE, "balloon",
		.help = "Memory balloon: gives memory the guest does not use back to the host",
		.man = "Pages that are free in the guest go back by themselves if its driver reports them "
		       "(Linux 5.7 and later). lkvm-balloon(1) takes more of them, and lkvm stat -m shows how "
		       "the guest uses its memory."),
	{ 0 },
};

const struct device_kind virtio_balloon_kind = {
	.config = {
		.name = "balloon",
		.max = 1,
		.rows = balloon_options,
		.group = OPTION_GROUP_DEVICES,
	},
	.create = balloon_create,
	.requests = balloon_requests,
	.stat = balloon_stat,
	.stat_memory = true,
};
