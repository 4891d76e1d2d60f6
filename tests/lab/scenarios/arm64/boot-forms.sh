# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel as Image, compressed with gzip, and in an EFI zboot image.
# timeout: 240
boots_as Image Image.gz vmlinuz.efi
