# SPDX-License-Identifier: GPL-2.0-or-later
# What an arm64 guest finds of its CPUs: the kernel's own words, and those of /proc and /sys.
grep -m 1 '^Features' /proc/cpuinfo
dmesg | sed -n 's/^\[[^]]*\] //; /PMU driver/p; /stolen time/p; /SVE: max/p; /Memory Tagging/p; /arch_timer: cp15/p; /cacheinfo/p; /psci: PSCI/p; /All CPU(s)/p'
sed -n 's/^ *\([0-9]*\): .*arm-pmu.*/pmu-irq: \1/p' /proc/interrupts
for cache in /sys/devices/system/cpu/cpu0/cache/index*; do
	[ ! -d "$cache" ] || echo "cache: L$(cat "$cache/level") $(cat "$cache/type") $(cat "$cache/size" 2>/dev/null) cpus $(cat "$cache/shared_cpu_list")"
done
awk '/^processor/ { n++ } END { print "cpus: " n }' /proc/cpuinfo
