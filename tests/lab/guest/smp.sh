# SPDX-License-Identifier: GPL-2.0-or-later
# Each CPU is given a process of its own, which says where it ran.
echo "cpus: $(grep -c ^processor /proc/cpuinfo)"
for cpu in $(awk '/^processor/ { print $3 }' /proc/cpuinfo); do
	taskset -c "$cpu" sh -c 'i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done
		read -r line </proc/self/stat; set -- ${line##*) }; echo "on ${37}"' >"/tmp/cpu$cpu" &
done
wait
echo "busy on $(cat /tmp/cpu* | sort -u | wc -l)"
topology=/sys/devices/system/cpu/cpu[0-9]*/topology
echo "packages: $(cat $topology/physical_package_id | sort -u | wc -l)"
echo "cores: $(cat $topology/core_id | sort -u | wc -l)"
