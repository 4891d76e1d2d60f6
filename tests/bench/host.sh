# SPDX-License-Identifier: GPL-2.0-or-later
# In the emulated host: start-up, boot, exits and memory of lkvm and of QEMU's microvm, in turns.
rounds=$1
cd "${LAB_TMP:-/tmp}"
mount -t debugfs none /sys/kernel/debug 2>/dev/null

# All that is timed is in memory: neither program may wait for the folder it was shared through.
cp -a "${LAB_QEMU%/bin/*}" qemu
cp "$LAB_KERNEL" kernel
cp "$LAB_INITRD" initrd
truncate -s 64M bench.img
qemu="$PWD/qemu/bin/${LAB_QEMU##*/} -M microvm,accel=kvm -cpu host -smp 1 -nodefaults -no-user-config"
qemu="$qemu -display none -no-reboot -serial stdio -monitor none"
lkvm="lkvm run --nodefaults -c 1"

# line NAME UNIT LKVM MICROVM [DIVISOR]
line() {
	awk -v n="$1" -v u="$2" -v a="$3" -v b="$4" -v d="${5:-1}" 'BEGIN {
		f = d == 1 ? "%12d" : "%12.1f"
		printf "%-34s " f " %-3s " f " %-3s   1/%.2f\n", n, a / d, u, b / d, u, a ? b / a : 0 }'
}

# The middle one of an odd number of figures.
median() {
	printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

best() {
	printf '%s\n' "$@" | sort -n | head -n 1
}

# turns COUNT NAME MARKER "LKVM COMMAND" "QEMU COMMAND": medians of that many turns, the best ones, which
# a busy machine disturbs least, and all of them in a comment. The first run of each warms the caches
# and is not counted.
turns() {
	local left=$1 name=$2 marker=$3 a= b=
	upto "$marker" $4 >/dev/null 2>err || { cat err; return 1; }
	upto "$marker" $5 >/dev/null 2>err || { cat err; return 1; }
	while [ "$left" -gt 0 ]; do
		a="$a $(upto "$marker" $4 2>/dev/null)"
		b="$b $(upto "$marker" $5 2>/dev/null)"
		left=$((left - 1))
	done
	line "$name" ms "$(median $a)" "$(median $b)" 1000
	line "  the best turn" ms "$(best $a)" "$(best $b)" 1000
	echo "#   microseconds: lkvm$a; microvm$b"
}

# command_file NAME: stdin becomes a program of that name. Words of a kernel's command line stay one argument.
command_file() {
	{ echo "#!/bin/sh"; cat; } >"$1"
	chmod +x "$1"
}

# What a process holds for itself, in KiB by kind of mapping and in all: private dirty pages outside the
# one mapping that is guest RAM. Of mapped files only what the process changed, "Anonymous" in smaps: the
# emulated host's file system is memory, whose every page counts as dirty.
overhead() {
	awk -v ram=$((128 * 1024)) '
		function end() {
			if (size >= ram) found++; else if (size) { kinds[kind] += own; all += own }
			size = 0
		}
		/^[0-9a-f]+-[0-9a-f]+ / {
			end()
			file = $6 ~ /^\//
			kind = NF < 6 ? "anonymous" : file ? "files" : $6
		}
		/^Size:/ { size = $2 }
		/^Private_Dirty:/ && !file { own = $2 }
		/^Anonymous:/ && file { own = $2 }
		END {
			end()
			printf "%s", found == 1 ? all : "?"
			for (k in kinds) if (kinds[k]) printf " %s %d,", k, kinds[k]
		}' "/proc/$1/smaps"
}

# snapshot MARKER COMMAND: sets exits, userspace, kib and where as they are when the guest is idle at MARKER.
snapshot() {
	local pid
	pid=$(upto -k "$1" "$2" 2>/dev/null) pid=${pid#* }
	sleep 1
	exits=$(cat /sys/kernel/debug/kvm/exits)
	userspace=$(($(cat /sys/kernel/debug/kvm/io_exits) + $(cat /sys/kernel/debug/kvm/mmio_exits)))
	where=$(overhead "$pid") kib=${where%% *}
	kill -9 "$pid"
	# The figures in debugfs are sums over all virtual machines.
	while [ "$(cat /sys/kernel/debug/kvm/exits)" != 0 ]; do sleep 0.1; done
}

words="console=ttyS0 panic=-1 quiet lab.run=hello.sh lab.modules="
command_file boot-lkvm <<EOF
exec $lkvm -m 256 -k kernel -i initrd -p "$words \$*"
EOF
command_file boot-qemu <<EOF
exec $qemu -m 256 -kernel kernel -initrd initrd -append "$words \$*"
EOF
command_file idle-lkvm <<EOF
exec $lkvm -m 128 -k kernel -i initrd -d bench.img -n mode=user -p "$words lab.end=hang"
EOF
command_file idle-qemu <<EOF
exec $qemu -m 128 -kernel kernel -initrd initrd -append "$words lab.end=hang" \
	-drive if=none,id=d,format=raw,file=bench.img -device virtio-blk-device,drive=d \
	-netdev user,id=n -device virtio-net-device,netdev=n
EOF

echo "host: $(uname -r), $(awk -F: '/model name/ { print $2; exit }' /proc/cpuinfo), $rounds turns," \
	"huge pages $(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/mm/transparent_hugepage/enabled)"
printf '%-34s %16s %16s   %s\n' "" lkvm microvm ratio
# Short turns are noisy ones, and cost little: four times as many.
turns $((rounds * 4 + 1)) "start to first instructions" Ready "$lkvm -m 128 -k /bench/poweroff.elf" \
	"$qemu -m 128 -kernel /bench/poweroff.elf"
turns "$rounds" "start to init, Debian kernel" lab-guest: ./boot-lkvm ./boot-qemu
snapshot lab-guest: ./idle-lkvm
a=$exits b=$userspace c=$kib d=$where
snapshot lab-guest: ./idle-qemu
line "exits until the guest is idle" "" "$a" "$exits"
line "of them ports and MMIO" "" "$b" "$userspace"
line "private memory beside guest RAM" MiB "$c" "$kib" 1024
echo "#   KiB: lkvm $d microvm $where"
