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


class Kernel:
    """A bzImage started without a firmware: Documentation/snp.md's layout, Linux's boot protocol."""

    SECRETS, CPUID, PARAMS, SETUP_DATA, TABLES, CMDLINE = 0x3000, 0x4000, 0x7000, 0x8000, 0x9000, 0x20000
    CMDLINE_END, VGA, ACPI, ACPI_END, HIGH, HOLE, FOUR_GIB = (
        0x30000, 0xA0000, 0xE0000, 0xF0000, 0x100000, 0xC0000000, 1 << 32)

    def __init__(self, image, initrd, cmdline, memory, c_bit=51):
        self.low, self.high = min(memory, self.HOLE), max(memory - self.HOLE, 0)
        get = lambda fmt, at: struct.unpack_from("<" + fmt, image, at)[0]
        setup = ((image[0x1F1] or 4) + 1) * 512
        self.code = image[setup:setup + get("I", 0x1F4) * 16]
        align, init_size = get("I", 0x230), get("I", 0x260)
        self.load = -(-max(get("Q", 0x258), self.HIGH) // align) * align
        end = self.load + max(init_size, len(self.code))
        top = min(self.low, get("I", 0x22C) + 1)
        self.initrd_at = (top - len(initrd)) & ~0xFFF if initrd else 0
        if initrd and self.initrd_at < end:
            self.initrd_at = (self.FOUR_GIB + self.high - len(initrd)) & ~0xFFF
        self.initrd = initrd
        self.first = bytearray(self.CMDLINE_END)
        self.put_entry(image, c_bit)
        self.first[self.CMDLINE:self.CMDLINE + len(cmdline)] = cmdline

    def put(self, at, fmt, *values):
        struct.pack_into("<" + fmt, self.first, at, *values)

    def memory_map(self):
        ram, reserved, acpi = 1, 2, 3
        return [(0, self.SECRETS, ram), (self.SECRETS, self.CPUID + PAGE, reserved),
                (self.CPUID + PAGE, 0x9FC00, ram), (0x9FC00, self.ACPI, reserved),
                (self.ACPI, self.ACPI_END, acpi), (self.ACPI_END, self.HIGH, reserved),
                (self.HIGH, self.low, ram), (0xE0000000, 0xE0100000, reserved),
                (0xFFFBC000, 0xFFFC0000, reserved)] + (
                    [(self.FOUR_GIB, self.FOUR_GIB + self.high, ram)] if self.high else [])

    def put_entry(self, image, c_bit):
        private = 1 << c_bit
        # GDT: 64-bit code at 0x10, data at 0x18.
        self.put(0x510, "QQ", 0x00AF9B000000FFFF, 0x00CF93000000FFFF)
        # boot_params
        at, size = self.PARAMS, min(0x202 + image[0x201] - 0x1F1, 0x7B)
        self.first[at + 0x1F1:at + 0x1F1 + size] = image[0x1F1:0x1F1 + size]
        self.put(at + 0x070, "Q", self.ACPI)
        self.put(at + 0x0C0, "II", self.initrd_at >> 32, 0)
        entries = self.memory_map()
        self.put(at + 0x1E8, "B", len(entries))
        self.put(at + 0x210, "BB", 0xFF, image[0x211] & 0x7F)
        self.put(at + 0x214, "I", self.load)
        self.put(at + 0x218, "II", self.initrd_at & 0xFFFFFFFF, len(self.initrd))
        self.put(at + 0x228, "I", self.CMDLINE)
        self.put(at + 0x250, "Q", self.SETUP_DATA)
        for i, (start, end, kind) in enumerate(entries):
            self.put(at + 0x2D0 + 20 * i, "QQI", start, end - start, kind)
        # setup_data: SETUP_CC_BLOB, then the blob
        self.put(self.SETUP_DATA, "QIIII", 0, 7, 48, self.SETUP_DATA + 24, 0)
        self.put(self.SETUP_DATA + 24, "IHHQIIQII", 0x45444D41, 0, 0, self.SECRETS, PAGE, 0, self.CPUID, PAGE, 0)
        # Page tables: 4 GiB in pages of 2 MiB
        flags = private | 3
        self.put(self.TABLES, "Q", self.TABLES + PAGE | flags)
        for i in range(4):
            self.put(self.TABLES + PAGE + 8 * i, "Q", self.TABLES + (2 + i) * PAGE | flags)
        for i in range(2048):
            self.put(self.TABLES + 2 * PAGE + 8 * i, "Q", i << 21 | 0x80 | flags)

    def vcpu(self, features):
        flat = segment(0x18, 0xC93, 0xFFFFFFFF)
        return save_area(
            {**common_fields(features), 0x0D0: ("Q", 0x1500), 0x148: ("Q", 0x60), 0x150: ("Q", self.TABLES),
             0x158: ("Q", 0x80000011), 0x178: ("Q", self.load + 0x200), 0x330: ("Q", self.PARAMS)},
            {0x00: flat, 0x10: segment(0x10, 0xA9B, 0xFFFFFFFF), 0x20: flat, 0x30: flat, 0x40: flat, 0x50: flat,
             0x60: segment(limit=0x1F, base=0x500), 0x70: segment(0, 0x82, 0xFFFF),
             0x90: segment(0, 0x8B, 0xFFFF)})

    def digest(self, vcpus, features=1):
        chain = Chain()
        first = bytes(self.first)
        chain.pages(NORMAL, 0, first[:self.SECRETS])
        chain.page(SECRETS, self.SECRETS)
        chain.page(CPUID, self.CPUID)
        chain.pages(NORMAL, self.CPUID + PAGE, first[self.CPUID + PAGE:])
        chain.pages(ZERO, self.CMDLINE_END, self.VGA - self.CMDLINE_END)
        chain.pages(UNMEASURED, self.ACPI, self.ACPI_END - self.ACPI)
        pieces = [(self.load & ~0xFFF, bytes(self.load & 0xFFF) + self.code)]
        if self.initrd:
            pieces.append((self.initrd_at, self.initrd))
        for start, end in ((self.HIGH, self.low), (self.FOUR_GIB, self.FOUR_GIB + self.high)):
            for at, data in pieces:
                if start <= at < end:
                    data += bytes(-len(data) % PAGE)
                    chain.pages(ZERO, start, at - start)
                    chain.pages(NORMAL, at, data)
                    start = at + len(data)
            chain.pages(ZERO, start, end - start)
        for i in range(vcpus):
            chain.page(VMSA, VMSA_GPA, reset_vcpu(0xFFFFFFF0, 0, features) if i else self.vcpu(features))
        return chain.digest


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    """firmware IMAGE VCPUS SIGNATURE [KERNEL INITRD CMDLINE], or kernel IMAGE INITRD CMDLINE MIB VCPUS"""
    kind, args = sys.argv[1], sys.argv[2:]
    if kind == "firmware":
        hashed = (read(args[3]), read(args[4]), args[5].encode()) if len(args) > 3 else None
        print(firmware_digest(read(args[0]), int(args[1]), int(args[2], 0), hashed).hex())
    else:
        kernel = Kernel(read(args[0]), read(args[1]), args[2].encode(), int(args[3]) << 20)
        print(kernel.digest(int(args[4])).hex())


if __name__ == "__main__":
    main()
