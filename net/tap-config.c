// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lkvm/config/size.h"
#include "lkvm/util/log.h"
#include "lkvm/net/backend.h"
#include "tap.h"

static int interface_ioctl(int control, const char *name, unsigned long command,
			   struct ifreq *request)
{
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	return ioctl(control, command, request) < 0 ? -errno : 0;
}

static int set_inet(int control, const char *name, unsigned long command, struct in_addr value)
{
	struct ifreq request = {};
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = value };

	memcpy(&request.ifr_addr, &address, sizeof(address));
	return interface_ioctl(control, name, command, &request);
}

int tap_set_address(int control, const char *name, const char *text)
{
	struct in_addr address, mask;
	unsigned bits;
	int err;

	if (parse_ipv4(text, &address, &bits)) {
		log_error("--network host_ip=%s: not an IPv4 address; use A.B.C.D or A.B.C.D/BITS",
			  text);
		return -EINVAL;
	}
	mask.s_addr = bits ? htonl(~0u << (32 - bits)) : 0;
	err = set_inet(control, name, SIOCSIFADDR, address);
	if (!err)
		err = set_inet(control, name, SIOCSIFNETMASK, mask);
	if (err == -EPERM)
		log_error("--network host_ip=%s: giving %s an address needs CAP_NET_ADMIN; set it "
			  "beforehand with: ip address add %s%s dev %s",
			  text, name, text, strchr(text, '/') ? "" : "/24", name);
	else if (err)
		log_error("--network host_ip=%s: cannot be given to %s: %s", text, name,
			  strerror(-err));
	return err;
}

void tap_bring_up(int control, const char *name)
{
	struct ifreq request = {};
	int err = interface_ioctl(control, name, SIOCGIFFLAGS, &request);

	if (!err && !(request.ifr_flags & IFF_UP)) {
		request.ifr_flags |= IFF_UP;
		err = interface_ioctl(control, name, SIOCSIFFLAGS, &request);
	}
	if (err)
		log_warning("network interface %s stays down (%s): nothing passes until somebody "
			    "runs: ip link set %s up",
			    name, strerror(-err), name);
}

u16 tap_mtu(int control, const char *name)
{
	struct ifreq request = {};

	if (interface_ioctl(control, name, SIOCGIFMTU, &request) || request.ifr_mtu < 68 ||
	    request.ifr_mtu > 65535)
		return NET_DEFAULT_MTU;
	return request.ifr_mtu;
}

const char *tap_driver_of(int control, const char *name, char *buffer, size_t len)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };

	if (interface_ioctl(control, name, SIOCETHTOOL, &request))
		return NULL;
	/* Both are driver "tun"; the bus says which of the two it is. */
	if (!strcmp(info.driver, "tun"))
		snprintf(buffer, len, "%s", info.bus_info);
	else
		snprintf(buffer, len, "%s", info.driver);
	return buffer;
}
