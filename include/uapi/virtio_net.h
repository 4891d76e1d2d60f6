/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP segmentation offload: constants of virtio 1.3, 5.1 and of Linux 6.2's tun that 6.1's headers lack. */
#ifndef LKVM_UAPI_VIRTIO_NET_H
#define LKVM_UAPI_VIRTIO_NET_H

#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_GUEST_USO4 54
#define VIRTIO_NET_F_GUEST_USO6 55
#define VIRTIO_NET_F_HOST_USO	56
#endif

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#endif
