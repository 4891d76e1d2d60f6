// SPDX-License-Identifier: GPL-2.0-or-later
/* --network mode=user|tap|none[,KEY=VALUE...] */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/nearest.h"
#include "lkvm/config/options.h"
#include "lkvm/config/size.h"
#include "lkvm/util/log.h"

#define MAX_QUEUE_PAIRS 8

/* One --network while it is read. */
struct parse {
	struct vm_config *config;
	const struct option_row *row;
	const char *value; /* as typed */
	struct net_config net;
	bool mode_given;
	const char *for_tap;  /* a key that only a tap has */
	const char *for_user; /* a key that only user mode has */
};

static int parse_mode(struct parse *parse, const char *mode)
{
	static const struct {
		const char *name;
		enum net_mode mode;
	} modes[] = { { "user", NET_MODE_USER },
		      { "tap", NET_MODE_TAP },
		      { "none", NET_MODE_NONE } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, mode))
			continue;
		parse->net.mode = modes[i].mode;
		parse->mode_given = true;
		return 0;
	}
	return option_error(parse->row, parse->value, "mode=%s: there are user, tap and none",
			    mode);
}

static int parse_tapif(struct parse *parse, const char *name)
{
	if (!*name || strlen(name) >= IFNAMSIZ || strpbrk(name, "/ \t") || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return option_error(
			parse->row, parse->value,
			"tapif=%s: an interface's name has 1 to %d characters, no '/' and "
			"no blanks",
			name, IFNAMSIZ - 1);
	parse->net.tapif = name;
	return 0;
}

static int parse_program(struct parse *parse, const char *path, const char *key, const char **field)
{
	if (!*path)
		return option_error(parse->row, parse->value, "%s=: the program's name is missing",
				    key);
	*field = path;
	return 0;
}

static int parse_script(struct parse *parse, const char *path)
{
	return parse_program(parse, path, "script", &parse->net.script);
}

static int parse_downscript(struct parse *parse, const char *path)
{
	return parse_program(parse, path, "downscript", &parse->net.downscript);
}

static int parse_address(struct parse *parse, const char *key, const char *text, const char **field)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return option_error(parse->row, parse->value,
				    "%s=%s: not an IPv4 address like 10.0.2.15", key, text);
	*field = text;
	return 0;
}

static int parse_host_ip(struct parse *parse, const char *text)
{
	return parse_address(parse, "host_ip", text, &parse->net.host_ip);
}

static int parse_guest_ip(struct parse *parse, const char *text)
{
	return parse_address(parse, "guest_ip", text, &parse->net.guest_ip);
}

static bool read_mac(const char *text, u8 *mac)
{
	unsigned i;

	for (i = 0; i < 6; i++, text += 3) {
		if (hex_digit(text[0]) > 15 || hex_digit(text[1]) > 15 ||
		    text[2] != (i == 5 ? '\0' : ':'))
			return false;
		mac[i] = hex_digit(text[0]) << 4 | hex_digit(text[1]);
	}
	return true;
}

static int parse_mac(struct parse *parse, const char *text)
{
	static const u8 zero[6];
	u8 mac[6];

	if (!read_mac(text, mac))
		return option_error(parse->row, parse->value,
				    "mac=%s: not an address like 02:15:15:15:15:15", text);
	if (!memcmp(mac, zero, 6) || (mac[0] & 1))
		return option_error(
			parse->row, parse->value,
			"mac=%s: not the address of one card; one like 02:15:15:15:15:15 "
			"would work",
			text);
	memcpy(parse->net.mac, mac, 6);
	return 0;
}

static int parse_fd(struct parse *parse, const char *text)
{
	u64 fd;

	if (parse_number(text, INT32_MAX, &fd) || fd < 3)
		return option_error(
			parse->row, parse->value,
			"fd=%s: not a descriptor that lkvm could have got; 3 and up would "
			"work",
			text);
	parse->net.fd = fd;
	return 0;
}

static int parse_queues(struct parse *parse, const char *text)
{
	u64 pairs;

	if (parse_number(text, MAX_QUEUE_PAIRS, &pairs) || !pairs)
		return option_error(parse->row, parse->value, "queues=%s: 1 to %d would work", text,
				    MAX_QUEUE_PAIRS);
	parse->net.queue_pairs = pairs;
	return 0;
}

/* vhost=0 stands in scripts that want what lkvm does anyway. */
static int parse_vhost(struct parse *parse, const char *text)
{
	if (!strcmp(text, "0"))
		return 0;
	return option_error(parse->row, parse->value,
			    "vhost=%s: the card is served by lkvm itself; vhost=0 would work",
			    text);
}

/* "[ADDRESS:]PORT"; address stays NULL when it is left out or empty. */
static bool read_end(char *text, const char **address, u16 *port)
{
	char *colon = strrchr(text, ':');
	struct in_addr ignored;
	u64 number;

	if (colon)
		*colon++ = '\0';
	if (parse_number(colon ? colon : text, 65535, &number) || !number)
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

static int parse_hostfwd(struct parse *parse, const char *text)
{
	struct net_forward forward = { .udp = false };
	char *copy;

	if (parse->net.nr_forwards == CONFIG_MAX_FORWARDS)
		return option_error(parse->row, parse->value, "one hostfwd= too many; %d work",
				    CONFIG_MAX_FORWARDS);
	copy = config_keep(parse->config, strdup(text));
	if (!copy) {
		log_error("out of memory");
		return -ENOMEM;
	}
	if (!read_forward(copy, &forward))
		return option_error(
			parse->row, parse->value,
			"hostfwd=%s: tcp:127.0.0.1:2222-:22 or tcp::2222-:22 would work, "
			"and udp: in the same way",
			text);
	parse->net.forwards[parse->net.nr_forwards++] = forward;
	return 0;
}

/* Where virtio devices are is one choice for all of them: config_finish() compares. */
static int parse_trans(struct parse *parse, const char *text)
{
	if (!strcmp(text, "pci") || !strcmp(text, "mmio"))
		parse->net.trans = text;
	else if (strcmp(text, "virtio"))
		return option_error(parse->row, parse->value,
				    "trans=%s: every card is a virtio one; there are pci and mmio",
				    text);
	return 0;
}

static int parse_loopback(struct parse *parse, const char *text)
{
	bool on = !strcmp(text, "on");

	if (!on && strcmp(text, "off"))
		return option_error(parse->row, parse->value, "loopback=%s: there are on and off",
				    text);
	parse->net.loopback = on;
	return 0;
}

enum key_for { FOR_BOTH, FOR_TAP, FOR_USER };

static const struct key {
	const char *name;
	enum key_for what;
	int (*parse)(struct parse *parse, const char *text);
} keys[] = {
	{ "mode", FOR_BOTH, parse_mode },
	{ "mac", FOR_BOTH, parse_mac },
	{ "guest_mac", FOR_BOTH, parse_mac },
	{ "host_ip", FOR_BOTH, parse_host_ip },
	{ "tapif", FOR_TAP, parse_tapif },
	{ "script", FOR_TAP, parse_script },
	{ "downscript", FOR_TAP, parse_downscript },
	{ "fd", FOR_TAP, parse_fd },
	{ "queues", FOR_TAP, parse_queues },
	{ "mq", FOR_TAP, parse_queues },
	{ "vhost", FOR_BOTH, parse_vhost },
	{ "trans", FOR_BOTH, parse_trans },
	{ "guest_ip", FOR_BOTH, parse_guest_ip },
	{ "hostfwd", FOR_USER, parse_hostfwd },
	{ "loopback", FOR_USER, parse_loopback },
};

static int unknown_key(struct parse *parse, const char *name)
{
	struct nearest nearest = { .word = name };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		nearest_try(&nearest, keys[i].name);
	if (nearest.best)
		return option_error(parse->row, parse->value,
				    "'%s' is not known; did you mean %s=?", name, nearest.best);
	return option_error(
		parse->row, parse->value,
		"'%s' is not known; mode=user, mode=tap,tapif=NAME or mode=none would work", name);
}

static int parse_item(struct parse *parse, char *item)
{
	char *text = strchr(item, '=');
	size_t i;

	if (!text) {
		/* "-n user", "-n none": a word alone names the mode. */
		if (!strcmp(item, "user") || !strcmp(item, "tap") || !strcmp(item, "none"))
			return parse_mode(parse, item);
		if (!strcmp(item, "virtio"))
			return parse_trans(parse, item);
		return unknown_key(parse, item);
	}
	*text++ = '\0';
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].name, item))
			continue;
		if (keys[i].what == FOR_TAP)
			parse->for_tap = keys[i].name;
		if (keys[i].what == FOR_USER)
			parse->for_user = keys[i].name;
		return keys[i].parse(parse, text);
	}
	return unknown_key(parse, item);
}

/* What does not go together. The order of keys does not matter, so it is looked at in the end. */
static int check(struct parse *parse)
{
	struct net_config *net = &parse->net;

	if (!parse->mode_given)
		net->mode = parse->for_user ? NET_MODE_USER : NET_MODE_TAP;
	if (parse->for_tap && net->mode != NET_MODE_TAP)
		return option_error(parse->row, parse->value, "%s= needs mode=tap", parse->for_tap);
	if (parse->for_user && net->mode != NET_MODE_USER)
		return option_error(parse->row, parse->value, "%s= needs mode=user",
				    parse->for_user);
	if (net->fd >= 0 && (net->tapif || net->script))
		return option_error(
			parse->row, parse->value,
			"fd= is a tap that is set up already: leave out tapif= and script=");
	return 0;
}

static int parse_all(struct parse *parse)
{
	char *cursor = config_keep(parse->config, strdup(parse->value)), *item;
	int ret;

	if (!cursor) {
		log_error("out of memory");
		return -ENOMEM;
	}
	while ((item = key_list_next(&cursor))) {
		ret = parse_item(parse, item);
		if (ret < 0)
			return ret;
	}
	return check(parse);
}

int option_parse_net(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	struct parse parse = {
		.config = config,
		.row = row,
		.value = value,
		.net = { .fd = -1 },
	};
	int ret;

	config->net_given = true;
	if (!value) {
		config->nr_nets = 0;
		return 0;
	}
	ret = parse_all(&parse);
	if (ret < 0)
		return ret;
	if (parse.net.mode == NET_MODE_NONE) {
		config->nr_nets = 0;
		return 0;
	}
	if (config->nr_nets == CONFIG_MAX_NETS)
		return option_error(row, value, "that is one too many; %d work", CONFIG_MAX_NETS);
	config->nets[config->nr_nets++] = parse.net;
	return 0;
}
