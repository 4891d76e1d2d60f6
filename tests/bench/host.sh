# SPDX-License-Identifier: GPL-2.0-or-later
# In the emulated host: start-up, boot and memory of lkvm and of QEMU's microvm, in turns.
rounds=$1
qemu="$LAB_QEMU -M microvm,accel=kvm -cpu host -smp 1 -nodefaults -no-user-config -display none"
qemu="$qemu -no-reboot -serial stdio -monitor none"
lkvm="lkvm run --nodefaults -c 1"
cd "${LAB_TMP:-/tmp}"
truncate -s 64M bench.img

# The middle one of an odd number of figures.
median() {
	printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# turns NAME MARKER "LKVM COMMAND" "QEMU COMMAND": microseconds, medians of as many turns as asked for.
turns() {
	name=$1 marker=$2 a= b= i=0
	upto "$marker" $3 >/dev/null 2>err || { cat err; return 1; }
	upto "$marker" $4 >/dev/null 2>err || { cat err; return 1; }
	while [ $i -lt "$rounds" ]; do
		a="$a $(upto "$marker" $3 2>/dev/null)"
		b="$b $(upto "$marker" $4 2>/dev/null)"
		i=$((i + 1))
	done
	echo "# $name, microseconds: lkvm$a; microvm$b"
	a=$(median $a) b=$(median $b)
	awk -v n="$name" -v a="$a" -v b="$b" \
		'BEGIN { printf "%-34s %10.1f ms %10.1f ms   1/%.2f\n", n, a / 1000, b / 1000, b / a }'
}

# What a process holds for itself beside guest RAM: private dirty KiB, the largest mapping left out.
overhead() {
	awk '/^[0-9a-f]+-[0-9a-f]+ / { if (size > max) { max = size; ram = dirty } dirty = 0; size = 0 }
	     /^Size:/ { size = $2 } /^Private_Dirty:/ { dirty = $2; all += $2 }
	     END { if (size > max) { ram = dirty } print all - ram }' "/proc/$1/smaps"
}

memory() {
	set -- "$(upto -k "$2" $3 2>/dev/null)" "$1"
	pid=${1#* }
	sleep 1
	kib=$(overhead "$pid")
	kill -9 "$pid"
	echo "$kib"
}

echo "host: $(uname -r), $(awk -F: '/model name/ { print $2; exit }' /proc/cpuinfo), $rounds turns"
printf '%-34s %13s %13s   %s\n' "" lkvm microvm ratio
turns "start to first instructions" Ready "$lkvm -m 128 -k /bench/poweroff.elf" \
	"$qemu -m 128 -kernel /bench/poweroff.elf"
words="console=ttyS0 panic=-1 quiet lab.run=hello.sh lab.modules="
boot="lab-guest:"
# Words of the kernel's command line must stay one argument: a small wrapper each.
cat >boot-lkvm <<EOF
#!/bin/sh
exec $lkvm -m 256 -k $LAB_KERNEL -i $LAB_INITRD -p "$words"
EOF
cat >boot-qemu <<EOF
#!/bin/sh
exec $qemu -m 256 -kernel $LAB_KERNEL -initrd $LAB_INITRD -append "$words"
EOF
cat >memory-lkvm <<EOF
#!/bin/sh
exec $lkvm -m 128 -k $LAB_KERNEL -i $LAB_INITRD -d bench.img -n mode=user -p "$words lab.end=hang"
EOF
cat >memory-qemu <<EOF
#!/bin/sh
exec $qemu -m 128 -kernel $LAB_KERNEL -initrd $LAB_INITRD -append "$words lab.end=hang" \
	-drive if=none,id=d,format=raw,file=bench.img -device virtio-blk-device,drive=d \
	-netdev user,id=n -device virtio-net-device,netdev=n
EOF
chmod +x boot-lkvm boot-qemu memory-lkvm memory-qemu
turns "start to init, Debian kernel" "$boot" ./boot-lkvm ./boot-qemu
a=$(memory lkvm "$boot" ./memory-lkvm) b=$(memory qemu "$boot" ./memory-qemu)
awk -v a="$a" -v b="$b" 'BEGIN { printf "%-34s %9.1f MiB %9.1f MiB   1/%.2f\n",
	"private memory beside guest RAM", a / 1024, b / 1024, b / a }'
