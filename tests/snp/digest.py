#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A second derivation of the SEV-SNP launch digest, from the specifications alone: nothing of lkvm is used.

SEV Secure Nested Paging Firmware ABI (56860), 8.17.2: the launch digest is a SHA-384 chain over a PAGE_INFO
structure a page. AMD64 Architecture Programmer's Manual volume 2, table B-4: the save area of a vCPU.
"""
import hashlib
import struct
import sys
import uuid

PAGE = 4096
NORMAL, VMSA, ZERO, UNMEASURED, SECRETS, CPUID = range(1, 7)
VMSA_GPA = 0xFFFFFFFFF000


class Chain:
    """GCTX.LD"""

    def __init__(self, start=bytes(48)):
        self.digest = start

    def page(self, kind, gpa, contents=None):
        digest = hashlib.sha384(contents).digest() if kind in (NORMAL, VMSA) else bytes(48)
        info = self.digest + digest + struct.pack("<HBBBBBBQ", 0x70, kind, 0, 0, 0, 0, 0, gpa)
        assert len(info) == 0x70
        self.digest = hashlib.sha384(info).digest()

    def pages(self, kind, gpa, size_or_bytes):
        data = size_or_bytes if isinstance(size_or_bytes, (bytes, bytearray)) else None
        size = len(data) if data is not None else size_or_bytes
        assert size % PAGE == 0
        for at in range(0, size, PAGE):
            self.page(kind, gpa + at, data[at:at + PAGE] if data is not None else None)


def segment(selector=0, attrib=0, limit=0, base=0):
    return struct.pack("<HHIQ", selector, attrib, limit, base)


def save_area(fields, segments):
    page = bytearray(PAGE)
    for at, value in segments.items():
        page[at:at + 16] = value
    for at, (fmt, value) in fields.items():
        struct.pack_into("<" + fmt, page, at, value)
    return bytes(page)


def common_fields(features):
    return {
        0x168: ("Q", 0xFFFF0FF0),            # DR6
        0x160: ("Q", 0x400),                 # DR7
        0x170: ("Q", 2),                     # RFLAGS
        0x268: ("Q", 0x0007040600070406),    # G_PAT
        0x3B0: ("Q", features),              # SEV_FEATURES
        0x3E8: ("Q", 1),                     # XCR0
        0x408: ("I", 0x1F80),                # MXCSR
        0x410: ("H", 0x37F),                 # x87 FCW
    }


def reset_vcpu(eip, signature, features=1):
    """Real mode, as a processor comes out of its reset."""
    data = segment(0, 0x93, 0xFFFF)
    return save_area(
        {**common_fields(features),
         0x0D0: ("Q", 0x1000), 0x148: ("Q", 0x40), 0x158: ("Q", 0x10),   # EFER, CR4, CR0
         0x178: ("Q", eip & 0xFFFF), 0x310: ("Q", signature)},           # RIP, RDX
        {0x00: data, 0x10: segment(0xF000, 0x9B, 0xFFFF, eip & 0xFFFF0000), 0x20: data, 0x30: data,
         0x40: data, 0x50: data, 0x60: segment(limit=0xFFFF), 0x70: segment(0, 0x82, 0xFFFF),
         0x80: segment(limit=0xFFFF), 0x90: segment(0, 0x8B, 0xFFFF)})


def hash_table(kernel, initrd, cmdline):
    def entry(guid, data):
        return uuid.UUID(guid).bytes_le + struct.pack("<H", 50) + hashlib.sha256(data).digest()

    body = (entry("97d02dd8-bd20-4c94-aa78-e7714d36ab2a", cmdline + b"\0")
            + entry("44baf731-3a2f-4bd7-9af1-41e29169781d", initrd)
            + entry("4de79437-abd2-427f-b835-d5b172d2045b", kernel))
    table = uuid.UUID("9438d606-4f22-4cc9-b479-a793d411fd21").bytes_le + struct.pack("<H", 18 + len(body)) + body
    return table + bytes(-len(table) % 16)


class Firmware:
    """What the table of GUIDs at an OVMF image's end says."""

    def __init__(self, image):
        self.image = image
        self.gpa = (1 << 32) - len(image)
        self.entries = {}
        end = len(image) - 32
        guid, size = self.entry_at(end)
        assert guid == "96b582de-1fb2-45f7-baea-a366c55a082d"
        first, at = end - size, end - 18
        while at > first:
            guid, size = self.entry_at(at)
            self.entries[guid] = image[at - size:at - 18]
            at -= size
        self.sections = []
        offset, = struct.unpack("<I", self.entries["dc886566-984a-4798-a75e-5585a7bf67cc"])
        at = len(image) - offset
        magic, size, version, count = struct.unpack_from("<4sIII", image, at)
        assert magic == b"ASEV" and version == 1
        for i in range(count):
            self.sections.append(struct.unpack_from("<III", image, at + 16 + 12 * i))

    def entry_at(self, end):
        size, = struct.unpack_from("<H", self.image, end - 18)
        return str(uuid.UUID(bytes_le=bytes(self.image[end - 16:end]))), size

    def reset_eip(self):
        return struct.unpack("<I", self.entries["00f771de-1a7e-4fcb-890e-68c77e2fb44e"][:4])[0]

    def table(self):
        return struct.unpack("<II", self.entries["7255371f-3a3b-4b04-927b-1da6efa8d454"])


def firmware_chain(chain, sections, hashes, table_gpa):
    for gpa, size, kind in sections:
        if kind == 0x10 and hashes:
            page = bytearray(size)
            page[table_gpa - gpa:table_gpa - gpa + len(hashes)] = hashes
            chain.pages(NORMAL, gpa, bytes(page))
        else:
            chain.pages({1: ZERO, 2: SECRETS, 3: CPUID, 4: ZERO, 0x10: ZERO}[kind], gpa, size)


def firmware_digest(image, vcpus, signature, hashed=None, features=1):
    firmware = Firmware(image)
    chain = Chain()
    chain.pages(NORMAL, firmware.gpa, image)
    hashes = hash_table(*hashed) if hashed else None
    firmware_chain(chain, firmware.sections, hashes, firmware.table()[0] if hashed else 0)
    for i in range(vcpus):
        chain.page(VMSA, VMSA_GPA,
                   reset_vcpu(firmware.reset_eip() if i else 0xFFFFFFF0, signature, features))
    return chain.digest


def main():
    image, vcpus, signature = open(sys.argv[1], "rb").read(), int(sys.argv[2]), int(sys.argv[3], 0)
    hashed = None
    if len(sys.argv) > 4:
        kernel, initrd, cmdline = sys.argv[4:7]
        hashed = (open(kernel, "rb").read(), open(initrd, "rb").read(), cmdline.encode())
    print(firmware_digest(image, vcpus, signature, hashed).hex())


if __name__ == "__main__":
    main()
