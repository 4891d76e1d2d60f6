# SPDX-License-Identifier: GPL-2.0-or-later
# Accesses that convert pages, and one to broken memory (KVM_EXIT_MEMORY_FAULT), by a KVM whose software-protected guests
# say themselves of which kind an access is.
# host: kernel=proposed
# timeout: 600
bare_guests x86/'access-*' x86/'private-*' x86/leak x86/accept x86/poisoned
