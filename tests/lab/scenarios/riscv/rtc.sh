# SPDX-License-Identifier: GPL-2.0-or-later
# The Goldfish RTC shows the host's time, and Linux takes it for its own. Its driver lets nobody ask for an
# alarm by a file, and busybox knows no other way: the unit test does.
# timeout: 120
rtc_works goldfish_rtc
