// SPDX-License-Identifier: GPL-2.0-or-later
/* What each option of `lkvm run` takes, and above all what it does not. */
#include <stdlib.h>
#include "lkvm/config/nearest.h"
#include "lkvm/config/size.h"
#include "lkvm/block/disk.h"
#include "lkvm/hw/serial-ports.h"
#include "lkvm/net/backend.h"
#include "run_options.h"

#define MAX_DISKS 26

static const struct disk_config *disk(unsigned index)
{
	return config_record(&config, &virtio_blk_kind.config, index);
}

static const struct serial_ports_config *ttys(void)
{
	return config_record(&config, &serial_ports_kind.config, 0);
}

static const struct net_config *net(unsigned index)
{
	return config_record(&config, &virtio_net_kind.config, index);
}

static void test_cpus(void **state)
{
	BAD("--cpus 0: too small; 1 to ", "-c", "0");
	BAD("not a whole number", "-c", "two");
	BAD("not a whole number", "-c", "-1");
	BAD("not a whole number", "-c", "1.5");
	BAD("not a whole number", "-c", "4x");
	BAD("not a whole number", "-c", " 4");
	BAD("not a whole number", "-c", "");
	BAD("too large", "-c", "100000");
	BAD("too large", "-c", "4294967297");
	BAD("too large", "-c", "99999999999999999999999");
	GOOD("-c", "255");
	GOOD("-c", "0x10");
	assert_int_equal(config.cpus, 16);
	GOOD("-c", "010");
	assert_int_equal(config.cpus, 8);
	BAD("not a whole number", "-c", "08");
}

static void test_memory_backend(void **state)
{
	const struct memory_config *memory = &config.memory_backend;

	GOOD("-m", "64");
	assert_int_equal(memory->kind, MEMORY_ANONYMOUS);
	assert_false(memory->prealloc);
	for (unsigned i = 0; i < MEMORY_NR_KINDS; i++) {
		char value[64];

		snprintf(value, sizeof(value), "%s%s,prealloc", memory_kind_names[i],
			 i == MEMORY_FILE || i == MEMORY_HUGETLBFS ? ",path=/a,,b" : "");
		GOOD("--mem-backend", value);
		assert_int_equal(memory->kind, i);
		assert_true(memory->prealloc);
		if (memory->path)
			assert_string_equal(memory->path, "/a,b");
	}
	GOOD("--mem-backend", "hugetlb,size=2M");
	assert_int_equal(memory->huge_page, MIB(2));
	GOOD("--mem-backend", "hugetlb,size=1G");
	assert_int_equal(memory->huge_page, GIB(1));
	GOOD("--hugetlbfs", "/dev/hugepages");
	assert_int_equal(memory->kind, MEMORY_HUGETLBFS);
	assert_string_equal(memory->path, "/dev/hugepages");
	GOOD("--hugetlbfs", "/dev/hugepages", "--guest-memfd");
	assert_int_equal(memory->kind, MEMORY_GUEST_MEMFD);
	assert_null(memory->path);
	GOOD("--guest-memfd", "--no-guest-memfd");
	assert_int_equal(memory->kind, MEMORY_ANONYMOUS);
	GOOD("--hugetlbfs", "/dev/hugepages", "--no-hugetlbfs");
	assert_int_equal(memory->kind, MEMORY_ANONYMOUS);
	assert_null(memory->path);
	GOOD("--mem-backend", "memfd,prealloc", "--no-guest-memfd", "--no-hugetlbfs");
	assert_int_equal(memory->kind, MEMORY_MEMFD);
	assert_true(memory->prealloc);
	GOOD("--mem-backend", "memfd", "--no-mem-backend");
	assert_int_equal(memory->kind, MEMORY_ANONYMOUS);
	BAD("--mem-backend shm: not known; it can be anonymous, memfd,", "--mem-backend", "shm");
	BAD("--mem-backend '': not known; it can be", "--mem-backend", "");
	BAD("--mem-backend prealloc: not known; it can be anonymous", "--mem-backend", "prealloc");
	BAD("--mem-backend share: not known; there are size=SIZE, path=PATH and prealloc",
	    "--mem-backend", "memfd,share");
	BAD("--mem-backend path=: give it a PATH", "--mem-backend", "file,path=");
	BAD("path= is missing", "--mem-backend", "file");
	BAD("path= is missing", "--mem-backend", "hugetlbfs,prealloc");
	BAD("--mem-backend path: it goes with hugetlbfs or file", "--mem-backend", "memfd,path=/x");
	BAD("--mem-backend size: it goes with hugetlb", "--mem-backend", "memfd,size=2M");
	BAD("2M or 1G would work", "--mem-backend", "hugetlb,size=3M");
	BAD("not a size; at least 4K would work", "--mem-backend", "hugetlb,size=x");
	BAD("too small; at least 4K would work", "--mem-backend", "hugetlb,size=1K");
	BAD("size=16777216T: more than 64 bits", "--mem-backend", "hugetlb,size=16777216T");
	BAD("give it a FOLDER", "--hugetlbfs", "");
}

static void test_memory(void **state)
{
	GOOD("-m", "512");
	assert_int_equal(config.memory, MIB(512));
	GOOD("-m512M");
	assert_int_equal(config.memory, MIB(512));
	GOOD("-m", "2g");
	assert_int_equal(config.memory, GIB(2));
	GOOD("--mem=1T");
	assert_int_equal(config.memory, GIB(1024));
	GOOD("--mem=8388608B");
	assert_int_equal(config.memory, MIB(8));
	GOOD("-m", "64", "--no-mem");
	assert_int_equal(config.memory, 0);
	BAD("too little", "-m", "0");
	BAD("4 MiB is the least", "-m", "3");
	GOOD("-m", "4");
	BAD("512 (MiB), 512M or 2G would work", "-m", "abc");
	BAD("not a size", "-m", "-5");
	BAD("not a size", "-m", "");
	BAD("not a size", "-m", "5MM");
	BAD("not a size", "-m", "M");
	GOOD("-m", "0x200");
	assert_int_equal(config.memory, MIB(512));
	GOOD("-m", "01000");
	assert_int_equal(config.memory, MIB(512));
	GOOD("-m", "0X1g");
	assert_int_equal(config.memory, GIB(1));
	GOOD("-m", "0x100@0x1000");
	assert_int_equal(config.memory, MIB(256));
	assert_int_equal(config.memory_address, 4096);
	BAD("not a size", "-m", "0x");
	BAD("not a size", "-m", "0xg");
	BAD("not a size", "-m", "08");
	BAD("not a size", "-m", "0x0x4");
	BAD("64 bits", "-m", "0x10000000000000000");
	BAD("64 bits", "-m", "02000000000000000000000");
	BAD("not a size", "-m", "99999999999999999999999q");
	BAD("64 bits", "-m", "99999999999999999999999");
	BAD("64 bits", "-m", "17592186044416");
	BAD("64 bits", "-m", "16384P");
	GOOD("-m", "1G@0x100000000");
	assert_int_equal(config.memory, GIB(1));
	assert_int_equal(config.memory_address, GIB(4));
	GOOD("-m", "512@4096");
	assert_int_equal(config.memory_address, 4096);
	GOOD("-m", "512@4096", "-m", "512");
	assert_int_equal(config.memory_address, 0);
	BAD("2G@0x80000000 would work", "-m", "1G@");
	BAD("2G@0x80000000 would work", "-m", "1G@ 5");
	BAD("2G@0x80000000 would work", "-m", "1G@-4096");
	BAD("2G@0x80000000 would work", "-m", "1G@4096x");
	BAD("2G@0x80000000 would work", "-m", "1G@0x10000000000000000");
	BAD("page size", "-m", "1G@1");
	BAD("page size", "-m", "8388609B");
}

static void test_parse_size(void **state)
{
	const char *rest;
	u64 bytes;

	assert_int_equal(parse_size("7", 1, &bytes, NULL), 0);
	assert_int_equal(bytes, 7);
	assert_int_equal(parse_size("4096K", MIB(1), &bytes, NULL), 0);
	assert_int_equal(bytes, MIB(4));
	assert_int_equal(parse_size("15P", 1, &bytes, NULL), 0);
	assert_int_equal(bytes, 15ULL << 50);
	assert_int_equal(parse_size("18446744073709551615B", 1, &bytes, NULL), 0);
	assert_true(bytes == UINT64_MAX);
	assert_int_equal(parse_size("18446744073709551616B", 1, &bytes, NULL), -ERANGE);
	assert_int_equal(parse_size("2G@0x80000000", 1, &bytes, &rest), 0);
	assert_string_equal(rest, "@0x80000000");
	assert_int_equal(bytes, GIB(2));
	assert_int_equal(parse_size("512@1", MIB(1), &bytes, &rest), 0);
	assert_string_equal(rest, "@1");
	assert_int_equal(parse_size("2G@1", 1, &bytes, NULL), -EINVAL);
	assert_int_equal(parse_size("", 1, &bytes, &rest), -EINVAL);
	assert_int_equal(parse_size("\t1", 1, &bytes, NULL), -EINVAL);
	assert_int_equal(parse_size("1\x0d", 1, &bytes, NULL), -EINVAL);
}

static void test_strings(void **state)
{
	char name[70];

	GOOD("-i", "a", "--initrd=b", "-ic");
	assert_int_equal(config.nr_initrds, 3);
	assert_string_equal(config.initrds[2], "c");
	GOOD("-i", "a", "--no-initrd", "-i", "b");
	assert_int_equal(config.nr_initrds, 1);
	assert_string_equal(config.initrds[0], "b");
	BAD("one too many; 16", "-i1", "-i2", "-i3", "-i4", "-i5", "-i6", "-i7", "-i8", "-i9",
	    "-i10", "-i11", "-i12", "-i13", "-i14", "-i15", "-i16", "-i17");
	GOOD("-p", "a=b c", "--params=d", "-p", "e,,f");
	assert_string_equal(config.cmdline, "a=b c d e,,f");
	GOOD("-p", "");
	assert_string_equal(config.cmdline, "");
	GOOD("-p", "a", "--no-params");
	assert_null(config.cmdline);
	GOOD("--name", "web-1");
	assert_string_equal(config.name, "web-1");
	BAD("no '/'", "--name", "a/b");
	BAD("no blanks", "--name", "a b");
	BAD("dot", "--name", "..");
	BAD("1 to 64", "--name", "");
	memset(name, 'x', sizeof(name));
	name[64] = '\0';
	GOOD("--name", name);
	name[64] = 'x';
	name[65] = '\0';
	BAD("1 to 64", "--name", name);
}

static void test_choices(void **state)
{
	GOOD("--console", "virtio");
	assert_int_equal(config.console, CONSOLE_VIRTIO);
	GOOD("--console=serial");
	assert_int_equal(config.console, CONSOLE_SERIAL);
	BAD("--console hv: not known; it can be serial or virtio", "--console", "hv");
	BAD("did you mean 'serial'", "--console", "serail");
	GOOD("--virtio-transport", "pci");
	assert_int_equal(config.transport, TRANSPORT_PCI);
	GOOD("--virtio-transport", "mmio-legacy");
	assert_int_equal(config.transport, TRANSPORT_MMIO_LEGACY);
	GOOD("--virtio-transport", "pci-legacy");
	assert_int_equal(config.transport, TRANSPORT_PCI_LEGACY);
	BAD("it can be pci, pci-legacy, mmio or mmio-legacy", "--virtio-transport", "ccw");
	GOOD("--loglevel", "error");
	assert_int_equal(config.loglevel, LOG_LEVEL_ERROR);
	GOOD("--loglevel=debug");
	assert_int_equal(config.loglevel, LOG_LEVEL_DEBUG);
	GOOD("--loglevel=warning", "--debug");
	assert_int_equal(config.loglevel, LOG_LEVEL_DEBUG);
	GOOD("--debug", "--no-debug");
	assert_int_equal(config.loglevel, LOG_LEVEL_INFO);
	BAD("error, warning, info or debug", "--loglevel", "loud");
	GOOD("--tty", "0", "--tty=3", "--tty", "0");
	assert_true(ttys()->pty[0] && ttys()->pty[3] && !ttys()->pty[1]);
	assert_null(ttys()->links[3]);
	GOOD("--tty", "1=/tmp/link=x", "--tty", "2", "--tty", "1");
	assert_true(ttys()->pty[1] && ttys()->pty[2] && !ttys()->pty[0]);
	assert_string_equal(ttys()->links[1], "/tmp/link=x");
	GOOD("--tty", "1=a", "--no-tty", "--tty", "2=a");
	assert_true(ttys()->pty[2] && !ttys()->pty[1]);
	GOOD("--tty", "1=a,b", "--no-tty");
	assert_int_equal(count(&serial_ports_kind), 0);
	BAD("--tty 1=: give the link a name", "--tty", "1=");
	BAD("--tty 1=dir/: give the link a name", "--tty", "1=dir/");
	BAD("--tty 2=a: that link is serial port 1's", "--tty", "1=a", "--tty", "2=a");
	BAD("0, 1, 2 or 3", "--tty", "=a");
	BAD("0, 1, 2 or 3", "--tty", "00000001=a");
	BAD("0, 1, 2 or 3", "--tty", "4");
	BAD("it can be", "--tty", "-1");
}

static void test_flags(void **state)
{
	GOOD("x");
	assert_false(config.reboot || config.nodefaults || config.timeout);
	GOOD("--reboot", "--nodefaults", "--timeout", "60", "--rng");
	assert_true(config.reboot && config.nodefaults && count(&virtio_rng_kind) == 1);
	assert_int_equal(config.timeout, 60);
	GOOD("--reboot", "--no-reboot", "--timeout=0");
	assert_false(config.reboot);
	BAD("not a whole number", "--timeout", "60s");
	BAD("too large", "--timeout", "4294967296");
	GOOD("--timeout", "4294967295");
}

static void test_affinity(void **state)
{
	const char *words[CONFIG_MAX_CPUSETS + 2] = { NULL };

	GOOD("x");
	assert_int_equal(config.nr_affinities, 0);
	GOOD("--vcpu-affinity", "0-2,7", "--vcpu-affinity=5");
	assert_int_equal(config.nr_affinities, 2);
	assert_int_equal(CPU_COUNT(&config.affinities[0]), 4);
	assert_true(CPU_ISSET(7, &config.affinities[0]) && CPU_ISSET(5, &config.affinities[1]));
	GOOD("--vcpu-affinity", "1", "--no-vcpu-affinity");
	assert_int_equal(config.nr_affinities, 0);
	BAD("not a list of CPUs", "--vcpu-affinity", "all");
	BAD("numbered up to 1023", "--vcpu-affinity", "1024");
	for (unsigned i = 0; i <= CONFIG_MAX_CPUSETS; i++)
		words[i] = "--vcpu-affinity=1";
	bad_(__FILE__, __LINE__, parse_words(words), "one too many");
	words[CONFIG_MAX_CPUSETS] = NULL;
	good_(__FILE__, __LINE__, parse_words(words));
}

static void test_disks(void **state)
{
	GOOD("-d", "disk.img");
	assert_int_equal(count(&virtio_blk_kind), 1);
	assert_string_equal(disk(0)->path, "disk.img");
	assert_false(disk(0)->readonly || disk(0)->direct);
	GOOD("-d", "a,,b.img,ro,direct,serial=S1,queues=4", "--disk=c");
	assert_string_equal(disk(0)->path, "a,b.img");
	assert_true(disk(0)->readonly && disk(0)->direct);
	assert_string_equal(disk(0)->serial, "S1");
	assert_int_equal(disk(0)->queues, 4);
	assert_string_equal(disk(1)->path, "c");
	GOOD("-d", "a,,,ro");
	assert_string_equal(disk(0)->path, "a,");
	assert_true(disk(0)->readonly);
	GOOD("-d", "a", "--no-disk");
	assert_int_equal(count(&virtio_blk_kind), 0);
	BAD("--disk rw: did you mean ro?", "-d", "a,rw");
	BAD("--disk '': not known; there are ro, direct, serial=TEXT and queues=N", "-d", "a,");
	BAD("--disk '': give it a FILE", "-d", ",ro");
	BAD("--disk '': give it a FILE", "-d", "");
	BAD("--disk serial=123456789012345678901: 1 to 20 characters would work, not 21", "-d",
	    "a,serial=123456789012345678901");
	GOOD("-d", "a,serial=12345678901234567890");
	BAD("1 to 20", "-d", "a,serial=");
	BAD("printable", "-d", "a,serial=\x01");
	BAD("--disk queues=0: too small; 1 to 8 would work", "-d", "a,queues=0");
	BAD("--disk queues=9: too large; 1 to 8 would work", "-d", "a,queues=9");
	BAD("not a whole number; 1 to 8 would work", "-d", "a,queues=");
}

static void test_too_many_disks(void **state)
{
	const char *words[MAX_DISKS + 2];
	unsigned i;

	for (i = 0; i <= MAX_DISKS; i++)
		words[i] = "-da";
	words[MAX_DISKS + 1] = NULL;
	bad_(__FILE__, __LINE__, parse_words(words), "one too many; 26 work");
	words[MAX_DISKS] = NULL;
	good_(__FILE__, __LINE__, parse_words(words));
}

static void test_net_modes(void **state)
{
	GOOD("-n", "mode=user");
	assert_int_equal(net(0)->mode, NET_MODE_USER);
	assert_int_equal(net(0)->fd, -1);
	GOOD("-n", "tap");
	assert_int_equal(net(0)->mode, NET_MODE_TAP);
	GOOD("-n", "tapif=tap0");
	assert_int_equal(net(0)->mode, NET_MODE_TAP);
	assert_string_equal(net(0)->tapif, "tap0");
	GOOD("-n", "virtio");
	assert_int_equal(net(0)->mode, NET_MODE_TAP);
	GOOD("-n", "mode=user,vhost=0,trans=pci");
	GOOD("-n");
	assert_int_equal(net(0)->mode, NET_MODE_TAP);
	assert_null(net(0)->tapif);
	GOOD("-n", "-c", "2", "--network");
	assert_int_equal(count(&virtio_net_kind), 2);
	assert_int_equal(config.cpus, 2);
	GOOD("--network", "-n", "mode=user");
	assert_int_equal(net(1)->mode, NET_MODE_USER);
	BAD("--network bzImage: not known; there are mode=none|user|tap|vhost-user, mac=MAC,", "-n",
	    "bzImage");
	GOOD("-n", "mode=user,trans=virtio");
	assert_int_equal(net(0)->mode, NET_MODE_USER);
	GOOD("-n", "hostfwd=tcp::1-:2");
	assert_int_equal(net(0)->mode, NET_MODE_USER);
	assert_false(net(0)->loopback);
	GOOD("-n", "loopback=on");
	assert_int_equal(net(0)->mode, NET_MODE_USER);
	assert_true(net(0)->loopback);
	GOOD("-n", "mode=user,loopback=on,loopback=off");
	assert_false(net(0)->loopback);
	BAD("loopback=yes: it can be on or off", "-n", "loopback=yes");
	BAD("--network loopback: it goes with mode=user", "-n", "mode=tap,loopback=on");
	GOOD("-n", "mode=none");
	assert_int_equal(count(&virtio_net_kind), 0);
	GOOD("-n", "user", "--no-network");
	assert_int_equal(count(&virtio_net_kind), 0);
	GOOD("-n", "user", "-n", "none", "-n", "tap");
	assert_int_equal(count(&virtio_net_kind), 1);
	assert_int_equal(net(0)->mode, NET_MODE_TAP);
	BAD("--network mode=bridge: not known; it can be none, user, tap or vhost-user", "-n",
	    "mode=bridge");
	BAD("it can be virtio, pci or mmio", "-n", "trans=e1000");
	BAD("did you mean tapif?", "-n", "mode=tap,tapfi=x");
	BAD("not known", "-n", "mode=tap,");
	BAD("not known", "-n", "");
	BAD("--network tapif: it goes with mode=tap", "-n", "tapif=t,mode=user");
	BAD("--network hostfwd: it goes with mode=user", "-n", "hostfwd=tcp::1-:2,mode=tap");
	BAD("--network user: that is one too many; 8", "-nuser", "-nuser", "-nuser", "-nuser",
	    "-nuser", "-nuser", "-nuser", "-nuser", "-nuser");
}

static void test_net_values(void **state)
{
	static const u8 mac[6] = { 0x02, 0x15, 0xaB, 0, 0, 0xff };

	GOOD("-n",
	     "mode=tap,guest_mac=02:15:Ab:00:00:fF,script=/a,,b,downscript=d,queues=8,vhost=0");
	assert_memory_equal(net(0)->mac, mac, 6);
	assert_string_equal(net(0)->script, "/a,b");
	assert_string_equal(net(0)->downscript, "d");
	assert_int_equal(net(0)->queue_pairs, 8);
	GOOD("-n", "mode=tap,fd=5,host_ip=192.168.33.1,guest_ip=192.168.33.15");
	assert_int_equal(net(0)->fd, 5);
	assert_string_equal(net(0)->host_ip, "192.168.33.1");
	BAD("not an address like", "-n", "mac=02:15:15:15:15");
	BAD("not an address like", "-n", "mac=02:15:15:15:15:15:");
	BAD("not an address like", "-n", "mac=0g:15:15:15:15:15");
	BAD("not an address like", "-n", "mac=");
	BAD("one card", "-n", "mac=01:15:15:15:15:15");
	BAD("one card", "-n", "mac=00:00:00:00:00:00");
	GOOD("-n", "mode=tap,host_ip=10.0.0.1/8");
	assert_string_equal(net(0)->host_ip, "10.0.0.1/8");
	GOOD("-n", "mode=tap,host_ip=10.0.0.1/0");
	BAD("10.0.2.15/24", "-n", "host_ip=10.0.0.1/33");
	BAD("10.0.2.15/24", "-n", "host_ip=10.0.0.1/");
	BAD("10.0.2.15/24", "-n", "host_ip=10.0.0.1/-1");
	BAD("10.0.2.15/24", "-n", "host_ip=/24");
	BAD("leave out /BITS", "-n", "mode=user,host_ip=10.0.0.1/24");
	BAD("IPv4", "-n", "guest_ip=10.0.0.1/24");
	BAD("IPv4", "-n", "host_ip=1.2.3");
	BAD("IPv4", "-n", "guest_ip=::1");
	BAD("3 to 2147483647", "-n", "fd=1");
	BAD("3 to 2147483647", "-n", "fd=-1");
	BAD("3 to 2147483647", "-n", "fd=2147483648");
	BAD("leave out tapif=", "-n", "fd=4,tapif=x");
	BAD("1 to 8", "-n", "mq=9");
	BAD("vhost=0 would work", "-n", "vhost=1");
	BAD("1 to 15", "-n", "tapif=sixteen-letters-");
	BAD("1 to 15", "-n", "tapif=");
	BAD("1 to 15", "-n", "tapif=a/b");
	BAD("1 to 15", "-n", "tapif=..");
	GOOD("-n", "tapif=fifteen-letters");
	BAD("give it a PROGRAM", "-n", "script=");
}

static void test_hostfwd(void **state)
{
	const struct net_forward *forward;

	GOOD("-n", "mode=user,hostfwd=tcp:0.0.0.0:2222-10.0.2.15:22,hostfwd=udp::53-:5353,hostfwd="
		   "tcp:1-2");
	forward = net(0)->forwards;
	assert_int_equal(net(0)->nr_forwards, 3);
	assert_false(forward[0].udp);
	assert_string_equal(forward[0].host_address, "0.0.0.0");
	assert_int_equal(forward[0].host_port, 2222);
	assert_string_equal(forward[0].guest_address, "10.0.2.15");
	assert_int_equal(forward[0].guest_port, 22);
	assert_true(forward[1].udp);
	assert_null(forward[1].host_address);
	assert_null(forward[1].guest_address);
	assert_int_equal(forward[1].host_port, 53);
	assert_int_equal(forward[1].guest_port, 5353);
	assert_int_equal(forward[2].host_port, 1);
	BAD("would work", "-n", "hostfwd=");
	BAD("would work", "-n", "hostfwd=tcp");
	BAD("would work", "-n", "hostfwd=tcp:");
	BAD("would work", "-n", "hostfwd=tcp::-:");
	BAD("would work", "-n", "hostfwd=tcp::22");
	BAD("would work", "-n", "hostfwd=sctp::1-:2");
	BAD("would work", "-n", "hostfwd=tcp::0-:2");
	BAD("would work", "-n", "hostfwd=tcp::65536-:2");
	BAD("would work", "-n", "hostfwd=tcp::1-:0");
	BAD("would work", "-n", "hostfwd=tcp:host:1-:2");
	BAD("would work", "-n", "hostfwd=tcp:1.2.3.4.5:1-:2");
	BAD("would work", "-n", "hostfwd=tcp::1-::2");
	BAD("16 work", "-n",
	    "hostfwd=tcp:1-1,hostfwd=tcp:2-1,hostfwd=tcp:3-1,hostfwd=tcp:4-1,hostfwd=tcp:5-1,"
	    "hostfwd=tcp:6-1,hostfwd=tcp:7-1,hostfwd=tcp:8-1,hostfwd=tcp:9-1,hostfwd=tcp:10-1,"
	    "hostfwd=tcp:11-1,hostfwd=tcp:12-1,hostfwd=tcp:13-1,hostfwd=tcp:14-1,"
	    "hostfwd=tcp:15-1,hostfwd=tcp:16-1,hostfwd=tcp:17-1");
}

/* A message has room for a value of any length, and is still one line. */
static void test_long_words(void **state)
{
	static char word[8192];

	memset(word, 'x', sizeof(word) - 1);
	assert_int_equal(PARSE("-m", word), -EINVAL);
	assert_int_equal(PARSE("-d", "a", "-n", word), -EINVAL);
	assert_int_equal(PARSE("--loglevel", word), -EINVAL);
	memcpy(word, "--", 2);
	assert_int_equal(PARSE(word), -EINVAL);
	memcpy(word, "-x", 2);
	assert_int_equal(PARSE(word), -EINVAL);
	memset(word, ',', sizeof(word) - 1);
	GOOD("-d", word + 1);
	memcpy(word, "-n", 2);
	assert_int_equal(PARSE(word), -EINVAL);
}

static void test_list(void **state)
{
	char text[] = "a,,b,,,c,", *cursor = text;

	assert_string_equal(key_list_next(&cursor), "a,b,");
	assert_string_equal(key_list_next(&cursor), "c");
	assert_string_equal(key_list_next(&cursor), "");
	assert_null(key_list_next(&cursor));
	assert_null(key_list_next(&cursor));
}

static void test_nearest(void **state)
{
	struct nearest nearest = { .word = "rnu" };
	char far[70];

	assert_int_equal(nearest_distance("", ""), 0);
	assert_int_equal(nearest_distance("abc", ""), 3);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
	assert_int_equal(nearest_distance("rnu", "run"), 1);
	assert_int_equal(nearest_distance("kernal", "kernel"), 1);
	nearest_try(&nearest, "version");
	assert_null(nearest.best);
	nearest_try(&nearest, "run");
	assert_string_equal(nearest.best, "run");
	memset(far, 'a', sizeof(far) - 1);
	far[69] = '\0';
	assert_int_equal(nearest_distance(far, "a"), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cpus),	   TEST(test_memory),	  TEST(test_memory_backend),
		TEST(test_parse_size),	   TEST(test_strings),	  TEST(test_choices),
		TEST(test_flags),	   TEST(test_affinity),	  TEST(test_disks),
		TEST(test_too_many_disks), TEST(test_net_modes),  TEST(test_net_values),
		TEST(test_hostfwd),	   TEST(test_long_words), TEST(test_list),
		TEST(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
