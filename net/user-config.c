// SPDX-License-Identifier: GPL-2.0-or-later
/* What --network mode=user,... says of addresses and forwarded ports, in libslirp's terms. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lkvm/log.h"
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
int user_choose_addresses(const struct net_config *config, SlirpConfig *slirp)
{
	u32 network, host, guest, dns;

	inet_pton(AF_INET, "10.0.2.2", &slirp->vhost);
	inet_pton(AF_INET, "10.0.2.15", &slirp->vdhcp_start);
	if (config->host_ip && parse_ipv4("host_ip", config->host_ip, &slirp->vhost))
		return -EINVAL;
	if (config->guest_ip && parse_ipv4("guest_ip", config->guest_ip, &slirp->vdhcp_start))
		return -EINVAL;
	host = ntohl(slirp->vhost.s_addr);
	guest = ntohl(slirp->vdhcp_start.s_addr);
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
	slirp->vnetwork.s_addr = htonl(network);
	slirp->vnetmask.s_addr = htonl(0xffffff00);
	slirp->vhost.s_addr = htonl(host);
	slirp->vdhcp_start.s_addr = htonl(guest);
	slirp->vnameserver.s_addr = htonl(dns);
	return 0;
}

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t parse_socket(const char *text, u16 port, union address *address)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &address->in.sin_addr) == 1) {
		address->in.sin_family = AF_INET;
		address->in.sin_port = htons(port);
		return sizeof(address->in);
	}
	if (inet_pton(AF_INET6, text, &address->in6.sin6_addr) == 1) {
		address->in6.sin6_family = AF_INET6;
		address->in6.sin6_port = htons(port);
		return sizeof(address->in6);
	}
	return 0;
}

static const char *why_not(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "the port is in use on the host";
	case EACCES:
		return "no permission: ports below 1024 need CAP_NET_BIND_SERVICE";
	case EADDRNOTAVAIL:
		return "the host does not have this address";
	default:
		return strerror(error);
	}
}

int user_add_forward(Slirp *slirp, const struct net_forward *forward)
{
	const char *kind = forward->udp ? "udp" : "tcp";
	const char *host = forward->host_address ?: "127.0.0.1";
	/* All zero: whom DHCP or router advertisements served. */
	const char *guest = forward->guest_address ?: strchr(host, ':') ? "::" : "0.0.0.0";
	union address from, to;
	socklen_t from_len = parse_socket(host, forward->host_port, &from);
	socklen_t to_len = parse_socket(guest, forward->guest_port, &to);
	int flags = forward->udp ? SLIRP_HOSTFWD_UDP : 0;

	if (!from_len || !to_len || from.any.sa_family != to.any.sa_family || !forward->host_port ||
	    !forward->guest_port) {
		log_error("--network hostfwd=%s:%s:%u-%s:%u: two numeric addresses of one family "
			  "and ports from 1 to 65535 are needed",
			  kind, host, forward->host_port, forward->guest_address ?: "",
			  forward->guest_port);
		return -EINVAL;
	}
	if (from.any.sa_family == AF_INET6)
		flags |= SLIRP_HOSTFWD_V6ONLY;
	errno = 0;
	if (slirp_add_hostxfwd(slirp, &from.any, from_len, &to.any, to_len, flags) == 0)
		return 0;
	log_error("--network hostfwd=%s:%s:%u-%s:%u: cannot listen on %s port %u: %s", kind, host,
		  forward->host_port, forward->guest_address ?: "", forward->guest_port, host,
		  forward->host_port, why_not(errno));
	return -EADDRINUSE;
}
