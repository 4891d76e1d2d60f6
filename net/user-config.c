// SPDX-License-Identifier: GPL-2.0-or-later
/* What --network mode=user,... says of addresses and forwarded ports, as the helper wants it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/util/log.h"
#include "user.h"

static int parse_ipv4(const char *option, const char *text, struct in_addr *address)
{
	if (inet_pton(AF_INET, text, address) == 1)
		return 0;
	log_error("--network %s=%s: not an IPv4 address", option, text);
	return -EINVAL;
}

/*
 * The guest's network is the /24 that guest_ip and host_ip are in: 10.0.2.0 with the host at .2, the
 * name server at .3 and the guest at .15 unless they say otherwise.
 */
static int choose_addresses(const struct net_config *config, struct user_setup *setup)
{
	u32 network, host, guest, dns;

	inet_pton(AF_INET, "10.0.2.2", &setup->host);
	inet_pton(AF_INET, "10.0.2.15", &setup->guest);
	if (config->host_ip && parse_ipv4("host_ip", config->host_ip, &setup->host))
		return -EINVAL;
	if (config->guest_ip && parse_ipv4("guest_ip", config->guest_ip, &setup->guest))
		return -EINVAL;
	host = ntohl(setup->host.s_addr);
	guest = ntohl(setup->guest.s_addr);
	if (config->guest_ip && !config->host_ip)
		host = (guest & ~0xffu) | ((guest & 0xff) == 2 ? 1 : 2);
	if (config->host_ip && !config->guest_ip)
		guest = (host & ~0xffu) | ((host & 0xff) == 15 ? 16 : 15);
	network = guest & ~0xffu;
	if ((host & ~0xffu) != network || host == guest) {
		log_error("--network guest_ip=%s,host_ip=%s: they must be two addresses with the "
			  "same first three numbers",
			  config->guest_ip, config->host_ip);
		return -EINVAL;
	}
	if ((host & 0xff) == 0 || (host & 0xff) == 255 || (guest & 0xff) == 0 ||
	    (guest & 0xff) == 255) {
		log_error("--network: the last number of guest_ip and host_ip is 1 to 254");
		return -EINVAL;
	}
	for (dns = network + 3; dns == host || dns == guest;)
		dns++;
	setup->host.s_addr = htonl(host);
	setup->guest.s_addr = htonl(guest);
	setup->dns.s_addr = htonl(dns);
	return 0;
}

static bool parse_socket(const char *text, u16 port, union user_address *address)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &address->in.sin_addr) == 1) {
		address->in.sin_family = AF_INET;
		address->in.sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, text, &address->in6.sin6_addr) == 1) {
		address->in6.sin6_family = AF_INET6;
		address->in6.sin6_port = htons(port);
		return true;
	}
	return false;
}

static const char *forward_host(const struct net_forward *forward)
{
	return forward->host_address ?: "127.0.0.1";
}

static void forward_refuse(const struct net_forward *forward, const char *why)
{
	log_error("--network hostfwd=%s:%s:%u-%s:%u: %s", forward->udp ? "udp" : "tcp",
		  forward_host(forward), forward->host_port, forward->guest_address ?: "",
		  forward->guest_port, why);
}

static int add_forward(struct user_setup *setup, const struct net_forward *forward)
{
	struct user_forward *to = &setup->forwards[setup->nr_forwards++];
	const char *host = forward_host(forward);
	/* All zero: whom DHCP or router advertisements served. */
	const char *guest = forward->guest_address ?: strchr(host, ':') ? "::" : "0.0.0.0";

	to->udp = forward->udp;
	if (parse_socket(host, forward->host_port, &to->from) &&
	    parse_socket(guest, forward->guest_port, &to->to) &&
	    to->from.any.sa_family == to->to.any.sa_family && forward->host_port &&
	    forward->guest_port)
		return 0;
	forward_refuse(forward, "two numeric addresses of one family and ports from 1 to 65535 are "
				"needed");
	return -EINVAL;
}

int user_configure(const struct net_config *config, struct user_setup *setup)
{
	int err;

	memset(setup, 0, sizeof(*setup));
	err = choose_addresses(config, setup);
	for (unsigned i = 0; i < config->nr_forwards && !err; i++)
		err = add_forward(setup, &config->forwards[i]);
	return err;
}

static const char *why_not(int err)
{
	switch (err) {
	case EADDRINUSE:
		return "the port is in use on the host";
	case EACCES:
		return "no permission: ports below 1024 need CAP_NET_BIND_SERVICE";
	case EADDRNOTAVAIL:
		return "the host does not have this address";
	default:
		return strerror(err);
	}
}

void user_forward_failed(const struct net_forward *forward, int err)
{
	char why[256];

	snprintf(why, sizeof(why), "cannot listen on %s port %u: %s", forward_host(forward),
		 forward->host_port, why_not(err));
	forward_refuse(forward, why);
}
