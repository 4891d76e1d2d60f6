// SPDX-License-Identifier: GPL-2.0-or-later
/* The network card as the command line sees it: --network, and what goes with it. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/options.h"
#include "lkvm/config/size.h"
#include "lkvm/util/log.h"
#include "net.h"
#include "vhost-user.h"

#define TAP	   BIT(NET_MODE_TAP)
#define USER	   BIT(NET_MODE_USER)
#define VHOST_USER BIT(NET_MODE_VHOST_USER)

static const char *const modes[] = {
	[NET_MODE_NONE] = "none",
	[NET_MODE_USER] = "user",
	[NET_MODE_TAP] = "tap",
	[NET_MODE_VHOST_USER] = "vhost-user",
	NULL,
};

static const char *const transports[] = {
	[NET_TRANS_ANY] = "virtio",
	[NET_TRANS_PCI] = "pci",
	[NET_TRANS_MMIO] = "mmio",
	NULL,
};

static int check_tapif(void *record, char *name, char why[KEY_WHY])
{
	if (strpbrk(name, "/ \t") || !strcmp(name, ".") || !strcmp(name, ".."))
		return key_why(why,
			       "an interface's name has 1 to %d characters, no '/' and no blanks",
			       IFNAMSIZ - 1);
	return 0;
}

/* vhost=0 stands in scripts that want what lkvm does anyway. */
static int check_vhost(void *record, char *value, char why[KEY_WHY])
{
	if (!strcmp(value, "0"))
		return 0;
	return key_why(why, "the card is served by lkvm itself; vhost=0 would work");
}

/* "[ADDRESS:]PORT"; address stays NULL when it is left out or empty. */
static bool read_end(char *text, const char **address, u16 *port)
{
	char *colon = strrchr(text, ':');
	struct in_addr ignored;
	u64 number;

	if (colon)
		*colon++ = '\0';
	if (parse_u64(colon ?: text, UINT16_MAX, &number) || !number)
		return false;
	*port = number;
	if (!colon || !*text)
		return true;
	*address = text;
	return inet_pton(AF_INET, text, &ignored) == 1;
}

static bool read_forward(char *text, struct net_forward *forward)
{
	char *guest = strchr(text, '-');

	if (!guest)
		return false;
	*guest++ = '\0';
	if (!strncmp(text, "udp:", 4))
		forward->udp = true;
	else if (strncmp(text, "tcp:", 4))
		return false;
	return read_end(text + 4, &forward->host_address, &forward->host_port) &&
	       read_end(guest, &forward->guest_address, &forward->guest_port);
}

static int add_forward(void *record, char *value, char why[KEY_WHY])
{
	struct net_forward forward = { .udp = false };
	struct net_config *net = record;

	if (net->nr_forwards == NET_MAX_FORWARDS)
		return key_why(why, "that is one too many; %d work", NET_MAX_FORWARDS);
	if (!read_forward(value, &forward))
		return key_why(why, "tcp:127.0.0.1:2222-:22 or tcp::2222-:22 would work, and udp: "
				    "in the same way");
	net->forwards[net->nr_forwards++] = forward;
	return 0;
}

#define FIELD(name) .offset = offsetof(struct net_config, name)

static const struct key_row net_keys[] = {
	KEY_ROW(CHOICE, "mode", FIELD(mode), .choices = modes, .selects = true, .bare = true,
		.help = "user needs no rights: the guest gets an address by DHCP and reaches what the host "
			"reaches. tap is a tap interface. vhost-user: another process serves the card, passt(1) for example, and shares "
			"guest memory, which is memfd without --mem-backend. none: no card; cards given behind it count. Without "
			"mode=, keys for user mean user, and anything else, also nothing at all, tap"),
	KEY_ROW(MAC, "mac", FIELD(mac), .alias = "guest_mac", .help = "The card's address"),
	KEY_ROW(IPV4, "host_ip", FIELD(host_ip), .max = 32, .argument = "A.B.C.D[/BITS]",
		.help = "The host's address as the guest sees it; with tap, the interface's address and how many "
			"bits of it are the network's (default: 24)"),
	KEY_ROW(IPV4, "guest_ip", FIELD(guest_ip),
		.help = "With user, the address that DHCP offers"),
	KEY_ROW(STRING, "socket", FIELD(socket), .goes_with = VHOST_USER, .argument = "PATH",
		.help = "Where the back end of vhost-user listens; start it before lkvm"),
	KEY_ROW(STRING, "tapif", FIELD(tapif), .min = 1, .max = IFNAMSIZ - 1, .goes_with = TAP,
		.check = check_tapif, .argument = "NAME",
		.help = "The interface's name; it is made if it is not there"),
	KEY_ROW(STRING, "script", FIELD(script), .goes_with = TAP, .argument = "PROGRAM",
		.help = "Run with the interface's name when it has come up"),
	KEY_ROW(STRING, "downscript", FIELD(downscript), .goes_with = TAP, .argument = "PROGRAM",
		.help = "Run with the interface's name before it goes"),
	KEY_ROW(U32, "queues", FIELD(queue_pairs), .alias = "mq", .min = 1, .max = NET_MAX_PAIRS,
		.goes_with = TAP, .help = "Pairs of queues (default: 1)"),
	KEY_ROW(U32, "fd", FIELD(fd), .min = 3, .max = INT32_MAX, .goes_with = TAP,
		.help = "A tap that the caller has opened"),
	KEY_ROW(CALL, "hostfwd", .goes_with = USER, .check = add_forward,
		.argument = "tcp|udp:[ADDRESS]:PORT-[ADDRESS]:PORT",
		.help = "Forward a port of the host to one of the guest; may be given several times"),
	KEY_ROW(FLAG, "loopback", FIELD(loopback), .goes_with = USER,
		.help = "Let the guest reach the host's own 127.0.0.1 as 10.0.2.2"),
	KEY_ROW(CHOICE, "trans", FIELD(trans), .choices = transports, .bare = true,
		.help = "Taken where it says what is so anyway"),
	KEY_ROW(CALL, "vhost", .check = check_vhost, .argument = "0",
		.help = "Taken as it says what is so anyway"),
	{ 0 },
};

static int check_card(void *record, char why[KEY_WHY])
{
	const struct net_config *net = record;

	if (net->fd >= 0 && (net->tapif || net->script))
		return key_why(why,
			       "fd= is a tap that is set up already: leave out tapif= and script=");
	if (net->mode == NET_MODE_USER && net->host_ip && strchr(net->host_ip, '/'))
		return key_why(why,
			       "the network of mode=user has 24 bits: leave out /BITS of host_ip=");
	return net->mode == NET_MODE_NONE;
}

static const struct option_row net_options[] = {
	OPTION_ROW(DEVICE, "network", .letter = 'n',
		   .argument = "mode=user|tap|vhost-user|none[,KEY=VALUE...]", .bare = "mode=tap",
		   .keys = net_keys, .check = check_card, .by_default = true, .repeats = true,
		   .help = "Network card (default: one in user mode)",
		   .man = "--no-network is the same as mode=none."),
	{ 0 },
};

static void net_init(void *record)
{
	struct net_config *net = record;

	net->mode = NET_MODE_TAP;
	net->fd = -1;
}

static bool net_by_default(void *record)
{
	((struct net_config *)record)->mode = NET_MODE_USER;
	return net_user_available();
}

/* Where virtio devices are is one choice for all of them. */
static int net_check(const struct vm_config *config, const void *record, unsigned index)
{
	const struct net_config *net = record;
	bool pci = config->transport == TRANSPORT_PCI || config->transport == TRANSPORT_PCI_LEGACY;

	if (net->mode == NET_MODE_VHOST_USER && vhost_user_check(config, "network"))
		return -EINVAL;
	if (net->trans == NET_TRANS_ANY || (net->trans == NET_TRANS_PCI) == pci)
		return 0;
	log_fatal(
		"--network trans=%s: all virtio devices are on %s; --virtio-transport %s would work",
		transports[net->trans], pci ? "pci" : "mmio", transports[net->trans]);
	return -EINVAL;
}

static bool net_shares_memory(const void *record)
{
	return ((const struct net_config *)record)->mode == NET_MODE_VHOST_USER;
}

/* One of them. */
struct net_opened {
	struct net_backend *backend;
	struct vhost_user *seat;
};

static int net_open(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct net_config *config = record;
	struct net_opened *net = calloc(1, sizeof(*net));
	int err = 0;

	if (!net)
		return -ENOMEM;
	if (config->mode == NET_MODE_VHOST_USER)
		err = net_remote_open(&net->seat, config);
	else
		net->backend = net_backend_create(config);
	if (net->seat || net->backend) {
		*opened = net;
		return 0;
	}
	free(net);
	return err ?: -EINVAL;
}

static void net_close(void *opened)
{
	struct net_opened *net = opened;

	if (net->backend)
		net->backend->ops->destroy(net->backend);
	vhost_user_close(net->seat);
	free(net);
}

static int net_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	struct net_opened net = *(struct net_opened *)*opened;

	free(*opened);
	*opened = NULL;
	return net.seat ? net_remote_create(vm, record, index, net.seat)
			: virtio_net_create(vm, record, index, net.backend);
}

const struct device_kind virtio_net_kind = {
	.config = {
		.name = "net",
		.max = 8,
		.size = sizeof(struct net_config),
		.rows = net_options,
		.group = OPTION_GROUP_NETWORK,
		.init = net_init,
		.by_default = net_by_default,
		.check = net_check,
		.shares_memory = net_shares_memory,
	},
	.needs_helper = net_needs_helper,
	.open = net_open,
	.close = net_close,
	.create = net_create,
};
