# SPDX-License-Identifier: GPL-2.0-or-later
# The Goldfish RTC shows the host's time, Linux takes it for its own, and its alarm comes.
# timeout: 120
rtc_works goldfish_rtc
