# SPDX-License-Identifier: GPL-2.0-or-later
# Until the console has the size that its argument tells: "ROWS COLUMNS", with a comma between.
want=$(echo "$1" | tr , ' ')
until [ "$(stty size)" = "$want" ]; do sleep 0.2; done
echo "size: $(stty size)"
