# SPDX-License-Identifier: GPL-2.0-or-later
# The PL031 shows the host's time, Linux takes it for its own, and its alarm comes.
# timeout: 120
kernel stock
rtc_works rtc-pl031
expect_output "rtc: alarm"
